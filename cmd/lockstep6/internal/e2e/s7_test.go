package e2e

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Scenario S7: one node is started with another pool, key or hash. The others and it report that, after a handful of
// exchanges, and name what differs as far as can be known.

const (
	// handful is how many clients get their leases from each node.
	handful = 6
	// odd is the number of the node that has another file.
	odd = 1

	otherKey = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

func TestS7Divergence(t *testing.T) {
	t.Parallel()
	const (
		unexplained = "in pool 2001:db8:1::/64 its leases don't follow from this node's key, hash and pools"
		noPool      = "its clients ask it for leases in no pool of link home"
		accepted    = "in pool 2001:db8:1::/64 it uses a key that is only accepted here"
	)
	cases := map[string]struct {
		change           func(s *Shared)
		ofOthers, ofThis string // what the odd node reports of the others, and they of it
	}{
		"key":  {func(s *Shared) { s.Key = otherKey }, unexplained, unexplained},
		"hash": {func(s *Shared) { s.Hash = "sha256" }, unexplained, unexplained},
		"pool elsewhere": {
			func(s *Shared) { s.Addresses = "2001:db8:1:77::/64" }, noPool, noPool,
		},
		"pool that is smaller": {
			func(s *Shared) { s.Addresses = "2001:db8:1:0:ff00::/72" }, noPool, unexplained,
		},
		"key that is being changed": {
			func(s *Shared) { s.Key = "{use: " + otherKey + ", accept: [" + s.Key + "]}" }, accepted, unexplained,
		},
	}
	for name, given := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same := preferred("identical")
			other := same
			given.change(&other)
			c := NewLab(t).NewCluster(same, other, same)
			askEach(t, c, c.Crowd())
			for i, n := range c.Nodes {
				for k, peer := range c.Nodes {
					switch {
					case i == k:
					case i == odd:
						wantReport(t, n, peer, given.ofOthers)
					case k == odd:
						wantReport(t, n, peer, given.ofThis)
					default:
						for _, l := range n.logged("peer-diverges", "peer", peer.Name) {
							t.Errorf("node %s says of node %s, which has the same file: %v", n.Name, peer.Name, l)
						}
					}
				}
			}
		})
	}
}

// askEach lets a handful of clients get their leases from each node.
func askEach(t *testing.T, c *Cluster, crowd *Crowd) {
	t.Helper()
	for i, n := range c.Nodes {
		for k := range handful {
			client := crowd.agent.Client(crowd.link, uint32(firstOwn+i*handful+k))
			client.only = n.DUID
			if l, err := client.Acquire(patience); err != nil || !n.DUID.Equal(l.Server) {
				t.Fatalf("node %s gave %v of %v, %v", n.Name, l, l.Server, err)
			}
		}
	}
}

// wantReport waits until the node's log says in what the peer differs, with an example that its clients can be found by.
func wantReport(t *testing.T, n, peer *Node, want string) {
	t.Helper()
	var lines []LogLine
	n.host.eventually("a report that node "+peer.Name+" has another configuration: "+want, func() bool {
		lines = n.logged("peer-diverges", "peer", peer.Name, "finding", want)
		return len(lines) > 0
	})
	if len(lines) != 1 || lines[0]["level"] != "WARN" {
		t.Errorf("node %s says it %d times, want one warning: %v", n.Name, len(lines), lines)
	}
	example, _ := lines[0]["example"].(string)
	duid, _ := lines[0]["duid"].(string)
	if parseLease(t, example); !strings.HasPrefix(duid, "00:03:00:01:02:00:") {
		t.Errorf("the example isn't one of the clients': %v", lines[0])
	}
}

// A node with another cluster.id is a foreign server to the others, and they are to it.
func TestS7OtherCluster(t *testing.T) {
	t.Parallel()
	same := preferred("identical")
	other := same
	other.ID = "0d3c4b52-9f0e-4e4c-8a51-3f6f0f1f2c33"
	c := NewLab(t).NewCluster(same, other, same)
	crowd := c.Crowd()
	askEach(t, c, crowd)
	for i, n := range c.Nodes {
		foreign, peers := n.heardAll(t, c, crowd)
		for k, other := range c.Nodes {
			duid := hex.EncodeToString(other.DUID.ToBytes())
			switch {
			case k == i:
			case i == odd || k == odd: // they don't know each other
				if foreign[duid] < handful {
					t.Errorf("node %s heard %d messages for the foreign server %s, node %s, want %d", n.Name, foreign[duid], duid, other.Name, handful)
				}
				if i == odd && peers[other.Name] != 0 {
					t.Errorf("node %s heard %d Requests for its peer %s, which is in another cluster", n.Name, peers[other.Name], other.Name)
				}
			case peers[other.Name] < handful || foreign[duid] > 0:
				t.Errorf("node %s heard %d Requests for its peer %s, want %d, and took %d messages for foreign ones",
					n.Name, peers[other.Name], other.Name, handful, foreign[duid])
			}
		}
	}
}

// heardAll is what the node has heard once it has read what clients said to the other nodes: that may wait to be read,
// or was shed on a busy machine; then clients ask once more.
func (n *Node) heardAll(t *testing.T, c *Cluster, crowd *Crowd) (foreign, peers map[string]int) {
	t.Helper()
	polls := 0
	n.host.eventually("what clients said to the other nodes", func() bool {
		if polls++; polls%40 == 0 {
			askEach(t, c, crowd)
		}
		foreign, peers = n.heard(t)
		return !slices.ContainsFunc(c.Nodes, func(other *Node) bool {
			return other != n && foreign[hex.EncodeToString(other.DUID.ToBytes())]+peers[other.Name] < handful
		})
	})
	return foreign, peers
}

// heard is how many messages the node has heard that name servers outside of its cluster, by DUID in plain hexadecimal,
// and how many Requests that name its peers, by name.
func (n *Node) heard(t *testing.T) (foreign, peers map[string]int) {
	t.Helper()
	body := n.told("/v1/peers")
	var state struct {
		Foreign []struct {
			DUID     string
			Messages int
		}
		Peers []struct {
			Name     string
			Messages map[string]int
		}
	}
	if err := json.Unmarshal(body, &state); err != nil {
		t.Fatalf("/v1/peers: %v\n%s", err, body)
	}
	foreign, peers = map[string]int{}, map[string]int{}
	for _, f := range state.Foreign {
		foreign[strings.ReplaceAll(f.DUID, ":", "")] += f.Messages
	}
	for _, p := range state.Peers {
		peers[p.Name] = p.Messages["Request"]
	}
	return foreign, peers
}
