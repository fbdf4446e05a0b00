package engine

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
)

// TestMarks settles batches in random orders: a batch is durable when it and all before it are.
func TestMarks(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var m Marks
		const batches = 40
		settled := make([]bool, batches+2)
		settled[0] = true
		for _, i := range rng.Perm(batches) {
			m.Settle(NewMark(3, uint64(i+1)))
			settled[i+1] = true
			if rng.IntN(4) == 0 {
				m.Settle(NewMark(3, uint64(i+1))) // once more changes nothing
			}
			whole := true
			for sequence := range settled {
				whole = whole && settled[sequence]
				if got := m.Durable(NewMark(3, uint64(sequence))); got != whole {
					t.Fatalf("seed %d: batch %d durable: %v, want %v of %v", seed, sequence, got, whole, settled)
				}
			}
		}
		if n := len(m.writers[3].early); n != 0 {
			t.Errorf("seed %d: %d batches are left over", seed, n)
		}
	}
}

// TestMarksOfOthers: writers don't count for one another, and what was loaded from the disk is durable.
func TestMarksOfOthers(t *testing.T) {
	var m Marks
	if !m.Durable(0) {
		t.Error("a loaded record isn't durable")
	}
	m.Settle(NewMark(1, 1))
	if !m.Durable(NewMark(1, 1)) || m.Durable(NewMark(2, 1)) || m.Durable(NewMark(0, 1)) || m.Durable(NewMark(1, 2)) {
		t.Error("a mark settled counts for others")
	}
	if w, s := NewMark(MaxWriters-1, 1<<48-1).Worker(), NewMark(MaxWriters-1, 1<<48-1).Sequence(); w != MaxWriters-1 || s != 1<<48-1 {
		t.Errorf("the largest mark reads as writer %d, sequence %d", w, s)
	}
}

// TestMarksAtOnce: each writer settles its own batches while all ask about all. What was durable stays so, and
// batches become durable in order.
func TestMarksAtOnce(t *testing.T) {
	const writers, batches, span = 4, 2000, 8
	var m Marks
	var group sync.WaitGroup
	for id := range writers {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(5, uint64(id)))
			for from := uint64(1); from <= batches; from += span {
				for _, i := range rng.Perm(span) {
					m.Settle(NewMark(id, from+uint64(i)))
				}
			}
		})
		group.Go(func() {
			var durable [writers]uint64
			for durable != [writers]uint64{batches, batches, batches, batches} {
				for other := range writers {
					for m.Durable(NewMark(other, durable[other]+1)) {
						durable[other]++
					}
					if !m.Durable(NewMark(other, durable[other])) {
						t.Errorf("batch %d of writer %d isn't durable any more", durable[other], other)
						return
					}
				}
			}
		})
	}
	group.Wait()
	var none binding.Mark
	if !m.Durable(none) {
		t.Error("a loaded record isn't durable")
	}
}
