package daemon

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestWatched: who waits lives, who goes on lives, and who has been at one batch for too long doesn't.
func TestWatched(t *testing.T) {
	w, at := newWatched(2), time.Unix(1_800_000_000, 0)
	for i, step := range []struct {
		batches []uint64
		after   time.Duration
		want    bool
	}{
		{[]uint64{0, 0}, 0, true},
		{[]uint64{0, 1}, 15 * time.Second, true},
		{[]uint64{0, 1}, 15 * time.Second, true},
		{[]uint64{2, 1}, 15 * time.Second, false},
		{[]uint64{4, 1}, 15 * time.Second, false},
		{[]uint64{4, 3}, 15 * time.Second, true}, // another batch
		{[]uint64{4, 4}, time.Hour, true},
		{[]uint64{4, 4}, time.Hour, true}, // it waits
	} {
		at = at.Add(step.after)
		if got := w.alive(step.batches, at, 30*time.Second); got != step.want {
			t.Errorf("step %d: alive %v", i, got)
		}
	}
}

// TestWatchdog: a node that the manager watches says that it lives, again and again.
func TestWatchdog(t *testing.T) {
	said := notifications(t)
	t.Setenv("WATCHDOG_USEC", "100000")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		new(Daemon).watchdog(ctx)
	}()
	for strings.Count(said(), "WATCHDOG=1") < 3 {
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	<-ended
}
