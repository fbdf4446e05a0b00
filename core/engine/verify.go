package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// assignable tells whether this node may assign the lease to this client on the link: it lies in one of the node's
// pools or is reserved for the client, and isn't reserved for another. With held, for a lease that the client holds, a
// sibling's sparse pool will do: so a client keeps its address when its server died. A sibling's dense pool doesn't:
// the sibling could give the same slot to another client, and nothing here would tell.
func (e *Engine) assignable(kind wire.Kind, key *binding.Key, held bool) bool {
	if holder := e.link.Reserved(&key.Address, key.Length); holder != nil {
		return holder == e.reserved
	}
	pool := e.poolOf(kind, key)
	if pool == nil || !pool.Own && !(held && pool.Sparse) {
		return false
	}
	slot, ok := pool.Range.Slot(key.Address)
	return ok && pool.Range.Usable(slot)
}

// poolOf is the pool on the link, this node's or a sibling's, that has the lease; nil: none has it.
func (e *Engine) poolOf(kind wire.Kind, key *binding.Key) *policy.Pool {
	if pool := e.link.OwnPool(kind, &key.Address, key.Length); pool != nil {
		return pool
	}
	return e.link.SiblingPool(kind, &key.Address, key.Length)
}

// verifies tells whether some node would have given the client this very lease, under the key in use or an accepted one.
func (e *Engine) verifies(key *binding.Key, id *address.Identity) bool {
	pool := e.poolOf(id.Kind, key)
	if pool == nil {
		return false
	}
	slot, ok := pool.Range.Slot(key.Address)
	if !ok {
		return false
	}
	// Every new binding of an exclusive pool comes from the node's own stripes, whatever the client would like.
	if exclusive(pool) && !e.claims() && !slices.Contains(pool.OwnStripes, address.StripeOf(slot, pool.Stripes)) {
		return false
	}
	if explains(e.policy.Hasher, pool, slot, id) {
		return true
	}
	for _, h := range e.policy.Accept {
		if explains(h, pool, slot, id) {
			return true
		}
	}
	return false
}

func exclusive(pool *policy.Pool) bool { return !pool.Sparse && pool.Dense == config.DenseExclusive }

// explains tells whether the slot is what a node gives the client where nobody is in the way: in a sparse pool any of
// its candidates, in an exclusive one the start of its spill in the slot's stripe, in another dense one the primary.
// Where others were in the way a dense pool gives what cannot be verified: the next free slot of that moment.
func explains(h *address.Hasher, pool *policy.Pool, slot address.U128, id *address.Identity) bool {
	if exclusive(pool) {
		stripe := address.StripeOf(slot, pool.Stripes)
		return h.Spill(&pool.Range, id, stripe, pool.Stripes) == address.StripeIndex(slot, pool.Stripes)
	}
	for counter := uint32(0); ; {
		candidate, next, ok := h.NextUsable(&pool.Range, id, counter)
		if !ok {
			return false
		}
		if candidate == slot {
			return true
		}
		if !pool.Sparse {
			return false
		}
		counter = next
	}
}

// lengthHint is the prefix length that the client would like, or 0: that of an IA Prefix with the prefix ::
// (RFC 9915, Section 18.3.4; RFC 8168, Section 3.1), else that of the first prefix that it names. So a Request for a
// prefix of another length than the client's present one gets what the Advertise offered.
func (e *Engine) lengthHint(ia *wire.IA) uint8 {
	if ia.Kind != wire.IAPD {
		return 0
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

// closer tells whether a prefix length suits a hint better than another one: the length itself, then shorter ones,
// the closest first, then longer ones (RFC 8168, Section 3.2).
func closer(length, than, hint uint8) bool { return distance(length, hint) < distance(than, hint) }

func distance(length, hint uint8) int {
	if length <= hint {
		return int(hint - length)
	}
	return int(length) // longer than the hint, so beyond all that are shorter
}
