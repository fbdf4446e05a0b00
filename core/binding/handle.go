package binding

import "sync/atomic"

// A Handle is one goroutine's access to the table; it must not be used by two at a time. All work happens in
// batches, between Enter and Leave, or the next Enter.
type Handle struct {
	_         [64]byte      // announced is read by others: it has a cache line of its own
	announced atomic.Uint64 // the epoch of the batch; 0: idle
	_         [64]byte

	table  *Table
	limbo  limbo
	ahead  ahead
	packed [maxPacked]byte // room of pack
	caches [slotKinds]cache
}

// NewHandle returns a handle, idle. It takes a lock and allocates: handles are made at start, or once per
// request of the administrator, not per packet.
func (t *Table) NewHandle() *Handle {
	h := &Handle{table: t}
	h.limbo.grow()
	t.registry.Lock()
	defer t.registry.Unlock()
	old := *t.handles.Load()
	handles := append(old[:len(old):len(old)], h)
	t.handles.Store(&handles)
	t.collect()
	return h
}

// Close ends the handle's use. Its free slots go back to the table. A closed handle panics.
func (h *Handle) Close() {
	h.announced.Store(0)
	t := h.table
	t.registry.Lock()
	defer t.registry.Unlock()
	var handles []*Handle
	for _, other := range *t.handles.Load() {
		if other != h {
			handles = append(handles, other)
		}
	}
	t.handles.Store(&handles)
	h.ripen()
	for kind := range slotKinds {
		h.unload(kind, h.caches[kind].count)
	}
	// What is still in limbo waits for the next handle that is made, closed, or out of slots.
	t.orphans = append(t.orphans, h.limbo)
	h.limbo, h.table = limbo{}, nil
	t.collect()
}

// collect frees what nobody can hold of the closed handles' limbo. The registry must be locked.
func (t *Table) collect() {
	t.advance(t.epoch.Load())
	epoch := t.epoch.Load()
	left := t.orphans[:0]
	for _, orphan := range t.orphans {
		for r, ok := orphan.pop(epoch); ok; r, ok = orphan.pop(epoch) {
			t.putSlot(r.kind, r.slot)
		}
		if orphan.count > 0 {
			left = append(left, orphan)
		}
	}
	clear(t.orphans[len(left):])
	t.orphans = left
	t.orphaned.Store(len(left) > 0)
}

// adopt frees what it can of the closed handles' limbo, if there is any.
func (t *Table) adopt() {
	if t.orphaned.Load() {
		t.registry.Lock()
		defer t.registry.Unlock()
		t.collect()
	}
}

// Enter starts a batch: records that are seen from now on stay valid until the next Enter or Leave, and those of
// the batch before do so no longer. Batches should be short: while one lasts, no slot in the table is reclaimed.
func (h *Handle) Enter() {
	epoch := h.table.epoch.Load()
	stagger()
	h.announced.Store(epoch)
	h.ripen()
}

// Leave ends the batch and makes the handle idle, before the goroutine waits for anything.
func (h *Handle) Leave() {
	h.announced.Store(0)
}

// inside panics outside of a batch, where what is found could be reclaimed under the caller's eyes.
func (h *Handle) inside() {
	if h.announced.Load() == 0 {
		panic("binding: a handle was used outside of a batch")
	}
}

// Full tells whether the table has as many leases as its Capacity: Publish would refuse a lease that has no record.
// It is an estimate while others insert and remove.
func (h *Handle) Full() bool { return h.table.live.Load() >= h.table.capacity }
