package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// spared tells whether a chosen lease can be reported as it was stored, without a write: the next version of its binding,
// the draft, would say nothing new but the time, and the stored one is younger than the configured share of T1. The client
// is told what is left of the stored lifetimes, so a power failure takes nothing from it that it knows of.
// docs/decisions/0006-renew-cache.md has the reasons.
func (e *Engine) spared(g *grant, draft *binding.Draft) bool {
	old := g.old
	cache := e.termsOf(draft.Kind, &g.key).RenewCache
	if cache == 0 || old == nil || !old.Live(e.now) || !e.repeats(old, draft) {
		return false
	}
	written := old.LastTransaction()
	age := uint32(e.now - min(e.now, written)) // another worker's clock reading may be the later one
	if age >= cache || old.Expires() < written.Add(draft.Valid) || !e.marks.Durable(old.Mark()) {
		return false
	}
	g.age = age
	return true
}

// repeat publishes a record once more as it is, in the table only. The compare-and-swap decides between this message and
// others about the same lease, as it does where one is written: a Release that another worker is handling, sent before
// this message, must not end what its client is told now. What was durable of the record is so of its repetition.
func (e *Engine) repeat(old *binding.Record) binding.Outcome {
	draft := DraftOf(old)
	_, outcome := e.site.Publish(e.handle, int(e.mark.Worker()), old, &draft)
	if outcome == binding.Published {
		e.Spared++
	}
	return outcome
}

// repeats tells whether a draft says the same as the client's own record, but for when the client was heard and when the
// lease ends.
func (e *Engine) repeats(old *binding.Record, draft *binding.Draft) bool {
	return old.State() == draft.State && old.Owner() == draft.Owner && old.Flags() == draft.Flags &&
		old.Preferred() == draft.Preferred && old.Valid() == draft.Valid &&
		old.Says(draft.DUID, draft.Kind, draft.IAID) && old.HasExtension(draft.Extension)
}

// left is what is left, after some seconds, of a lifetime, of T1 or of T2. What never ends stays so, and so does a T1 or
// T2 of 0, which leaves the time to the client (RFC 9915, Section 14.2).
func left(of, seconds uint32) uint32 {
	if of == wire.Infinity {
		return of
	}
	return of - min(of, seconds)
}
