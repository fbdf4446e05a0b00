package worker_test

import (
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

func TestBrokenStore(t *testing.T) {
	b := start(t, nil)
	b.journal.broken.Store(true)
	b.step(solicit(1), request(2), inform(3), message(4, wire.Rebind, nil))
	b.wantSent(0, 3)
	if len(b.journal.appended) != 0 {
		t.Error("something was granted that can't be made durable")
	}
	if got := b.Counters.Dropped(wire.DropStoreBroken); got != 3 {
		t.Errorf("%d counted as dropped for the broken store, want 3", got)
	}
	b.journal.broken.Store(false)
	b.step(request(2))
	w := <-b.journal.appended
	w.Done <- w
	b.wantSent(1, 2)
}

// full starts a worker all of whose flights but the last wait for the disk, and returns their writes.
func full(t *testing.T, with ...func(*worker.Options)) (*bench, []*worker.Write) {
	t.Helper()
	b := start(t, nil, with...)
	const all = worker.MaxInFlight - 1
	for n := range all - 1 {
		b.step(request(byte(n)))
	}
	b.socket.in <- []worker.Datagram{request(200)}
	var writes []*worker.Write
	for range all {
		writes = append(writes, <-b.journal.appended)
	}
	return b, writes
}

// TestBackPressure: when all batches but one wait for the disk the worker takes no more, and goes on after one has come back.
func TestBackPressure(t *testing.T) {
	b, writes := full(t)
	select {
	case <-b.socket.asked:
		t.Fatal("the worker asks for more than it may have in flight")
	default:
	}
	last := writes[len(writes)-1]
	last.Done <- last
	b.wantSent(1, 200)
	<-b.socket.asked
	for _, w := range writes[:len(writes)-1] {
		w.Done <- w
	}
	for n := range len(writes) - 1 {
		b.wantSent(1, byte(n))
	}
}

// TestHungDisk: after one wait the worker goes on with what needs no write, batch after batch, until a flight is back,
// and sees that its socket is closed.
func TestHungDisk(t *testing.T) {
	end := make(chan time.Time)
	waits := 0
	b, writes := full(t, func(o *worker.Options) {
		o.Wait = func() <-chan time.Time { waits++; return end }
	})
	end <- time.Time{}
	<-b.socket.asked
	for n := range byte(3) {
		b.step(request(201), inform(210+n))
		b.wantSent(0, 210+n)
	}
	if got := b.Counters.Dropped(wire.DropStoreBroken); got != 3 || waits != 1 {
		t.Errorf("%d dropped because the disk hangs and %d waits, want 3 and 1", got, waits)
	}
	last := writes[len(writes)-1]
	last.Done <- last
	b.wantSent(1, 200)
	var again *worker.Write
	for again == nil { // the batch may still come before the flight
		b.socket.in <- []worker.Datagram{request(202)}
		select {
		case <-b.socket.asked:
		case again = <-b.journal.appended:
		}
	}
	end <- time.Time{}
	<-b.socket.asked
	b.socket.close()
	wantClosed(t, <-b.ran)
	if waits != 2 {
		t.Errorf("%d waits, want another one after a flight had come back", waits)
	}
	for _, w := range writes[:len(writes)-1] {
		w.Done <- w
	}
	for n := range len(writes) - 1 {
		b.wantSent(1, byte(n))
	}
	again.Done <- again
	b.wantSent(1, 202)
}

// TestBrokenStoreIsNotWaitedFor: where the journal tells that it is broken, the last flight goes on at once.
func TestBrokenStoreIsNotWaitedFor(t *testing.T) {
	b, writes := full(t, func(o *worker.Options) {
		o.Journal = &breaking{o.Journal.(*journal), worker.MaxInFlight - 1}
	})
	<-b.socket.asked
	b.step(inform(202))
	b.wantSent(0, 202)
	for _, w := range writes {
		w.Done <- w
	}
	for n := range len(writes) - 1 {
		b.wantSent(1, byte(n))
	}
	b.wantSent(1, 200)
}

// A breaking journal breaks after some writes.
type breaking struct {
	*journal
	left int
}

// Append implements worker.Journal.
func (j *breaking) Append(w *worker.Write) {
	if j.left--; j.left == 0 {
		j.broken.Store(true)
	}
	j.journal.Append(w)
}

// TestDrain: what was taken is answered after the socket has ended receiving.
func TestDrain(t *testing.T) {
	b := start(t, nil)
	b.step(request(1))
	b.step(request(2))
	b.socket.close()
	wantClosed(t, <-b.ran)
	select {
	case <-b.over:
		t.Fatal("Deliver has ended before all writes came back")
	default:
	}
	b.journal.release()
	b.wantSent(1, 1)
	b.wantSent(1, 2)
	<-b.over
}

func TestDrainWithNothingInFlight(t *testing.T) {
	b := start(t, nil)
	b.step(solicit(1))
	b.socket.close()
	wantClosed(t, <-b.ran)
	<-b.over
}

// TestAbandon: a disk that never comes back doesn't keep the node from ending.
func TestAbandon(t *testing.T) {
	b := start(t, nil)
	b.step(request(1))
	b.socket.close()
	wantClosed(t, <-b.ran)
	close(b.stop)
	<-b.over
	b.none("without a durable write")
}

// TestOverloadLater: what may wait may not wait as long.
func TestOverloadLater(t *testing.T) {
	b := start(t, nil)
	old, young, unknown := solicit(1), solicit(2), solicit(3)
	old.Later, young.Later, unknown.Later = true, true, true
	old.Arrival, young.Arrival, unknown.Arrival = now-worker.MaxWaitLater-1, now-worker.MaxWaitLater, 0
	b.step(old, young, unknown)
	b.wantSent(0, 2, 3)
	if got := b.Counters.Dropped(wire.DropOverload); got != 1 {
		t.Errorf("%d counted as too old, want 1", got)
	}
}

func TestOverload(t *testing.T) {
	b := start(t, nil)
	old, young, unknown := solicit(1), solicit(2), solicit(3)
	old.Arrival, young.Arrival, unknown.Arrival = now-worker.MaxWait-1, now-worker.MaxWait, 0
	b.step(old, young, unknown)
	b.wantSent(0, 2, 3)
	if got := b.Counters.Dropped(wire.DropOverload); got != 1 {
		t.Errorf("%d counted as too old, want 1", got)
	}
}
