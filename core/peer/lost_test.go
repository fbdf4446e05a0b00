package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

// TestLost: a node that finds within one T1 of its start with an empty store that it had granted something before doesn't know what it granted,
// until all of that has ended; a restart in that time makes it no shorter, and what peers tell ends it.
func TestLost(t *testing.T) {
	const valid = 4000
	want := func(g *peer.Gate, at, until binding.Time) {
		t.Helper()
		for link := range 2 {
			if g.LostUntil(at) != until || g.Lost(link, at) != (until > 0) || until > 0 && (!g.Lost(link, until-1) || g.Lost(link, until)) {
				t.Errorf("link %d at %d: lost %v until %d, want %d", link, at-begin, g.Lost(link, at), g.LostUntil(at), until)
			}
		}
	}
	g := peer.NewGate([]uint32{1000, 500}, []uint32{valid, valid}, 300)
	g.Lose(begin)
	want(g, begin, 0) // it didn't begin now
	g.Begun(begin)
	want(g, begin, 0)
	g.Evidence(0, begin+10) // a peer's lease shows only that the cluster isn't new
	want(g, begin+10, 0)
	g.Lose(begin + 999)
	end := binding.Time(begin + valid + peer.Grace)
	want(g, begin+999, end)
	g.Lose(begin + 1000)
	want(g, begin+1000, end)

	again := peer.NewGate([]uint32{1000, 500}, []uint32{valid, valid}, 300)
	again.Returned(begin+1000, begin+1100)
	again.Begins(g.LostUntil(begin+1000), begin+1100)
	want(again, begin+1100, end)
	again.Lose(begin + 1200)
	want(again, begin+1200, begin+1100+valid+peer.Grace) // what it granted between the two starts it knows, but not since when it looks for the rest
	again.Inquire().End([]bool{true, true}, begin+1300)
	want(again, begin+1300, 0)

	v := peer.NewView(peer.Options{Nodes: 1, Listen: []uint32{1000, 500}, Lasts: []uint32{valid, valid}, Pools: 1, Owners: []uint8{0}})
	v.Gate.Begun(begin)
	v.Gate.Lose(begin)
	renamed := v.Successor(peer.Options{Nodes: 1, Listen: []uint32{1000, 500}, Lasts: []uint32{valid, valid}, Pools: 1, Owners: []uint8{0}},
		peer.Lineage{Nodes: []int{0}, Links: []int{0, peer.Nobody}, Pools: []int{0}}, begin+10)
	want(renamed.Gate, begin+10, end)

	late := peer.NewGate([]uint32{1000, 500}, nil, 300)
	late.Begun(begin)
	late.Lose(begin + 1000)
	want(late, begin+1000, 0)
	late.Lose(begin + 900)
	want(late, begin+900, begin+peer.MaxListen+peer.Grace)
}
