package binding

import (
	"sync/atomic"
	"unsafe"
)

// Parts of a link (see doc.go).
const (
	markBit  = 1 << 63
	tagShift = 32
	tagBits  = 1<<31 - 1
)

// tagOf returns a hash's tag: its lower bits. The bucket takes the upper ones.
func tagOf(hash uint64) uint64 { return hash & tagBits }

// tagIn returns the tag that a link holds.
func tagIn(word uint64) uint64 { return word >> tagShift & tagBits }

// linkTo returns the unmarked link to a slot.
func linkTo(hash uint64, slot uint32) uint64 { return tagOf(hash)<<tagShift | uint64(slot) }

// A set is a hash table of lock-free sorted lists over slots of one size. It has its invariants in doc.go.
type set struct {
	heads  []atomic.Uint64
	shift  uint8          // hash >> shift is the bucket
	kind   slotKind       // what an unlinked node is retired as
	stride uintptr        // octets per slot
	slots  unsafe.Pointer // slot 0, which is never used
}

func (s *set) node(slot uint32) *node {
	return (*node)(unsafe.Add(s.slots, uintptr(slot)*s.stride))
}

// slotOf is the inverse of node.
func (s *set) slotOf(n *node) uint32 {
	return uint32((uintptr(unsafe.Pointer(n)) - uintptr(s.slots)) / s.stride)
}

func (s *set) head(hash uint64) *atomic.Uint64 { return &s.heads[hash>>s.shift] }

// same tells whether two hashes share bucket and tag, which is all that the set sees of them.
func (s *set) same(a, b uint64) bool { return a>>s.shift == b>>s.shift && tagOf(a) == tagOf(b) }

// get returns the current node of key, or nil. It writes nothing and never starts over.
//
// Walking over marked nodes is safe. A reader that holds a node that was unlinked meanwhile entered before
// that; what it reaches through the frozen link was unlinked later still, so it stays for this reader too.
// And it misses nothing: a node for key that was inserted before the reader started is on its way, because
// the insertion unlinked what stood between; one that was inserted later, behind a removal that the
// reader walked over, means that the key was absent at some moment in the call.
func (s *set) get(hash uint64, key *Key) *node {
	tag := tagOf(hash)
	word := s.head(hash).Load()
	for uint32(word) != 0 && tagIn(word) <= tag {
		n := s.node(uint32(word))
		stagger()
		next := n.next.Load()
		if next&markBit == 0 && tagIn(word) == tag && n.is(key) {
			return n
		}
		word = next &^ markBit
	}
	return nil
}

// A place is a link, and what it held when a key was found to belong behind it.
type place struct {
	link *atomic.Uint64
	word uint64 // never marked
}

// search returns the place of key and the slot of its current node, 0 if there is none. On its way it unlinks
// and retires every marked node, so that after it none of this key is linked that was marked before.
func (s *set) search(h *Handle, hash uint64, key *Key) (at place, slot uint32) {
	tag := tagOf(hash)
restart:
	at.link = s.head(hash)
	at.word = at.link.Load()
	for uint32(at.word) != 0 && tagIn(at.word) <= tag {
		slot = uint32(at.word)
		n := s.node(slot)
		next := n.next.Load()
		if next&markBit != 0 {
			next &^= markBit
			stagger()
			if !at.link.CompareAndSwap(at.word, next) {
				goto restart
			}
			h.retire(s.kind, slot)
			at.word = next
			continue
		}
		if tagIn(at.word) == tag {
			if c := n.compare(key); c == 0 {
				return at, slot
			} else if c > 0 {
				return at, 0
			}
		}
		at.link, at.word = &n.next, next
	}
	return at, 0
}

// insert links the node in slot, which is complete but for its link, unless key has a node already.
func (s *set) insert(h *Handle, hash uint64, key *Key, slot uint32) bool {
	for {
		at, found := s.search(h, hash, key)
		if found != 0 {
			return false
		}
		s.node(slot).next.Store(at.word)
		stagger()
		if at.link.CompareAndSwap(at.word, linkTo(hash, slot)) {
			return true
		}
	}
}

// replace puts the complete node in slot in the place of old, of the same key, unless old has left the set.
func (s *set) replace(h *Handle, hash uint64, key *Key, old *node, slot uint32) bool {
	for {
		word := old.next.Load()
		if word&markBit != 0 {
			return false
		}
		s.node(slot).next.Store(word)
		stagger()
		if old.next.CompareAndSwap(word, linkTo(hash, slot)|markBit) {
			stagger()
			s.search(h, hash, key)
			return true
		}
	}
}

// remove takes old out of the set. It returns false when old has left it before.
func (s *set) remove(h *Handle, hash uint64, key *Key, old *node) bool {
	for {
		word := old.next.Load()
		if word&markBit != 0 {
			return false
		}
		if old.next.CompareAndSwap(word, word|markBit) {
			stagger()
			s.search(h, hash, key)
			return true
		}
	}
}
