package e2e

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// Scenario S5: the favoured node is killed in the middle of load. Every client keeps its address and its prefix, at Rebind
// or at a new Solicit; nobody gets a second one.

const (
	// firstOwn is the number of the first own client: those below could be the MAC address, and so the DUID, of a real one.
	firstOwn = 1000
	// crowdSize is how many own clients S5 has.
	crowdSize = 400
	// repliesBeforeKill is with which of their Replies the favoured node dies.
	repliesBeforeKill = crowdSize / 2
)

func TestS5Killed(t *testing.T) {
	t.Parallel()
	for _, model := range models {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			file := preferred(model)
			file.Lifetimes, file.Favour = brisk, "delay" // so that all of the real clients take the favoured node
			c := NewLab(t).NewCluster(file)
			c.Relay(IscRelay{})
			crowd := c.Crowd()
			hosts := startClients(c)
			has := map[gatewayHost][]netip.Prefix{} // those of the favoured node
			for _, h := range hosts {
				by, leases := h.served(t, c)
				if by == 0 {
					has[h] = leases
				} else if !late(c.Nodes[0], h.duid()) {
					t.Errorf("%s took node %s, not %s", h.Name, c.Nodes[by].Name, c.Nodes[0].Name)
				}
			}

			favoured := c.Nodes[0]
			crowd.book.set(repliesBeforeKill, func() { favoured.Signal(syscall.SIGKILL) })
			all := between(firstOwn, firstOwn+crowdSize)
			crowd.Acquire(all)
			favoured.Kill()
			killed := time.Now()
			orphans := wantServers(t, crowd, c)

			// Some of those whose server died notice at T2, the others start anew, as after a reboot.
			half := len(orphans) / 2
			crowd.Rebind(orphans[:half])
			crowd.Acquire(orphans[half:])
			wantSettled(t, crowd, all)
			for _, n := range orphans {
				if l, _ := crowd.book.lease(n); favoured.DUID.Equal(l.Server) {
					t.Errorf("client %d still has %v by the dead node", n, l)
				}
			}
			for h, leases := range has {
				h.survives(c, leases, killed)
			}
			c.Nodes[2].tap.Judge()
		})
	}
}

// wantServers returns the clients that the favoured node had served. It fails the test unless they are about as many as
// were answered before it was killed, and all others have another server.
func wantServers(t *testing.T, crowd *Crowd, c *Cluster) (orphans []uint32) {
	t.Helper()
	others := 0
	for _, n := range crowd.book.clients() {
		if l, _ := crowd.book.lease(n); c.Nodes[0].DUID.Equal(l.Server) {
			orphans = append(orphans, n)
		} else {
			others++
		}
	}
	t.Logf("%d clients were served before the kill, %d after it", len(orphans), others)
	if len(orphans) < repliesBeforeKill || others == 0 {
		t.Errorf("node %s served %d of %d clients; want it killed in the middle", c.Nodes[0].Name, len(orphans), crowdSize)
	}
	return orphans
}

// wantSettled fails the test unless every client has a lease, no two have the same, and none was ever told another one.
func wantSettled(t *testing.T, crowd *Crowd, all []uint32) {
	t.Helper()
	if got := crowd.book.clients(); len(got) != len(all) {
		t.Errorf("%d of %d clients have a lease", len(got), len(all))
	}
	for _, d := range crowd.book.duplicates() {
		t.Errorf("%v is held by two clients", d)
	}
	for _, w := range crowd.book.wrong {
		t.Error(w)
	}
}

// survives waits until another node than the favoured one has extended at Rebind what the client has, and fails the test
// where it has anything else. dibbler sends a Rebind for each IA.
func (h gatewayHost) survives(c *Cluster, has []netip.Prefix, since time.Time) {
	h.lab.t.Helper()
	h.eventually("another node to extend its lease at Rebind", func() bool {
		if !h.holds(has[0].Addr(), has[1]) {
			h.lab.t.Fatalf("%s has %v and was delegated %v; had %v", h.Name, h.GlobalAddresses("eth0"), h.client.Got(h.Host).Prefixes, has)
		}
		var extended []netip.Prefix
		for _, n := range c.Nodes[1:] {
			extended = append(extended, n.tap.rebound(h.duid(), since)...)
		}
		return containsAll(extended, has)
	})
}

// rebound are the leases that the captured node has granted in answer to a client's Rebinds.
func (c *Capture) rebound(duid string, since time.Time) (all []netip.Prefix) {
	rebinds := map[dhcpv6.TransactionID]bool{}
	for _, p := range c.Packets() {
		switch {
		case p.Inner == nil || p.Time.Before(since) || clientOf(&p) != duid:
		case p.Inner.MessageType == dhcpv6.MessageTypeRebind:
			rebinds[p.Inner.TransactionID] = true
		case p.Own && rebinds[p.Inner.TransactionID]:
			for _, a := range granted(&p) {
				all = append(all, netip.PrefixFrom(a, 128))
			}
			all = append(all, delegations(&p)...)
		}
	}
	return all
}
