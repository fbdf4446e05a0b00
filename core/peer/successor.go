package peer

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A Lineage tells which nodes, links and pools of a policy are those of an earlier one: by the later index the earlier
// one, or Nobody for what is new.
type Lineage struct{ Nodes, Links, Pools []int }

// kept tells whether all of so many things stand where they stood.
func kept(from []int, before int) bool {
	for i, was := range from {
		if i != was {
			return false
		}
	}
	return len(from) == before
}

// turned is the later index by the earlier one; Nobody for what is gone.
func turned(from []int, before int) []int {
	out := make([]int, before)
	for i := range out {
		out[i] = Nobody
	}
	for i, was := range from {
		if was != Nobody {
			out[was] = i
		}
	}
	return out
}

// Successor is the View for a policy that follows v's while the node serves: it goes on with what v knows. Where no index
// moves that is v itself, with the new times of listening; else a new View, with a copy of what is counted by index, while
// what isn't is shared. Links that are new are taken for new ones of the whole cluster (see Gate.BegunLink).
//
// Of the options the salt and the ports are v's. Engines may use v at the same time: what they learn meanwhile and is counted by
// index is lost, but for conflicts, which CatchUp brings. Tick must not run.
func (v *View) Successor(o Options, from Lineage, now binding.Time) *View {
	if kept(from.Nodes, len(v.Tally.nodes)) && kept(from.Links, len(v.Gate.links)) && kept(from.Pools, len(v.Missed.until)) {
		v.Gate.retune(o.Listen, o.Lasts, o.After)
		return v
	}
	o.Salt, o.Ports = v.Salt, 0
	next := NewView(o)
	next.Firsts, next.Twin, next.Ports, next.Conflicts.ports = v.Firsts, v.Twin, v.Ports, v.Ports
	nodes, links := turned(from.Nodes, len(v.Tally.nodes)), turned(from.Links, len(v.Gate.links))
	next.Tally.succeed(v.Tally, from.Nodes)
	next.Gate.succeed(v.Gate, from.Links, now)
	next.Relays.succeed(v.Relays, from.Nodes, links)
	next.Health.succeed(v.Health, from.Nodes, nodes)
	next.Divergence.succeed(v.Divergence, &from)
	next.Foreign.succeed(&v.Foreign, links)
	next.Conflicts.succeed(v.Conflicts, nodes)
	next.Missed.succeed(v.Missed, from.Pools)
	next.Settled.succeed(v.Settled, from.Pools)
	return next
}

// CatchUp takes over the claims that came to the earlier View since the Successor was made of it, at that time. No engine
// may use the earlier one any more.
func (v *View) CatchUp(before *View, from Lineage, since binding.Time) {
	if before == v {
		return
	}
	v.Conflicts.adopt(before.Conflicts, turned(from.Nodes, len(before.Tally.nodes)), since)
}

func carry32(to, from *atomic.Uint32) { to.Store(from.Load()) }
func carry64(to, from *atomic.Uint64) { to.Store(from.Load()) }

func (y *Tally) succeed(old *Tally, from []int) {
	for i, was := range from {
		if was == Nobody {
			continue
		}
		for t := range y.nodes[i].counts {
			carry64(&y.nodes[i].counts[t], &old.nodes[was].counts[t])
		}
		carry32(&y.nodes[i].last, &old.nodes[was].last)
	}
}

func (g *Gate) succeed(old *Gate, from []int, now binding.Time) {
	carry32(&g.fresh, &old.fresh)
	carry32(&g.seatFrom, &old.seatFrom)
	carry32(&g.seatUntil, &old.seatUntil)
	carry32(&g.absent, &old.absent)
	carry32(&g.heard, &old.heard)
	carry32(&g.latest, &old.latest)
	carry32(&g.unheard, &old.unheard)
	carry32(&g.returned, &old.returned)
	carry32(&g.began, &old.began)
	carry32(&g.doubts, &old.doubts)
	g.closed = old.Closed()
	old.mu.Lock()
	defer old.mu.Unlock()
	for i, was := range from {
		if was == Nobody {
			g.BegunLink(i, now)
			raise(&g.links[i].lost, uint32(old.LostUntil(now))) // it may be another one's new name, or have its pools
			continue
		}
		l, o := &g.links[i], &old.links[was]
		carry32(&l.since, &o.since)
		carry32(&l.until, &o.until)
		carry32(&l.reason, &o.reason)
		carry32(&l.fresh, &o.fresh)
		carry32(&l.lost, &o.lost)
		carry32(&l.spoke, &o.spoke)
		l.some.succeed(&o.some)
		l.whole.succeed(&o.whole)
		l.gaps = o.gaps
	}
}

