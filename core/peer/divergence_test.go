package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/peer"
)

// TestDivergence: three of the newest claims without explanation, and most of them, show another configuration; and so do
// sixteen one after another that all had to make way in a pool with room.
func TestDivergence(t *testing.T) {
	const first, other, chance, nothing = peer.ByFirst, peer.ByOtherKey, peer.ByChance, peer.ByNothing
	many := func(n int, by peer.Explanation) (out []peer.Explanation) {
		for range n {
			out = append(out, by)
		}
		return out
	}
	for _, test := range []struct {
		name    string
		claims  []peer.Explanation
		strange int // 0: no finding
		other   bool
		one     bool // all of two clients, in turns
	}{
		{"two", many(2, nothing), 0, false, false},
		{"three", many(3, nothing), 3, false, false},
		{"nine of two clients", many(9, nothing), 0, false, true},
		{"half of eight", append(many(4, nothing), many(4, first)...), 0, false, false},
		{"long ago", append(many(9, nothing), many(8, first)...), 0, false, false},
		{"another key", append(many(5, other), first), 5, true, false},
		{"fifteen by chance", many(15, chance), 0, false, false},
		{"sixteen by chance", many(16, chance), 16, false, false},
		{"one that wasn't", append(append(many(10, chance), first), many(10, chance)...), 0, false, false},
	} {
		v := newView(2, 1000)
		for i, by := range test.claims {
			client := uint64(i+1) << 34
			if test.one {
				client = uint64(i%2+1) << 34
			}
			v.Divergence.Claimed(1, 1, 0, by, client, peer.Example{Lease: lease, DUID: []byte("one"), IAID: 7, At: begin})
		}
		found := v.Divergence.Findings()
		if (len(found) > 0) != (test.strange > 0) {
			t.Errorf("%s: got %+v", test.name, found)
			continue
		}
		if test.strange > 0 {
			f := found[0]
			if len(found) != 1 || f.Node != 1 || f.Pool != 1 || f.Strange != test.strange || f.Other != test.other || string(f.Example.DUID) != "one" {
				t.Errorf("%s: got %+v", test.name, found)
			}
		}
	}
}
