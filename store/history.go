package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// History is written where the log is absorbed: a pass reads every change that was ever confirmed, also those that the base
// doesn't keep. An entry is made of one change alone and stands under a key that follows from it. Entries become the
// store's together with the pass's part of the base, before that part of the log is deleted. So what is confirmed is in the log
// or its entries are there, and a pass that is repeated writes the same ones again.
// docs/decisions/0009-history-at-absorption.md has the reasons and what it costs.
//
//	'h' day(2) binding's key(17) second of the day(4) version(8) what(1) -> an entry as its codec made it
//
// What is older than it has to be kept goes by whole days.
const (
	historyKeySize = 1 + 2 + KeySize + 4 + 8 + 1
	historyKeyTail = 4 + 8 + 1 // behind the binding's key

	metaHistory     = "history"
	metaHistorySize = 12
	secondsPerDay   = 86400
)

// A History says how long history is kept after an entry's time; 0: nothing new is written, and what is there gets old as before.
// At least math.MaxUint32 seconds: for ever.
type History struct{ Keep time.Duration }

// A keeping is what the store's meta space says of history: keep(4), since(8).
type keeping struct {
	keep  uint32 // seconds
	since int64  // Unix time from which on it is whole; 0: none is written
}

func (k *keeping) on() bool { return k.since != 0 }

// forever tells whether nothing gets too old.
func (k *keeping) forever() bool { return k.keep == math.MaxUint32 || k.keep == 0 }

// oldest is the first day that has to be there.
func (k *keeping) oldest(now time.Time) uint16 {
	if k.forever() {
		return 0
	}
	return dayOf(now.Unix() - int64(k.keep))
}

// dayOf is the number of a Unix time's day.
func dayOf(at int64) uint16 { return uint16(min(max(at/secondsPerDay, 0), math.MaxUint16)) }

func (k *keeping) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, k.keep)
	return binary.BigEndian.AppendUint64(b, uint64(k.since))
}

// GoBy says by which clock history gets old: the one by which changes say when they were. Nobody should set it: who sets the wall clock to another day
// neither erases what is to be kept, nor keeps what is to go. Without it that is the wall clock as it was when the store was opened, and the time since.
func (s *Store) GoBy(now func() time.Time) { s.dating.Store(&now) }

// present is the time by which history gets old.
func (s *Store) present() time.Time {
	if now := s.dating.Load(); now != nil {
		return (*now)()
	}
	return s.opened.Add(s.o.clock.elapsed())
}

// settleHistory learns whether history is kept, and writes what the options say of it where that is new.
func (s *Store) settleHistory(in *instance) error {
	var was keeping
	if b, ok := s.meta[metaHistory]; ok {
		if len(b) != metaHistorySize {
			return errValue
		}
		was = keeping{binary.BigEndian.Uint32(b), int64(binary.BigEndian.Uint64(b[4:]))}
	}
	is := was
	if o := s.o.History; o != nil && !in.readOnly {
		if is.since = 0; o.Keep > 0 {
			is.keep = uint32(min(o.Keep/time.Second, math.MaxUint32))
			is.since = cmp.Or(was.since, s.present().Unix())
		}
	}
	s.history.Store(&is)
	if is == was {
		return nil
	}
	b := in.db.NewBatch()
	_ = b.Set(metaKey(metaHistory), is.encode(), nil) // fails on indexed batches only
	newest := binary.BigEndian.AppendUint32(nil, max(format, binary.BigEndian.Uint32(s.meta[metaFormat])))
	_ = b.Set(metaKey(metaFormat), newest, nil)
	s.meta[metaHistory], s.meta[metaFormat] = is.encode(), newest
	return in.run(func() error { return in.db.Apply(b, pebble.Sync) })
}

// A HistoryState tells what there is of history.
type HistoryState struct {
	On    bool      // it is written
	Kept  bool      // it is, or was once
	Since time.Time // from when on it is whole; only while it is on
}

// HistoryState tells what there is of history.
func (s *Store) HistoryState() HistoryState {
	k := s.history.Load()
	h := HistoryState{On: k.on(), Kept: k.keep > 0}
	if h.On {
		h.Since = time.Unix(max(k.since, int64(k.oldest(s.present()))*secondsPerDay), 0).UTC()
	}
	return h
}

// HistoryState is Store.HistoryState of a stopped store.
func (r *Reader) HistoryState() HistoryState { return r.s.HistoryState() }

// noting is the codec with which the log is read for history and the index: with entries while those are kept.
func (s *Store) noting() Codec {
	c := s.o.Codec
	if !s.history.Load().on() {
		c.Entries = nil
	}
	if !s.o.Index {
		c.Index = nil
	}
	return c
}

// A note is an entry that a run's changes gave.
type note struct {
	key   [historyKeySize]byte
	value []byte
}

// lease is the binding's key in that of an entry.
func (n *note) lease() []byte { return n.key[3:][:KeySize] }

// note adds the entries of a change.
func (r *run) note(key, value []byte, version uint64) error {
	return r.codec.Entries(key, value, func(at int64, what byte, entry []byte) {
		n := note{value: bytes.Clone(entry)}
		b := binary.BigEndian.AppendUint16(append(n.key[:0], prefixHistory), dayOf(at))
		b = append(b, key...)
		b = binary.BigEndian.AppendUint32(b, uint32(max(at, 0)%secondsPerDay))
		b = binary.BigEndian.AppendUint64(b, version)
		b[:historyKeySize][historyKeySize-1] = what
		r.notes = append(r.notes, n)
	})
}

// sortNotes brings the entries into the order of their keys.
func (r *run) sortNotes() {
	slices.SortFunc(r.notes, func(a, b note) int { return bytes.Compare(a.key[:], b.key[:]) })
	r.notes = slices.CompactFunc(r.notes, func(a, b note) bool { return a.key == b.key })
}

// writeNotes writes one table of a run's entries, from number i on, and returns the number of the next one.
func (r *run) writeNotes(w *sstable.Writer, i int) (next int, err error) {
	for octets := 0; i < len(r.notes) && octets < absorbTable; i++ {
		n := &r.notes[i]
		if err := w.Set(n.key[:], n.value); err != nil {
			return i, err
		}
		octets += len(n.key) + len(n.value)
	}
	return i, nil
}

// dropHistory deletes the days that are too old.
func (s *Store) dropHistory() {
	in, done, err := s.use()
	if err != nil {
		return
	}
	defer done()
	if s.damaged.Load() {
		return
	}
	select {
	case in.base <- struct{}{}:
	default: // later then: a pass may take long
		return
	}
	defer in.unlockBase()
	oldest := s.history.Load().oldest(s.present())
	b := in.db.NewBatch()
	_ = b.DeleteRange(historyFrom, dayKey(oldest), nil) // fails on indexed batches only
	if err := in.apply(b, pebble.NoSync); err != nil {
		in.fail(err)
		return
	}
	s.dropped.Store(uint32(oldest))
}

func dayKey(day uint16) []byte { return binary.BigEndian.AppendUint16([]byte{prefixHistory}, day) }
