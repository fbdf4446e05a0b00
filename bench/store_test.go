package bench

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// BenchmarkStore makes bindings durable as a worker would, with MaxInFlight writes under way, of one and of
// BatchSize changes: the store's ceiling. ns/op is one change.
func BenchmarkStore(b *testing.B) {
	b.Run("1", func(b *testing.B) { storeWrites(b, 1) })
	b.Run("32", func(b *testing.B) { storeWrites(b, worker.BatchSize) })
}

func storeWrites(b *testing.B, size int) {
	s := openStore(b)
	r := newRunner(b, settings)
	r.use(wire.Request, false)
	free := make(chan *worker.Write, worker.MaxInFlight)
	for range worker.MaxInFlight {
		w := &worker.Write{Done: free}
		r.batch(b, size) // the changes of so many grants
		w.Changes, w.Count = append(w.Changes, r.engine.Changes...), r.engine.Count
		free <- w
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += size {
		s.Append(<-free)
	}
	for range worker.MaxInFlight {
		<-free
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
	if syncs := s.State().Syncs; syncs > 0 {
		b.ReportMetric(float64(b.N)/float64(syncs), "changes/sync")
	}
}
