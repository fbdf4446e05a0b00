package ddns

import (
	"container/heap"
	"time"
)

// crowded tells whether so many tasks wait that more of them would keep those out that can be done.
func (t *tasks) crowded() bool { return t.parked >= t.window/2 }

// letGo notes that tasks which wait aren't held.
func (t *tasks) letGo(s state) {
	again := time.Now().Add(againSoon)
	if s == zoned {
		t.skipped, again = true, time.Now().Add(againLater)
	}
	if t.again.IsZero() || again.Before(t.again) {
		t.again = again
	}
}

func (t *tasks) countParked(s state, n int) {
	t.parked += n
	if s == listening {
		t.listening += n
	}
}

// park has an item wait: until a time, or for its zone. Where too many do it is let go; but some are kept for each zone, as its probes.
func (t *tasks) park(it *item, s state, due time.Time, z *zone) {
	if t.crowded() && (s != zoned || len(z.waiting) >= probes) {
		t.letGo(s)
		t.forget(it)
		return
	}
	it.state, it.due = s, due
	t.countParked(s, len(it.tasks))
	if s == zoned {
		z.waiting = append(z.waiting, it)
	} else {
		heap.Push(&t.timed, it)
	}
}

// unpark makes an item ready that was parked; it isn't in its list any more.
func (t *tasks) unpark(it *item) {
	t.countParked(it.state, -len(it.tasks))
	it.state = ready
	t.ready = append(t.ready, it)
}

// retryDue makes those ready whose time has come.
func (t *tasks) retryDue(now time.Time) {
	for len(t.timed) > 0 && !t.timed[0].due.After(now) {
		t.unpark(heap.Pop(&t.timed).(*item))
	}
}

// retryParked makes all ready that wait for a time.
func (t *tasks) retryParked() {
	for len(t.timed) > 0 {
		it := heap.Pop(&t.timed).(*item)
		it.wait = 0
		t.unpark(it)
	}
	if !t.again.IsZero() {
		t.rewind()
	}
}

// retryAll makes all ready that wait for a zone.
func (t *tasks) retryAll(z *zone) {
	for _, it := range z.waiting {
		t.unpark(it)
	}
	z.waiting = nil
}

// timed is a heap of items by the time at which they are due.
type timed []*item

func (h timed) Len() int { return len(h) }

func (h timed) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

func (h timed) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *timed) Push(x any) {
	it := x.(*item)
	it.place = len(*h)
	*h = append(*h, it)
}

func (h *timed) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
