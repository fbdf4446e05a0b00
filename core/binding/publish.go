package binding

import "unsafe"

// An Outcome tells how an attempt to change the table went.
type Outcome uint8

// Outcomes. After all but Published nothing has changed.
const (
	Published Outcome = iota // the change stands
	Lost                     // somebody else changed the lease first
	Full                     // no room; for a replacement: too many old versions wait to be reclaimed
	Invalid                  // the draft breaks a bound or isn't for this lease: the caller's mistake
)

// String returns the outcome's name in lower case.
func (o Outcome) String() string {
	switch o {
	case Published:
		return "published"
	case Lost:
		return "lost"
	case Full:
		return "full"
	}
	return "invalid"
}

// Find returns the current record of a lease, or nil. It takes no step back: no lock, no write, no allocation.
func (h *Handle) Find(key *Key) *Record {
	h.inside()
	return h.table.find(h.table.leaseHash(key), key)
}

func (t *Table) find(hash uint64, key *Key) *Record {
	n := t.records.get(hash, key)
	if n == nil {
		return nil
	}
	t.settle(n, t.shard(hash))
	return recordOf(n)
}

// settle gives a record that was inserted without a version its version.
//
// A lease that returns after its removal must get a version above the removal's, for the store orders
// writes by versions alone. The remover raises the shard's floor before it marks the record. But a version
// that was read from the floor before the insertion's swap could be too low by then: the same lease may
// be inserted and removed by others between, and the link be what it was. So an inserted record has no
// version at first, and whoever meets it, the inserter included, sets floor + 1 by one swap. At that time
// the record is linked, so every earlier record of the lease had been marked, and the floor raised before.
func (t *Table) settle(n *node, shard int) {
	for stamp := n.stamp.Load(); stamp>>8&versionMask == 0; stamp = n.stamp.Load() {
		version := t.floors[shard].Load() + 1
		stagger()
		n.stamp.CompareAndSwap(stamp, version<<8|stamp)
	}
}

// raise lifts the floor of the lease's shard to version.
func (t *Table) raise(hash, version uint64) {
	floor := &t.floors[t.shard(hash)]
	for old := floor.Load(); old < version; old = floor.Load() {
		floor.CompareAndSwap(old, version)
	}
}

// recordOf returns the record that a node of the record set is the front of.
func recordOf(n *node) *Record { return (*Record)(unsafe.Pointer(n)) }

// Publish makes draft the current version of its lease. With old nil the lease must have no record; else
// exactly old must be current, of the same lease. It copies what draft points at.
// The record that it returns is nil unless Published.
//
// One compare-and-swap decides. A lease that has a record can be published anew even when the table is full.
func (h *Handle) Publish(old *Record, draft *Draft) (*Record, Outcome) {
	h.inside()
	if !draft.acceptable() || old != nil && !old.is(&draft.Key) {
		return nil, Invalid
	}
	t := h.table
	hash := t.leaseHash(&draft.Key)
	if old != nil {
		return h.publishAs(hash, old, draft, old.Version()+1)
	}
	if t.records.get(hash, &draft.Key) != nil {
		return nil, Lost
	}
	if t.live.Add(1) > t.capacity {
		t.live.Add(-1)
		return nil, Full
	}
	r, outcome := h.publishAs(hash, nil, draft, 0)
	if outcome != Published {
		t.live.Add(-1)
	}
	return r, outcome
}

// publishStored is Publish of an acceptable draft with the version that the store has. It counts a lease once it is
// linked: who finds the table full finds every lease that filled it, so of loaders that meet at the last place
// with the same lease one has Lost, and none is refused. The count may pass the capacity by one per loader.
func (h *Handle) publishStored(old *Record, draft *Draft, version uint64) (*Record, Outcome) {
	t := h.table
	hash := t.leaseHash(&draft.Key)
	if old == nil {
		full := t.live.Load() >= t.capacity
		if t.records.get(hash, &draft.Key) != nil {
			return nil, Lost
		}
		if full {
			return nil, Full
		}
	}
	r, outcome := h.publishAs(hash, old, draft, version)
	if outcome == Published && old == nil {
		t.live.Add(1)
	}
	return r, outcome
}

// publishAs is publishCounted, and counts anonymous and derived records: before one can be found, and after it has gone.
func (h *Handle) publishAs(hash uint64, old *Record, draft *Draft, version uint64) (*Record, Outcome) {
	const special = FlagAnonymous | FlagDerived
	if draft.Flags&special == 0 && (old == nil || old.flags&special == 0) {
		return h.publishCounted(hash, old, draft, version)
	}
	if draft.Flags&FlagDerived != 0 && !draft.identifies(old) {
		return nil, Invalid
	}
	if old != nil && old.flags&special == draft.Flags&special { // a renewal
		return h.publishCounted(hash, old, draft, version)
	}
	h.table.countSpecial(draft.Flags, 1)
	r, outcome := h.publishCounted(hash, old, draft, version)
	switch {
	case outcome != Published:
		h.table.countSpecial(draft.Flags, -1)
	case old != nil:
		h.table.countSpecial(old.flags, -1)
	}
	return r, outcome
}

