package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A pool that is being retired gives no new leases, and those that there are aren't extended: at the next Renew or Rebind
// the client is told preferred lifetime 0 and what is left of the valid one, and gets another lease beside it (RFC 9915, Section 18.3.4). So
// it moves without a break. Of what is reserved in such a pool nothing changes: a reservation says what its client gets.

// retires tells whether a lease ends with its pool. Where no pool of the link retires that costs one look.
func (e *Engine) retires(kind wire.Kind, key *binding.Key) bool {
	if !e.link.Retires || e.link.Reserved(&key.Address, key.Length) != nil {
		return false
	}
	pool := e.poolOf(kind, key)
	return pool != nil && pool.Retiring
}

// lasts is until when a lease may last that a client asks a peer for, or says to hold: one valid lifetime from now, and in a
// retiring pool as long as its living record says; r is the lease's record or nil. All nodes that know the lease so keep its end.
// Where it isn't known it is taken for as late as it can be: a peer whose file is older may just have extended it. That can't be any more
// when all have had the file for a valid lifetime; so it doesn't go on for ever.
func (e *Engine) lasts(id *address.Identity, key *binding.Key, r *binding.Record) binding.Time {
	until := e.now.Add(e.termsOf(id.Kind, key).Valid)
	if !e.retires(id.Kind, key) {
		return until
	}
	if r != nil && r.Live(e.now) && r.BelongsTo(id) {
		return r.Expires()
	}
	return min(until, e.view.Settled.Retiring(e.poolOf(id.Kind, key).ID, e.now).Add(e.link.LongestValid))
}

// appendOutgoing appends a lease of a retiring pool that the client IA holds, with preferred lifetime 0 and the rest of its
// valid lifetime, in seconds, which it returns; 0 where it appends nothing. True: nothing else is to be said of the lease. That is so without a record of it, too, where a node has given it, or may have: the
// client knows better how long it lasts.
func (e *Engine) appendOutgoing(i int, key *binding.Key) (rest uint32, done bool) {
	ia := &e.message.IAs[i]
	if !e.retires(ia.Kind, key) || slices.Contains(e.forfeit, *key) {
		return 0, false
	}
	r := e.held(key)
	if r == nil || !r.Live(e.now) {
		id := e.identity(i)
		return 0, r == nil && e.verifies(key, &id, ia)
	}
	if slices.Contains(e.withheld, *key) {
		return 0, true
	}
	rest = wire.Infinity
	if r.Expires() != binding.Never {
		rest = uint32(r.Expires() - e.now)
	}
	e.appendLease(ia.Kind, key, 0, rest)
	e.awaits(r)
	return rest, true
}

// drained tells whether all pools that take the client are being retired.
func (e *Engine) drained(pools []*policy.Pool) bool {
	for _, pool := range pools {
		if !pool.Retiring && e.takes(pool) {
			return false
		}
	}
	return e.link.Retires
}

// awaits makes the reply wait until a record is on stable storage that it reports as it stands. What another batch wrote of it may get there
// after what this one writes, whatever else the reply waits for.
func (e *Engine) awaits(r *binding.Record) {
	switch {
	case r.Mark() == e.mark:
		e.waits = true
	case !e.marks.Durable(r.Mark()):
		draft := DraftOf(r)
		draft.Mark = e.mark
		e.publish(r, &draft)
	}
}

// soon is T1 and T2, in seconds, where a client keeps a lease that lasts for rest more seconds and got no other one yet: early
// enough to ask for one again, and towards the end not ever more often. 0, which leaves the time to the client, stays so.
func soon(renew, rebind, rest uint32) (t1, t2 uint32) {
	t1 = min(renew, max(rest/2, showSoon))
	return t1, min(rebind, max(rest-rest/5, t1))
}
