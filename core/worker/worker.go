// Package worker holds the one loop: receive, handle, commit, send. The daemon and the benchmarks run it unchanged behind
// the ports Socket and Journal. The simulator does what it does step by step: two goroutines have no seed.
//
//	Run:      Receive -> Engine.Handle per datagram -> Journal.Append -> next batch
//	                          |                             |
//	                          | replies that wait for       v
//	                          | nothing                  synced
//	                          v                             v
//	                       Socket.Send (lane 0)   Deliver: Socket.Send (lane 1)
//
// Invariants:
//  1. A reply that reports a binding is sent by Deliver, after the journal gave back the write that
//     holds the binding's newest version that the reply knows of.
//  2. A flight (a batch with its replies and changes) has one owner at a time: Run until Append, the
//     journal until Done, Deliver until it is free again.
//  3. A reply that waited for longer than MaxHold isn't sent: its client would use the lease beyond its end as nodes know it. The client asks again.
//  4. There are MaxInFlight flights. When all but one wait for the disk, Run waits as well, and the kernel's
//     receive buffer takes what comes: memory is bounded. The last one never goes to the journal. Where none
//     comes back in time, or the journal is broken, it takes batch after batch, of which only what needs no
//     write is answered, until another one is back. So a hung disk doesn't silence Confirm and
//     Information-request under any load, and Run always gets to see that its socket is closed.
package worker

import (
	"sync/atomic"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/limit"
)

// A Clock tells the time in Unix nanoseconds. It doesn't go back when the wall clock is set.
type Clock func() int64

// Time turns a clock's nanoseconds into the core's time.
func Time(unixNano int64) binding.Time { return binding.TimeOf(unixNano / 1e9) }

// Options is what a worker is made of. All fields but Wait, Observe, Refusals, Limits, Aside and Requests are required.
type Options struct {
	ID      int // its number: below engine.MaxWriters, unique among all writers of the table
	Socket  Socket
	Journal Journal
	Engine  *engine.Engine
	Marks   *engine.Marks
	Site    *atomic.Pointer[engine.Site]
	Clock   Clock
	Wall    Clock                   // the clock of the datagrams' Arrival, which may be set; only ages are taken from it
	Wait    func() <-chan time.Time // begins a wait for a flight to come back, and tells its end: see invariant 4; nil: no end
	// Aside gets each Leasequery, which isn't answered on the packet path, and tells whether it took it. It must not block, and
	// must copy what it keeps. Nil: they are dropped as of an unknown type.
	Aside func(*Datagram) bool
	// Requests gets each Reconfigure-request in the same way (RFC 6977).
	Requests func(*Datagram) bool

	Observe func(changes []byte) // called by Deliver with a write's changes once they are durable; must not block; nil: nobody asks

	Refusals *Refusals // this worker's own; nil: none are kept
	Limits   *Limits   // all workers'; nil: senders have none
}

// A Worker handles the datagrams of one socket.
type Worker struct {
	Options
	Counters Counters
	lanes    [Lanes]lane

	share    *limit.Share
	floods   limit.Floods
	sieve    Sieve  // nil: the socket has none
	holding  bool   // floods are held in this batch
	sifting  bool   // the sieve holds some
	pressed  uint64 // of Limits, when the worker looked
	batch    [BatchSize]Datagram
	free     chan *flight
	done     chan *Write
	closed   chan struct{}
	sequence uint64
	batches  atomic.Uint64 // begun and ended: odd while one is handled
	waited   bool          // in vain for a flight; none has come back since

	// Deliver's
	landed  []*flight // flights whose replies are sent together
	replies []Reply   // of them
}

// A flight is one batch on its way: its replies, and the write that some of them wait for.
type flight struct {
	write   Write
	mark    binding.Mark
	begun   int64 // by Clock
	arena   []byte
	now     []Reply // wait for nothing
	durable []Reply // wait for the write
	// When the replies' messages arrived.
	nowArrivals, durableArrivals []int64
}

