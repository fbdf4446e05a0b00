package worker_test

import (
	"sync/atomic"
	"testing"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// TestHeldTooLong: a reply that the disk held for so long that its client would use the lease beyond its end isn't sent. It is durable all the same.
func TestHeldTooLong(t *testing.T) {
	var later atomic.Int64
	over := make(chan struct{}, 1) // a write is done with: Observe is called behind Send
	b := start(t, func([]byte) { over <- struct{}{} }, func(o *worker.Options) { o.Clock = func() int64 { return now + later.Load() } })
	for i, held := range []int64{worker.MaxHold, worker.MaxHold + 1, 0} {
		later.Store(0)
		b.step(request(byte(1 + i)))
		w := <-b.journal.appended
		later.Store(held)
		w.Done <- w
		<-over
	}
	b.wantSent(1, 1)
	b.wantSent(1, 3)
	b.none("though it was held for too long")
	if got := b.Counters.Dropped(wire.DropHeld); got != 1 {
		t.Errorf("%d replies count as held, want 1", got)
	}
	if !b.marks.Durable(engine.NewMark(3, 2)) {
		t.Error("what wasn't sent doesn't count as durable")
	}
}
