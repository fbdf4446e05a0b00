package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// spillTries bounds how many slots are looked at for one spill where the map of free slots
// is behind the table, or where there is no map.
const spillTries = 64

// A grant is a lease chosen for an IA: what would be assigned, and the record that stands there now.
type grant struct {
	ia   int // index into the message's IAs
	key  binding.Key
	pool *policy.Pool    // nil: a reservation outside all pools
	old  *binding.Record // the lease's present record; nil: none
}

// identity is the client's identity for an IA.
func (e *Engine) identity(ia *wire.IA) address.Identity {
	return address.Identity{DUID: e.message.ClientID, IAID: ia.IAID, Kind: ia.Kind}
}

// choose finds the lease for IA number i by reading only: what the node knows comes before what it
// computes. Its own records of this client must be in e.found. The order: a reservation, a live binding,
// a hint that verifies, a binding that ended and is still free, the candidates.
// With create false nothing is chosen that this node didn't bind and can't verify.
func (e *Engine) choose(i int, create bool) (grant, bool) {
	ia := &e.message.IAs[i]
	id := e.identity(ia)
	if g, ok := e.chooseReserved(i, ia); ok {
		return g, true
	}
	length := e.lengthHint(ia)
	bound, hasBound := e.chooseOwn(i, ia, true)
	if hasBound && (length == 0 || bound.key.Length == length || !e.offersLength(length)) {
		return bound, true
	}
	if g, ok := e.chooseHinted(i, ia, &id); ok && (!hasBound || g.key.Length != bound.key.Length) {
		return g, true
	}
	if !hasBound {
		if g, ok := e.chooseOwn(i, ia, false); ok && (length == 0 || g.key.Length == length) {
			return g, true
		}
	}
	if create || e.knows() {
		if g, ok := e.chooseNew(i, ia, &id, length); ok && (!hasBound || g.key.Length == length) {
			return g, true
		}
	}
	return bound, hasBound
}

// chooseReserved takes the reserved lease of the IA's kind, unless another client still holds it:
// then the reserved client gets a dynamic one until the holder was renumbered.
func (e *Engine) chooseReserved(i int, ia *wire.IA) (grant, bool) {
	if e.reserved == nil {
		return grant{}, false
	}
	if ia.Kind == wire.IANA {
		for k := range e.reserved.Addresses {
			key := binding.Key{Address: e.reserved.Addresses[k], Length: 128}
			if g, ok := e.free(i, &key, true); ok {
				return g, true
			}
		}
		return grant{}, false
	}
	for _, p := range e.reserved.Prefixes {
		key := binding.Key{Address: p.Addr().As16(), Length: uint8(p.Bits())}
		if g, ok := e.free(i, &key, true); ok {
			return g, true
		}
	}
	return grant{}, false
}

// chooseOwn takes a record of this client IA: a live one, or (live false) one that has ended.
// Of several it takes one that the client names, else the newest.
func (e *Engine) chooseOwn(i int, ia *wire.IA, live bool) (grant, bool) {
	var best *binding.Record
	for _, r := range e.found {
		state := r.State()
		if state != binding.Bound && (live || state != binding.Released) || r.Live(e.now) != live {
			continue
		}
		key := r.Key()
		if !e.assignable(ia.Kind, &key) {
			continue
		}
		if best == nil || e.names(ia, r) || !e.names(ia, best) && r.LastTransaction() > best.LastTransaction() {
			best = r
		}
	}
	if best == nil {
		return grant{}, false
	}
	key := best.Key()
	return e.free(i, &key, false)
}

// chooseHinted takes a lease that the client names, where it is one of the client's candidates and free.
// The hint of a stranger's lease, or of one that nobody would have assigned, counts for nothing.
func (e *Engine) chooseHinted(i int, ia *wire.IA, id *address.Identity) (grant, bool) {
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		if !e.assignable(ia.Kind, &key) || !e.verifies(&key, id) {
			continue
		}
		if g, ok := e.free(i, &key, false); ok {
			return g, true
		}
	}
	return grant{}, false
}

