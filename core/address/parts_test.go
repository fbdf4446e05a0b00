package address_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep6/lockstep6/core/address"
)

func TestTwoPartsOfA64(t *testing.T) {
	whole := pool(t, "2001:db8::/64", 128)
	for i, want := range []string{"2001:db8::/65", "2001:db8:0:0:8000::/65"} {
		part, ok := whole.Part(i, 2)
		half := pool(t, want, 128)
		if !ok || part.First() != half.First() || part.Last() != half.Last() {
			t.Errorf("part %d: want %s, got %x to %x, %v", i, want, part.First(), part.Last(), ok)
		}
		if diff := cmp.Diff(whole.Prefix(), part.Prefix()); diff != "" {
			t.Errorf("part %d: its prefix in F must be the whole's (-want +got):\n%s", i, diff)
		}
	}
}

// TestParts proves that the parts follow one another without gap or overlap from the first slot to the last, that
// their sizes differ by at most one, and that a lease is usable in its part exactly where it is in the whole.
func TestParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := drawPool(t)
		n := rapid.IntRange(1, 40).Draw(t, "n")
		next, empty := address.U128{}, 0
		small := p.Size()
		for i := range n {
			part, ok := p.Part(i, n)
			if !ok {
				empty++
				continue
			}
			if want := p.Lease(next); part.First() != want {
				t.Fatalf("part %d of %d begins at %x, want %x", i, n, part.First(), want)
			}
			if q, _ := p.Size().DivMod64(uint64(n)); part.Size() != q && part.Size() != q.Add(one(1)) {
				t.Fatalf("part %d of %d has %v of %v slots", i, n, part.Size(), p.Size())
			}
			slot := drawSlot(t, &part, "slot")
			if want, got := p.Usable(next.Add(slot)), part.Usable(slot); want != got {
				t.Fatalf("slot %v of part %d: usable %v, in the whole %v", slot, i, got, want)
			}
			if next = next.Add(part.Size()); part.Last() != p.Lease(next.Sub(one(1))) {
				t.Fatalf("part %d of %d ends at %x", i, n, part.Last())
			}
		}
		if next != p.Size() {
			t.Fatalf("the parts have %v slots, the whole %v", next, p.Size())
		}
		if want := max(0, n-int(min(small.Lo, uint64(n)))); small.Hi == 0 && empty != want {
			t.Fatalf("%d of %d parts of %v slots are empty, want %d", empty, n, small, want)
		}
	})
}

func TestPartOutOfRange(t *testing.T) {
	p := pool(t, "2001:db8::/64", 128)
	for _, test := range [][2]int{{0, 0}, {-1, 2}, {2, 2}, {0, -1}, {0, 1<<31 + 1}} {
		if _, ok := p.Part(test[0], test[1]); ok {
			t.Errorf("part %d of %d exists", test[0], test[1])
		}
	}
	if part, ok := p.Part(1<<31-1, 1<<31); !ok || part.Last() != p.Last() {
		t.Errorf("the last of 2^31 parts ends at %x, %v", part.Last(), ok)
	}
}

// TestStripes proves that each slot is in one stripe under one index, below that stripe's size, and that the sizes
// add up: so indexes and slots are one to one.
func TestStripes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := drawPool(t)
		n := rapid.IntRange(1, 40).Draw(t, "n")
		slot := drawSlot(t, p, "slot")
		stripe, index := address.StripeOf(slot, n), address.StripeIndex(slot, n)
		if stripe < 0 || stripe >= n || !index.Less(p.StripeSize(stripe, n)) {
			t.Fatalf("slot %v of %v: index %v of stripe %d of %d, which has %v", slot, p.Size(), index, stripe, n, p.StripeSize(stripe, n))
		}
		if got := address.StripeSlot(index, stripe, n); got != slot {
			t.Fatalf("slot %v: index %v of stripe %d of %d is slot %v", slot, index, stripe, n, got)
		}
		var sum address.U128
		for i := range n {
			sum = sum.Add(p.StripeSize(i, n))
		}
		if sum != p.Size() {
			t.Fatalf("the stripes have %v slots, the pool %v", sum, p.Size())
		}
	})
}
