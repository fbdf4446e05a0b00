package engine

import (
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
	if r == nil || !r.Live(e.now) {
		return standing
	}
	ia := &e.message.IAs[i]
	if r.Belongs(e.message.ClientID, ia.Kind, ia.IAID) {
		return e.defend(r, key)
	}
	return e.attack(i, r, key)
}

// defend holds the client's own record against confirmed claims of others.
func (e *Engine) defend(r *binding.Record, key *binding.Key) verdict {
	claims := e.view.Conflicts.On(key)
	if len(claims) == 0 || !has(r, FlagConfirmed) && !peer.Confirms(r.Since(), e.now) {
		return standing
	}
	mine := e.claimOf(r)
	for k := range claims {
		c := &claims[k]
		if !c.Confirmed || c.Expires <= e.now || !e.beats(key, c, &mine) {
			continue
		}
		if e.seat(r, key, c) {
			mine.Confirmed = true
			e.view.Conflicts.Note(key, mine, true, e.now)
			e.view.Conflicts.Lost(key, &mine, e.now)
			return lost
		}
		return standing // another worker was faster; the client's next message decides
	}
	return standing
}

// attack holds the client's claim against another client's record. The claim is noted at first, and confirmed like any.
func (e *Engine) attack(i int, r *binding.Record, key *binding.Key) verdict {
	ia := &e.message.IAs[i]
	if e.message.Type == wire.Renew && !Observed(r) {
		return lost // this node granted it to somebody else, and has no record of this client
	}
	id := e.identity(ia)
	mine := peer.Claim{
		Node: peer.Nobody, Kind: ia.Kind, IAID: ia.IAID, DUID: id.DUID, Since: e.now, Expires: e.now.Add(e.link.Lifetimes.Valid),
		Extension: e.kept(),
	}
	if e.message.Type == wire.Renew {
		mine.Node = e.policy.Self
	}
	if _, mine.Strong = e.explain(key, e.poolOf(ia.Kind, key), &id, mine.Node); !mine.Strong && e.crowded(weakPort) {
		return undecided
	}
	e.view.Conflicts.Note(key, mine, true, e.now)
	for _, c := range e.view.Conflicts.On(key) {
		if c.Kind != ia.Kind || c.IAID != ia.IAID || string(c.DUID) != string(id.DUID) {
			continue
		}
		other := e.claimOf(r)
		switch {
		case !c.Confirmed || !other.Confirmed:
			return undecided
		case !e.beats(key, &c, &other):
			e.view.Conflicts.Lost(key, &c, e.now)
			return lost
		case e.seat(r, key, &c):
			e.view.Conflicts.Note(key, other, true, e.now)
			e.find(i)
			return standing
		}
		return undecided
	}
	return undecided
}

// seat gives the lease's record to the winner's claim.
func (e *Engine) seat(r *binding.Record, key *binding.Key, c *peer.Claim) bool {
	times := &e.link.Lifetimes
	draft := binding.Draft{
		Key: *key, Kind: c.Kind, IAID: c.IAID, DUID: c.DUID,
		State: binding.Bound, Owner: e.view.Owner(c.Node), Mark: e.mark,
		Preferred: times.Preferred, Valid: times.Valid,
		LastTransaction: e.now, Expires: max(c.Expires, r.Expires()), Since: c.Since,
		Extension: c.Extension,
	}
	if c.Strong {
		draft.Flags |= FlagStrong
	}
	if c.Confirmed {
		draft.Flags |= FlagConfirmed
	}
	if e.publish(r, &draft) != binding.Published {
		return false
	}
	e.view.Conflicts.Drop(key, c.Kind, c.IAID, c.DUID)
	e.view.Conflicts.Mended()
	return true
}

// beats tells whether claim a keeps the lease against claim b. What the configuration explains is looked at anew, so that
// nodes decide alike though they heard different messages.
func (e *Engine) beats(key *binding.Key, a, b *peer.Claim) bool {
	idA := address.Identity{DUID: a.DUID, Kind: a.Kind, IAID: a.IAID}
	idB := address.Identity{DUID: b.DUID, Kind: b.Kind, IAID: b.IAID}
	if strengthA, strengthB := e.strength(key, &idA, a), e.strength(key, &idB, b); strengthA != strengthB {
		return strengthA > strengthB
	}
	return e.policy.Hasher.ClaimRank(key.Address, &idA) > e.policy.Hasher.ClaimRank(key.Address, &idB)
}

// strength of a claim: 2 where a candidate or a reservation explains it, 1 where the lease lies in the part or stripe of
// the node in whose name it is, so that the node could have spilled there; else 0. So a claim that somebody makes up in
// a peer's name doesn't beat what this node gave out of its own stripe.
func (e *Engine) strength(key *binding.Key, id *address.Identity, c *peer.Claim) int {
	if e.link.Reserved(&key.Address, key.Length) != nil {
		if c.Strong {
			return 2
		}
		return 0
	}
	pool := e.poolOf(id.Kind, key)
	if pool == nil {
		return 0
	}
	slot, ok := pool.Range.Slot(key.Address)
	switch {
	case !ok:
		return 0
	case e.derived(pool, slot, id):
		return 2
	case e.policy.OwnsStripe(c.Node, pool, address.StripeOf(slot, pool.Stripes)):
		return 1
	default:
		return 0
	}
}
