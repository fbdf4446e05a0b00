package address_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestChooseShares: each pool comes first for its share of the slots, within 6 standard deviations.
func TestChooseShares(t *testing.T) {
	pools := []*address.Pool{
		pool(t, "2001:db8:100::/40", 56),                  // 65536
		pool(t, "2001:db8:200::/42", 56),                  // 16384
		pool(t, "2001:db8:300::-2001:db8:300:1f00::", 56), // 32
		pool(t, "2001:db8:400::-2001:db8:404:9f00::", 56), // 1184
		pool(t, "2001:db8:500::1-2001:db8:500::1", 128),   // 1
		pool(t, "2001:db8:600::1-2001:db8:600::2:0", 128), // 131072
	}
	total := 0.0
	for _, p := range pools {
		total += p.Size().Float64()
	}
	const n = 1 << 15
	for _, algorithm := range bothAlgorithms {
		h := address.NewHasher(algorithm, countingKey())
		first := make([]int, len(pools))
		order := make([]int, 0, len(pools))
		clients(n, func(id *address.Identity) {
			order = h.Choose(pools, id, order)
			first[order[0]]++
		})
		for i, p := range pools {
			share := p.Size().Float64() / total
			want, deviation := n*share, math.Sqrt(n*share*(1-share))
			if math.Abs(float64(first[i])-want) > 6*max(deviation, 1) {
				t.Errorf("%v: pool %d of %v slots is first for %d of %d clients, want %.0f", algorithm, i, p.Size(), first[i], n, want)
			}
		}
	}
}

// TestChooseStable: the order doesn't depend on the list's, and a pool that is taken away moves nobody else.
func TestChooseStable(t *testing.T) {
	pools := []*address.Pool{
		pool(t, "2001:db8:100::/40", 56), pool(t, "2001:db8:200::/42", 56), pool(t, "2001:db8:300::/41", 56),
		pool(t, "2001:db8:400::/44", 56), pool(t, "2001:db8:500::/40", 60),
	}
	h := address.NewHasher(address.XXH64, countingKey())
	clients(2000, func(id *address.Identity) {
		order := h.Choose(pools, id, nil)
		if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, []int{0, 1, 2, 3, 4}) {
			t.Fatalf("%v isn't an order of five pools", order)
		}
		backwards := slices.Clone(pools)
		slices.Reverse(backwards)
		mirrored := h.Choose(backwards, id, nil)
		for i := range mirrored {
			mirrored[i] = len(pools) - 1 - mirrored[i]
		}
		if diff := cmp.Diff(order, mirrored); diff != "" {
			t.Fatalf("%x: the list's order counts (-want +got):\n%s", id.DUID, diff)
		}
		without := slices.DeleteFunc(slices.Clone(order), func(i int) bool { return i == 4 })
		if diff := cmp.Diff(without, h.Choose(pools[:4], id, nil)); diff != "" {
			t.Fatalf("%x: the last pool's absence moved others (-want +got):\n%s", id.DUID, diff)
		}
	})
}

// TestChooseEdges: no pool, one pool, huge pools, more pools than the room on the stack, an order to be reused.
func TestChooseEdges(t *testing.T) {
	h := address.NewHasher(address.SHA256, countingKey())
	id := &address.Identity{DUID: pageDUID, IAID: 1, Kind: wire.IANA}
	if got := h.Choose(nil, id, []int{7}); len(got) != 0 {
		t.Errorf("no pool: got %v", got)
	}
	single := []*address.Pool{pool(t, "2001:db8::/64", 128)}
	if diff := cmp.Diff([]int{0}, h.Choose(single, id, []int{3, 4})); diff != "" {
		t.Errorf("one pool (-want +got):\n%s", diff)
	}
	var many []*address.Pool
	whole := pool(t, "2001:db8::/48", 128)
	for i := range 100 {
		part, _ := whole.Part(i, 100)
		many = append(many, &part)
	}
	order := h.Choose(many, id, nil)
	if sorted := slices.Sorted(slices.Values(order)); len(order) != 100 || sorted[0] != 0 || sorted[99] != 99 || len(slices.Compact(sorted)) != 100 {
		t.Errorf("%v isn't an order of 100 pools", order)
	}
	// Pools of the same prefix in F are told apart by their first leases.
	first := [100]int{}
	clients(20000, func(id *address.Identity) { first[h.Choose(many, id, order)[0]]++ })
	chiSquared(t, "hundred equal parts", first[:])
}