// verifies tells whether the lease is one of the client's candidates, under the key in use or an accepted one.
func (e *Engine) verifies(key *binding.Key, id *address.Identity) bool {
	pool := e.link.OwnPool(id.Kind, &key.Address, key.Length)
	if pool == nil {
		return false
	}
	slot, ok := pool.Range.Slot(key.Address)
	if !ok {
		return false
	}
	if isCandidate(e.policy.Hasher, pool, slot, id) {
		return true
	}
	for _, h := range e.policy.Accept {
		if isCandidate(h, pool, slot, id) {
			return true
		}
	}
	return false
}

func isCandidate(h *address.Hasher, pool *policy.Pool, slot address.U128, id *address.Identity) bool {
	for counter := uint32(0); ; {
		candidate, next, ok := h.NextUsable(&pool.Range, id, counter)
		if !ok {
			return false
		}
		if candidate == slot {
			return true
		}
		counter = next
	}
}

// chooseNew takes the first free candidate, pool by pool: a prefix-length hint puts pools of that length
// first, then those of the next shorter length (RFC 8168, Section 3.2); then the keyed order of the pools holds.
func (e *Engine) chooseNew(i int, ia *wire.IA, id *address.Identity, length uint8) (grant, bool) {
	pools := e.link.Addresses
	if ia.Kind == wire.IAPD {
		pools = e.link.Prefixes
	}
	e.order = e.link.Choose(e.policy.Hasher, id, e.order)
	if length == 0 {
		for _, at := range e.order {
			if g, ok := e.chooseIn(i, pools[at], id); ok {
				return g, true
			}
		}
		return grant{}, false
	}
	for step := range 256 {
		want := int(length) - step // the length asked for, then shorter ones, then longer ones
		if want < 0 {
			want = step
		}
		for _, at := range e.order {
			if int(pools[at].Range.Length()) != want {
				continue
			}
			if g, ok := e.chooseIn(i, pools[at], id); ok {
				return g, true
			}
		}
		if step >= 128 {
			break
		}
	}
	return grant{}, false
}

// chooseIn takes the first free candidate of a pool. In a pool with few slots only the primary is shared;
// where it is taken the client spills into a stripe.
func (e *Engine) chooseIn(i int, pool *policy.Pool, id *address.Identity) (grant, bool) {
	if pool.Sparse || pool.Dense == config.DenseAgree {
		for counter := uint32(0); ; {
			slot, next, ok := e.policy.Hasher.NextUsable(&pool.Range, id, counter)
			if !ok {
				break
			}
			counter = next
			key := binding.Key{Address: pool.Range.Lease(slot), Length: pool.Range.Length()}
			if e.link.Reserved(&key.Address, key.Length) == nil {
				if g, ok := e.free(i, &key, false); ok {
					return g, true
				}
			}
			if !pool.Sparse {
				break
			}
		}
	}
	if pool.Sparse {
		return grant{}, false
	}
	return e.spill(i, pool, id)
}

// spill takes the next free slot in this node's stripes, and where they are full in the others.
func (e *Engine) spill(i int, pool *policy.Pool, id *address.Identity) (grant, bool) {
	for _, stripe := range pool.OwnStripes {
		if g, ok := e.spillInto(i, pool, id, stripe); ok {
			return g, true
		}
	}
	if pool.Dense == config.DenseExclusive {
		return grant{}, false
	}
	for stripe := range pool.Stripes {
		if slices.Contains(pool.OwnStripes, stripe) {
			continue
		}
		if g, ok := e.spillInto(i, pool, id, stripe); ok {
			return g, true
		}
	}
	return grant{}, false
}

