package peer

import "github.com/lockstep6/lockstep6/core/binding"

// An Inquiry is the time during which a node asks its peers what it missed. Their answers make good what closed the gates before
// it began. A gap that begins while they answer they may or may not fill, so that closes a gate as it always does.
type Inquiry struct {
	gate *Gate
	gaps []uint64 // by link: how many there were when it began
}

// Inquire begins it.
func (g *Gate) Inquire() *Inquiry {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := &Inquiry{gate: g, gaps: make([]uint64, len(g.links))}
	for i := range g.links {
		q.gaps[i] = g.links[i].gaps
	}
	return q
}

// End says of which links all peers have told all that they know, and returns how many of these links' gates are open now. Where
// that goes for all links the back seat is over, and slots that ended while the node was away are free.
//
// A node that began with an empty store still takes a client's word for a history of which no peer knows: what it granted
// itself, and no peer heard of, nobody can tell it.
func (q *Inquiry) End(told []bool, now binding.Time) (open int) {
	g := q.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.links {
		if l := &g.links[i]; told[i] && l.gaps == q.gaps[i] {
			l.until.Store(min(l.until.Load(), uint32(now)))
			l.lost.Store(min(l.lost.Load(), uint32(now)))
			for _, s := range [...]*span{&l.some, &l.whole} {
				s.until.Store(min(s.until.Load(), uint32(now)))
			}
			open++
		}
	}
	if open < len(g.links) {
		return open
	}
	g.seatUntil.Store(min(g.seatUntil.Load(), uint32(now)))
	g.heard.Store(min(g.heard.Load(), uint32(now)))
	g.fresh.Store(g.doubts.Load())
	return open
}
