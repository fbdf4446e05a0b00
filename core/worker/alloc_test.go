//go:build !race

package worker_test

import (
	"net"
	"testing"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/limit"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// A loop is a socket and a journal that need nobody: it hands out the same batch again and again, and all writes
// are durable at once. Send takes the token that Deliver waits for.
type loop struct {
	batch    []worker.Datagram
	turns    chan struct{}
	finished chan struct{}
}

func (l *loop) Receive(batch []worker.Datagram) (int, error) {
	if _, ok := <-l.turns; !ok {
		return 0, net.ErrClosed
	}
	return copy(batch, l.batch), nil
}

func (l *loop) Send(int, []worker.Reply) int { l.finished <- struct{}{}; return 0 }

func (l *loop) Append(w *worker.Write) { w.Done <- w }

func (l *loop) Healthy() bool { return true }

// stale has waited for too long.
func stale(d worker.Datagram) worker.Datagram {
	d.Arrival = now - 2*worker.MaxWait
	return d
}

// TestBatchAllocatesNothing: receive, handle, commit, send, by the worker's own goroutines.
func TestBatchAllocatesNothing(t *testing.T) {
	for name, batch := range map[string][]worker.Datagram{
		"Solicits":             {solicit(1), solicit(2), relayed(solicit(3))},
		"Requests":             {request(1), request(2), relayed(request(3))},
		"Renews":               {message(1, wire.Renew, serverID), message(2, wire.Renew, serverID)},
		"Rebinds":              {message(1, wire.Rebind, nil), relayed(message(3, wire.Rebind, nil))},
		"Information-requests": {inform(1), inform(2)},
		"refusals":             {message(1, wire.Release, serverID), relayed(message(2, wire.Request, []byte{0, 3, 0, 1, 9})), stale(relayed(solicit(3))), inform(4)},
	} {
		t.Run(name, func(t *testing.T) {
			l := &loop{batch: batch, turns: make(chan struct{}), finished: make(chan struct{})}
			marks := new(engine.Marks)
			o := options(t, settings, l, l, marks, nil)
			o.Refusals, o.Limits = worker.NewRefusals(64), worker.NewLimits(64, 1)
			o.Engine.Limit(limit.NewTable(64))
			second := int64(now)
			o.Clock = func() int64 { second += 1e9 / 8; return second } // so that the rate never ends
			w := worker.New(o)
			go func() { _ = w.Run() }()
			over := make(chan struct{})
			go func() { defer close(over); w.Deliver(nil) }()
			turn := func() {
				l.turns <- struct{}{}
				<-l.finished
			}
			turn() // the first batch makes the bindings, and buffers grow
			if n := testing.AllocsPerRun(1000, turn); n != 0 {
				t.Errorf("%v allocations per batch, want 0", n)
			}
			close(l.turns)
			<-over
		})
	}
}
