package store

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lockstep6/lockstep6/core/worker"
)

// benchChanges makes a write of random bindings of usual size: a value of 64 octets.
func benchChanges(b []byte, state *uint64, n int) []byte {
	var value [64]byte
	for range n {
		*state = *state*6364136223846793005 + 1442695040888963407
		binary.BigEndian.PutUint64(value[:], *state>>8)
		b = append(b, testKey(*state>>40)...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
		b = append(b, value[:]...)
	}
	return b
}

// drive keeps inFlight writes of size changes each under way, from two workers, for b.N writes, and reports
// bindings per second, and the 50th and 99th percentile of a write's wait.
func drive(b *testing.B, size, inFlight int, appendWrite func(*worker.Write)) {
	const workers = 2
	var left atomic.Int64
	left.Store(int64(b.N))
	waits := make([][]time.Duration, workers)
	var wg sync.WaitGroup
	b.ResetTimer()
	for i := range workers {
		wg.Go(func() {
			done := make(chan *worker.Write, inFlight)
			state := uint64(i)*0x9e3779b97f4a7c15 + 1
			flying := 0
			send := func(w *worker.Write) {
				w.Changes = benchChanges(w.Changes[:0], &state, size)
				w.Owner = time.Now()
				appendWrite(w)
				flying++
			}
			for range inFlight {
				if left.Add(-1) < 0 {
					break
				}
				send(&worker.Write{Count: size, Done: done})
			}
			for flying > 0 {
				w := <-done
				flying--
				waits[i] = append(waits[i], time.Since(w.Owner.(time.Time)))
				if left.Add(-1) >= 0 {
					send(w)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Concat(waits...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "bindings/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkGroupCommit measures what docs/decisions/0003-group-commit.md compares: committers that wait for their
// own sync, and one that hands its batch to a goroutine which waits (ApplyNoSyncWait). The folder is on a
// real disk: set TMPDIR to the one in question.
func BenchmarkGroupCommit(b *testing.B) {
	for _, load := range []struct{ size, inFlight int }{{1, 1}, {16, 4}, {16, 64}, {32, 64}} {
		for _, committers := range []int{1, 2, 3} {
			b.Run(fmt.Sprintf("write=%d/flying=%d/committers=%d", load.size, load.inFlight, committers), func(b *testing.B) {
				s := open(b, Options{Path: b.TempDir(), FS: vfs.Default, committers: committers})
				drive(b, load.size, load.inFlight, s.Append)
				state := s.State()
				b.ReportMetric(float64(state.Changes)/float64(state.Syncs), "bindings/commit")
			})
		}
		b.Run(fmt.Sprintf("write=%d/flying=%d/nosyncwait", load.size, load.inFlight), func(b *testing.B) {
			s := open(b, Options{Path: b.TempDir(), FS: vfs.Default})
			p := newPipeline(s)
			drive(b, load.size, load.inFlight, p.append)
			p.close()
		})
	}
}

// A pipeline is the alternative that was not chosen: one goroutine applies, another waits for syncs, in order.
type pipeline struct {
	s       *Store
	queue   chan *worker.Write
	waiting chan *group
	ended   chan struct{}
}

func newPipeline(s *Store) *pipeline {
	p := &pipeline{s: s, queue: make(chan *worker.Write, 256), waiting: make(chan *group, 16), ended: make(chan struct{})}
	go p.apply()
	go p.wait()
	return p
}

func (p *pipeline) append(w *worker.Write) { p.queue <- w }

func (p *pipeline) apply() {
	defer close(p.waiting)
	for w := range p.queue {
		g := &group{batch: p.s.in.db.NewBatchWithSize(64 << 10), entries: []entry{{write: w}}}
		for more := true; more && len(g.entries) < 128; {
			select {
			case next, ok := <-p.queue:
				if more = ok; ok {
					g.entries = append(g.entries, entry{write: next})
				}
			default:
				more = false
			}
		}
		p.s.build(g)
		if err := p.s.in.db.ApplyNoSyncWait(g.batch, pebble.Sync); err != nil {
			panic(err)
		}
		p.waiting <- g
	}
}

func (p *pipeline) wait() {
	defer close(p.ended)
	for g := range p.waiting {
		if err := g.batch.SyncWait(); err != nil {
			panic(err)
		}
		for _, e := range g.entries {
			e.write.Done <- e.write
		}
		if err := g.batch.Close(); err != nil {
			panic(err)
		}
	}
}

func (p *pipeline) close() {
	close(p.queue)
	<-p.ended
}

// BenchmarkLoad reads a million bindings.
func BenchmarkLoad(b *testing.B) {
	const bindings = 1_000_000
	dir := b.TempDir()
	s := open(b, Options{Path: dir, FS: vfs.Default, Sync: SyncNever})
	fill(b, s, bindings)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for _, parallel := range []int{1, 2} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			for b.Loop() {
				s := open(b, Options{Path: dir, FS: vfs.Default})
				var n atomic.Int64
				if err := s.Load(b.Context(), parallel, func(int, []byte, []byte) error { n.Add(1); return nil }, nil); err != nil {
					b.Fatal(err)
				}
				if n.Load() != bindings {
					b.Fatalf("%d bindings", n.Load())
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/bindings*1e9, "ns/binding")
		})
	}
}

// BenchmarkCoalescing measures what leaving superseded changes out would cost each change: a map of the group's keys.
func BenchmarkCoalescing(b *testing.B) {
	var state uint64
	changes := benchChanges(nil, &state, 1024)
	seen := make(map[[KeySize]byte]int, 1024)
	for b.Loop() {
		clear(seen)
		for rest := changes; len(rest) > 0; {
			key, _, next, _ := testNext(rest)
			seen[[KeySize]byte(key)]++
			rest = next
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/change")
	runtime.KeepAlive(seen)
}
