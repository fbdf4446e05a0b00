package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// spillTries bounds how many slots are looked at for one spill where the map of free slots
// is behind the table, or where there is no map.
const spillTries = 64

// chooseNew takes the first free candidate, pool by pool, in the keyed order of the pools, or in the file's where one is
// sequential. A prefix-length hint puts
// the pools of that length first, then the next shorter ones, then longer ones.
func (e *Engine) chooseNew(i int, ia *wire.IA, id *address.Identity, hint uint8) (grant, bool) {
	pools := e.pools(ia.Kind)
	e.order = e.link.Choose(e.policy.Hasher, id, e.order)
	if hint == 0 {
		return e.chooseAmong(i, pools, id, 0)
	}
	for length := int(hint); length > 0; length-- {
		if g, ok := e.chooseAmong(i, pools, id, length); ok {
			return g, true
		}
	}
	for length := int(hint) + 1; length <= 128; length++ {
		if g, ok := e.chooseAmong(i, pools, id, length); ok {
			return g, true
		}
	}
	return grant{}, false
}

// chooseAmong takes from the pools of one length in the order of e.order; length 0: of any.
func (e *Engine) chooseAmong(i int, pools []*policy.Pool, id *address.Identity, length int) (grant, bool) {
	for _, at := range e.order {
		if length != 0 && int(pools[at].Range.Length()) != length || pools[at].Retiring || !e.takes(pools[at]) {
			continue
		}
		if g, ok := e.chooseIn(i, pools[at], id); ok {
			return g, true
		}
	}
	return grant{}, false
}

// pools are this node's pools of a kind on the link.
func (e *Engine) pools(kind wire.Kind) []*policy.Pool {
	if kind == wire.IAPD {
		return e.link.Prefixes
	}
	return e.link.Addresses
}

// chooseIn takes the first free candidate of a pool. In a pool with few slots only the primary is shared;
// where it is taken the client spills into a stripe. In an exclusive one nothing is shared. In a sequential one the lowest
// free slot comes first.
func (e *Engine) chooseIn(i int, pool *policy.Pool, id *address.Identity) (grant, bool) {
	if e.bereft(pool) {
		return grant{}, false
	}
	if pool.Sequential {
		if g, ok := e.chooseLowest(i, pool, id); ok {
			return g, true
		}
	}
	if e.strict(pool) {
		return e.spill(i, pool, id)
	}
	for counter := uint32(0); ; {
		slot, next, ok := e.policy.Hasher.NextUsable(&pool.Range, id, counter)
		if !ok {
			break
		}
		counter = next
		if g, ok := e.freeSlot(i, pool, slot); ok {
			return g, true
		}
		if !pool.Sparse {
			break
		}
	}
	if pool.Sparse {
		return grant{}, false
	}
	return e.spill(i, pool, id)
}

// freeSlot is free for a slot of a pool, which must be usable and reserved for nobody.
func (e *Engine) freeSlot(i int, pool *policy.Pool, slot address.U128) (grant, bool) {
	key := leaseOf(pool, slot)
	if e.link.Reserved(&key.Address, key.Length) != nil {
		return grant{}, false
	}
	return e.free(i, &key)
}

func leaseOf(pool *policy.Pool, slot address.U128) binding.Key {
	return binding.Key{Address: pool.Range.Lease(slot), Length: pool.Range.Length()}
}

// spill takes the next free slot in this node's stripes, and where they are full in the others. The maps call a slot
// taken until its ended binding is swept, which leaves a client that comes late its old lease. So where they
// have nothing free, a second round looks for what has ended.
func (e *Engine) spill(i int, pool *policy.Pool, id *address.Identity) (grant, bool) {
	for _, mapped := range [...]bool{true, false} {
		for _, stripe := range pool.OwnStripes {
			if g, ok := e.spillInto(i, pool, id, stripe, mapped); ok {
				return g, true
			}
		}
		if exclusive(pool) {
			continue
		}
		for stripe := range pool.Stripes {
			if slices.Contains(pool.OwnStripes, stripe) {
				continue
			}
			if g, ok := e.spillInto(i, pool, id, stripe, mapped); ok {
				return g, true
			}
		}
	}
	return grant{}, false
}

// spillInto looks for a free slot in one stripe, from the client's own start on: with the stripe's map of free slots
// (mapped), or by probing. A stripe without map is so large that probing finds one in the first round.
func (e *Engine) spillInto(i int, pool *policy.Pool, id *address.Identity, stripe int, mapped bool) (grant, bool) {
	free := e.site.free[pool.ID][stripe]
	if free == nil && !mapped || pool.Range.StripeSize(stripe, pool.Stripes).IsZero() {
		return grant{}, false
	}
	start := e.policy.Hasher.Spill(&pool.Range, id, stripe, pool.Stripes)
	switch {
	case free == nil:
		return e.probe(i, pool, stripe, start, spillTries)
	case !mapped:
		// In a full pool each message comes here: all stripes together must not cost more than one.
		return e.probe(i, pool, stripe, start, max(1, spillTries/pool.Stripes))
	}
	at := start.Lo
	for range spillTries {
		next, ok := free.Next(at)
		if !ok {
			return grant{}, false
		}
		slot := address.StripeSlot(address.U128{Lo: next}, stripe, pool.Stripes)
		if pool.Range.Usable(slot) {
			if g, ok := e.freeSlot(i, pool, slot); ok {
				return g, true
			}
		}
		e.correct(pool, slot, free, next)
		at = next + 1 // the map goes on at 0 behind its end
	}
	return grant{}, false
}

// probe looks at some slots that are spread evenly over a stripe, so that no excluded range has them all.
func (e *Engine) probe(i int, pool *policy.Pool, stripe int, start address.U128, tries int) (grant, bool) {
	size := pool.Range.StripeSize(stripe, pool.Stripes)
	step, _ := size.DivMod64(uint64(tries))
	if step.IsZero() {
		step.Lo = 1
	}
	for range tries {
		slot := address.StripeSlot(start, stripe, pool.Stripes)
		if pool.Range.Usable(slot) {
			if g, ok := e.freeSlot(i, pool, slot); ok {
				return g, true
			}
		}
		if start = start.Add(step); !start.Less(size) {
			start = start.Sub(size)
		}
	}
	return grant{}, false
}

// correct tells the map of free slots about one that isn't free: unusable, reserved, or bound by somebody who hasn't
// come to say so. What only this message has chosen stays free, and so does what a sequential pool takes back when the release
// is durable. The sweeper may remove a binding between our look
// and our mark, and the mark would stand for ever: so there is a second look behind it.
func (e *Engine) correct(pool *policy.Pool, slot address.U128, free *binding.FreeMap, index uint64) {
	key := leaseOf(pool, slot)
	if e.chosen(&key) || !free.Take(index) {
		return
	}
	if !pool.Range.Usable(slot) || e.link.Reserved(&key.Address, key.Length) != nil {
		return
	}
	if r := e.handle.Find(&key); r == nil || pool.Sequential && r.State() == binding.Released {
		free.Put(index)
	}
}
