package worker_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/worker"
)

// TestLatencyBuckets: each bound ends its bucket, and what is a nanosecond longer is in the next one.
func TestLatencyBuckets(t *testing.T) {
	last := uint64(0)
	for i := range worker.LatencyBuckets {
		bound := worker.LatencyBound(i)
		if i > 0 && (bound <= last || float64(bound) > 1.251*float64(last)) {
			t.Errorf("bound %d is %d ns, after %d ns", i, bound, last)
		}
		last = bound
		for above := range 2 {
			var h worker.Histogram
			h.Observe(int64(bound) + int64(above))
			var got worker.Latencies
			got.Add(&h)
			if got.Buckets[i+above] != 1 || got.Sum != bound+uint64(above) {
				t.Errorf("%d ns isn't in bucket %d: %v", bound+uint64(above), i+above, got)
			}
		}
	}
	if first := worker.LatencyBound(0); first > 10_000 || last < 10e9 {
		t.Errorf("the bounds are %d to %d ns, want 10 us to 10 s among them", first, last)
	}
	var h worker.Histogram
	h.Observe(-5)
	h.Observe(1 << 62)
	var got worker.Latencies
	got.Add(&h)
	if got.Buckets[0] != 1 || got.Buckets[worker.LatencyBuckets] != 1 {
		t.Errorf("a negative time and an endless one: %v", got)
	}
}

// TestWorkerLatencies: replies of both lanes count from their message's stamp; a message without one doesn't.
func TestWorkerLatencies(t *testing.T) {
	b := start(t, nil)
	at := func(d worker.Datagram, age int64) worker.Datagram {
		if d.Arrival = 0; age > 0 {
			d.Arrival = now - age
		}
		return d
	}
	b.step(at(solicit(1), 20_000), at(request(2), 300_000_000), at(inform(3), 0), at(request(4), 0))
	b.wantSent(0, 1, 3)
	b.journal.release()
	b.wantSent(1, 2, 4)
	b.socket.close()
	<-b.over // what was sent is counted by then
	var got worker.Latencies
	b.Latencies(&got)
	total := uint64(0)
	for _, c := range got.Buckets {
		total += c
	}
	if total != 2 || got.Sum != 300_020_000 {
		t.Errorf("%d replies counted, %d ns in all; want 2, 300020000 ns", total, got.Sum)
	}
}
