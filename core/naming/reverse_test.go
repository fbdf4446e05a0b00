package naming_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
)

// TestReverse has the example of RFC 3596, Section 2.5.
func TestReverse(t *testing.T) {
	addr := netip.MustParseAddr("4321:0:1:2:3:4:567:89ab").As16()
	want := "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa."
	if got := naming.AppendReverse(nil, &addr).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	addr = netip.MustParseAddr("2001:db8:1::").As16()
	for bits, want := range map[uint8]string{
		0: "ip6.arpa.", 4: "2.ip6.arpa.", 32: "8.b.d.0.1.0.0.2.ip6.arpa.", 48: "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
	} {
		if got := naming.ReverseZone(&addr, bits).String(); got != want {
			t.Errorf("/%d: %s, want %s", bits, got, want)
		}
	}
	whole := naming.AppendReverse(nil, &addr)
	if zone := naming.ReverseZone(&addr, 128); string(zone) != string(whole) {
		t.Errorf("/128: %s", zone)
	}
	if !whole.Under(naming.ReverseZone(&addr, 48)) {
		t.Error("an address' name doesn't lie in its prefix' zone")
	}
}

func TestWildcards(t *testing.T) {
	const under = "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
	for prefix, want := range map[string][]string{
		"2001:db8:1::/48":      {"*." + under},
		"2001:db8:1:a000::/52": {"*.a." + under},
		"2001:db8:1:a800::/54": {"*.8.a." + under, "*.9.a." + under, "*.a.a." + under, "*.b.a." + under},
		"2001:db8:1:ab00::/56": {"*.b.a." + under},
		"2001:db8:1:8000::/49": {
			"*.8." + under, "*.9." + under, "*.a." + under, "*.b." + under, "*.c." + under, "*.d." + under, "*.e." + under, "*.f." + under,
		},
		"2001:db8:1:abc8::/61": {
			"*.8.c.b.a." + under, "*.9.c.b.a." + under, "*.a.c.b.a." + under, "*.b.c.b.a." + under,
			"*.c.c.b.a." + under, "*.d.c.b.a." + under, "*.e.c.b.a." + under, "*.f.c.b.a." + under,
		},
		"::/0": {"*.ip6.arpa."},
	} {
		p := netip.MustParsePrefix(prefix)
		var got []string
		for _, name := range naming.Wildcards(p.Addr().As16(), uint8(p.Bits())) {
			got = append(got, name.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", prefix, got, want)
		}
	}
}

// TestWildcardsOfAddresses: nothing lies below an address' name, so a wildcard there stands for nothing.
func TestWildcardsOfAddresses(t *testing.T) {
	for bits, count := range map[uint8]int{124: 1, 125: 8, 127: 2, 128: 1} {
		addr := netip.MustParseAddr("2001:db8::8").As16()
		names := naming.Wildcards(addr, bits)
		if len(names) != count {
			t.Errorf("/%d: %d names", bits, len(names))
		}
		if star := string(names[0][:2]) == "\x01*"; star != (bits == 124) {
			t.Errorf("/%d: %s", bits, names[0])
		}
		if own := naming.AppendReverse(nil, &addr); bits > 124 && string(own) != string(names[0]) {
			t.Errorf("/%d: %s, want %s", bits, names[0], own)
		}
	}
}

// TestDHCID has the example of RFC 4701, Section 3.6.1. That of Section 3.6.2 is of a DHCPv4 client identifier: its identifier
// type is 1, and its digest is made alike.
func TestDHCID(t *testing.T) {
	for _, test := range []struct {
		identifier, name, record string
		like                     int // from which octet on the record is what DHCID makes
	}{
		{"00010006412df166010203040506", "Chi6.example.com", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", 0},
		{"010708090a0b0c", "chi.example.com", "AAEBOSD+XR3Os/0LozeXVqcNc7FwCfQdWL3b/NaiUDlW2No=", 2},
	} {
		identifier, err := hex.DecodeString(test.identifier)
		if err != nil {
			t.Fatal(err)
		}
		want, err := base64.StdEncoding.DecodeString(test.record)
		if err != nil || len(want) != naming.DHCIDSize {
			t.Fatalf("%d octets, %v", len(want), err)
		}
		got := naming.DHCID(identifier, mustName(t, test.name))
		if string(got[test.like:]) != string(want[test.like:]) {
			t.Errorf("%s:\ngot  %x\nwant %x", test.name, got, want)
		}
	}
}
