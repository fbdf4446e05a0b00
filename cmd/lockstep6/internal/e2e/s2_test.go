package e2e

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"
)

// Scenario S2: a home gateway gets an address and a delegated prefix in one exchange, through one and two relays,
// with Interface-ID echoed; several IAs in one message.

// behindRelays is a single node for clients behind relays; the link is told by the link-address. The server listens
// on its interface, where unicast reaches it too.
const behindRelays = `
listen: {interfaces: [eth0]}
options:
  dns-servers: ["2001:db8::53", "2001:db8::54"]
  domain-search: [example.net, example.org]
links:
  - name: home
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: 2001:db8:1::/64}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
`

// Addresses of the relayed labs: the server's, and the two relays' towards it and towards the clients.
const (
	serverAddress = "2001:db8:ffff::1"
	outerAbove    = "2001:db8:ffff::2"
	outerBelow    = "2001:db8:fffe::1"
	innerAbove    = "2001:db8:fffe::2"
	linkAddress   = "2001:db8:1::fffe"
)

// newRelayed makes a lab whose client is behind one relay, or two where outer isn't nil.
func newRelayed(t *testing.T, inner, outer Relay) *bench {
	t.Helper()
	return newRelayedWith(t, calm+behindRelays, inner, outer)
}

func newRelayedWith(t *testing.T, config string, inner, outer Relay) *bench {
	t.Helper()
	b := &bench{Lab: NewLab(t)}
	b.lan = b.Segment("lan")
	core := b.Segment("core")
	host := b.Host("server")
	host.Plug(core, "eth0", serverAddress+"/64")
	b.run("ip", "-n", host.ns, "route", "add", "default", "via", outerAbove)
	b.tap = host.Capture("eth0")
	b.server = host.Serve(config)

	near := b.Host("relay1")
	near.Plug(b.lan, "eth0", linkAddress+"/64")
	if outer == nil {
		near.Plug(core, "eth1", outerAbove+"/64")
		inner.Start(near, serverAddress)
	} else {
		middle := b.Segment("middle")
		near.Plug(middle, "eth1", innerAbove+"/64")
		far := b.Host("relay2")
		far.Plug(middle, "eth0", outerBelow+"/64")
		far.Plug(core, "eth1", outerAbove+"/64")
		outer.Start(far, serverAddress)
		inner.Start(near, outerBelow)
	}
	b.client = b.Host("client")
	b.client.Plug(b.lan, "eth0")
	return b
}

// wantEchoes fails the test unless each relay header of the answer is its question's: the same addresses, hop count
// and Interface-ID.
func wantEchoes(t *testing.T, question, answer *Packet, levels int) {
	t.Helper()
	type level struct {
		Hops       uint8
		Link, Peer string
		Interface  []byte
	}
	read := func(m dhcpv6.DHCPv6) []level {
		var all []level
		for {
			r, ok := m.(*dhcpv6.RelayMessage)
			if !ok {
				return all
			}
			all = append(all, level{r.HopCount, net.IP(r.LinkAddr).String(), net.IP(r.PeerAddr).String(), bytes.Clone(r.Options.InterfaceID())})
			m = r.Options.RelayMessage()
		}
	}
	want := read(question.Message)
	if len(want) != levels {
		t.Errorf("the question came through %d relays, want %d", len(want), levels)
	}
	if diff := cmp.Diff(want, read(answer.Message)); diff != "" {
		t.Errorf("relay headers of the answer (-question +answer)\n%s", diff)
	}
	if !slices.ContainsFunc(want, func(l level) bool { return len(l.Interface) > 0 }) {
		t.Error("no relay sent an Interface-ID")
	}
}

// gateway lets a client ask for addresses and prefixes and compares what it got with what the Reply granted.
func gateway(t *testing.T, b *bench, c Client, w Wish, levels int) {
	t.Helper()
	start := time.Now()
	running := c.Start(b.client, w)
	question, reply := b.tap.Answered(dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeReply, start)
	wantEchoes(t, question, reply, levels)
	addresses, prefixes := granted(reply), delegations(reply)
	if len(addresses) != w.Addresses || len(prefixes) != w.Prefixes {
		t.Fatalf("the Reply grants %v and %v, want %d addresses and %d prefixes", addresses, prefixes, w.Addresses, w.Prefixes)
	}
	distinct(t, addresses, prefixes)
	b.client.eventually("all addresses and prefixes of the Reply", func() bool {
		has, got := b.client.GlobalAddresses("eth0"), c.Got(b.client).Prefixes
		return len(has) == len(addresses) && containsAll(has, addresses) && containsAll(got, prefixes)
	})
	wantOptions(t, c, b.client)
	leaving := time.Now()
	c.Release(running)
	if c != (Networkd{}) {
		b.tap.Answered(dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeReply, leaving)
	}
	b.tap.Judge()
}

// distinct fails the test unless all leases lie in their pools and none is given twice.
func distinct(t *testing.T, addresses []netip.Addr, prefixes []netip.Prefix) {
	t.Helper()
	seen := map[netip.Prefix]bool{}
	for _, a := range addresses {
		if !pool.Contains(a) {
			t.Errorf("%v isn't in the pool %v", a, pool)
		}
		prefixes = append(slices.Clip(prefixes), netip.PrefixFrom(a, a.BitLen()))
	}
	for _, p := range prefixes {
		if seen[p] {
			t.Errorf("%v is granted twice", p)
		}
		seen[p] = true
		if p.Bits() != 128 && (p.Bits() != 56 || !delegated.Contains(p.Addr()) || p != p.Masked()) {
			t.Errorf("%v isn't a /56 of %v", p, delegated)
		}
	}
}

func containsAll[T comparable](all, wanted []T) bool {
	for _, w := range wanted {
		if !slices.Contains(all, w) {
			return false
		}
	}
	return true
}

func TestS2Gateway(t *testing.T) {
	relays := map[string]struct{ inner, outer Relay }{
		"dibbler":      {inner: DibblerRelay{InterfaceID: 5020}},
		"wide":         {inner: WideRelay{}},
		"wide-dibbler": {inner: WideRelay{}, outer: DibblerRelay{Unicast: outerBelow, InterfaceID: 7}},
	}
	for name, r := range relays {
		for _, c := range clients {
			t.Run(name+"/"+c.Name(), func(t *testing.T) {
				t.Parallel()
				levels := 1
				if r.outer != nil {
					levels = 2
				}
				gateway(t, newRelayed(t, r.inner, r.outer), c, Wish{Addresses: 1, Prefixes: 1}, levels)
			})
		}
	}
}

// Several IAs of both kinds in one message. dhclient sends more than one IA_NA and IA_PD with repeated -N and -P;
// networkd has one of each and takes no part.
func TestS2SeveralIAs(t *testing.T) {
	for _, c := range []Client{Dhclient{}, Dhcpcd{}, Dibbler{}, Wide{}} {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			gateway(t, newRelayed(t, DibblerRelay{InterfaceID: 5020}, nil), c, Wish{Addresses: 2, Prefixes: 2}, 1)
		})
	}
}