func (e *Engine) spillInto(i int, pool *policy.Pool, id *address.Identity, stripe int) (grant, bool) {
	stripes := pool.Stripes
	size := pool.Range.StripeSize(stripe, stripes)
	if size.IsZero() {
		return grant{}, false
	}
	at := e.policy.Hasher.Spill(&pool.Range, id, stripe, stripes)
	free := e.site.free[pool.ID][stripe]
	for range spillTries {
		if free != nil {
			next, ok := free.Next(at.Lo)
			if !ok {
				return grant{}, false
			}
			at = address.U128{Lo: next}
		}
		slot := address.StripeSlot(at, stripe, stripes)
		key := binding.Key{Address: pool.Range.Lease(slot), Length: pool.Range.Length()}
		if pool.Range.Usable(slot) && e.link.Reserved(&key.Address, key.Length) == nil {
			if g, ok := e.free(i, &key, false); ok {
				return g, true
			}
		}
		if free != nil && !e.chosen(&key) {
			free.Take(at.Lo)
		}
		if at = at.Add(address.U128{Lo: 1}); at.Cmp(size) >= 0 {
			at = address.U128{}
		}
	}
	return grant{}, false
}

// free tells whether a lease can be granted to the client for IA number i, by what stands there now.
func (e *Engine) free(i int, key *binding.Key, reserved bool) (grant, bool) {
	ia := &e.message.IAs[i]
	if e.chosen(key) {
		return grant{}, false
	}
	pool := e.link.OwnPool(ia.Kind, &key.Address, key.Length)
	if pool == nil && !reserved {
		return grant{}, false
	}
	g := grant{ia: i, key: *key, pool: pool, old: e.handle.Find(key)}
	if g.old == nil {
		return g, true
	}
	own := g.old.Belongs(e.message.ClientID, ia.Kind, ia.IAID)
	switch g.old.State() {
	case binding.Declined:
		return g, !g.old.Taken(e.now)
	case binding.Released:
		// Another client waits until the Release is on stable storage.
		return g, own || e.marks.Durable(g.old.Mark())
	default:
		return g, own || !g.old.Live(e.now)
	}
}

// chosen tells whether an earlier IA of the same message already gets the lease.
func (e *Engine) chosen(key *binding.Key) bool {
	for k := range e.grants {
		if e.grants[k].key == *key {
			return true
		}
	}
	return false
}

// assignable tells whether this node may assign the lease to this client on the link:
// it lies in one of its pools or is reserved for the client, and isn't reserved for another.
func (e *Engine) assignable(kind wire.Kind, key *binding.Key) bool {
	holder := e.link.Reserved(&key.Address, key.Length)
	if holder != nil {
		return holder == e.reserved
	}
	pool := e.link.OwnPool(kind, &key.Address, key.Length)
	if pool == nil {
		return false
	}
	slot, ok := pool.Range.Slot(key.Address)
	return ok && pool.Range.Usable(slot)
}

// knows tells whether the client IA has a live binding, assignable or not: then what it gets instead
// is no new binding to a stranger.
func (e *Engine) knows() bool {
	for _, r := range e.found {
		if r.State() == binding.Bound && r.Live(e.now) {
			return true
		}
	}
	return false
}

// names tells whether the client's IA names the record's lease.
func (e *Engine) names(ia *wire.IA, r *binding.Record) bool {
	key := r.Key()
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		if lease.Address == key.Address && lease.Length == key.Length {
			return true
		}
	}
	return false
}

// lengthHint is the prefix length that the client would like (an IA Prefix with the prefix ::), or 0
// (RFC 9915, Section 18.2.4; RFC 8168, Section 3.1).
func (e *Engine) lengthHint(ia *wire.IA) uint8 {
	if ia.Kind != wire.IAPD {
		return 0
	}
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		if lease.Address == [16]byte{} && lease.Length != 0 {
			return lease.Length
		}
	}
	return 0
}

func (e *Engine) offersLength(length uint8) bool {
	for _, pool := range e.link.Prefixes {
		if pool.Range.Length() == length {
			return true
		}
	}
	return false
}
