package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Trust is why a node would give a client a lease out of a sibling's pool: so that it keeps it when its server died.
type trust uint8

const (
	trustNothing trust = iota // the client would like it: this node's own pools only
	trustClaim                // the client says that it holds it: a sibling's sparse pool will do. In a dense one the sibling
	// could have given the same slot to another client, and nothing here would tell
	trustRecord // this node has a record of it, its own or observed: any pool of the link will do
)

// assignable tells whether this node may assign the lease to this client on the link: it lies in one of the node's
// pools that isn't retiring, or in a sibling's where that is trusted, or is reserved for the client; and isn't reserved for another. A client whose class
// the pool doesn't take, or whose relay names another one, can have none, unless it says by Renew or Rebind that it holds it, and that is trusted.
func (e *Engine) assignable(kind wire.Kind, key *binding.Key, why trust) bool {
	if holder := e.link.Reserved(&key.Address, key.Length); holder != nil {
		return holder == e.reserved
	}
	pool := e.poolOf(kind, key)
	if pool == nil || pool.Retiring || !pool.Own && !(why == trustRecord || why == trustClaim && pool.Sparse) {
		return false
	}
	if !e.takes(pool) && (why == trustNothing || !e.claims()) {
		return false // who renews keeps what it has though the message doesn't show its class, or a relay names another pool by now
	}
	slot, ok := pool.Range.Slot(key.Address)
	// Another server, from which the binding was imported, may have granted a reserved interface identifier.
	return ok && (pool.Range.Usable(slot) || why == trustRecord && !pool.Range.Excludes(slot))
}

// poolOf is the pool on the link, this node's or a sibling's, that has the lease; nil: none has it.
func (e *Engine) poolOf(kind wire.Kind, key *binding.Key) *policy.Pool {
	if pool := e.link.OwnPool(kind, &key.Address, key.Length); pool != nil {
		return pool
	}
	return e.link.SiblingPool(kind, &key.Address, key.Length)
}

// verifies tells whether some node would have given the client this very lease, under the key in use or an accepted one, or
// this node in sequence.
func (e *Engine) verifies(key *binding.Key, id *address.Identity, ia *wire.IA) bool {
	pool := e.poolOf(id.Kind, key)
	if pool == nil {
		return false
	}
	slot, ok := pool.Range.Slot(key.Address)
	if !ok {
		return false
	}
	// Every new binding of an exclusive pool comes from the node's own stripes, whatever the client would like; and of
	// any dense one while the gate is closed.
	own := slices.Contains(pool.OwnStripes, address.StripeOf(slot, pool.Stripes))
	if e.strict(pool) && !e.claims() && (!own || e.bereft(pool)) {
		return false
	}
	if e.counted(pool) || e.derived(pool, slot, id) {
		return true
	}
	said := e.said(ia)
	return id.Derived && e.claims() && e.derived(pool, slot, &said) // from before clients were known by something else
}

// derived tells whether the slot follows from the client's identity, under the key in use or an accepted one.
func (e *Engine) derived(pool *policy.Pool, slot address.U128, id *address.Identity) bool {
	if explains(e.policy.Hasher, pool, slot, id) >= 0 {
		return true
	}
	for _, h := range e.policy.Accept {
		if explains(h, pool, slot, id) >= 0 {
			return true
		}
	}
	return false
}

// strict tells whether new bindings come from the node's own stripes alone: in an exclusive pool always, in a dense one
// that all share while peers could have granted what this node hasn't heard of, or didn't take in.
func (e *Engine) strict(pool *policy.Pool) bool {
	return exclusive(pool) || !pool.Sparse && pool.Stripes > 1 && (!e.gateOpen() || e.view.Missed.In(pool.ID, e.now))
}

func exclusive(pool *policy.Pool) bool { return !pool.Sparse && pool.Dense == config.DenseExclusive }

// solely tells whether only this node gives the pool's lease to new clients, where the pool is exclusive.
func (e *Engine) solely(pool *policy.Pool, key *binding.Key) bool {
	if pool.Owner != policy.Everyone {
		return pool.Owner == e.policy.Self
	}
	slot, ok := pool.Range.Slot(key.Address)
	return ok && slices.Contains(pool.OwnStripes, address.StripeOf(slot, pool.Stripes))
}

// bereft tells whether this node gives nothing new out of an exclusive pool: it lost its store and doesn't know what it granted there.
func (e *Engine) bereft(pool *policy.Pool) bool {
	return exclusive(pool) && !e.policy.Single && e.view.Gate.Lost(e.link.Index, e.now)
}

// explains tells whether the slot is what a node gives the client where nobody is in the way, and returns the number of
// the candidate from 0, or -1: in a sparse pool any of its candidates, in an exclusive one the start of its spill in the
// slot's stripe, in another dense one the primary. Where others were in the way a dense pool gives what cannot be
// verified: the next free slot of that moment.
func explains(h *address.Hasher, pool *policy.Pool, slot address.U128, id *address.Identity) int {
	if exclusive(pool) {
		stripe := address.StripeOf(slot, pool.Stripes)
		if h.Spill(&pool.Range, id, stripe, pool.Stripes) == address.StripeIndex(slot, pool.Stripes) {
			return 0
		}
		return -1
	}
	counter := uint32(0)
	for number := 0; ; number++ {
		candidate, next, ok := h.NextUsable(&pool.Range, id, counter)
		if !ok {
			return -1
		}
		if candidate == slot {
			return number
		}
		if !pool.Sparse {
			return -1
		}
		counter = next
	}
}

// lengthHint is the prefix length that the client would like, or 0: that of an IA Prefix with the prefix ::
// (RFC 9915, Section 18.3.4; RFC 8168, Section 3.1), else that of the first prefix that it names. So a Request for a
// prefix of another length than the client's present one gets what the Advertise offered. A relay's word comes before the client's.
func (e *Engine) lengthHint(ia *wire.IA) uint8 {
	if ia.Kind != wire.IAPD {
		return 0
	}
	if e.pooled.Length != 0 {
		return e.pooled.Length
	}
	named := uint8(0)
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		switch {
		case lease.Length == 0:
		case lease.Address == [16]byte{}:
			return lease.Length
		case named == 0:
			named = lease.Length
		}
	}
	return named
}

// usualLength is the prefix length that comes first where the client hints at none; 0: whichever.
func (e *Engine) usualLength(ia *wire.IA) uint8 {
	if ia.Kind != wire.IAPD {
		return 0
	}
	return e.link.PrefixLength
}

// closer tells whether a prefix length suits a hint better than another one: the length itself, then shorter ones,
// the closest first, then longer ones (RFC 8168, Section 3.2).
func closer(length, than, hint uint8) bool {
	return policy.LengthDistance(length, hint) < policy.LengthDistance(than, hint)
}
