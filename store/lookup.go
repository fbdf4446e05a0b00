package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// A HistoryEntry is one entry of a lease as its codec made it.
type HistoryEntry struct {
	What    byte
	Version uint64
	Data    []byte
}

// historyFew is how many octets of the log aren't worth a pass before somebody reads history: reading them takes milliseconds.
const historyFew = 1 << 20

// History calls f for each lease of which there is a binding or history and that is key, contains it, or lies in it; key is one of a binding
// (KeySize octets). Nil: for every lease. Present is the binding's value as it stands, nil where there is none. Leases that
// contain the key come first, else the order is that of keys. What f gets is valid during the call only. It ends with
// f's first error, or ctx's.
//
// It reads the store as it is at one moment, the log included, and holds a lease's entries and one iterator per day in memory.
func (s *Store) History(ctx context.Context, key []byte, f func(key []byte, entries []HistoryEntry, present []byte) error) error {
	in, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	return explain(s.o.Path, in.runTelling(func(tell func(func() error) error) error {
		if s.logLength() > historyFew && !in.readOnly && !s.damaged.Load() {
			if err := s.absorb(in, 0); err != nil && in.isBroken() {
				return err // else the log is longer, and is read all the same
			}
		}
		snapshot := in.db.NewSnapshot()
		l := &lookup{ctx: ctx, db: snapshot, f: func(key []byte, entries []HistoryEntry, present []byte) error {
			return tell(func() error { return f(key, entries, present) })
		}}
		l.whole.db = snapshot
		var err error
		if l.whole.log, _, err = readLog(snapshot, s.noting(), 0, math.MaxUint64, 0); err == nil {
			err = l.run(key)
		}
		return errorsAfter(err, snapshot.Close())
	}))
}

// History is Store.History of a stopped store.
func (r *Reader) History(ctx context.Context, key []byte, f func(key []byte, entries []HistoryEntry, present []byte) error) error {
	return r.s.History(ctx, key, f)
}

func (s *Store) logLength() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logged
}

// A lookup is one call of History.
type lookup struct {
	ctx   context.Context
	db    pebble.Reader
	whole whole
	days  [][]byte // prefixes of the days that have entries
	f     func(key []byte, entries []HistoryEntry, present []byte) error
}

func (l *lookup) run(key []byte) error {
	if err := l.findDays(); err != nil {
		return err
	}
	slices.SortFunc(l.whole.log.notes, func(a, b note) int { return bytes.Compare(a.lease(), b.lease()) })
	if key == nil {
		return l.walk(bytes.Repeat([]byte{0}, KeySize), bytes.Repeat([]byte{0xff}, KeySize))
	}
	containing, err := l.containing(key)
	if err != nil {
		return err
	}
	for _, k := range containing {
		if err := l.walk(k, k); err != nil {
			return err
		}
	}
	return l.walk(key, lastIn(key))
}

// findDays finds the days that have entries.
func (l *lookup) findDays() error {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: historyFrom, UpperBound: historyTo})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; {
		day := binary.BigEndian.Uint16(it.Key()[1:])
		l.days = append(l.days, dayKey(day))
		if day == math.MaxUint16 {
			break
		}
		ok = it.SeekGE(dayKey(day + 1))
	}
	return closeAfter(it)
}

// containing finds the shorter prefixes that contain a key, in the base, in the log and in history.
func (l *lookup) containing(key []byte) ([][]byte, error) {
	found := map[string]bool{}
	add := func(k []byte) {
		if contains(k, key) && k[16] < key[16] {
			found[string(k)] = true
		}
	}
	for i := range l.whole.log.changes {
		var room [KeySize]byte
		l.whole.log.key(room[:], i)
		add(room[:])
	}
	for i := range l.whole.log.notes {
		add(l.whole.log.notes[i].lease())
	}
	for _, space := range append([][]byte{bindingsFrom}, l.days...) {
		if err := l.probe(space, key, add); err != nil {
			return nil, err
		}
	}
	var keys [][]byte
	for k := range found {
		keys = append(keys, []byte(k))
	}
	slices.SortFunc(keys, bytes.Compare)
	return keys, nil
}

// probe finds the prefixes in one key space that contain a key. They stand before it in the order of keys, and where another key
// stands between, they contain what the two have in common: so each step goes to the next place where one can be.
func (l *lookup) probe(space, key []byte, add func(k []byte)) error {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: space, UpperBound: after(space)})
	if err != nil {
		return err
	}
	for ok := it.SeekLT(slices.Concat(space, key)); ok; {
		k := bytes.Clone(it.Key()[len(space):][:KeySize])
		if contains(k, key) {
			add(k)
			ok = it.SeekLT(slices.Concat(space, k))
			continue
		}
		shared := sharedBits(k, key)
		bound := masked(key, shared)
		bound[16]++ // the longest prefix that can contain both has so many bits
		ok = it.SeekLT(slices.Concat(space, bound))
	}
	return closeAfter(it)
}

// walk calls f for the leases of a range, both ends included.
func (l *lookup) walk(from, to []byte) error {
	h, err := l.openDays(from, to)
	if err != nil {
		return errorsAfter(err, h.close())
	}
	behind := append(bindingKey(to), 0)
	err = l.whole.scan(bindingKey(from), behind, func(k *kept) error {
		present := k.value
		if k.removed {
			present = nil
		}
		if err := h.below(k.key, l.emit); err != nil {
			return err
		}
		entries, err := h.take(k.key)
		if err != nil || len(entries) == 0 && present == nil {
			return err
		}
		return l.emit(k.key, entries, present)
	})
	if err == nil {
		err = h.below(nil, l.emit)
	}
	return errorsAfter(err, h.close())
}

func (l *lookup) emit(key []byte, entries []HistoryEntry, present []byte) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	return l.f(key, entries, present)
}

// contains tells whether a prefix contains a key, or is it.
func contains(prefix, key []byte) bool {
	return prefix[16] <= key[16] && sharedBits(prefix, key) >= int(prefix[16])
}

// sharedBits is how many leading bits of their addresses two keys have in common.
func sharedBits(a, b []byte) int {
	for i := range 16 {
		if x := a[i] ^ b[i]; x != 0 {
			return 8*i + bits.LeadingZeros8(x)
		}
	}
	return 128
}

// masked is the prefix of so many bits that contains a key.
func masked(key []byte, length int) []byte {
	out := make([]byte, KeySize)
	copy(out, key[:16])
	for i := length; i < 128; i++ {
		out[i/8] &^= 0x80 >> (i % 8)
	}
	out[16] = byte(length)
	return out
}

// lastIn is the last key that lies in a prefix.
func lastIn(key []byte) []byte {
	out := bytes.Clone(key)
	for i := int(key[16]); i < 128; i++ {
		out[i/8] |= 0x80 >> (i % 8)
	}
	out[16] = 128
	return out
}

// after is the first key behind all that begin with a prefix, whose last octets aren't all ff.
func after(prefix []byte) []byte {
	out := bytes.Clone(prefix)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return out
}
