package binding

import "sync/atomic"

// A slotKind tells what a slot is for: a record, a client entry, or an extension of a size class.
type slotKind uint8

const (
	slotRecord slotKind = iota
	slotEntry
	slotExtension // + size class

	slotKinds = slotExtension + extensionClasses
)

// Extension slots are cut from chunks, in sizes from 16 to 2048 octets: in steps of 16 up to 128, and above that in four
// steps from each power of two to the next. So what isn't used of a slot is 15 octets or a fifth at most, and nothing for
// a subscriber with the usual relay data, packed to 48 with its length.
const (
	extensionUnit    = 16 // octets; slots are multiples of it
	extensionClasses = 24
	largestUnits     = 128
	chunkUnits       = 4096 // 64 KiB
	chunkSize        = chunkUnits * extensionUnit
)

// classUnits are the classes' sizes in units. What a chunk has beyond a whole number of slots, one part in 64 at most, is
// never used.
var classUnits = [extensionClasses]uint32{
	1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, largestUnits,
}

// classes gives, by units needed, the smallest class that has them.
var classes = func() (by [largestUnits + 1]uint8) {
	class := uint8(0)
	for units := range by {
		if uint32(units) > classUnits[class] {
			class++
		}
		by[units] = class
	}
	return by
}()

// slotsPerChunk is how many slots of a class a chunk has.
func slotsPerChunk(class int) uint32 { return chunkUnits / classUnits[class] }

// A shelf hands out extension slots. The area is cut into chunks; a size class that has no free slot
// opens a chunk, which stays with the class. So memory is bound by the area, whatever the mix of sizes.
// A slot is named by its distance from the area's start in units.
type shelf struct {
	chunks  *FreeMap        // the chunks that no class has
	owners  []atomic.Uint32 // by chunk: its class << ownerShift | its ordinal within the class
	classes [extensionClasses]shelfClass
}

// A shelfClass numbers its slots through its chunks in the order in which they were opened.
type shelfClass struct {
	slots  *FreeMap
	chunks []atomic.Uint32 // by ordinal: chunk + 1; 0: not opened
	open   atomic.Uint32   // how many ordinals may be used; all below have their chunk
}

const ownerShift = 27 // above it the class; below, more ordinals than an area has chunks

const (
	_ = uint(1<<(32-ownerShift) - extensionClasses)
	_ = uint(1<<ownerShift - maxExtension/chunkSize)
)

