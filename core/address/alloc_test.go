//go:build !race

package address_test

import (
	"bytes"
	"testing"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestNoAllocation: nothing that runs per packet allocates, with the longest DUID and both algorithms. The race
// detector's instrumentation allocates by itself, so it is left out there.
func TestNoAllocation(t *testing.T) {
	small := pool(t, "2001:db8:8000::/40", 56, "2001:db8:8001::/48")
	whole := pool(t, "2001:db8:1::/64", 128, "2001:db8:1::1")
	wide := pool(t, "2001:db8:2::/48", 128)
	var pools []*address.Pool
	for i := range 32 {
		part, _ := wide.Part(i, 32)
		pools = append(pools, &part)
	}
	order := make([]int, 0, len(pools))
	name := string(bytes.Repeat([]byte{'n'}, 255))
	id := &address.Identity{DUID: bytes.Repeat([]byte{0xa5}, address.MaxDUID), IAID: 7, Kind: wire.IANA}
	var sink address.U128
	for _, algorithm := range bothAlgorithms {
		h := address.NewHasher(algorithm, countingKey())
		for what, call := range map[string]func(){
			"Candidate": func() {
				for _, p := range [...]*address.Pool{small, whole, wide} {
					sink = sink.Add(h.Candidate(p, id, 3))
				}
			},
			"Primary":    func() { slot, _ := h.Primary(whole, id); sink = sink.Add(slot) },
			"NextUsable": func() { slot, _, _ := h.NextUsable(small, id, 5); sink = sink.Add(slot) },
			"Spill":      func() { sink = sink.Add(h.Spill(small, id, 1, 3)).Add(h.Spill(wide, id, 1, 3)) },
			"Choose":     func() { order = h.Choose(pools, id, order); sink.Lo += uint64(order[0]) },
			"Rank":       func() { sink.Lo += h.Rank(name, id.DUID) },
			"pool": func() {
				slot, _ := small.Slot(small.Lease(one(77)))
				if small.Usable(slot) && small.Contains(small.First()) && !small.Sparse() {
					sink = sink.Add(slot).Add(small.StripeSize(1, 3))
				}
				index := address.StripeIndex(slot, 3)
				sink = sink.Add(address.StripeSlot(index, address.StripeOf(slot, 3), 3))
			},
		} {
			if got := testing.AllocsPerRun(100, call); got != 0 {
				t.Errorf("%v: %s allocates %v times", algorithm, what, got)
			}
		}
	}
}
