package binding

import (
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

// The client index is a set of entries (client, lease key), where of the client the set knows bucket and tag
// of its hash. An entry is a hint: a reader looks the lease up and asks the record whose it is.
//
// An entry's stamp holds, above the lease's length, how often it was claimed, and in its top bit that it is dead.
// A dead entry is marked and unlinked by whoever meets it on a search; nobody revives it.
//
//	claim: make the entry exist; if it does, count one claim more.
//	drop:  read the stamp; look the lease up; if it isn't this client's, swap the stamp for dead.
//
// Publishing a lease for a client: claim, swap the record in, claim again; then drop the entry of the client
// that had it. The first claim finds out whether there is room.
//
// An entry isn't lost: from the return of Publish until the record is another's, the entry stands. Proof: let c be
// the moment of the second claim, behind which the record is in the table. The entry that this
// claim made or counted can die only by a drop that read its stamp after c, since a drop that read it before
// fails for the count. But such a drop looks the lease up after c too, and finds the client's record.
//
// Entries don't pile up: when nobody is at work, an entry stands only for the client of the lease's record.
// Proof: an entry is made by a first claim, and then
//   - its maker loses the swap, and drops it; or it wins, and the one who ends the client's time drops it after.
//
// Or it is made by a second claim, since the entry died meanwhile, perhaps for a newer owner; then its maker drops
// it, which does nothing if the record is still the client's. A drop that fails for a claim looks again. Each
// drop comes after the change of the record that calls for it, and so does its look.

const (
	deadBit  = 1 << 63
	oneClaim = 1 << 8 // 55 bits of claims don't wrap
)

// claimFirst claims an entry before its record is published, and sees to it that the second claim finds a slot.
// It tells whether the entry is new; ok is false when there is no room.
func (h *Handle) claimFirst(client uint64, key *Key) (created, ok bool) {
	if !h.stock(slotEntry, 2) {
		return false, false
	}
	return h.claim(client, key), true
}

// claimAgain claims the entry of a record that was published.
func (h *Handle) claimAgain(client uint64, key *Key) {
	if h.claim(client, key) {
		h.drop(client, key)
	}
}

// claim makes the entry exist, and tells whether it had to be made. The cache must have a slot for it.
func (h *Handle) claim(client uint64, key *Key) (created bool) {
	s := &h.table.clients
	slot, _ := h.take(slotEntry)
	e := s.node(slot)
	e.address = key.Address
	e.stamp.Store(oneClaim | uint64(key.Length))
	for !s.insert(h, client, key, slot) {
		if h.countClaim(client, key) {
			h.give(slotEntry, slot)
			return false
		}
	}
	return true
}

// countClaim counts one claim more on the entry, unless there is none that lives.
func (h *Handle) countClaim(client uint64, key *Key) bool {
	s := &h.table.clients
	for {
		e := s.get(client, key)
		if e == nil {
			return false
		}
		stamp := e.stamp.Load()
		if stamp&deadBit != 0 {
			s.remove(h, client, key, e) // help
			return false
		}
		stagger()
		if e.stamp.CompareAndSwap(stamp, stamp+oneClaim) {
			return true
		}
	}
}

// drop removes the entry unless the lease is this client's.
func (h *Handle) drop(client uint64, key *Key) {
	t := h.table
	s := &t.clients
	for {
		e := s.get(client, key)
		if e == nil {
			return
		}
		stamp := e.stamp.Load()
		if stamp&deadBit == 0 {
			stagger()
			n := t.records.get(t.leaseHash(key), key)
			if n != nil && s.same(client, t.recordClient(recordOf(n))) {
				return
			}
			stagger()
			if !e.stamp.CompareAndSwap(stamp, stamp|deadBit) {
				continue
			}
		}
		stagger()
		s.remove(h, client, key, e)
		return
	}
}

// FindClient appends the current records, in any state, that belong to this client's identity association, if it is known
// by DUID and IAID. Each lease stands once in what it appends. The order means nothing.
func (h *Handle) FindClient(duid []byte, kind wire.Kind, iaid uint32, into []*Record) []*Record {
	return h.FindIdentity(&address.Identity{DUID: duid, Kind: kind, IAID: iaid}, into)
}

// appendLease appends r unless its lease stands there already: an entry that died and was made anew while we
// walked shows twice. Then the newer version stays.
func appendLease(into []*Record, first int, r *Record) []*Record {
	for i, other := range into[first:] {
		if other.address == r.address && other.length() == r.length() {
			if r.Version() > other.Version() {
				into[first+i] = r
			}
			return into
		}
	}
	return append(into, r)
}