// newShelf returns a shelf over an area of this many chunks.
func newShelf(chunks int) (*shelf, error) {
	s := &shelf{owners: make([]atomic.Uint32, chunks)}
	var err error
	if s.chunks, err = NewFreeMap(uint64(chunks)); err != nil {
		return nil, err
	}
	for class := range s.classes {
		c := &s.classes[class]
		c.chunks = make([]atomic.Uint32, chunks)
		if c.slots, err = NewFreeMap(uint64(chunks) * uint64(slotsPerChunk(class))); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// classFor returns the smallest class whose slots take n octets, 1 to 2048.
func classFor(n int) int { return int(classes[(n+extensionUnit-1)/extensionUnit]) }

// take takes some free slots of the class and returns how many; 0 when the class and the area are full.
func (s *shelf) take(class int, into []uint32) int {
	c := &s.classes[class]
	perChunk := slotsPerChunk(class)
	for {
		open := c.open.Load()
		n := c.slots.takeSome(uint64(open)*uint64(perChunk), into)
		for i, slot := range into[:n] {
			chunk := c.chunks[slot/perChunk].Load() - 1
			into[i] = chunk*chunkUnits + slot%perChunk*classUnits[class]
		}
		if n > 0 || !s.openChunk(class, open) {
			return n
		}
	}
}

// openChunk gives the class one more chunk than open, or finds that somebody else has just done so.
func (s *shelf) openChunk(class int, open uint32) bool {
	c := &s.classes[class]
	if int(open) == len(c.chunks) {
		return false
	}
	chunk, ok := s.chunks.Next(0)
	for ok && !s.chunks.Take(chunk) {
		chunk, ok = s.chunks.Next(0)
	}
	if !ok {
		return c.open.Load() != open
	}
	// The owner is known before the first slot can be taken, and so before one can be put back.
	s.owners[chunk].Store(uint32(class)<<ownerShift | open)
	if !c.chunks[open].CompareAndSwap(0, uint32(chunk)+1) {
		s.chunks.Put(chunk) // somebody was faster
	}
	c.open.CompareAndSwap(open, open+1)
	return true
}

// class returns the size class of a slot.
func (s *shelf) class(unit uint32) int {
	return int(s.owners[unit/chunkUnits].Load() >> ownerShift)
}

// put makes a slot free for all.
func (s *shelf) put(unit uint32) {
	owner := s.owners[unit/chunkUnits].Load()
	class, ordinal := owner>>ownerShift, owner&(1<<ownerShift-1)
	s.classes[class].slots.Put(uint64(ordinal)*uint64(slotsPerChunk(int(class))) + uint64(unit%chunkUnits/classUnits[class]))
}

// used returns how many octets are in slots that are taken.
func (s *shelf) used() int64 {
	var sum int64
	for class := range s.classes {
		slots := s.classes[class].slots
		sum += int64(slots.Size()-slots.Free()) * extensionUnit * int64(classUnits[class])
	}
	return sum
}

// A cache is a handle's own free slots of one kind. It spares the free maps' shared words: a slot
// that was retired by a worker is usually used again by the same worker, and still in its processor's cache.
type cache struct {
	slots [cacheSize]uint32
	count int
}

const (
	cacheSize  = 128
	cacheBatch = cacheSize / 2 // slots that move between the cache and the free map at once
)

// take returns a free slot of this kind.
func (h *Handle) take(kind slotKind) (uint32, bool) {
	c := &h.caches[kind]
	if c.count == 0 && !h.stock(kind, 1) {
		return 0, false
	}
	c.count--
	return c.slots[c.count], true
}

// stock sees to it that the cache has at least n free slots of this kind.
func (h *Handle) stock(kind slotKind, n int) bool {
	c := &h.caches[kind]
	for swept := false; c.count < n; {
		got := h.table.takeSlots(kind, c.slots[c.count:c.count+cacheBatch])
		c.count += got
		if got == 0 {
			if swept {
				return false
			}
			// All are taken. What is in limbo, ours or that of closed handles, may have become free.
			h.table.adopt()
			h.ripen()
			swept = true
		}
	}
	return true
}

// give takes back a slot that nobody can hold.
func (h *Handle) give(kind slotKind, slot uint32) {
	c := &h.caches[kind]
	if c.count == cacheSize {
		h.unload(kind, cacheBatch)
	}
	c.slots[c.count] = slot
	c.count++
}

// unload makes n slots of the cache free for all.
func (h *Handle) unload(kind slotKind, n int) {
	c := &h.caches[kind]
	for range n {
		c.count--
		h.table.putSlot(kind, c.slots[c.count])
	}
}

// takeExtension returns a free slot of at least n octets: of the smallest class that has one.
func (h *Handle) takeExtension(n int) (uint32, bool) {
	for class := classFor(n); class < extensionClasses; class++ {
		if unit, ok := h.take(slotExtension + slotKind(class)); ok {
			return unit, true
		}
	}
	return 0, false
}

// extensionKindOf returns the kind of an extension slot.
func (t *Table) extensionKindOf(unit uint32) slotKind {
	return slotExtension + slotKind(t.shelf.class(unit))
}

func (t *Table) takeSlots(kind slotKind, into []uint32) int {
	switch kind {
	case slotRecord:
		return t.freeRecords.takeSome(t.freeRecords.Size(), into)
	case slotEntry:
		return t.freeEntries.takeSome(t.freeEntries.Size(), into)
	}
	return t.shelf.take(int(kind-slotExtension), into)
}

func (t *Table) putSlot(kind slotKind, slot uint32) {
	switch kind {
	case slotRecord:
		t.freeRecords.Put(uint64(slot))
	case slotEntry:
		t.freeEntries.Put(uint64(slot))
	default:
		t.shelf.put(slot)
	}
}
