package e2e

import (
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"
)

// Scenario S4: three nodes in each model, with preferences 255, 0 and 100. The client picks the favoured node; the others
// stay silent at Request and remember.

// clusterClients are the clients that take part where there are several nodes. Of them dhclient alone waits for a node
// of preference 255 as RFC 9915, Section 18.2.1, has it: dhcpcd 9.4 takes the first Advertise, dibbler sometimes doesn't
// wait its second. Where the other nodes are silent at first (`favour: delay`) all of them find the favoured one.
var clusterClients = []Client{Dhclient{}, Dhcpcd{}, Dibbler{}}

func TestS4Favoured(t *testing.T) {
	t.Parallel()
	ways := map[string]Relay{
		"link": nil, "dhcrelay": IscRelay{}, "dibbler": DibblerRelay{InterfaceID: 5020, Multicast: true}, "wide": WideRelay{Multicast: true},
	}
	for _, model := range models {
		for _, favour := range []string{"preference", "delay"} {
			for way, relay := range ways {
				multicasts := way == "dibbler" || way == "wide"
				if multicasts && (model != "identical" || favour != "preference") || way == "link" && favour == "delay" {
					continue // what a relay does has nothing to do with the model
				}
				t.Run(model+"/"+favour+"/"+way, func(t *testing.T) {
					t.Parallel()
					file := preferred(model)
					file.Favour = favour
					c := NewLab(t).NewCluster(file)
					if relay != nil {
						c.Relay(relay)
					}
					oneServer(t, c, favour == "delay")
				})
			}
		}
	}
}

// oneServer lets all clients get their leases and looks at what each node did. With strict all of them must have found
// the favoured node, else only dhclient.
func oneServer(t *testing.T, c *Cluster, strict bool) {
	t.Helper()
	type grant struct {
		by     int
		duid   string
		leases []netip.Prefix
	}
	var grants []grant
	for _, h := range startClients(c) {
		by, leases := h.served(t, c)
		if by != 0 && (strict || h.client == (Dhclient{})) && !late(c.Nodes[0], h.duid()) {
			t.Errorf("%s took node %s, not %s", h.Name, c.Nodes[by].Name, c.Nodes[0].Name)
		}
		grants = append(grants, grant{by, h.duid(), leases})
	}
	for i, n := range c.Nodes {
		wantRole(t, c, i, strict)
		want := map[netip.Prefix]Holding{}
		for _, g := range grants {
			for _, l := range g.leases {
				want[l] = Holding{DUID: g.duid}
				if g.by != i {
					want[l] = Holding{g.duid, c.Nodes[g.by].Name}
				}
			}
		}
		var got map[netip.Prefix]Holding
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("node %s lists (-want +got)\n%s", n.Name, cmp.Diff(want, got, byString))
			}
		})
		n.host.eventually("its own bindings and those of the others", func() bool {
			got = n.listed()
			return maps.Equal(got, want)
		})
		n.Stop()
		if diff := cmp.Diff(want, n.stored(), byString); diff != "" {
			t.Errorf("the store of node %s (-want +got)\n%s", n.Name, diff)
		}
	}
	c.Nodes[0].tap.Judge()
}

// A gatewayHost is a host on which a client program asks for an address and a prefix.
type gatewayHost struct {
	*Host
	client Client
}

// startClients plugs one host in for each of the client programs and lets it ask for an address and a prefix.
func startClients(c *Cluster) (hosts []gatewayHost) {
	c.t.Helper()
	for _, program := range clusterClients {
		hosts = append(hosts, gatewayHost{c.Client(program.Name()), program})
	}
	for _, h := range hosts {
		h.client.Start(h.Host, Wish{Addresses: 1, Prefixes: 1})
	}
	return hosts
}

// duid is the client's, in plain hexadecimal: all of them make a DUID-LL.
func (h gatewayHost) duid() string {
	return "00030001" + strings.ReplaceAll(h.MAC("eth0"), ":", "")
}