// succeed keeps the relays' numbers: exchanges under way name them.
func (t *Relays) succeed(old *Relays, nodes, links []int) {
	for i := range old.entries {
		r, o := &t.entries[i], &old.entries[i]
		state := o.state.Load()
		if i > 0 && state != relayReady {
			continue
		}
		r.address, r.window = o.address, o.window
		switch link := o.link.Load(); {
		case link > 0:
			r.link.Store(int32(links[link-1]) + 1) // Nobody: none known
		default:
			r.link.Store(link)
		}
		for _, pair := range [][2]*atomic.Uint32{
			{&r.first, &o.first}, {&r.last, &o.last}, {&r.longest, &o.longest}, {&r.before, &o.before},
			{&r.solicits, &o.solicits}, {&r.followed, &o.followed}, {&r.ours, &o.ours},
			{&r.requests, &o.requests}, {&r.renews, &o.renews}, {&r.firstRequest, &o.firstRequest},
		} {
			carry32(pair[0], pair[1])
		}
		r.silent.Store(o.silent.Load())
		carry64(&r.messages, &o.messages)
		for node, was := range nodes {
			if was != Nobody {
				carry32(t.answered(i, node), old.answered(i, was))
			}
		}
		r.state.Store(state)
	}
	for i := range t.offers {
		carry64(&t.offers[i], &old.offers[i])
	}
}

func (h *Health) succeed(old *Health, from, nodes []int) {
	for i, was := range from {
		if was == Nobody {
			continue
		}
		p, o := &h.peers[i], &old.peers[was]
		carry64(&p.answered, &o.answered)
		carry64(&p.unanswered, &o.unanswered)
		carry64(&p.rebinds, &o.rebinds)
		carry32(&p.last, &o.last)
		for k := range p.evidence {
			carry64(&p.evidence[k].client, &o.evidence[k].client)
			carry64(&p.evidence[k].what, &o.evidence[k].what)
		}
	}
	const peerBits = uint64(63) << 38
	for i := range h.pending {
		word := old.pending[i].Load()
		was := int(word >> 38 & 63)
		if word == 0 || was >= len(nodes) || nodes[was] == Nobody {
			continue
		}
		carry64(&h.clients[i], &old.clients[i])
		carry32(&h.again[i], &old.again[i])
		h.pending[i].Store(word&^peerBits | uint64(nodes[was])<<38)
	}
}

func (d *Divergence) succeed(old *Divergence, from *Lineage) {
	old.mu.Lock()
	defer old.mu.Unlock()
	for i, was := range from.Nodes {
		if was == Nobody {
			continue
		}
		for by := range explanations {
			carry64(&d.total[i*explanations+by], &old.total[was*explanations+by])
		}
		move := func(to, at int) {
			carry64(&d.recent[to], &old.recent[at])
			carry64(&d.last[to], &old.last[at])
			if e, ok := old.examples[at]; ok {
				e.DUID = append([]byte(nil), e.DUID...)
				d.examples[to] = e
			}
		}
		for pool, at := range from.Pools {
			if at != Nobody {
				move(d.index(i, pool, 0), old.index(was, at, 0))
			}
		}
		for link, at := range from.Links {
			if at != Nobody {
				move(d.index(i, -1, link), old.index(was, -1, at))
			}
		}
	}
}

func (f *Foreign) succeed(old *Foreign, links []int) {
	f.total.Store(old.total.Load())
	f.seen = old.Servers()
	for i := range f.seen {
		if s := &f.seen[i]; s.Link >= 0 {
			s.Link = links[s.Link]
		}
	}
}

func (m *Missed) succeed(old *Missed, from []int) {
	for i, was := range from {
		if was != Nobody {
			carry32(&m.until[i], &old.until[was])
		}
	}
}
