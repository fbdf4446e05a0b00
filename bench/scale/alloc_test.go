//go:build !race

package scale

import (
	"net"
	"sync"
	"testing"

	"github.com/lockstep6/lockstep6/bench/node"
	"github.com/lockstep6/lockstep6/bench/subscriber"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// A stepped feed hands out a batch per token, and gives one back when the batch's replies were sent.
type stepped struct {
	*feed
	turns, finished chan struct{}
}

func (s stepped) Receive(batch []worker.Datagram) (int, error) {
	if _, ok := <-s.turns; !ok {
		return 0, net.ErrClosed
	}
	return s.feed.Receive(batch)
}

func (s stepped) Send(lane int, replies []worker.Reply) int {
	refused := s.feed.Send(lane, replies)
	s.finished <- struct{}{}
	return refused
}

// TestPathAllocatesNothing: feed, worker, engine and table, by batches of new clients and of known ones.
func TestPathAllocatesNothing(t *testing.T) {
	for _, kind := range []wire.MessageType{wire.Request, wire.Renew} {
		t.Run(kind.String(), func(t *testing.T) {
			n, err := newNode(sparse, 1<<16)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := n.play(task{kind: wire.Request, to: 1000, workers: 1}); err != nil {
				t.Fatal(err)
			}
			s := stepped{n.feedOf(task{kind: wire.Request, from: 1000, to: 1 << 16, workers: 1}, 0), make(chan struct{}), make(chan struct{})}
			if kind == wire.Renew {
				s.feed = n.feedOf(task{kind: kind, to: 1000, limit: 1 << 40, workers: 1}, 0)
			}
			handle := n.Table.NewHandle()
			w := worker.New(worker.Options{
				ID: 9, Socket: s, Journal: node.Memory{}, Engine: engine.New(handle, n.Marks), Marks: n.Marks, Site: &n.Site,
				Clock: func() int64 { return 1_800_000_000_000_000_000 }, Wall: func() int64 { return 1_800_000_000_000_000_000 },
			})
			var running sync.WaitGroup
			running.Go(func() { _ = w.Run() })
			running.Go(func() { w.Deliver(nil) })
			turn := func() {
				s.turns <- struct{}{}
				<-s.finished
			}
			for range 2 * worker.MaxInFlight {
				turn() // every flight's buffers grow to their size
			}
			if n := testing.AllocsPerRun(1000, turn); n != 0 {
				t.Errorf("%v allocations per batch, want 0", n)
			}
			close(s.turns)
			running.Wait()
			handle.Close()
			if err := n.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDenseAllocatesNothing(t *testing.T) {
	d, err := NewDense(MinBits)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Fill(0.95); err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(1000, func() {
		if _, err := d.Allocate(worker.BatchSize, true); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per batch, want 0", n)
	}
}

func TestMessagesAllocateNothing(t *testing.T) {
	template := subscriber.New(wire.Request, wire.IANA, link, node.ServerID, true, 0)
	b := make([]byte, template.Len())
	if n := testing.AllocsPerRun(100, func() { b = template.Write(b, 7, 7, &link) }); n != 0 {
		t.Errorf("%v allocations per message, want 0", n)
	}
}
