package engine

import (
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
)

// explain tells by what a node's grant of the lease to the client follows from the configuration, and whether that
// makes a strong claim. Pool is the link's that has the lease, or nil. IAID is the client's own, whatever it is known by.
func (e *Engine) explain(key *binding.Key, pool *policy.Pool, id *address.Identity, iaid uint32, node int) (by peer.Explanation, strong bool) {
	if holder := e.link.Reserved(&key.Address, key.Length); holder != nil {
		if holder == e.reserved {
			return peer.ByFirst, true
		}
		return peer.ByNothing, false
	}
	if pool == nil || pool.Owner != policy.Everyone && pool.Owner != node && node != peer.Nobody {
		return peer.ByNothing, false
	}
	slot, ok := pool.Range.Slot(key.Address)
	if !ok || !pool.Range.Usable(slot) {
		return peer.ByNothing, false
	}
	if rank := explains(e.policy.Hasher, pool, slot, id); rank == 0 {
		return peer.ByFirst, true
	} else if rank > 0 {
		return peer.ByLater, true
	}
	for _, h := range e.policy.Accept {
		switch {
		case explains(h, pool, slot, id) < 0:
		case pool.Sequential:
			return peer.ByLater, true // by chance, or from before the pool was one
		default:
			return peer.ByOtherKey, true
		}
	}
	if said := (address.Identity{DUID: e.message.ClientID, IAID: iaid, Kind: id.Kind}); id.Derived && e.derived(pool, slot, &said) {
		return peer.ByOtherKey, true // from before clients were known by something else
	}
	return e.spilled(pool, node, address.StripeOf(slot, pool.Stripes)), false
}

// astray tells, of a claim that isn't strong and of which there is no record, whether it can't be true: the lease is reserved for another
// client, all nodes have known that for longer than a lease lasts, and nothing is missing here. So nobody keeps a client off what is
// reserved for it by saying that it has that.
func (e *Engine) astray(key *binding.Key) bool {
	return e.link.Reserved(&key.Address, key.Length) != nil && e.gateOpen() && !e.view.Gate.Fresh(e.link.Index, e.now) &&
		e.view.Settled.Reserved(key, e.now).Add(e.link.LongestValid) <= e.now
}

// spilled explains a slot that isn't a candidate: in a dense pool a node spills into its own stripes, and where they
// are full into the others. How full they are this node knows only while its gate is open. In a sequential pool of the node's
// every slot can have been the lowest free one.
func (e *Engine) spilled(pool *policy.Pool, node, stripe int) peer.Explanation {
	switch {
	case node == peer.Nobody:
		return peer.ByNothing
	case pool.Sequential:
		return peer.ByLater
	case pool.Sparse:
		return peer.ByNothing
	case !e.policy.OwnsStripe(node, pool, stripe):
		if exclusive(pool) || e.gateOpen() && e.site.roomy(pool, node, nearlyFull) {
			return peer.ByNothing
		}
	case pool.Owner != policy.Everyone && !exclusive(pool) && e.gateOpen() && !e.view.Missed.In(pool.ID, e.now) &&
		e.site.roomy(pool, node, halfFull):
		return peer.ByChance // a pool's only node always gives the first candidate where that is free
	}
	return peer.ByLater
}
