package binding

import (
	"bytes"
	"unsafe"
)

// How records and extension slots belong together. A record knows its slot by the distance, in units, so that
// neither needs the table to be read; the table's functions need slots to hand them out and to take them back.

// AppendExtension appends what else is known of the lease, as the store has it.
func (r *Record) AppendExtension(dst []byte) Extension { return r.pieces().appendTo(dst) }

// AppendPiece appends the data of the first piece of a kind, and nothing where there is none.
func (r *Record) AppendPiece(dst []byte, kind ExtensionKind) []byte {
	b := r.pieces()
	for p, ok := b.next(); ok; p, ok = b.next() {
		if p.kind == kind {
			return append(append(dst, p.front...), p.data...)
		}
	}
	return dst
}

// HasExtension tells whether e, as the store has it, is what is known of the lease, without unpacking that.
func (r *Record) HasExtension(e []byte) bool { return r.pieces().equal(e) }

// HasPlace is HasExtension without what is kept for Reconfigure, on either side.
func (r *Record) HasPlace(e Extension) bool {
	b := r.pieces()
	for {
		p, more := b.next()
		for more && p.kind.forReconfigure() {
			p, more = b.next()
		}
		k, data, rest, ok := e.nextPlace()
		if !more || !ok {
			return more == ok
		}
		if p.kind != k || p.length() != len(data) || string(p.front) != string(data[:len(p.front)]) || string(p.data) != string(data[len(p.front):]) {
			return false
		}
		e = rest
	}
}

// SharesExtension tells whether both records, of one table, have one extension. Publish sees to it that a version
// of a lease shares that of the version before unless client or extension changed.
func (r *Record) SharesExtension(other *Record) bool {
	if r.extension == 0 || other.extension == 0 {
		return r.extension == other.extension
	}
	return r.extensionAt() == other.extensionAt()
}

// extensionAt returns the slot of a record that has one.
func (r *Record) extensionAt() unsafe.Pointer {
	// Records and extensions share one mapping, and records stand in front.
	return unsafe.Add(unsafe.Pointer(r), uintptr(r.extension)*extensionUnit)
}

// longDUID returns a view of a DUID that doesn't fit the record.
func (r *Record) longDUID() []byte { return blobAt(r.extensionAt()).rest[packedDUID:][:r.duidLength] }

// pieces returns the extension without the long DUID, if there is one.
func (r *Record) pieces() blob {
	if r.extension == 0 {
		return blob{}
	}
	b := blobAt(r.extensionAt())
	if r.duidLength > inlineDUID {
		b.rest = b.rest[packedDUID+int(r.duidLength):]
	}
	return b
}

// keeps tells whether the record's extension slot is good for draft: it says what draft would have written anew.
func (r *Record) keeps(draft *Draft) bool {
	if r == nil || int(r.duidLength) != len(draft.DUID) || r.duidLength > inlineDUID && !bytes.Equal(r.DUID(), draft.DUID) {
		return false
	}
	return draft.KeepExtension || r.pieces().equal(draft.Extension)
}

// extend gives the record in slot the draft's extension: old's slot where that is good for it, else one of its own.
func (h *Handle) extend(r *Record, slot uint32, old *Record, draft *Draft) Outcome {
	t := h.table
	r.extension = 0
	switch {
	case old.keeps(draft):
		if unit := t.extensionSlot(old); unit != 0 {
			r.extension = t.distance(slot, unit-1)
		}
		return Published
	case draft.KeepExtension || !Extension(draft.Extension).wellFormed():
		return Invalid
	}
	packed := h.pack(draft)
	if len(packed) == 0 {
		return Published
	}
	unit, ok := h.write(packed)
	if !ok {
		return Full
	}
	r.extension = t.distance(slot, unit)
	return Published
}

// distance returns how far the extension slot is from the record's slot, in units.
func (t *Table) distance(slot, unit uint32) uint32 {
	return uint32(uint64(t.areaUnit) + uint64(unit) - uint64(slot)*(recordSize/extensionUnit))
}

// extensionSlot returns 1 + the record's extension slot, 0 if it has none.
func (t *Table) extensionSlot(r *Record) uint32 {
	if r.extension == 0 {
		return 0
	}
	slot := t.records.slotOf(&r.node)
	return uint32(uint64(r.extension) + uint64(slot)*(recordSize/extensionUnit) - uint64(t.areaUnit) + 1)
}

// retireExtension puts the extension of a record that has just been marked into limbo.
func (h *Handle) retireExtension(r *Record) {
	if slot := h.table.extensionSlot(r); slot != 0 {
		h.retire(h.table.extensionKindOf(slot-1), slot-1)
	}
}
