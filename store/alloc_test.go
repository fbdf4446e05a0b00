//go:build !race

package store

import (
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/worker"
)

// A group may cost some allocations (Pebble's, and now and then a larger queue), a change none.
func TestAllocationsPerGroup(t *testing.T) {
	codec := testCodec
	codec.Task = everyTask
	still := (&testTime{at: time.Unix(1_800_000_000, 0)}).clock() // housekeeping would be in the average where groups take long
	allocationsPerGroup(t, Options{absorb: absorbSize, clock: still})
	allocationsPerGroup(t, taskOptions(Options{absorb: absorbSize, Codec: codec, clock: still}, 1<<30))
}

func allocationsPerGroup(t *testing.T, o Options) {
	t.Helper()
	s := open(t, o)
	done := make(chan *worker.Write, 1)
	per := func(changes int) float64 {
		w := &worker.Write{Count: changes, Done: done}
		for n := range changes {
			w.Changes = change(w.Changes, uint64(n), 1)
		}
		return testing.AllocsPerRun(500, func() {
			s.Append(w)
			<-done
		})
	}
	small, large := per(1), per(1000)
	// Beside the commit itself Pebble flushes and compacts now and then; that is in the average.
	if small > 8 || large > small+40 {
		t.Errorf("%.1f allocations for a group of 1 change, %.1f for one of 1000; want few, and no more by change", small, large)
	}
}
