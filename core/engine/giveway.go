package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

// giveWay ends what stands for a client IA that renews with a peer, and doesn't name it there. Of what this node granted a
// Rapid Commit left-over that the client never confirmed is free; any other binding isn't extended, and not reused
// before it ends. An IA that names nothing says nothing of what the client holds.
func (e *Engine) giveWay(i int) {
	ia := &e.message.IAs[i]
	if _, _, named := ia.NextLease(ia.Options); !named {
		return
	}
	client := e.claimant(i)
	e.view.Conflicts.Moved(&client, e.now, func(key *binding.Key) bool { return e.names(ia, key) })
	for _, r := range e.found {
		key := r.Key()
		if r.State() != binding.Bound || !r.Live(e.now) || e.names(ia, &key) {
			continue
		}
		if Observed(r) {
			e.refute(r, &key)
			continue
		}
		draft := DraftOf(r)
		draft.State, draft.Mark, draft.Since = binding.Superseded, e.mark, e.now
		if has(r, FlagRapid) {
			draft.State, draft.Expires = binding.Released, e.now
		}
		e.record(r, &draft)
	}
}

// refute ends a binding of which only the Request was heard: the client holds another lease. Where several ask a peer for
// the one that was advertised to each of them, their Requests can come here in another order than there; so the
// lease is now that of a client whose claim waits beside the record.
func (e *Engine) refute(r *binding.Record, key *binding.Key) {
	if r.Flags()&(FlagConfirmed|FlagHeld) != 0 {
		return // it was renewed
	}
	if !peer.Confirms(r.Since(), e.now) {
		// This Renew could be older than the Request, and late; unless another client says that it has the lease.
		heir, mine := e.heir(key), e.claimOf(r)
		if heir == nil || !crossed(&mine, heir) {
			return
		}
	}
	if e.inherit(r, key) {
		return
	}
	draft := DraftOf(r)
	draft.State, draft.Mark, draft.LastTransaction, draft.Expires, draft.Since = binding.Released, e.mark, e.now, e.now, e.now
	if e.record(r, &draft) != binding.Published {
		return
	}
	// A claim that another worker noted meanwhile may have seen the record before its end.
	if free := e.handle.Find(key); free != nil && !free.Taken(e.now) {
		e.inherit(free, key)
	}
}

// inherit gives a lease's record to the best claim that waits beside it. False: there is none. No reply waits for it.
func (e *Engine) inherit(r *binding.Record, key *binding.Key) bool {
	heir := e.heir(key)
	if heir == nil {
		return false
	}
	waits := e.waits
	e.seat(r, key, heir)
	e.waits = waits
	return true
}

// heir is the best of the claims in peers' names that wait beside a lease's record; nil: none. A claim whose client has
// turned out to hold another lease is none, and is forgotten.
func (e *Engine) heir(key *binding.Key) *peer.Claim {
	var best *peer.Claim
	claims := e.view.Conflicts.On(key)
	for k := range claims {
		c := &claims[k]
		switch {
		case c.Expires <= e.now || c.Node == peer.Nobody || c.Node == e.policy.Self:
		case e.moved(key, c):
			e.view.Conflicts.Drop(key, c)
		case best == nil || c.Held && !best.Held || c.Held == best.Held && e.beats(key, c, best):
			best = c
		}
	}
	return best
}

// moved tells whether a claim's client IA was heard of another lease after the claim. In the same second a Renew of the
// claim's lease is the later one, and a Request the earlier.
func (e *Engine) moved(key *binding.Key, c *peer.Claim) bool {
	if c.Anonymous {
		return false
	}
	var room [4]*binding.Record
	id := c.Client()
	for _, r := range e.handle.FindIdentity(&id, room[:0]) {
		if r.State() == binding.Bound && r.Live(e.now) && (r.Expires() > c.Expires || r.Expires() == c.Expires && !c.Held) {
			return true
		}
	}
	return !c.Held && e.view.Conflicts.HoldsOther(key, c)
}
