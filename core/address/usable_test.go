package address_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/address"
)

func poolOver(t *testing.T, first, last string, length uint8, excluded ...address.Range) *address.Pool {
	t.Helper()
	a, b := netip.MustParseAddr(first).As16(), netip.MustParseAddr(last).As16()
	p, err := address.NewPool(a, b, length, address.CommonPrefix(a, b), excluded)
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

func spanOf(first, last string) address.Range {
	return address.Range{First: netip.MustParseAddr(first).As16(), Last: netip.MustParseAddr(last).As16()}
}

// TestRuns holds the runs of usable slots against leases that are written out.
func TestRuns(t *testing.T) {
	for _, test := range []struct {
		name string
		pool *address.Pool
		want []string // first and last leases of the first runs
		more bool
	}{
		{"a subnet", poolOver(t, "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", 128), []string{
			"2001:db8::1", "2001:db8::200:5eff:fdff:ffff", "2001:db8::200:5eff:ff00:0", "2001:db8::fdff:ffff:ffff:ff7f",
			"2001:db8::fe00:0:0:0", "2001:db8::ffff:ffff:ffff:ffff"}, false},
		{"two subnets' border", poolOver(t, "2001:db8::ffff:ffff:ffff:fff0", "2001:db8:0:1::3", 128), []string{
			"2001:db8::ffff:ffff:ffff:fff0", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::1", "2001:db8:0:1::3"}, false},
		{"begins and ends in a block", poolOver(t, "2001:db8::200:5eff:fe12:0", "2001:db8::fdff:ffff:ffff:ff90", 128), []string{
			"2001:db8::200:5eff:ff00:0", "2001:db8::fdff:ffff:ffff:ff7f"}, false},
		{"only reserved", poolOver(t, "2001:db8::200:5eff:fe12:0", "2001:db8::200:5eff:fe12:9", 128), nil, false},
		{"half excluded", poolOver(t, "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", 128,
			spanOf("2001:db8::", "2001:db8::8fff:ffff:ffff:ffff"), spanOf("2001:db8::9000:0:0:10", "2001:db8::9000:0:0:11")), []string{
			"2001:db8::9000:0:0:0", "2001:db8::9000:0:0:f", "2001:db8::9000:0:0:12", "2001:db8::fdff:ffff:ffff:ff7f"}, true},
		{"prefixes", poolOver(t, "2001:db8:8000::", "2001:db8:80ff:ff00::", 56, spanOf("2001:db8:8000::", "2001:db8:8000:3ff::1")), []string{
			"2001:db8:8000:400::", "2001:db8:80ff:ff00::"}, false},
		{"all excluded", poolOver(t, "2001:db8::1", "2001:db8::9", 128, spanOf("2001:db8::", "2001:db8::9")), nil, false},
		{"to the end of all", poolOver(t, "ffff:ffff:ffff:ffff:fdff:ffff:ffff:ff70", "ffff:ffff:ffff:ffff:fdff:ffff:ffff:ffff", 128), []string{
			"ffff:ffff:ffff:ffff:fdff:ffff:ffff:ff70", "ffff:ffff:ffff:ffff:fdff:ffff:ffff:ff7f"}, false},
		{"many subnets", poolOver(t, "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 128), []string{
			"2001:db8::1", "2001:db8::200:5eff:fdff:ffff"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			more := false
			for first, last := range test.pool.Runs() {
				if more = len(got) == len(test.want); more {
					break
				}
				got = append(got, netip.AddrFrom16(test.pool.Lease(first)).String(), netip.AddrFrom16(test.pool.Lease(last)).String())
			}
			if len(got) != len(test.want) || more != test.more {
				t.Fatalf("%v, more: %v", got, more)
			}
			for i := range got {
				if netip.MustParseAddr(test.want[i]) != netip.MustParseAddr(got[i]) {
					t.Errorf("%s, want %s", got[i], test.want[i])
				}
			}
		})
	}
}

// TestRunsAreUsable compares the runs of random small pools with what each slot says of itself.
func TestRunsAreUsable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	starts := []string{"2001:db8::200:5eff:fdff:fff0", "2001:db8::200:5eff:feff:fff0", "2001:db8::fdff:ffff:ffff:ff70", "2001:db8::ffff:ffff:ffff:fff0"}
	for range 2000 {
		base := address.FromBytes(netip.MustParseAddr(starts[rng.IntN(len(starts))]).As16())
		at := func(n int) [16]byte { return base.Add(address.U128{Lo: uint64(n)}).Bytes() }
		size := 1 + rng.IntN(200)
		var excluded []address.Range
		for range rng.IntN(4) {
			from := rng.IntN(size)
			excluded = append(excluded, address.Range{First: at(from), Last: at(from + rng.IntN(20))})
		}
		p, err := address.NewPool(at(0), at(size-1), 128, at(0), excluded)
		if err != nil {
			t.Fatal(err)
		}
		usable, next := make([]bool, size), uint64(0)
		for first, last := range p.Runs() {
			if first.Lo < next || last.Less(first) || next > 0 && first.Lo == next {
				t.Fatalf("a run from %d to %d, behind %d", first.Lo, last.Lo, next)
			}
			for next = first.Lo; next <= last.Lo; next++ {
				usable[next] = true
			}
		}
		for slot := range usable {
			if p.Usable(address.U128{Lo: uint64(slot)}) != usable[slot] {
				t.Fatalf("slot %d of %d from %v: in a run: %v", slot, size, netip.AddrFrom16(at(0)), usable[slot])
			}
		}
	}
}
