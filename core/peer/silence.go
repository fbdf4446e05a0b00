package peer

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A relay or an interface that is silent for a time keeps from a node what peers do there, as an absence does, though the node goes on. A client
// whose lease ends meanwhile, by all that the node knows, may have turned to a peer and have it still. So the lease goes to nobody else until one
// T1 after the silence: by then every client has renewed once and was heard.
//
// What is silent may be gone for good. So it counts for one valid lifetime, in which all leases end that were there when it began; and no lease
// is kept apart for longer than that after its end, however many relays of the link are silent in turn. Only where nobody on the link is heard for
// long, half a valid lifetime at least, it goes on for as long as it takes: nobody asks there for a lease.

// A span keeps leases apart: those that ended since a time, until another. Both are binding.Time.
type span struct{ since, until atomic.Uint32 }

// keep has what ended since a time kept apart until another. The gate is locked.
func (s *span) keep(since, until, now binding.Time) {
	if uint32(now) >= s.until.Load() || uint32(since) < s.since.Load() {
		s.since.Store(uint32(since))
	}
	raise(&s.until, uint32(until))
}

func (s *span) holds(ended, now binding.Time) bool {
	return uint32(now) < s.until.Load() && uint32(ended) >= s.since.Load()
}

func (s *span) succeed(old *span) {
	carry32(&s.since, &old.since)
	carry32(&s.until, &old.until)
}

// Heard notes that somebody on the link was heard.
func (g *Gate) Heard(link int, now binding.Time) {
	if l := &g.links[link]; l.spoke.Load() != uint32(now) {
		l.spoke.Store(uint32(now))
	}
}

// Silent says that a silence, since a time, of somebody on the link goes on.
func (g *Gate) Silent(link int, since, now binding.Time) {
	l := &g.links[link]
	if whole := l.wholly(since, now); whole || now < since.Add(l.lasts.Load()) {
		g.mu.Lock()
		defer g.mu.Unlock()
		l.keepApart(whole, since, now)
	}
}

// SilentAll is Silent for all links.
func (g *Gate) SilentAll(since, now binding.Time) {
	for i := range g.links {
		g.Silent(i, since, now)
	}
}

// Silenced is Close for a gap that is a silence since a time of somebody on the link. It is told when that is found, and again when it is over,
// before anything is noted to be heard.
func (g *Gate) Silenced(link int, since, now binding.Time, why Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := &g.links[link]
	l.gaps++
	g.close(link, now, why)
	l.keepApart(l.wholly(since, now), since, now)
}

// SilencedAll is Silenced for all links.
func (g *Gate) SilencedAll(since, now binding.Time, why Reason) {
	for i := range g.links {
		g.Silenced(i, since, now, why)
	}
}

// wholly tells whether a silence since a time is one of everybody on the link, and a long one. Who was heard just behind its beginning, and isn't
// any more, counts as silent too.
func (l *gateLink) wholly(since, now binding.Time) bool {
	spoke := binding.Time(l.spoke.Load())
	return now >= since.Add(l.lasts.Load()/2) && (spoke <= since || now >= spoke.Add(l.listen.Load()))
}

// keepApart has what ended since a time kept apart for one T1 from now on: whatever has, or for one valid lifetime. The gate is locked.
func (l *gateLink) keepApart(whole bool, since, now binding.Time) {
	until := now.Add(l.listen.Load())
	if whole {
		l.whole.keep(since, until, now)
	}
	l.some.keep(since, until, now)
}

// Whole tells whether the node knows of no gap in what it knows, of whatever link, that isn't made good. A silence that goes on while the gates
// are open isn't one: it may never end.
func (g *Gate) Whole(now binding.Time) bool {
	for i := range g.links {
		if !g.Open(i, now) || g.Lost(i, now) {
			return false
		}
	}
	return !g.FreshAll(now)
}

// ExpiredUnheard tells whether a binding of the link that ended then could have been extended by a peer without being heard, while this node was
// away or the link was silent: until all clients have renewed once, such a lease isn't given to another one. A negative link is none.
func (g *Gate) ExpiredUnheard(link int, expires, now binding.Time) bool {
	if g.Relearns(now) && uint32(expires) >= g.unheard.Load() {
		return true
	}
	if link < 0 {
		return false
	}
	l := &g.links[link]
	return l.some.holds(expires, now) && now < expires.Add(l.lasts.Load()) || l.whole.holds(expires, now)
}
