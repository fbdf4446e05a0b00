package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A verdict is what becomes of a lease that a client says to hold, where somebody else claims it too. Prefixes have no
// DAD and no Decline, so nobody but a server can see that two clients have the same one.
type verdict uint8

const (
	standing  verdict = iota // nobody else has it, or that isn't decided yet: the client's record stands
	undecided                // another's record stands, and nothing is decided
	lost                     // another client keeps the lease
)

// contest decides about a lease that the client names in a Renew or Rebind. A conflict is between confirmed claims of
// different clients; every node decides it alike: a strong claim beats a weak one, then the keyed rank. The table
// holds the winner's binding afterwards.
func (e *Engine) contest(i int, key *binding.Key) verdict {
	r := e.handle.Find(key)
	if r == nil || !r.Live(e.now) && (r.State() == binding.Released || r.State() == binding.Declined || e.past(r.Expires())) {
		return standing
	}
	if r.Registered() {
		if e.yields(r, i) {
			return standing
		}
		return lost
	}
	if id := e.identity(i); r.BelongsTo(&id) {
		if !r.Live(e.now) {
			return standing
		}
		return e.defend(r, key)
	}
	return e.attack(i, r, key)
}

// defend holds the client's own record against claims of others. What this node granted gives way to a better confirmed one
// only; what a peer did, perhaps, isn't taken over while any other is as good.
func (e *Engine) defend(r *binding.Record, key *binding.Key) verdict {
	claims := e.view.Conflicts.On(key)
	if len(claims) == 0 {
		return standing
	}
	mine := e.claimOf(r)
	mine.Confirmed = mine.Confirmed || peer.Confirms(r.Since(), e.now)
	says := mine
	says.Held = true
	for k := range claims {
		c := &claims[k]
		decided := mine.Confirmed && c.Confirmed && e.rivals(c, &mine)
		switch {
		case c.Expires <= e.now || decided && !e.beats(key, c, &mine):
			continue
		case decided:
		case !Observed(r) || outlasts(&mine, c) || mine.Strong && crossed(c, &says) || e.stronger(key, &mine, c):
			continue // this node granted it; or the other one only asked for it; or the configuration says whose it is
		default:
			return undecided // a peer granted it, perhaps, and to this client, perhaps
		}
		if e.seat(r, key, c) {
			e.view.Conflicts.Note(key, mine, true, e.now)
			e.view.Conflicts.Decided(peer.Decision{Lease: *key, Winner: *c, Loser: mine})
			return lost
		}
		return standing // another worker was faster; the client's next message decides
	}
	return standing
}

// attack holds the client's claim against another client's record. The claim is noted at first, and confirmed like any.
func (e *Engine) attack(i int, r *binding.Record, key *binding.Key) verdict {
	ia, mine := &e.message.IAs[i], e.claimant(i)
	if e.message.Type == wire.Renew && e.neverGranted(r) {
		e.view.Conflicts.Drop(key, &mine)
		return lost
	}
	id, pool := e.identity(i), e.poolOf(ia.Kind, key)
	mine.Node, mine.Since, mine.Expires = peer.Nobody, e.now, e.lasts(&id, key, nil)
	mine.Port, mine.Extension = portOf(e.kept(), weakPort), e.keptWith(&id, key, nil)
	if e.message.Type == wire.Renew {
		mine.Node = e.policy.Self
	}
	_, mine.Strong = e.explain(key, pool, &id, ia.IAID, mine.Node)
	if !mine.Strong && e.astray(key) || !e.believes(key, &mine, pool) {
		return undecided
	}
	mine = e.view.Conflicts.Note(key, mine, true, e.now)
	other := e.claimOf(r)
	if !Observed(r) && mine.Node == e.policy.Self {
		return undecided // both say that they have it from here, and one of them was heard before what is missing here
	}
	switch {
	case e.beaten(key, &mine):
		return undecided // a third client's claim is better than this one
	case mine.Confirmed && !has(r, FlagHeld) && e.late(r), e.overtook(&other, &mine):
		// The other one only asked for it, and would have renewed by now; or its Request came first here, and second there.
		if !e.seat(r, key, &mine) {
			return undecided
		}
		return standing
	case !mine.Confirmed || !e.rivals(&mine, &other) || !other.Confirmed && r.State() != binding.Superseded:
		return undecided
	case r.State() == binding.Superseded:
		// The other client left it for another server's, or gave it up there: it keeps only what nobody else has got.
		if !e.seat(r, key, &mine) {
			return undecided
		}
		return standing
	case !e.beats(key, &mine, &other):
		e.view.Conflicts.Decided(peer.Decision{Lease: *key, Winner: other, Loser: mine})
		return lost
	case e.seat(r, key, &mine):
		e.view.Conflicts.Note(key, other, true, e.now)
		return standing
	default:
		return undecided
	}
}

