package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// claimTries bounds how often a lease is chosen again because another worker was faster.
const claimTries = 8

// assign chooses a lease for IA number i and claims it in the table. False: there is none to assign, or e.trouble
// says why the message gets no answer.
//
// A full table is no trouble for a lease that has no record: there is nothing to assign then, and the client is told so
// (RFC 9915, Section 18.3.2) and can go to another server. But a client whose binding can't be extended must not be
// told that: it would give the lease up.
func (e *Engine) assign(i int, create bool) (grant, bool) {
	for range claimTries {
		e.find(i)
		g, ok := e.choose(i, create)
		if !ok {
			return grant{}, false
		}
		if e.interfere != nil {
			e.interfere()
		}
		switch e.claim(&g) {
		case binding.Published:
			e.grants = append(e.grants, g)
			return g, true
		case binding.Full:
			if g.old != nil {
				e.trouble = wire.DropTableFull
			}
			return grant{}, false
		}
	}
	e.trouble = wire.DropContended
	return grant{}, false
}

// find gathers the table's records of the client IA into e.found.
func (e *Engine) find(i int) {
	id := e.identity(i)
	e.found = e.handle.FindIdentity(&id, e.found[:0])
}

// draft is the next version of a chosen lease's binding.
func (e *Engine) draft(g *grant) binding.Draft {
	ia := &e.message.IAs[g.ia]
	id := e.identity(g.ia)
	times := e.termsOf(ia.Kind, &g.key)
	draft := binding.Draft{
		Key: g.key, Kind: ia.Kind, IAID: ia.IAID, DUID: e.message.ClientID,
		State: binding.Bound, Mark: e.mark,
		Preferred: times.Preferred, Valid: times.Valid,
		LastTransaction: e.now, Expires: e.now.Add(times.Valid), Since: e.now,
		Flags: flagOf(&id), Extension: e.keepAcceptance(e.keptWith(&id, &g.key, g.old)),
	}
	if e.rapid {
		draft.Flags |= FlagRapid
	}
	if e.reserved != nil && e.link.Reserved(&g.key.Address, g.key.Length) == e.reserved {
		draft.Flags |= FlagStrong
	}
	if g.old != nil && g.old.Live(e.now) && g.old.BelongsTo(&id) {
		e.extend(g.old, &draft)
	}
	return draft
}

// claim publishes the binding of a chosen lease: one compare-and-swap decides. Whatever the reply reports is
// written, even where only its time changes, so the reply waits for the binding's newest write; unless that is
// durable, and so young that the binding is reported as it stands (see spared).
func (e *Engine) claim(g *grant) binding.Outcome {
	draft := e.draft(g)
	if e.spared(g, &draft) {
		return e.repeat(g.old)
	}
	outcome := e.publish(g.old, &draft)
	if outcome == binding.Full && g.old != nil {
		// A standing binding is extended though what is new about its client finds no room.
		id := e.identity(g.ia)
		own := g.old.BelongsTo(&id)
		switch {
		case !own && id.Derived:
			return outcome // that it is the client's has no room
		case own:
			draft.DUID, draft.IAID = g.old.DUID(), g.old.IAID()
		}
		e.name, e.accepting.keyed = nil, false
		draft.Extension, draft.KeepExtension = nil, own
		outcome = e.publish(g.old, &draft)
	}
	return outcome
}

// extend lets a draft go on from the client's live binding, superseded or not. Nothing that a client may have been told
// of is shortened: not by a worker whose clock reading is older than the one that wrote the record, and not by a
// configuration with shorter lifetimes, for the reply that says so can be lost, however often it is sent.
func (e *Engine) extend(old *binding.Record, draft *binding.Draft) {
	draft.Since = old.Since()
	draft.Flags |= old.Flags() & FlagConfirmed
	if e.claims() && peer.Confirms(old.Since(), e.now) {
		draft.Flags |= FlagConfirmed
	}
	if last := old.LastTransaction(); last > e.now {
		draft.LastTransaction, draft.Expires = last, last.Add(draft.Valid)
	}
	draft.Expires = max(draft.Expires, old.Expires())
}

// retire gives a record of this client another state: it isn't extended any more.
func (e *Engine) retire(r *binding.Record, state binding.State, expires binding.Time) binding.Outcome {
	draft := DraftOf(r)
	draft.State, draft.Mark = state, e.mark
	draft.LastTransaction, draft.Expires, draft.Since = max(e.now, draft.LastTransaction), expires, e.now
	return e.publish(r, &draft)
}

func (e *Engine) publish(old *binding.Record, draft *binding.Draft) binding.Outcome {
	r, outcome := e.site.Publish(e.handle, int(e.mark.Worker()), old, draft)
	if outcome != binding.Published {
		return outcome
	}
	e.Changes = AppendChange(e.Changes, e.policy.History, old, r, draft)
	e.Count++
	e.waits = true
	Recount(e.view, old, r)
	if old == nil {
		e.site.Take(&draft.Key, draft.Kind)
	} else {
		e.site.turn(&draft.Key, draft.Kind, old.State(), draft.State)
	}
	return outcome
}

// DraftOf is a record's content as a draft, to publish a next version of it in its place. Its DUID is a view into the
// record, whose extension it keeps.
func DraftOf(r *binding.Record) binding.Draft {
	return binding.Draft{
		Key: r.Key(), Kind: r.Kind(), IAID: r.IAID(), DUID: r.DUID(),
		State: r.State(), Flags: r.Flags(), Owner: r.Owner(), Mark: r.Mark(),
		Preferred: r.Preferred(), Valid: r.Valid(),
		LastTransaction: r.LastTransaction(), Expires: r.Expires(), Since: r.Since(),
		KeepExtension: true,
	}
}

// supersede retires every live binding of the client IA but the granted one: a client IA has one lease.
// It must follow assign, whose e.found it uses. A record that another worker changes at this moment is left as it is:
// the client's next message finds it.
func (e *Engine) supersede(keep *binding.Key) {
	for _, r := range e.found {
		if r.State() == binding.Bound && r.Live(e.now) && r.Key() != *keep {
			e.retire(r, binding.Superseded, r.Expires())
		}
	}
}
