package hook

import (
	"container/heap"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
)

// Bounds of a queue.
const (
	pendingMost = 1 << 16     // leases that wait; beyond that a whole list is sent instead
	listAhead   = 1024        // while so many wait no further items of a list do
	backOff     = time.Second // after a first failure; each further one in turn doubles it
	backOffMost = time.Minute
)

// A queue says who is told next. It has no clock and no lock: both are its owner's. It keeps leases, and not what became of them.
type queue struct {
	source Source
	rate   float64 // events a second; 0: any number
	batch  int
	most   int // failures one after the other by which the receiver counts as away

	waiting map[binding.Key]*entry
	flying  map[binding.Key]*entry // under way
	ready   []*entry               // of those that wait, in order; the first of them have gone
	gone    int
	later   delayed // the others of those that wait
	out     int     // sends under way
	ill     int     // leases whose last try failed

	list    lister
	failing int       // failures one after the other
	pause   time.Time // nothing is sent before, because the receiver is away
	tokens  float64
	filled  time.Time // when tokens were counted
}

func newQueue(source Source, rate, batch, most int) *queue {
	q := &queue{source: source, rate: float64(rate), batch: batch, most: most, flying: make(map[binding.Key]*entry)}
	q.empty()
	return q
}

// empty forgets what waits; what is under way is forgotten when it ends.
func (q *queue) empty() {
	for _, e := range q.waiting {
		if e.failed > 0 {
			q.ill--
		}
	}
	q.waiting, q.ready, q.gone, q.later = make(map[binding.Key]*entry), nil, 0, nil
}

// put notes that a lease changed; gone is what stood last, of Remove. False: there was no room, and a whole list is sent instead.
func (q *queue) put(key binding.Key, kind string, gone *Event, now time.Time) bool {
	if e := q.flying[key]; e != nil {
		if e.again == nil {
			e.again = &entry{key: key, kind: kind, told: true, due: now}
		}
		e.again.merge(kind, gone)
		return true
	}
	if e := q.waiting[key]; e != nil {
		e.merge(kind, gone)
		return true
	}
	if q.pending() >= pendingMost {
		q.relist()
		return false
	}
	q.add(&entry{key: key, kind: kind, gone: gone, due: now}, now)
	return true
}

func (q *queue) add(e *entry, now time.Time) {
	q.waiting[e.key] = e
	if now.Before(e.ready) {
		heap.Push(&q.later, e)
		return
	}
	q.ready = append(q.ready, e)
}

// relist has all leases told anew. What waits is among them, or isn't there any more.
func (q *queue) relist() {
	q.empty()
	q.list.again = true
}

// take returns what is to be sent now, which is under way until done is called with it. Where it is nothing, wait says after how
// long there may be something if nothing else happens; 0: not until something does.
func (q *queue) take(now time.Time) (some []*entry, wait time.Duration) {
	if now.Before(q.pause) {
		return nil, q.pause.Sub(now)
	}
	if some, wait, is := q.control(now); is {
		return some, wait
	}
	room, wait := q.allowance(now)
	if room == 0 {
		return nil, wait
	}
	if some = q.pick(room, now); len(some) > 0 {
		q.tokens -= float64(len(some))
		q.out++
		return some, 0
	}
	if some, wait, is := q.control(now); is { // that was the end of the list
		return some, wait
	}
	if len(q.later) > 0 {
		return nil, q.later[0].ready.Sub(now)
	}
	return nil, 0
}

// control is take where it is the turn of a list's beginning or end.
func (q *queue) control(now time.Time) (some []*entry, wait time.Duration, is bool) {
	e, is := q.list.control(q, now)
	switch {
	case e == nil:
		return nil, 0, is
	case now.Before(e.ready):
		return nil, e.ready.Sub(now), true
	}
	q.out++
	return []*entry{e}, 0, true
}

// pick takes up to room entries: those that changed before the next ones of the list.
func (q *queue) pick(room int, now time.Time) (some []*entry) {
	for len(q.later) > 0 && !now.Before(q.later[0].ready) {
		q.ready = append(q.ready, heap.Pop(&q.later).(*entry))
	}
	q.list.refill(q, room, now)
	for len(some) < room && q.gone < len(q.ready) {
		e := q.ready[q.gone]
		q.ready[q.gone] = nil
		q.gone++
		delete(q.waiting, e.key)
		q.flying[e.key] = e
		some = append(some, e)
	}
	if q.gone == len(q.ready) {
		q.ready, q.gone = q.ready[:0], 0
	}
	return some
}

// allowance is how many events may be sent now, at most a batch, and after what time where it is none.
func (q *queue) allowance(now time.Time) (room int, wait time.Duration) {
	if q.rate == 0 {
		return q.batch, 0
	}
	most := max(float64(q.batch), q.rate/10, 1)
	if q.filled.IsZero() {
		q.tokens = most
	} else {
		q.tokens = min(most, q.tokens+now.Sub(q.filled).Seconds()*q.rate)
	}
	q.filled = now
	if q.tokens < 1 {
		return 0, max(time.Millisecond, time.Duration((1-q.tokens)/q.rate*float64(time.Second)))
	}
	return min(q.batch, int(q.tokens)), 0
}

// done ends what take began: the receiver took all of it, or nothing. Not tried: there was nothing to tell of it.
func (q *queue) done(some []*entry, tried, ok bool, now time.Time) {
	q.out--
	switch {
	case !tried:
	case ok:
		q.failing, q.pause = 0, time.Time{}
	default:
		if q.failing++; q.failing >= q.most {
			q.pause = now.Add(delay(q.failing - q.most))
		}
	}
	for _, e := range some {
		if e.control {
			q.list.done(e, ok, now)
			continue
		}
		delete(q.flying, e.key)
		q.settle(e, ok, now)
	}
}

// settle forgets an entry, or has it wait for its next turn.
func (q *queue) settle(e *entry, ok bool, now time.Time) {
	next := e.again
	e.again = nil
	if ok || q.list.again { // the list that comes has what stands
		if e.failed > 0 {
			q.ill--
		}
		if e.item {
			q.list.open--
		}
		if next != nil && !q.list.again {
			q.add(next, now)
		}
		return
	}
	if next != nil {
		e.merge(next.kind, next.gone)
	}
	if e.failed == 0 {
		q.ill++
	}
	e.told, e.ready = true, now.Add(delay(e.failed))
	e.failed++
	q.add(e, now)
}

// delay is the time before another try, after so many failures before the last one.
func delay(failed int) time.Duration { return min(backOff<<min(failed, 6), backOffMost) }

// pending is how many leases wait, those under way included.
func (q *queue) pending() int { return len(q.waiting) + len(q.flying) }

// oldest is since when the lease has waited that waits longest; zero: none does.
func (q *queue) oldest() (at time.Time) {
	for _, all := range [...]map[binding.Key]*entry{q.waiting, q.flying} {
		for _, e := range all {
			if at.IsZero() || e.due.Before(at) {
				at = e.due
			}
		}
	}
	return at
}