// neverGranted tells, of a Renew that names this node, whether it can't have granted the client the lease, of which it has
// no record: it granted it to the client that stands there, or there is no gap in what it knows. With an older copy of
// its store a node doesn't know what it granted after that; so what stands there counts when its client is heard again.
func (e *Engine) neverGranted(r *binding.Record) bool {
	if Observed(r) {
		return e.gateOpen() && !e.view.Gate.Fresh(e.link.Index, e.now)
	}
	return !e.view.Gate.Before(r.LastTransaction())
}

// overtook tells whether the other client's Request only came here before this one's. This client says that it has the
// lease. That is believed where it asked for it too and it is its candidate, or where the other one has said what it got.
func (e *Engine) overtook(other, mine *peer.Claim) bool {
	return mine.Node != e.policy.Self && crossed(other, mine) && (mine.Asked && mine.Strong || e.gotAnother(other))
}

// gotAnother tells whether the client IA of a claim was heard to hold a lease since, of which that claim isn't.
func (e *Engine) gotAnother(c *peer.Claim) bool {
	if c.Anonymous {
		return false // which one that is isn't known
	}
	var room [4]*binding.Record
	id := c.Client()
	return slices.ContainsFunc(e.handle.FindIdentity(&id, room[:0]), func(r *binding.Record) bool {
		return r.State() == binding.Bound && r.Live(e.now) && (!Observed(r) || has(r, FlagHeld)) && r.LastTransaction() >= c.Since
	})
}

// crossed tells whether two clients asked the same peer for the lease at about the same time, the other one no more than
// asked, and this one holds it. A node doesn't grant a lease twice, so the other one got another.
func crossed(other, mine *peer.Claim) bool {
	apart := max(other.Since, mine.Since) - min(other.Since, mine.Since)
	return !other.Held && mine.Held && mine.Node == other.Node && mine.Node != peer.Nobody && !peer.Confirms(0, apart)
}

// outlasts tells whether a lease that the client holds from a peer stays its own though another one has asked for it: the
// same peer, which doesn't grant it twice, or any, where the client has long held it.
func outlasts(mine, other *peer.Claim) bool {
	return mine.Held && !other.Held && mine.Node != peer.Nobody && (mine.Node == other.Node || mine.Confirmed)
}

// beaten tells whether another claim that waits beside the lease's record is better than this one.
func (e *Engine) beaten(key *binding.Key, mine *peer.Claim) bool {
	for _, c := range e.view.Conflicts.On(key) {
		if !c.Same(mine) && c.Expires > e.now && !e.overtook(&c, mine) && e.beats(key, &c, mine) {
			return true
		}
	}
	return false
}

