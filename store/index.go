package store

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/query"
)

// The index finds leases by identifiers of their clients and relays. Like history it is written where the log is absorbed, so
// that the packet path pays nothing for it; docs/decisions/0010-index-at-absorption.md has the reasons and what it costs.
//
//	'i' by(1) hash of the identifier(8) hash of its group(8) binding's key(17) -> nothing
//
// # Invariants
//
//  1. While the index is whole, each binding's identifiers are in it, or in the log: a change that gives a binding other ones than the
//     change before says so (see Codec.Bare), and its entries become the store's together with the pass that absorbs it.
//  2. An entry is a hint. It stays when the binding goes, until a clean-up finds nobody to whom it belongs; who reads the index
//     asks the binding table.
//  3. An index is whole from the end of BuildIndex until the store is opened without one.
const (
	indexKeySize = 1 + 1 + 8 + 8 + KeySize
	indexFew     = 8192 // entries that are written or deleted by one batch

	metaIndex = "index" // there is a whole one
)

// indexKey is the key of an entry.
type indexKey [indexKeySize]byte

func newIndexKey(by uint8, identifier, group, key []byte) (k indexKey) {
	copy(k[:], indexPrefix(by, identifier))
	binary.BigEndian.PutUint64(k[10:], xxhash.Sum64(group))
	copy(k[18:], key)
	return k
}

// indexPrefix is the beginning of the keys of all entries of an identifier, and of those whose hash is the same.
func indexPrefix(by uint8, identifier []byte) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixIndex, by}, xxhash.Sum64(identifier))
}

// indexed is the index of core/binding's values: by the identifiers that core/query looks for.
func indexed(key, value []byte, add func(by uint8, identifier, group []byte)) error {
	s, err := binding.DecodeValue(key, value)
	if err != nil || s.Removed {
		return err
	}
	for by, identifier := range query.Identifiers(&s) {
		add(uint8(by), identifier, s.DUID)
	}
	return nil
}

// index adds the entries of a change.
func (r *run) index(key, value []byte) error {
	return r.codec.Index(key, value, func(by uint8, identifier, group []byte) {
		r.indexed = append(r.indexed, newIndexKey(by, identifier, group, key))
	})
}

func (r *run) sortIndex() {
	slices.SortFunc(r.indexed, func(a, b indexKey) int { return bytes.Compare(a[:], b[:]) })
	r.indexed = slices.Compact(r.indexed)
}

// writeIndex writes one table of a run's entries, from number i on, and returns the number of the next one.
func (r *run) writeIndex(w *sstable.Writer, i int) (next int, err error) {
	for octets := 0; i < len(r.indexed) && octets < absorbTable; i++ {
		if err := w.Set(r.indexed[i][:], nil); err != nil {
			return i, err
		}
		octets += indexKeySize
	}
	return i, nil
}

// settleIndex learns whether there is a whole index. A store that is opened without one has none any more.
func (s *Store) settleIndex(in *instance) error {
	_, whole := s.meta[metaIndex]
	s.indexWhole.Store(whole && s.o.Index)
	b := in.db.NewBatch()
	switch {
	case in.readOnly:
	case s.o.Index && binary.BigEndian.Uint32(s.meta[metaFormat]) < format:
		// Changes are told of as for history, which older programs can't read.
		s.meta[metaFormat] = binary.BigEndian.AppendUint32(nil, format)
		_ = b.Set(metaKey(metaFormat), s.meta[metaFormat], nil) // fails on indexed batches only
	case whole && !s.o.Index:
		_ = b.Delete(metaKey(metaIndex), nil)
		_ = b.DeleteRange(indexFrom, indexTo, nil)
		delete(s.meta, metaIndex)
	}
	if b.Empty() {
		return nil
	}
	return in.run(func() error { return in.db.Apply(b, pebble.Sync) })
}

// IndexWhole tells whether the index has all bindings.
func (s *Store) IndexWhole() bool { return s.indexWhole.Load() }

// An IndexView is the index at one moment. It belongs to one goroutine. Close must be called.
type IndexView struct {
	store    *Store
	in       *instance
	snapshot *pebble.Snapshot
	done     func()
}

// ViewIndex opens the index as it is now; errors are those of a broken or closed store.
func (s *Store) ViewIndex() (*IndexView, error) {
	in, done, err := s.use()
	if err != nil {
		return nil, err
	}
	made := make(chan *pebble.Snapshot, 1)
	if err := in.run(func() error { made <- in.db.NewSnapshot(); return nil }); err != nil {
		done()
		return nil, explain(s.o.Path, err)
	}
	return &IndexView{s, in, <-made, sync.OnceFunc(done)}, nil
}

// Close ends the view's use.
func (v *IndexView) Close() error {
	defer v.done()
	return explain(v.store.o.Path, v.in.run(v.snapshot.Close))
}

// Leases yields the leases that were bound with an identifier and are in the sorted part, those of one group one behind the
// other, and others with the same hash. It is lazy: the first ones come at once.
func (v *IndexView) Leases(by uint8, identifier []byte) iter.Seq2[binding.Key, error] {
	return func(yield func(binding.Key, error) bool) {
		from := indexPrefix(by, identifier)
		err := scan(v.snapshot, from, behindPrefix(from), func(key, _ []byte) error {
			k, err := binding.DecodeKey(key[indexKeySize-KeySize:])
			if err != nil {
				return err
			}
			if !yield(k, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && err != errEnough {
			yield(binding.Key{}, explain(v.store.o.Path, err))
		}
	}
}

// behindPrefix is the first key behind all that begin with the prefix.
func behindPrefix(prefix []byte) []byte {
	out := bytes.Clone(prefix)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			break
		}
	}
	return out
}

// Recent yields the leases that were bound with an identifier and are in the log, but not in the sorted part. It reads the log, which takes
// some 10 ms.
func (v *IndexView) Recent(by uint8, identifier []byte) iter.Seq2[binding.Key, error] {
	return func(yield func(binding.Key, error) bool) {
		seen := make(map[indexKey]bool)
		err := scan(v.snapshot, logFrom, logTo, func(_, group []byte) error {
			if !bytes.Contains(group, identifier) {
				return nil
			}
			return v.inGroup(group, by, identifier, func(k indexKey) error {
				if seen[k] || v.has(k) {
					return nil
				}
				seen[k] = true
				key, err := binding.DecodeKey(k[indexKeySize-KeySize:])
				if err == nil && !yield(key, nil) {
					err = errEnough
				}
				return err
			})
		})
		if err != nil && err != errEnough {
			yield(binding.Key{}, explain(v.store.o.Path, err))
		}
	}
}

// inGroup calls f for each change of a group with the identifier.
func (v *IndexView) inGroup(group []byte, by uint8, identifier []byte, f func(indexKey) error) error {
	changes, _, err := grouped(group)
	for err == nil && len(changes) > 0 {
		var key, value []byte
		var found []indexKey
		if key, value, changes, err = v.store.o.Codec.Next(changes); err != nil {
			return err
		}
		err = v.store.o.Codec.Index(key, value, func(is uint8, id, group []byte) {
			if is == by && bytes.Equal(id, identifier) {
				found = append(found, newIndexKey(by, id, group, key))
			}
		})
		for _, k := range found {
			if err == nil {
				err = f(k)
			}
		}
	}
	return err
}

// has tells whether the sorted part has the entry.
func (v *IndexView) has(k indexKey) bool {
	_, closer, err := v.snapshot.Get(k[:])
	return err == nil && closer.Close() == nil
}
