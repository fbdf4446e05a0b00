package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// free tells whether a lease can be granted to the client for IA number i, by what stands there now.
func (e *Engine) free(i int, key *binding.Key) (grant, bool) {
	ia := &e.message.IAs[i]
	if e.chosen(key) || len(e.site.strays.keys) > 0 && e.strayIn(i, key) {
		return grant{}, false
	}
	g := grant{ia: i, key: *key, old: e.handle.Find(key)}
	if e.claimed(i, key) || slices.Contains(e.withheld, *key) {
		return g, false
	}
	if g.old == nil {
		return g, true
	}
	id := e.identity(i)
	own := g.old.BelongsTo(&id)
	if own && e.doubtful(ia, g.old) {
		return g, false
	}
	if g.old.Registered() && g.old.Live(e.now) && e.yields(g.old, i) {
		return g, true
	}
	switch g.old.State() {
	case binding.Declined:
		return g, !g.old.Taken(e.now)
	case binding.Released:
		// Another client waits until the Release is on stable storage.
		return g, own || e.marks.Durable(g.old.Mark())
	default:
		return g, own || e.over(g.old)
	}
}

// claimed tells whether a claim of another client to the lease waits beside a binding that has ended or is the client's:
// it is observed like any other. Without conflicts this is one look at a filter.
func (e *Engine) claimed(i int, key *binding.Key) bool {
	if e.policy.Single {
		return false
	}
	claims := e.view.Conflicts.On(key)
	if len(claims) == 0 {
		return false
	}
	id := e.identity(i)
	if r := e.handle.Find(key); r != nil && r.Live(e.now) && r.BelongsTo(&id) {
		return e.mayBelong(&e.message.IAs[i], r, key, claims)
	}
	client := e.claimant(i)
	for k := range claims {
		if c := &claims[k]; !e.past(c.Expires) && !c.Same(&client) {
			return true
		}
	}
	return false
}

// mayBelong tells whether a lease that stands for the client may be another's by now, by the claims beside it. What this node
// granted, or the client says to hold, stands until the conflict is decided (see contest); but where its client hasn't been heard
// since an absence, only against those who don't hold the lease either, and where it left the lease, not against who asked a peer for that
// since. What it had from a peer, and doesn't name as its
// own, may be any other's, unless that one asked with it, and before this one was last heard to hold it: then it is a candidate of this
// one, or that one got another.
func (e *Engine) mayBelong(ia *wire.IA, r *binding.Record, key *binding.Key, claims []peer.Claim) bool {
	if e.claims() && e.names(ia, key) {
		return false
	}
	if !Observed(r) {
		unheard := e.view.Gate.Older(r.LastTransaction())
		return slices.ContainsFunc(claims, func(c peer.Claim) bool {
			return unheard && c.Held && c.Expires > e.now || e.leftTo(r, &c)
		})
	}
	mine := e.claimOf(r)
	return slices.ContainsFunc(claims, func(c peer.Claim) bool {
		return !crossed(&c, &mine) || c.Since > r.LastTransaction() || !mine.Strong && !e.gotAnother(&c)
	})
}

// leftTo tells whether the claim's client asked a peer for the lease after the record's client had left it.
func (e *Engine) leftTo(r *binding.Record, c *peer.Claim) bool {
	theirs := c.Node != peer.Nobody && c.Node != e.policy.Self
	return r.State() == binding.Superseded && theirs && c.Since >= r.Since() && !e.past(c.Expires)
}

// over tells whether another client's lease can be given away: it has ended, by its client's reckoning too, and no peer could have
// extended it while this node was away, or didn't hear the link. A weak claim keeps its slot as well: it may be a spill that a peer granted.
func (e *Engine) over(r *binding.Record) bool {
	return e.past(r.Expires()) && (e.policy.Single || !e.view.Gate.ExpiredUnheard(e.link.Index, r.Expires(), e.now))
}

// past tells whether a lease that ends then is over for its client, wherever that is. Nodes count from when they hear a client, in
// whole seconds, and the client counts from when it hears the Reply (RFC 9915, Section 18.2.10.1), which can have been long on its way.
func (e *Engine) past(expires binding.Time) bool { return expires.Add(peer.Grace) <= e.now }

// chosen tells whether an earlier IA of the same message already gets the lease.
func (e *Engine) chosen(key *binding.Key) bool {
	for k := range e.grants {
		if e.grants[k].key == *key {
			return true
		}
	}
	return false
}
