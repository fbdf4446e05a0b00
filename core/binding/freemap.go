package binding

import (
	"errors"
	"math/bits"
	"sync/atomic"
)

// A FreeMap tells which of n slots are free: all of them at first. All methods may be called by any goroutine.
//
// The plain idea is a bitmap. Searching one of 2^24 slots at 99.99 % fill is a scan; so a hierarchy stands
// above it, as in a van Emde Boas tree cut into words of 64:
//
//	level 0: bit i set: slot i is taken
//	level k: bit j set: word j of level k-1 is full, nothing free below
//
// Zero means free, so a map of any size costs nothing until slots are taken (the heap's fresh pages are
// zero and untouched).
//
// Invariants:
//  1. The bits of level 0 decide: of those who Take a slot, the one whose Or set the bit has it.
//  2. A summary bit that is clear over a full word costs time only: Next finds the word full, sets the bit, goes on.
//  3. A summary bit that is set over a word with a free bit hides it. It can only be set for the duration
//     of a call that is under way. Proof: whoever sets it then re-reads the word, and clears it if the
//     word isn't full (rise). If the word was full at that re-read, then whoever makes it not full
//     later does so by an And whose old value was full, and clears the bit after (fall). So the last
//     change of the bit can't be a set while the word has a free bit. The same holds level by level.
type FreeMap struct {
	levels [maxLevels][]atomic.Uint64
	top    int // the level that is one word
	size   uint64
	used   atomic.Int64
}

// MaxFreeMap is the largest number of slots of a FreeMap.
const MaxFreeMap = 1 << 32

const (
	maxLevels = 6 // 64^6 >= MaxFreeMap
	fullWord  = ^uint64(0)
)

var errFreeMapSize = errors.New("binding: a map of free slots takes 1 to 2^32 slots")

// NewFreeMap returns a map of slots 0 to n-1, all free. It takes n/8 octets and a 63rd more, of which
// the kernel commits what is touched.
func NewFreeMap(n uint64) (*FreeMap, error) {
	if n < 1 || n > MaxFreeMap {
		return nil, errFreeMapSize
	}
	m := &FreeMap{size: n}
	for level, count := 0, n; ; level++ {
		words := (count + 63) / 64
		m.levels[level] = make([]atomic.Uint64, words)
		// What the last word has beyond the end is taken for ever.
		if rest := count % 64; rest != 0 {
			m.levels[level][words-1].Store(fullWord << rest)
		}
		if words == 1 {
			m.top = level
			return m, nil
		}
		count = words
	}
}

// Take takes slot i. It returns false when the slot is taken already or doesn't exist.
func (m *FreeMap) Take(i uint64) bool {
	if i >= m.size {
		return false
	}
	bit := uint64(1) << (i % 64)
	old := m.levels[0][i/64].Or(bit)
	if old&bit != 0 {
		return false
	}
	m.used.Add(1)
	if old|bit == fullWord {
		m.rise(0, i/64)
	}
	return true
}

// Put frees slot i. It returns false when the slot is free already or doesn't exist.
func (m *FreeMap) Put(i uint64) bool {
	if i >= m.size {
		return false
	}
	bit := uint64(1) << (i % 64)
	old := m.levels[0][i/64].And(^bit)
	if old&bit == 0 {
		return false
	}
	m.used.Add(-1)
	if old == fullWord {
		m.fall(0, i/64)
	}
	return true
}

// rise tells the levels above that the word of this level was seen full.
func (m *FreeMap) rise(level int, word uint64) {
	for level < m.top {
		bit := uint64(1) << (word % 64)
		stagger()
		old := m.levels[level+1][word/64].Or(bit)
		stagger()
		if m.levels[level][word].Load() != fullWord {
			m.fall(level, word) // somebody freed below while we set: undo
			return
		}
		if old|bit != fullWord {
			return
		}
		level, word = level+1, word/64
	}
}

// fall tells the levels above that the word of this level has something free.
func (m *FreeMap) fall(level int, word uint64) {
	for level < m.top {
		bit := uint64(1) << (word % 64)
		stagger()
		if m.levels[level+1][word/64].And(^bit) != fullWord {
			return
		}
		level, word = level+1, word/64
	}
}

// Free returns how many slots are free; while others take and put, a number from a moment ago.
func (m *FreeMap) Free() uint64 {
	return m.size - uint64(min(max(m.used.Load(), 0), int64(m.size)))
}

// Size returns the number of slots.
func (m *FreeMap) Size() uint64 { return m.size }

// Taken tells whether slot i is taken or doesn't exist.
func (m *FreeMap) Taken(i uint64) bool {
	return i >= m.size || m.levels[0][i/64].Load()>>(i%64)&1 != 0
}

// Next returns the first free slot at or after from, and goes on at 0 where there is none.
// The slot may be taken a moment later: Take decides. It takes at most a dozen loads at any fill.
func (m *FreeMap) Next(from uint64) (uint64, bool) { return m.NextIn(from, 0, m.size) }

// NextIn returns the first free slot at or after from within [low, high), and goes on at low where
// there is none. A from outside the range counts as low.
func (m *FreeMap) NextIn(from, low, high uint64) (uint64, bool) {
	high = min(high, m.size)
	if from < low || from >= high {
		from = low
	}
	if i := m.next(from); i < high {
		return i, true
	}
	if from > low {
		if i := m.next(low); i < from {
			return i, true
		}
	}
	return 0, false
}

// next returns the first free slot at or after from, or one >= size when there is none.
func (m *FreeMap) next(from uint64) uint64 {
	level, position := 0, from // looking for the first clear bit of this level at or after position
	for position/64 < uint64(len(m.levels[level])) {
		word := position / 64
		free := ^m.levels[level][word].Load() & (fullWord << (position % 64))
		switch {
		case free != 0 && level == 0:
			return word*64 + uint64(bits.TrailingZeros64(free))
		case free != 0: // down to the word that has something free
			position = (word*64 + uint64(bits.TrailingZeros64(free))) * 64
			level--
		case level == m.top:
			return m.size
		default: // up, to what comes after this word
			if position%64 == 0 && m.levels[level+1][word/64].Load()>>(word%64)&1 == 0 {
				m.rise(level, word) // the whole word is full and its summary didn't say so
			}
			position = word + 1
			level++
		}
	}
	return m.size
}

// takeSome takes the lowest free slots below limit that share a word, at most len(into), and returns how many.
// 0 means that none was free.
func (m *FreeMap) takeSome(limit uint64, into []uint32) int {
	for from := uint64(0); ; {
		i := m.next(from)
		if i >= min(limit, m.size) {
			return 0
		}
		word := i / 64
		old := m.levels[0][word].Load()
		free := ^old
		if end := limit - word*64; end < 64 {
			free &^= fullWord << end
		}
		if free == 0 {
			from = (word + 1) * 64
			continue
		}
		taken, n := uint64(0), 0
		for ; free != 0 && n < len(into); n++ {
			into[n] = uint32(word*64 + uint64(bits.TrailingZeros64(free)))
			taken |= free & -free
			free &= free - 1
		}
		if !m.levels[0][word].CompareAndSwap(old, old|taken) {
			continue
		}
		m.used.Add(int64(n))
		if old|taken == fullWord {
			m.rise(0, word)
		}
		return n
	}
}
