package peer

import "github.com/lockstep6/lockstep6/core/binding"

// What a node granted in a pool that is its own alone nobody else gives away, whether it heard of the grant or not. That is worth
// nothing where the node itself has lost its store. So when it finds that it has, it gives nothing new out of such pools until all
// that it granted has ended.

// Begins says, after Returned, that the node began with an empty store and hasn't listened for long enough since: a restart brings
// nothing back. Until is until when it was known to have lost what it granted; 0: that wasn't so.
func (g *Gate) Begins(until, now binding.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.doubt(now)
	for i := range g.links {
		raise(&g.links[i].lost, uint32(until))
	}
}

// doubt begins the time in which there can be evidence that the node has lost what it granted. The gate is locked.
func (g *Gate) doubt(now binding.Time) {
	g.began.Store(uint32(now))
	g.doubts.Store(uint32(now.Add(g.longest())))
}

// Doubts tells whether Lose would still mean something: the node began with an empty store, less than one T1 ago.
func (g *Gate) Doubts(now binding.Time) bool { return uint32(now) < g.doubts.Load() }

// Lose says that a client has a lease that only this node can have granted, and of which it has no record. There may be more of them on all
// links, which end one valid lifetime after the node's start if nobody renews them. At most a day counts.
func (g *Gate) Lose(now binding.Time) {
	if !g.Doubts(now) {
		return
	}
	began := binding.Time(g.began.Load())
	for i := range g.links {
		l := &g.links[i]
		raise(&l.lost, uint32(began.Add(l.lasts.Load()).Add(Grace)))
	}
}

// Lost tells whether there may be leases of the link that this node granted and doesn't know of.
func (g *Gate) Lost(link int, now binding.Time) bool { return uint32(now) < g.links[link].lost.Load() }

// LostUntil is until when that is so of any link; 0: of none.
func (g *Gate) LostUntil(now binding.Time) (until binding.Time) {
	for i := range g.links {
		if g.Lost(i, now) {
			until = max(until, binding.Time(g.links[i].lost.Load()))
		}
	}
	return until
}
