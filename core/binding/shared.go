package binding

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// Shared pieces. A link-address, a Relay-ID or a relay's address is the same for all clients of a link or a relay. Such a piece stands once,
// packed, in an extension slot of its own, and an extension that has it says how far that slot is from its own: so a
// record can still be read by who has nothing but the record.
//
// The slots are found by an insert-only hash table: lines of sharedLine cells, and a value's hash says which line. A cell is
// 0, or
//
//	bits 63..32: upper half of the value's hash | bits 31..0: 1 + unit of the slot
//
// Invariants:
//  1. A cell changes once, from 0. The slot that it then names isn't freed or written before the table is closed: a
//     distance to it, in whatever version of whatever record, stays true, and no reader has to announce anything for it.
//  2. A slot's content is written before the swap that puts it into a cell. Who finds it there and publishes a record
//     that points at it does so later, and a reader comes to it by the record. (All are Go atomics: see doc.go.)
//  3. A value stands in one cell at most. All who insert it try its line's cells in the same order and pass a cell
//     only when another value stands there, for ever; so two of them meet at the same empty cell, one swap wins, and
//     the other one finds the value and gives its own slot back, which nobody saw.
//  4. The table is bounded: no value's line grows. A value that finds its line full, or no slot, is packed in full in
//     each extension. So relays that make up IDs cost sharedCells slots at most.
//
// Slots lie within maxExtension of one another, so that 32 bits with a sign hold the distance in units.

const (
	sharedCells = 1 << 16
	sharedLine  = 8 // a cache line
	sharedLeast = 8 // octets; what is shorter is hardly longer than the distance
	sharedMost  = MaxDUID
)

const _ = uint(1<<31 - maxExtension/extensionUnit)

// share returns the unit of the slot where the piece stands, if it is one that is shared.
func (h *Handle) share(kind ExtensionKind, data []byte) (unit uint32, ok bool) {
	// A way back of 16 octets is a relay's address; a longer one has the client's in it.
	shared := kind == ExtLinkAddress || kind == ExtRelayID || kind == ExtReturn && len(data) == 16
	if !shared || len(data) < sharedLeast || len(data) > sharedMost {
		return 0, false
	}
	t := h.table
	var room [8 + 2 + sharedMost]byte // the seed, so that nobody can know which values share a line
	binary.LittleEndian.PutUint64(room[:], t.seed)
	b := appendPacked(room[:8], kind, data)
	hash, packed := xxhash.Sum64(b), b[8:]
	own, line := false, t.sharedLineOf(hash)
	for i := range line {
		word := line[i].Load()
		if word == 0 {
			if !own {
				if unit, own = h.write(packed); !own {
					return 0, false
				}
			}
			stagger()
			if line[i].CompareAndSwap(0, hash>>32<<32|uint64(unit+1)) {
				return unit, true
			}
			word = line[i].Load()
		}
		if word>>32 == hash>>32 && string(t.blobIn(uint32(word)-1).rest) == string(packed) {
			if own {
				h.give(t.extensionKindOf(unit), unit)
			}
			return uint32(word) - 1, true
		}
	}
	if own {
		h.give(t.extensionKindOf(unit), unit)
	}
	return 0, false
}

// sharedLineOf returns the cells that a value may stand in.
func (t *Table) sharedLineOf(hash uint64) []atomic.Uint64 {
	lines := uint64(len(t.shared) / sharedLine)
	return t.shared[hash%lines*sharedLine:][:sharedLine]
}

// blobIn returns the content of the slot at a unit of the area.
func (t *Table) blobIn(unit uint32) blob {
	return blobAt(unsafe.Pointer(&t.area[uint64(unit)*extensionUnit]))
}