// served waits until a node has answered the client's Request and the client has what the Reply grants, and nothing
// else. It returns the node's number and the leases.
func (h gatewayHost) served(t *testing.T, c *Cluster) (by int, leases []netip.Prefix) {
	t.Helper()
	var reply *Packet
	h.eventually("a Reply to its Request", func() bool {
		for i, n := range c.Nodes {
			for _, p := range n.tap.Packets() {
				if p.Own && p.Inner != nil && p.Inner.MessageType == dhcpv6.MessageTypeReply && clientOf(&p) == h.duid() {
					by, reply = i, &p
				}
			}
		}
		return reply != nil
	})
	addresses, prefixes := granted(reply), delegations(reply)
	if len(addresses) != 1 || len(prefixes) != 1 || !clusterAddresses.Contains(addresses[0]) || !clusterPrefixes.Contains(prefixes[0].Addr()) {
		t.Fatalf("%s was granted %v and %v", h.Name, addresses, prefixes)
	}
	h.eventually("what the Reply grants", func() bool { return h.holds(addresses[0], prefixes[0]) })
	return by, []netip.Prefix{netip.PrefixFrom(addresses[0], 128), prefixes[0]}
}

// holds tells whether the client has this address and no other, and was never delegated another prefix.
func (h gatewayHost) holds(a netip.Addr, p netip.Prefix) bool {
	delegated := h.client.Got(h.Host).Prefixes
	return slices.Equal(h.GlobalAddresses("eth0"), []netip.Addr{a}) && len(delegated) > 0 &&
		!slices.ContainsFunc(delegated, func(other netip.Prefix) bool { return other != p })
}

// clientOf is the DUID of a message's client, in plain hexadecimal.
func clientOf(p *Packet) string {
	if id := p.Inner.Options.ClientID(); id != nil {
		return hex.EncodeToString(id.ToBytes())
	}
	return ""
}

// wantRole fails the test unless a node heard the Requests of all clients and answered those alone that name it. It must
// have made offers with its preference, or with silent none where it isn't favoured, but to clients that the favoured node answered late.
func wantRole(t *testing.T, c *Cluster, i int, silent bool) {
	t.Helper()
	n := c.Nodes[i]
	requests := map[string]bool{}
	n.host.eventually("the Requests of all clients", func() bool {
		for _, p := range n.tap.Packets() {
			if p.Inner != nil && !p.Own && p.Inner.MessageType == dhcpv6.MessageTypeRequest {
				requests[clientOf(&p)] = true
			}
		}
		return len(requests) == len(clusterClients)
	})
	offers, early := 0, 0 // early: to clients that the favoured node answered in time
	mine := map[dhcpv6.TransactionID]bool{}
	for _, p := range n.tap.Packets() {
		switch {
		case p.Inner == nil:
		case !p.Own && p.Inner.MessageType == dhcpv6.MessageTypeRequest:
			mine[p.Inner.TransactionID] = n.DUID.Equal(p.Inner.Options.ServerID())
		case p.Own && p.Inner.MessageType == dhcpv6.MessageTypeReply && !mine[p.Inner.TransactionID]:
			t.Errorf("node %s answers a Request for another one\n%s", n.Name, p.Inner.Summary())
		case p.Own && p.Inner.MessageType == dhcpv6.MessageTypeAdvertise:
			if offers++; !late(c.Nodes[0], clientOf(&p)) {
				early++
			}
			want := [3]uint8{255, 0, 100}[i]
			if got := p.Inner.Options.Preference(); got != want || (got != 0) != (p.Inner.GetOneOption(dhcpv6.OptionPreference) != nil) {
				t.Errorf("node %s offers with preference %d, want %d, and no option for 0\n%s", n.Name, got, want, p.Inner.Summary())
			}
		}
	}
	if silent = silent && i > 0; silent && early > 0 || !silent && offers == 0 {
		t.Errorf("node %s made %d offers, %d of them early; want it silent: %v", n.Name, offers, early, silent)
	}
}

// lateAfter is less than clients and nodes wait for the favoured node.
const lateAfter = 500 * time.Millisecond

// late tells whether a client may have taken another node than the favoured one, and others may have made offers to it, for the favoured one answered late, as it
// does on a busy machine, or the client has asked again.
func late(favoured *Node, duid string) bool {
	var asked, answered time.Time
	for _, p := range favoured.tap.Packets() {
		switch {
		case p.Inner == nil || clientOf(&p) != duid:
		case !p.Own && p.Inner.MessageType == dhcpv6.MessageTypeSolicit:
			if asked.IsZero() {
				asked = p.Time
			}
			if p.Inner.Options.ElapsedTime() >= lateAfter {
				return true
			}
		case p.Own && p.Inner.MessageType == dhcpv6.MessageTypeAdvertise && answered.IsZero():
			answered = p.Time
		}
	}
	return answered.IsZero() || answered.Sub(asked) >= lateAfter
}
