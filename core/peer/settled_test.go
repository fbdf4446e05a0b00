package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

// TestSettled: what is settled is so since the first tick, or since it was said, and goes along where pools swap.
func TestSettled(t *testing.T) {
	v := peer.NewView(peer.Options{Nodes: 1, Listen: []uint32{1000}, Pools: 2, Owners: []uint8{0}})
	key, other := binding.Key{Address: [16]byte{1}, Length: 56}, binding.Key{Address: [16]byte{2}, Length: 56}
	if got := v.Settled.Retiring(0, begin); got != begin {
		t.Errorf("before the first tick: %d, want %d", got, begin)
	}
	v.Tick(begin.Moment())
	v.Tick((begin + 1).Moment())
	v.Settled.Retire(1, begin+10)
	v.Settled.Reserve([]binding.Key{key}, begin+20, begin)
	next := v.Successor(peer.Options{Nodes: 1, Listen: []uint32{1000}, Pools: 3, Owners: []uint8{0}},
		peer.Lineage{Nodes: []int{0}, Links: []int{0}, Pools: []int{1, 0, peer.Nobody}}, begin+30)
	if next == v {
		t.Fatal("it is the same view")
	}
	for pool, want := range []binding.Time{begin + 10, begin, begin} {
		if got := next.Settled.Retiring(pool, begin+40); got != want {
			t.Errorf("pool %d: %d, want %d", pool, got, want)
		}
	}
	if got := next.Settled.Reserved(&key, begin+40); got != begin+20 {
		t.Errorf("the lease that was reserved later: %d, want %d", got, begin+20)
	}
	next.Settled.Reserve([]binding.Key{other}, begin+50, begin+21)
	if a, b := next.Settled.Reserved(&key, begin+60), next.Settled.Reserved(&other, begin+60); a != begin || b != begin+50 {
		t.Errorf("%d and %d, want %d, for it was so long ago, and %d", a, b, begin, begin+50)
	}
}
