package policy

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

func lease(text string) (*[16]byte, uint8) {
	p := netip.MustParsePrefix(text)
	a := p.Addr().As16()
	return &a, uint8(p.Bits())
}

func TestOwnPoolAndSiblingPool(t *testing.T) {
	p := compile(t, fmt.Sprintf(cluster, "model: split\n  "+twoNodes)+pop1, "a")
	l := &p.Links[0]
	tests := []struct {
		kind         wire.Kind
		lease        string
		own, sibling int // pool's ID, or -1
	}{
		{wire.IANA, "2001:db8:1::5/128", 0, -1},
		{wire.IANA, "2001:db8:1::1/128", 0, -1}, // excluded, yet the pool's
		{wire.IANA, "2001:db8:1:0:8000::/128", -1, 1},
		{wire.IANA, "2001:db8:2::5/128", -1, -1},
		{wire.IANA, "2001:db8:8000::/128", -1, -1}, // a prefix's place
		{wire.IANA, "2001:db8:8000::/56", -1, -1},
		{wire.IAPD, "2001:db8:8000::/56", 2, -1},
		{wire.IAPD, "2001:db8:80ff:ff00::/56", -1, 3},
		{wire.IAPD, "2001:db8:80ff:ff00::/60", -1, -1}, // another length
		{wire.IAPD, "2001:db8:8000::/48", -1, -1},
		{wire.IAPD, "2001:db8:8000:1::/56", -1, -1}, // no prefix of that length begins there
		{wire.IAPD, "2001:db8:8100::/56", -1, -1},
	}
	id := func(pool *Pool) int {
		if pool == nil {
			return -1
		}
		return pool.ID
	}
	for _, test := range tests {
		addr, length := lease(test.lease)
		if got := id(l.OwnPool(test.kind, addr, length)); got != test.own {
			t.Errorf("OwnPool(%d, %s): got %d, want %d", test.kind, test.lease, got, test.own)
		}
		if got := id(l.SiblingPool(test.kind, addr, length)); got != test.sibling {
			t.Errorf("SiblingPool(%d, %s): got %d, want %d", test.kind, test.lease, got, test.sibling)
		}
		if got := id(p.PoolOf(test.kind, addr, length)); got != max(test.own, test.sibling) {
			t.Errorf("PoolOf(%d, %s): got %d, want %d", test.kind, test.lease, got, max(test.own, test.sibling))
		}
	}
}

// TestAppropriate: the link's prefixes are those of all nodes (RFC 9915, Section 18.3.4, for a sibling's lease).
func TestAppropriate(t *testing.T) {
	tests := []struct {
		name, text string
		on, off    []string // addresses as /128, prefixes else
	}{
		{"split", fmt.Sprintf(cluster, "model: split\n  "+twoNodes) + pop1,
			[]string{"2001:db8:1::5/128", "2001:db8:1:0:ffff::/128", "2001:db8:8000::/56", "2001:db8:80ff:ff00::/56", "2001:db8:8000::/64"},
			[]string{"2001:db8:2::/128", "2001:db8:8000::/128", "2001:db8:8100::/56", "2001:db8:8000::/39", "2001:db8:1::/64"}},
		{"unique", fmt.Sprintf(cluster, "model: unique\n  "+twoNodes) + unique,
			[]string{"2001:db8:1::5/128", "2001:db8:2::5/128", "2001:db8:8000::/56", "2001:db8:9000::/56"},
			[]string{"2001:db8:3::5/128", "2001:db8:7000::/56"}},
		{"pools without link-addresses", "listen: {interfaces: [eth0]}" + `
links: [{name: l, match: {interface: eth0}, addresses: [{pool: "2001:db8:1::10-2001:db8:1::21"}]}]`,
			[]string{"2001:db8:1::10/128", "2001:db8:1::21/128", "2001:db8:1::f/128"}, []string{"2001:db8:1:1::10/128", "2001:db8::10/128"}},
		{"link-local link-address", "listen: {interfaces: [eth0]}" + `
links: [{name: l, match: {link-addresses: ["fe80::1", "2001:db8:1::/64"]}, addresses: [{pool: "2001:db8:1::10-2001:db8:1::21"}]}]`,
			[]string{"2001:db8:1::ff/128"}, []string{"fe80::1/128"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			node := "b"
			if test.text[0] == 'l' {
				node = ""
			}
			l := &compile(t, test.text, node).Links[0]
			check := func(text string, want bool) {
				addr, length := lease(text)
				got := l.AppropriatePrefix(addr, length)
				if length == 128 {
					got = l.Appropriate(addr)
				}
				if got != want {
					t.Errorf("%s: got %v, want %v", text, got, want)
				}
			}
			for _, text := range test.on {
				check(text, true)
			}
			for _, text := range test.off {
				check(text, false)
			}
		})
	}
}

// TestExcludeData: the first case is the example of RFC 6603, Section 4.2.
func TestExcludeData(t *testing.T) {
	tests := []struct {
		delegated string
		cut       *config.Cut
		want      string
		excluded  string
	}{
		{"2001:db8:dead:bee0::/59", &config.Cut{Length: 64, ID: 0xf}, "4078", "2001:db8:dead:beef::/64"},
		{"2001:db8:8000:100::/56", &config.Cut{Length: 64, ID: 0xff}, "40ff", "2001:db8:8000:1ff::/64"},
		{"2001:db8:8000::/48", &config.Cut{Length: 64, ID: 1}, "400001", "2001:db8:8000:1::/64"},
		{"2001:db8:8000::/48", &config.Cut{Length: 49, ID: 1}, "3180", "2001:db8:8000:8000::/49"},
		{"2001:db8:8000::/64", &config.Cut{Length: 128, ID: 5}, "800000000000000005", "2001:db8:8000::5/128"},
		{"2001:db8:8000::/60", &config.Cut{Length: 72, ID: 0xabc}, "48abc0", "2001:db8:8000:a:bc00::/72"},
		{"2001:db8:8000::/56", nil, "", ""},
	}
	for _, test := range tests {
		addr, length := lease(test.delegated)
		from := config.Pool{Kind: wire.IAPD, Length: length, Cut: test.cut,
			Ranges: []config.NodeRange{{First: *addr, Last: *addr, Prefix: netip.MustParsePrefix(test.delegated)}}}
		l := match("lan", "", "2001:db8:1::/64", "")
		l.Prefixes = []config.Pool{from}
		pool := selecting(t, nil, l).Links[0].Prefixes[0]
		if got := hex.EncodeToString(pool.ExcludeData(nil, addr)); got != test.want {
			t.Errorf("%s %v: got %s, want %s", test.delegated, test.cut, got, test.want)
		}
		excluded, ok := pool.Excluded(addr)
		if ok != (test.cut != nil) || ok && excluded.String() != test.excluded {
			t.Errorf("%s %v: got %v, want %s", test.delegated, test.cut, excluded, test.excluded)
		}
	}
}
