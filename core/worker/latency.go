package worker

import (
	"math/bits"
	"sync/atomic"
)

// A histogram of times has four buckets per power of two, so each bound is at most a quarter above the one before it. The
// first bucket ends at 2^13 ns (8 us), the last one at 1.25 times 2^33 ns (10.7 s); what takes longer is only counted.
const (
	firstPower = 13
	lastPower  = 33
	perPower   = 4

	LatencyBuckets = (lastPower-firstPower)*perPower + 2
)

// A Histogram counts times. It has one writer at a time, who takes no lock and allocates nothing; anyone may read it.
type Histogram struct {
	buckets [LatencyBuckets + 1]atomic.Uint64 // the last one: longer than all bounds
	sum     atomic.Uint64                     // nanoseconds
}

// Observe counts a time in nanoseconds. A negative one, of a wall clock that was set meanwhile, counts as none.
func (h *Histogram) Observe(nanoseconds int64) {
	t := uint64(max(nanoseconds, 0))
	bump(&h.buckets[bucketOf(t)], 1)
	bump(&h.sum, t)
}

// bucketOf is the first bucket whose bound isn't below t.
func bucketOf(t uint64) int {
	if t <= 1<<firstPower {
		return 0
	}
	t-- // a bound belongs to the bucket that it ends
	power := bits.Len64(t) - 1
	return min((power-firstPower)*perPower+int(t>>(power-2)&(perPower-1))+1, LatencyBuckets)
}

// LatencyBound is the bound of a bucket, from 0, in nanoseconds: the longest time that counts in it.
func LatencyBound(bucket int) uint64 {
	step := bucket - 1
	if step < 0 {
		return 1 << firstPower
	}
	return uint64(perPower+step%perPower+1) << (firstPower + step/perPower - 2)
}

// Latencies are the counts of one histogram or several.
type Latencies struct {
	Buckets [LatencyBuckets + 1]uint64 // not cumulative; the last one: longer than all bounds
	Sum     uint64                     // nanoseconds
}

// Add adds a histogram's counts. While its writer counts they are those of about now.
func (l *Latencies) Add(h *Histogram) {
	for i := range h.buckets {
		l.Buckets[i] += h.buckets[i].Load()
	}
	l.Sum += h.sum.Load()
}

// Merge adds other counts.
func (l *Latencies) Merge(other *Latencies) {
	for i := range other.Buckets {
		l.Buckets[i] += other.Buckets[i]
	}
	l.Sum += other.Sum
}

// A lane's latencies have their writer's cache lines to themselves.
type lane struct {
	_ [64]byte
	Histogram
	_ [64]byte
}

// Latencies adds the worker's: from the kernel's stamp of a message's arrival until the kernel was given the reply. Messages
// without a stamp aren't in them.
func (w *Worker) Latencies(to *Latencies) {
	for i := range w.lanes {
		to.Add(&w.lanes[i].Histogram)
	}
}

// handed counts replies that a lane has just given to the kernel, by when their messages arrived. The clock is read once.
func (w *Worker) handed(to int, wall int64, arrivals []int64) {
	for _, arrival := range arrivals {
		if arrival != 0 {
			w.lanes[to].Observe(wall - arrival)
		}
	}
}