// remember notes what a client says to hold, in a Renew or Rebind, where this node didn't extend it. Nobody else gets the
// lease then. Of somebody whom no server is known to have given
// it, it counts as known only when it is confirmed.
func (e *Engine) remember(i int) {
	ia := &e.message.IAs[i]
	id := e.identity(i)
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		pool := e.poolOf(ia.Kind, &key)
		r := e.handle.Find(&key)
		known := r != nil && r.BelongsTo(&id)
		switch {
		case known && r.State() == binding.Superseded && r.Taken(e.now) && !Observed(r):
			// A peer serves it: it isn't this node's to extend, and not anybody else's.
			draft := DraftOf(r)
			draft.Mark, draft.Expires = e.mark, max(draft.Expires, e.lasts(&id, &key, r))
			if draft.Expires > r.Expires() {
				e.record(r, &draft)
			}
		case pool == nil || known && !Observed(r) && r.Taken(e.now) || slices.Contains(e.forfeit, key) || slices.Contains(e.withheld, key):
		case r != nil && r.Taken(e.now) && !known:
			e.contest(i, &key)
		case known && r.Taken(e.now):
			draft := DraftOf(r)
			draft.Mark, draft.LastTransaction = e.mark, e.now
			draft.Expires = max(draft.Expires, e.lasts(&id, &key, r))
			draft.Flags |= FlagHeld
			if e.kept(); e.fqdn != nil || !e.lastSaid(r, ia) {
				draft.DUID, draft.IAID = e.message.ClientID, ia.IAID
				draft.Extension, draft.KeepExtension = e.keptWith(&id, &key, r), false
			}
			if peer.Confirms(r.Since(), e.now) {
				draft.Flags |= FlagConfirmed
			}
			e.record(r, &draft)
		case e.retires(ia.Kind, &key):
			// When it ends isn't known, or it has ended; and nobody else gets it.
		default:
			if e.find(i); e.spent(i) {
				continue // who may have no more isn't believed on its second word either
			}
			_, strong := e.explain(&key, pool, &id, ia.IAID, peer.Nobody)
			if strong || !e.astray(&key) && !e.refuses(pool) {
				draft := e.observed(i, &key, r, peer.Nobody, strong)
				e.record(r, &draft)
			}
		}
	}
}

// seat gives the lease's record to the winner's claim.
func (e *Engine) seat(r *binding.Record, key *binding.Key, c *peer.Claim) bool {
	times := e.termsOf(c.Kind, key)
	draft := binding.Draft{
		Key: *key, Kind: c.Kind, IAID: c.IAID, DUID: c.DUID,
		State: binding.Bound, Owner: e.view.Owner(c.Node), Mark: e.mark,
		Preferred: times.Preferred, Valid: times.Valid,
		LastTransaction: e.now, Expires: max(c.Expires, r.Expires()), Since: c.Since,
		Flags: flagOf(&c.Known), Extension: c.Extension,
	}
	if c.Strong {
		draft.Flags |= FlagStrong
	}
	if c.Confirmed {
		draft.Flags |= FlagConfirmed
	}
	if c.Held {
		draft.Flags |= FlagHeld
	}
	if c.Anonymous {
		draft.Flags |= FlagAnonymous
	}
	if e.publish(r, &draft) != binding.Published {
		return false
	}
	e.view.Conflicts.Drop(key, c)
	return true
}

// beats tells whether claim a keeps the lease against claim b: a strong claim beats a weak one, then the keyed rank decides.
// What the configuration explains is looked at anew, so that nodes decide alike though they heard different messages.
func (e *Engine) beats(key *binding.Key, a, b *peer.Claim) bool {
	idA, idB := a.Client(), b.Client()
	if strongA, strongB := e.strong(key, &idA, a), e.strong(key, &idB, b); strongA != strongB {
		return strongA
	}
	return e.policy.Hasher.ClaimRank(key.Address, &idA) > e.policy.Hasher.ClaimRank(key.Address, &idB)
}

// stronger tells whether claim a is explained and claim b isn't.
func (e *Engine) stronger(key *binding.Key, a, b *peer.Claim) bool {
	idA, idB := a.Client(), b.Client()
	return e.strong(key, &idA, a) && !e.strong(key, &idB, b)
}

// strong tells whether a candidate or a reservation explains the claim. Whom a lease is reserved for is known only from
// the client's own message.
func (e *Engine) strong(key *binding.Key, id *address.Identity, c *peer.Claim) bool {
	if e.link.Reserved(&key.Address, key.Length) != nil {
		return c.Strong
	}
	pool := e.poolOf(id.Kind, key)
	if pool == nil {
		return false
	}
	slot, ok := pool.Range.Slot(key.Address)
	if !ok || e.derived(pool, slot, id) {
		return ok
	}
	said := address.Identity{DUID: c.DUID, IAID: c.IAID, Kind: c.Kind}
	return id.Derived && e.derived(pool, slot, &said)
}
