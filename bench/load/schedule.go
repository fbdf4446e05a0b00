package load

import "math"

// A schedule says when a site's exchanges begin. Exchange k of all sites begins k/rate after the first; they take turns,
// so that a site has every sites-th of them. It follows from the rate alone, whatever was answered.
type schedule struct {
	from  int64   // when exchange 0 begins
	step  float64 // nanoseconds from one exchange to the next, of all sites
	next  int64   // number of the site's next exchange, among those of all sites
	every int64   // sites
	end   int64   // exchanges of all sites
}

// newSchedule is the schedule of one site out of several.
func newSchedule(from int64, rate, seconds float64, site, sites int) schedule {
	return schedule{from: from, step: 1e9 / rate, next: int64(site), every: int64(sites), end: int64(math.Round(rate * seconds))}
}

// due is when the next exchange begins. Far in the future: there is none.
func (s *schedule) due() int64 {
	if s.next >= s.end {
		return math.MaxInt64
	}
	return s.from + int64(float64(s.next)*s.step)
}

// until is when the exchange after the last one of all sites would begin.
func (s *schedule) until() int64 { return s.from + int64(float64(s.end)*s.step) }

// take turns to the exchange after the next one.
func (s *schedule) take() { s.next += s.every }

// stop takes all exchanges away that have not begun.
func (s *schedule) stop() { s.end = s.next }

// A ring is a queue of fixed capacity.
type ring[T any] struct {
	items []T
	head  int
	count int
}

func newRing[T any](capacity int) ring[T] { return ring[T]{items: make([]T, max(capacity, 1))} }

// push adds an item at the end. A full ring doubles its capacity first.
func (r *ring[T]) push(item T) {
	if r.count == len(r.items) {
		grown := newRing[T](2 * len(r.items))
		n := copy(grown.items, r.items[r.head:])
		copy(grown.items[n:], r.items[:r.head])
		r.items, r.head = grown.items, 0
	}
	r.items[(r.head+r.count)%len(r.items)] = item
	r.count++
}

// first is the item that has waited longest. The ring must not be empty.
func (r *ring[T]) first() *T { return &r.items[r.head] }

// pop takes it out.
func (r *ring[T]) pop() T {
	item := r.items[r.head]
	r.head = (r.head + 1) % len(r.items)
	r.count--
	return item
}
