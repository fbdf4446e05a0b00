package policy

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// relayed is a packet that went through relays, the innermost one first.
func relayed(inward ...wire.Relay) *wire.Packet {
	pkt := &wire.Packet{RelayCount: len(inward)}
	for i, relay := range inward {
		pkt.Relays[len(inward)-1-i] = relay
	}
	return pkt
}

func at(link string) [16]byte { return netip.MustParseAddr(link).As16() }

// selecting is a policy that has only links, of a single node.
func selecting(t testing.TB, interfaces []string, links ...config.Link) *Policy {
	t.Helper()
	p, err := Compile(&config.Config{Listen: config.Listen{Interfaces: interfaces}, Links: links}, Input{SingleDUID: []byte{0, 4, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func match(name, interfaces, linkAddresses, ids string) config.Link {
	l := config.Link{Name: name, Interfaces: strings.Fields(interfaces)}
	for _, p := range strings.Fields(linkAddresses) {
		l.LinkAddress = append(l.LinkAddress, netip.MustParsePrefix(p))
	}
	for _, id := range strings.Fields(ids) {
		l.InterfaceIDs = append(l.InterfaceIDs, []byte(id))
	}
	return l
}

func relayMatch(name, relay, ids string) config.Link {
	l := match(name, "", "", ids)
	l.RelayIDs = [][]byte{[]byte(relay)}
	return l
}

func TestSelectLink(t *testing.T) {
	p := selecting(t, []string{"eth0", "eth1", "eth2"},
		match("lan", "eth1", "2001:db8:1::/64", ""),
		match("wide", "", "2001:db8::/32 ::/0", ""),
		match("host", "", "2001:db8:1::5/128", ""),
		match("named", "", "fe80::1/128", ""),
		match("port", "", "", "ge-0/0/1"),
		match("olt-a", "", "2001:db8:a::/64", "1/1 1/2"),
		match("olt-b", "", "2001:db8:b::/64", "1/1"),
		match("olt-any", "", "", "1/1"),
		match("dsl", "eth2", "", ""),
	)
	relay := func(link, id string) wire.Relay {
		return wire.Relay{LinkAddress: at(link), InterfaceID: []byte(id)}
	}
	tests := []struct {
		name   string
		pkt    *wire.Packet
		listen uint16
		want   string
	}{
		{"direct", relayed(), 2, "lan"},
		{"direct by another interface", relayed(), 3, "dsl"},
		{"direct by an interface without link", relayed(), 1, ""},
		{"direct by no interface", relayed(), 0, ""},
		{"direct by an interface that isn't there", relayed(), 4, ""},
		{"link-address", relayed(relay("2001:db8:1::1", "")), 0, "lan"},
		{"longest prefix", relayed(relay("2001:db8:1::5", "")), 0, "host"},
		{"shorter prefix", relayed(relay("2001:db8:2::1", "")), 0, "wide"},
		{"shortest prefix", relayed(relay("2001:db9::1", "")), 0, "wide"},
		{"link-address comes before the interface", relayed(relay("2001:db8:1::1", "")), 3, "lan"},
		{"innermost link-address", relayed(relay("2001:db8:1::1", ""), relay("2001:db8:1::5", "")), 0, "lan"},
		{"lightweight relay inside a relay", relayed(relay("::", "x"), relay("2001:db8:1::5", "")), 3, "host"},
		{"only a lightweight relay", relayed(relay("::", "x")), 3, "dsl"},
		{"only lightweight relays, no interface", relayed(relay("::", "x"), relay("::", "")), 0, ""},
		{"link-local", relayed(relay("fe80::2", "")), 2, ""},
		{"link-local that is configured", relayed(relay("fe80::1", "")), 0, "named"},
		{"link-local inside a relay", relayed(relay("fe80::2", ""), relay("2001:db8:1::1", "")), 2, ""},
		{"link-local with an Interface-ID", relayed(relay("fe80::2", "ge-0/0/1")), 0, "port"},
		{"Interface-ID comes before link-address", relayed(relay("2001:db8:1::1", "ge-0/0/1")), 2, "port"},
		{"Interface-ID of a lightweight relay", relayed(relay("::", "ge-0/0/1"), relay("2001:db8:1::1", "")), 2, "port"},
		{"Interface-ID is exact", relayed(relay("2001:db8:1::1", "ge-0/0/1 ")), 2, "lan"},
		{"innermost Interface-ID", relayed(relay("2001:db8:1::1", "x"), relay("::", "ge-0/0/1")), 2, "lan"},
		{"Interface-ID of the outer relay", relayed(relay("2001:db8:1::1", ""), relay("::", "ge-0/0/1")), 2, "port"},
		{"both, one relay", relayed(relay("2001:db8:a::1", "1/1")), 0, "olt-a"},
		{"both, the other relay", relayed(relay("2001:db8:b::1", "1/1")), 0, "olt-b"},
		{"both, second port", relayed(relay("2001:db8:a::1", "1/2")), 0, "olt-a"},
		{"both, a third relay", relayed(relay("2001:db8:c::1", "1/1")), 0, "olt-any"},
		{"both, no link-address", relayed(relay("::", "1/1")), 0, "olt-any"},
		{"both, the address comes from further out", relayed(relay("::", "1/1"), relay("2001:db8:b::1", "")), 0, "olt-b"},
		{"a port that no link has", relayed(relay("2001:db8:a::1", "1/3")), 0, "wide"},
		{"a port of another relay", relayed(relay("2001:db8:b::1", "1/2")), 0, "wide"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if l := p.SelectLink(test.pkt, test.listen); l != nil {
				got = l.Name
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSelectionFaults(t *testing.T) {
	tests := []struct {
		name       string
		interfaces string
		links      []config.Link
		want       string
	}{
		{"same link-address", "", []config.Link{match("a", "", "2001:db8::/64", ""), match("b", "", "2001:db8::1/64", "")},
			"links[1].match.link-addresses: link a has the same"},
		{"same interface", "eth0", []config.Link{match("a", "eth0", "", ""), match("b", "eth0", "", "")},
			"interface eth0 belongs to link a already"},
		{"same Interface-ID", "", []config.Link{match("a", "", "", "x"), match("b", "", "", "x")},
			"links[1].match.interface-ids: link a has the Interface-ID 78 too"},
		{"same Relay-ID", "", []config.Link{relayMatch("a", "olt", ""), relayMatch("b", "olt", "")}, "links[1].match.relay-ids: link a has the Relay-ID 6f6c74 too"},
		{"same Relay-ID and Interface-ID", "", []config.Link{relayMatch("a", "olt", "x"), relayMatch("b", "olt", "x")},
			"links[1].match.interface-ids: link a has the Interface-ID 78 with Relay-ID 6f6c74 too"},
		{"same Relay-ID, other port", "", []config.Link{relayMatch("a", "olt", "x"), relayMatch("b", "olt", "y"), relayMatch("c", "olt", "")}, ""},
		{"same name of pools", "", []config.Link{{Name: "a", PoolNames: []string{"gold"}}, {Name: "b", PoolNames: []string{"gold"}}},
			"links[1].match.pool-names[0]: link a is found by the name gold already"},
		{"same Interface-ID and link-address", "", []config.Link{match("a", "", "2001:db8::/64", "x"), match("b", "", "2001:db8::/64", "x")},
			"link a has the same link-address"},
		{"out of reach", "eth0", []config.Link{match("a", "eth1", "", "")}, "no message can come from this link"},
		{"out of reach, but no interface at all", "", []config.Link{match("a", "eth1", "", "")}, ""},
		{"same link-address, other port", "", []config.Link{match("a", "", "2001:db8::/64", "x"), match("b", "", "2001:db8::/64", "y")}, ""},
		{"all twice in one link", "eth0", []config.Link{match("a", "eth0 eth0", "2001:db8::/64 2001:db8::/64", "x x")}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := &config.Config{Listen: config.Listen{Interfaces: strings.Fields(test.interfaces)}, Links: test.links}
			_, err := Compile(cfg, Input{SingleDUID: []byte{0, 4, 1}})
			if got := fmt.Sprint(err); (err == nil) != (test.want == "") || !strings.Contains(got, test.want) && test.want != "" {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// BenchmarkSelectLink looks for one of 10,000 links, each time another one.
func BenchmarkSelectLink(b *testing.B) {
	const count = 10_000
	links := make([]config.Link, 2*count)
	for i := range count {
		a := at("2001:db8::")
		binary.BigEndian.PutUint32(a[4:], uint32(i*7919))
		links[i] = config.Link{Name: "address", LinkAddress: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom16(a), 64)}}
		links[count+i] = config.Link{Name: "port", InterfaceIDs: [][]byte{fmt.Appendf(nil, "ge-0/0/%d", i)}}
	}
	p := selecting(b, nil, links...)
	packets := make([]*wire.Packet, 4096)
	for _, kind := range []string{"link-address", "interface-id"} {
		for i := range packets {
			n := i * 2_654_435_761 % count
			packets[i] = relayed(wire.Relay{LinkAddress: links[n].LinkAddress[0].Addr().Next().As16()})
			if kind == "interface-id" {
				packets[i] = relayed(wire.Relay{InterfaceID: links[count+n].InterfaceIDs[0]})
			}
		}
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if p.SelectLink(packets[i%len(packets)], 0) == nil {
					b.Fatal("no link")
				}
				i++
			}
		})
	}
}