// New makes a worker. Start Run and Deliver, each in a goroutine of its own.
func New(o Options) *Worker {
	w := &Worker{
		Options: o,
		share:   limit.NewShare(),
		free:    make(chan *flight, MaxInFlight),
		done:    make(chan *Write, MaxInFlight),
		closed:  make(chan struct{}),
		landed:  make([]*flight, 0, MaxInFlight),
		replies: make([]Reply, 0, 2*BatchSize),
	}
	w.sieve, _ = o.Socket.(Sieve)
	for range MaxInFlight {
		f := &flight{
			arena:   make([]byte, BatchSize*engine.MaxReply),
			now:     make([]Reply, 0, BatchSize),
			durable: make([]Reply, 0, BatchSize),

			nowArrivals: make([]int64, 0, BatchSize), durableArrivals: make([]int64, 0, BatchSize),
		}
		f.write = Write{Changes: make([]byte, 0, BatchSize*256), Done: w.done, Owner: f}
		w.free <- f
	}
	return w
}

// Run receives and handles batches until the socket is closed; its error is the socket's last one.
func (w *Worker) Run() error {
	defer close(w.closed)
	for {
		f, last := w.take()
		n, err := w.Socket.Receive(w.batch[:])
		if err != nil {
			w.free <- f
			return err
		}
		w.handle(f, w.batch[:n], !last && w.Journal.Healthy())
		w.dispatch(f)
	}
}

// take gets a free flight. Where only the last one is left it waits for another, once until one has come back.
func (w *Worker) take() (f *flight, last bool) {
	f = <-w.free
	if len(w.free) > 0 {
		w.waited = false
		return f, false
	}
	if w.waited || !w.Journal.Healthy() {
		return f, true
	}
	var end <-chan time.Time
	if w.Wait != nil {
		end = w.Wait()
	}
	select {
	case other := <-w.free:
		w.free <- f
		return other, false
	case <-end:
		w.waited = true
		return f, true
	}
}

// dispatch sends what waits for nothing, and hands the rest to the journal.
func (w *Worker) dispatch(f *flight) {
	if len(f.now) > 0 {
		w.Counters.sent(len(f.now), w.Socket.Send(0, f.now))
		w.handed(0, w.Wall(), f.nowArrivals)
	}
	if f.write.Count == 0 {
		w.free <- f
		return
	}
	w.Journal.Append(&f.write)
}

// Batches is how many batches the worker has begun and ended, together: an odd number while it handles one. Whoever has
// put another site in place knows that no batch uses the former one when each worker's number was even once since, or has
// changed. A worker that waits for datagrams handles none, and takes the site when they are there.
func (w *Worker) Batches() uint64 { return w.batches.Load() }

// Deliver sends the replies of writes that became durable. It returns after Run did, once no write is left
// with the journal, or as soon as stop is closed.
func (w *Worker) Deliver(stop <-chan struct{}) {
	closed := w.closed
	for {
		select {
		case write := <-w.done:
			w.deliver(write)
		case <-closed:
			closed = nil
		case <-stop:
			return
		}
		if closed == nil && len(w.free) == MaxInFlight {
			return
		}
	}
}

// deliver sends what waited for a write, together with that of other writes that are durable already, up to two batches:
// one sync carries several, and the more replies there are to one relay, the fewer super-packets take them.
func (w *Worker) deliver(write *Write) {
	w.land(write)
	for more := true; more && len(w.replies) <= BatchSize; {
		select {
		case write = <-w.done:
			w.land(write)
		default:
			more = false
		}
	}
	if len(w.replies) > 0 {
		w.Counters.sent(len(w.replies), w.Socket.Send(1, w.replies))
		wall := w.Wall()
		for _, f := range w.landed {
			w.handed(1, wall, f.durableArrivals)
		}
	}
	for _, f := range w.landed {
		if w.Observe != nil {
			w.Observe(f.write.Changes)
		}
		w.free <- f
	}
	clear(w.replies) // keep nothing of the flights' memory
	w.landed, w.replies = w.landed[:0], w.replies[:0]
}

// land takes a flight whose write is durable.
func (w *Worker) land(write *Write) {
	f := write.Owner.(*flight)
	w.Marks.Settle(f.mark)
	w.landed = append(w.landed, f)
	if held := len(f.durable); held > 0 && w.Clock()-f.begun > MaxHold {
		w.Counters.held(held)
		f.durable, f.durableArrivals = f.durable[:0], f.durableArrivals[:0]
	}
	w.replies = append(w.replies, f.durable...)
}
