package policy

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/address"
)

// TestTableFindsTheInnermost compares the flattened table with a scan over all prefixes.
func TestTableFindsTheInnermost(t *testing.T) {
	const seed = 6853
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for round := range 200 {
		var spans []span
		var prefixes []netip.Prefix
		seen := map[netip.Prefix]bool{}
		for range 1 + r.IntN(40) {
			// Few bits vary, so that prefixes nest and meet at their ends, at both ends of the address space too.
			a := randomAddress(r)
			p := netip.PrefixFrom(netip.AddrFrom16(a), []int{0, 1, 8, 60, 63, 64, 65, 70, 126, 128}[r.IntN(10)]).Masked()
			if seen[p] {
				continue
			}
			seen[p] = true
			spans = append(spans, spanOf(p, int32(len(prefixes))))
			prefixes = append(prefixes, p)
		}
		table, both := newTable(spans, true)
		if both != nil {
			t.Fatalf("round %d: %v clash", round, both)
		}
		for range 200 {
			a := randomAddress(r)
			want := int32(-1)
			for i, p := range prefixes {
				if p.Contains(netip.AddrFrom16(a)) && (want < 0 || p.Bits() > prefixes[want].Bits()) {
					want = int32(i)
				}
			}
			if got := table.find(address.FromBytes(a)); got != want {
				t.Fatalf("round %d: %v: got %d, want %d of %v", round, netip.AddrFrom16(a), got, want, prefixes)
			}
		}
	}
}

func randomAddress(r *rand.Rand) (a [16]byte) {
	fill := byte(0)
	if r.IntN(2) == 0 {
		fill = 0xff
	}
	for i := range a {
		a[i] = fill
	}
	a[0] ^= byte(r.IntN(2))
	a[7] ^= byte(r.IntN(4))
	a[8] ^= byte(r.IntN(2) << 7)
	a[15] ^= byte(r.IntN(4))
	return a
}

func TestTableClashes(t *testing.T) {
	at := func(n uint64) address.U128 { return address.U128{Lo: n} }
	tests := []struct {
		name    string
		spans   []span
		nesting bool
		want    bool
	}{
		{"apart", []span{{at(0), at(4), 0}, {at(5), at(9), 1}}, false, false},
		{"nested", []span{{at(0), at(9), 0}, {at(5), at(6), 1}}, true, false},
		{"nested where it mustn't", []span{{at(0), at(9), 0}, {at(5), at(6), 1}}, false, true},
		{"equal", []span{{at(0), at(9), 0}, {at(0), at(9), 1}}, true, true},
		{"crossing", []span{{at(0), at(5), 0}, {at(5), at(9), 1}}, true, true},
		{"equal where a third ended", []span{{at(0), at(1), 2}, {at(3), at(9), 0}, {at(3), at(9), 1}}, true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, both := newTable(test.spans, test.nesting); (both != nil) != test.want {
				t.Errorf("clash %v, want one: %v", both, test.want)
			}
		})
	}
}

func TestCover(t *testing.T) {
	tests := []struct {
		first, last string
		want        []string
	}{
		{"2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", []string{"2001:db8::/64"}},
		{"2001:db8::10", "2001:db8::10", []string{"2001:db8::10/128"}},
		{"2001:db8::1", "2001:db8::8", []string{"2001:db8::1/128", "2001:db8::2/127", "2001:db8::4/126", "2001:db8::8/128"}},
		{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", []string{"::/0"}},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			[]string{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"}},
	}
	for _, test := range tests {
		var got []string
		for _, p := range cover(
			address.FromBytes(netip.MustParseAddr(test.first).As16()), address.FromBytes(netip.MustParseAddr(test.last).As16())) {
			got = append(got, p.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s-%s (-want +got):\n%s", test.first, test.last, diff)
		}
	}
}

func TestDisjoint(t *testing.T) {
	in := []string{"2001:db8:1::/64", "2001:db8::/32", "2001:db7::/32", "2001:db8:2::1/128", "2001:db7::/32"}
	var prefixes []netip.Prefix
	for _, s := range in {
		prefixes = append(prefixes, netip.MustParsePrefix(s))
	}
	var got []string
	for _, p := range disjoint(prefixes) {
		got = append(got, p.String())
	}
	if diff := cmp.Diff([]string{"2001:db7::/32", "2001:db8::/32"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