// countSpecial counts a record of these flags, or takes it out.
func (t *Table) countSpecial(flags uint8, n int64) {
	if flags&FlagAnonymous != 0 {
		t.anonymous.Add(n)
	}
	if flags&FlagDerived != 0 {
		t.derived.Add(n)
	}
}

// publishCounted builds the record (version 0: to be settled), announces it to its client's index and swaps it in.
func (h *Handle) publishCounted(hash uint64, old *Record, draft *Draft, version uint64) (*Record, Outcome) {
	fresh, outcome := h.build(old, draft, version)
	if outcome != Published {
		return nil, outcome
	}
	// A renewal doesn't touch the client's index.
	id := draft.identity(old)
	if old != nil && old.BelongsTo(&id) {
		if !h.link(hash, old, draft, fresh) {
			h.discard(old, fresh)
			return nil, Lost
		}
		return fresh, Published
	}
	client := h.table.identityHash(&id)
	created, ok := h.claimFirst(client, &draft.Key)
	if !ok {
		h.discard(old, fresh)
		return nil, Full
	}
	if !h.link(hash, old, draft, fresh) {
		h.discard(old, fresh)
		if created {
			h.drop(client, &draft.Key)
		}
		return nil, Lost
	}
	stagger()
	h.claimAgain(client, &draft.Key)
	stagger()
	if old != nil {
		h.drop(h.table.recordClient(old), &draft.Key)
	}
	return fresh, Published
}

// link swaps the record in, and retires the extension that the old version doesn't hand on.
func (h *Handle) link(hash uint64, old *Record, draft *Draft, fresh *Record) bool {
	t := h.table
	slot := t.records.slotOf(&fresh.node)
	if old == nil {
		if !t.records.insert(h, hash, &draft.Key, slot) {
			return false
		}
		t.settle(&fresh.node, t.shard(hash))
		return true
	}
	if !t.records.replace(h, hash, &draft.Key, &old.node, slot) {
		return false
	}
	if t.extensionSlot(old) != t.extensionSlot(fresh) {
		h.retireExtension(old)
	}
	return true
}

// build returns a complete record that nobody else knows. It shares old's extension where that is the same.
func (h *Handle) build(old *Record, draft *Draft, version uint64) (*Record, Outcome) {
	t := h.table
	slot, ok := h.take(slotRecord)
	if !ok {
		return nil, Full
	}
	r := recordOf(t.records.node(slot))
	if outcome := h.extend(r, slot, old, draft); outcome != Published {
		h.give(slotRecord, slot)
		return nil, outcome
	}
	r.stamp.Store(uint64(draft.Census)<<censusShift | version<<8 | uint64(draft.Key.Length))
	r.address = draft.Key.Address
	r.mark = draft.Mark
	r.iaid = draft.IAID
	r.preferred = draft.Preferred
	r.valid = draft.Valid
	r.lastTransaction = draft.LastTransaction
	r.expires = draft.Expires
	r.since = draft.Since
	r.kind = draft.Kind
	r.state = draft.State
	r.flags = draft.Flags
	r.owner = draft.Owner
	r.duidLength = uint8(len(draft.DUID))
	copy(r.duid[:], draft.DUID)
	return r, Published
}

// discard takes back a record that was never published, and its extension unless that is old's.
func (h *Handle) discard(old, fresh *Record) {
	t := h.table
	if slot := t.extensionSlot(fresh); slot != 0 && (old == nil || slot != t.extensionSlot(old)) {
		h.give(t.extensionKindOf(slot-1), slot-1)
	}
	h.give(slotRecord, t.records.slotOf(&fresh.node))
}

// Remove takes the lease's record out of the table, if it is still old. The removal has the version
// RemovalVersion(old), and is stored as AppendRemoval writes it.
func (h *Handle) Remove(old *Record) Outcome {
	h.inside()
	t := h.table
	key := old.Key()
	hash := t.leaseHash(&key)
	t.raise(hash, RemovalVersion(old))
	if !t.records.remove(h, hash, &key, &old.node) {
		return Lost
	}
	t.live.Add(-1)
	t.countSpecial(old.flags, -1)
	h.retireExtension(old)
	stagger()
	h.drop(t.recordClient(old), &key)
	return Published
}

// RemovalVersion returns the version of the removal of this record.
func RemovalVersion(r *Record) uint64 { return r.Version() + 1 }
