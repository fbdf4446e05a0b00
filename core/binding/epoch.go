package binding

// Reclaim by epochs (Fraser 2004; Hart et al. 2007).
//
// The plain idea: a slot that was unlinked may be used again when everybody who could still hold it has
// moved on. To know that, a handle announces the table's epoch at the start of each batch, and 0 while it is
// idle. The epoch advances when all handles that aren't idle have announced it.
//
// A slot is retired after it was unlinked, with the epoch read then, e; it is free when the epoch reaches e+2.
//
// Proof. Take a reader that can reach the slot: it announced before the slot was unlinked (doc.go,
// invariant 2; set.get). Let g be the epoch when it announced; what it announced is g or older. An
// advance that began to look before the announcement may still succeed, once, to g+1, since it swaps from
// what it read before. One that begins to look later sees the reader, and succeeds only from the epoch that
// the reader announced. So the epoch doesn't pass g+1 until the reader announces anew. And e >= g, so
// e+2 > g+1. A handle that is registered while an advance looks counts as one that it looked at too early.
//
// A handle that stays in a batch keeps everybody's slots from being used again: batches are short.

// firstEpoch is above 0, which announces idleness.
const firstEpoch = 1

// grace is how many epochs after its retirement a slot is free.
const grace = 2

// A retired slot waits in limbo.
type retired struct {
	epoch uint64
	slot  uint32
	kind  slotKind
}

// limbo is a first-in first-out ring of retired slots; epochs in it only rise.
type limbo struct {
	ring  []retired // its length is a power of two
	first uint64    // index of the oldest, modulo the ring's length
	count uint64
}

func (l *limbo) push(r retired) {
	if l.count == uint64(len(l.ring)) {
		l.grow()
	}
	l.ring[(l.first+l.count)&uint64(len(l.ring)-1)] = r
	l.count++
}

// pop returns the oldest slot if its grace has passed.
func (l *limbo) pop(epoch uint64) (retired, bool) {
	if l.count == 0 {
		return retired{}, false
	}
	r := l.ring[l.first&uint64(len(l.ring)-1)]
	if r.epoch+grace > epoch {
		return retired{}, false
	}
	l.first++
	l.count--
	return r, true
}

// grow doubles the ring. A ring that has reached the size of the load grows no more, so the path doesn't allocate.
func (l *limbo) grow() {
	ring := make([]retired, max(1024, 2*len(l.ring)))
	for i := range l.count {
		ring[i] = l.ring[(l.first+i)&uint64(len(l.ring)-1)]
	}
	l.ring, l.first = ring, 0
}

// advance moves the table's epoch on from e if every handle in a batch has announced e.
func (t *Table) advance(e uint64) {
	for _, h := range *t.handles.Load() {
		if a := h.announced.Load(); a != 0 && a != e {
			return
		}
		stagger()
	}
	t.epoch.CompareAndSwap(e, e+1)
}

// retire puts a slot that was just unlinked into limbo.
func (h *Handle) retire(kind slotKind, slot uint32) {
	stagger()
	h.limbo.push(retired{epoch: h.table.epoch.Load(), slot: slot, kind: kind})
}

// ripen takes out of limbo what nobody can hold any more.
func (h *Handle) ripen() {
	if h.limbo.count == 0 {
		return
	}
	t := h.table
	e := t.epoch.Load()
	t.advance(e)
	e = t.epoch.Load()
	for {
		r, ok := h.limbo.pop(e)
		if !ok {
			return
		}
		h.give(r.kind, r.slot)
	}
}
