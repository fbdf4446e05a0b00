package scale

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lockstep6/lockstep6/bench/meter"
	"github.com/lockstep6/lockstep6/bench/node"
	"github.com/lockstep6/lockstep6/bench/subscriber"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// A Phase is one kind of exchange, played by a node's workers as fast as they can.
type Phase struct {
	Exchanges int     `json:"exchanges"`
	Seconds   float64 `json:"seconds"`
	Rate      float64 `json:"exchanges_per_second"`
	CPU       float64 `json:"cpu_us_per_exchange"` // of the whole process, its background work included
	P50       float64 `json:"p50_ms"`              // of a batch, from its arrival until its replies leave, all flights busy
	P99       float64 `json:"p99_ms"`
	Longest   float64 `json:"longest_ms"`
	Silence   float64 `json:"silence_ms"`     // the longest time in which no reply left
	GC        uint64  `json:"gc_pauses"`      // stop-the-world pauses
	GCLongest float64 `json:"gc_longest_ms"`  // upper bound of the longest
	Allocated float64 `json:"allocations"`    // per exchange, in the whole process
	Syncs     uint64  `json:"syncs"`          // commits that took a sync
	Commit    float64 `json:"commit_long_ms"` // the store's longest commit since it was opened
}

// A task says what a phase plays.
type task struct {
	kind     wire.MessageType // Request or Renew
	from, to uint64           // subscribers' numbers: a Request's come in turn, each once; a Renew's at random
	limit    time.Duration    // a Renew's phase ends then
	workers  int
}

// play plays a task to its end. What it returns is of all workers together.
func (n *server) play(t task) (Phase, error) {
	feeds := make([]*feed, t.workers)
	for i := range feeds {
		feeds[i] = n.feedOf(t, i)
	}
	own := meter.StartOwn()
	var running sync.WaitGroup
	var failed []error
	for _, f := range feeds {
		end, err := n.work(f, &running)
		failed = append(failed, err)
		defer end()
	}
	running.Wait()
	phase := phaseOf(own.Spent())
	latency := hdrhistogram.New(1, 60e6, 3)
	fed := 0
	for _, f := range feeds {
		failed = append(failed, f.err)
		latency.Merge(f.latency)
		phase.Exchanges += f.replies
		phase.Silence = max(phase.Silence, milliseconds(f.silence))
		fed += f.fed
		if f.wrong > 0 || f.replies != f.fed {
			failed = append(failed, fmt.Errorf("%d %ss: %d replies, of which %d grant no lease; raise the capacity, or look for a bug", f.fed, t.kind, f.replies, f.wrong))
		}
	}
	phase.P50, phase.P99 = float64(latency.ValueAtQuantile(50))/1e3, float64(latency.ValueAtQuantile(99))/1e3
	phase.Longest = float64(latency.Max()) / 1e3
	phase.perExchange()
	if n.store != nil {
		phase.Syncs, phase.Commit = n.store.State().Syncs, milliseconds(n.store.State().MaxLatency)
	}
	return phase, errors.Join(failed...)
}

// phaseOf has CPU in seconds and Allocated as a count until perExchange divides them.
func phaseOf(s meter.Spent) Phase {
	return Phase{Seconds: s.Took.Seconds(), CPU: s.CPU.Seconds(), GC: s.GC, GCLongest: s.GCLongest, Allocated: float64(s.Allocated)}
}

// feedOf makes worker i's part of a task.
func (n *server) feedOf(t task, i int) *feed {
	template := subscriber.New(t.kind, wire.IANA, link, node.ServerID, t.kind == wire.Renew, 0)
	if t.kind == wire.Renew {
		random := rand.New(rand.NewPCG(uint64(i), t.to))
		f := newFeed(n, template, func() uint64 { return t.from + random.Uint64N(t.to-t.from) }, int(^uint(0)>>1))
		f.renew, f.deadline = true, time.Now().Add(t.limit)
		return f
	}
	number, step := t.from+uint64(i), uint64(t.workers)
	count := (t.to - t.from + step - 1 - uint64(i)) / step
	return newFeed(n, template, func() uint64 { number += step; return number - step }, int(count))
}

// work starts a worker behind a feed. The group is done when the feed has ended and all is delivered; end is to be called
// then.
func (n *server) work(f *feed, running *sync.WaitGroup) (end func(), err error) {
	if n.workers == engine.MaxWriters {
		return func() {}, fmt.Errorf("a node has had %d workers, which is all that it can have", n.workers)
	}
	handle := n.Table.NewHandle()
	var journal worker.Journal = node.Memory{}
	if n.store != nil {
		journal = n.store
	}
	start := time.Now()
	wall := start.UnixNano()
	clock := func() int64 { return wall + int64(time.Since(start)) }
	w := worker.New(worker.Options{
		ID: n.workers, Socket: f, Journal: journal, Engine: engine.New(handle, n.Marks), Marks: n.Marks, Site: &n.Site,
		Clock: clock, Wall: clock,
	})
	n.workers++
	running.Go(func() {
		if err := w.Run(); !errors.Is(err, net.ErrClosed) {
			f.err = err
		}
	})
	running.Go(func() { w.Deliver(nil) })
	return handle.Close, nil
}

func (p *Phase) perExchange() {
	if p.Exchanges == 0 || p.Seconds == 0 {
		return
	}
	p.Rate = float64(p.Exchanges) / p.Seconds
	p.CPU *= 1e6 / float64(p.Exchanges)
	p.Allocated /= float64(p.Exchanges)
}

func milliseconds(d time.Duration) float64 { return float64(d) / 1e6 }
