package store

import (
	"context"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// BuildIndex makes the index of all bindings, unless it is whole: for a store that was without one so far. It takes some
// microseconds for each binding and holds nobody up. Meanwhile changes are indexed as ever, so that nothing is missing at the end.
// Where it is broken off it begins anew at the next call. Progress gets the number of bindings so far, and may be nil.
func (s *Store) BuildIndex(ctx context.Context, progress func(done uint64)) error {
	if !s.o.Index || s.indexWhole.Load() {
		return nil
	}
	if progress == nil {
		progress = func(uint64) {}
	}
	in, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	err = in.runTelling(func(tell func(func() error) error) error {
		snapshot := in.db.NewSnapshot()
		w := whole{db: snapshot}
		var err error
		if w.log, _, err = readLog(snapshot, s.o.Codec.quiet(), 0, math.MaxUint64, 0); err == nil {
			err = s.buildIndex(ctx, in, &w, func(done uint64) error {
				return tell(func() error { progress(done); return nil })
			})
		}
		return errorsAfter(err, snapshot.Close())
	})
	if err != nil {
		return explain(s.o.Path, err)
	}
	if err := s.putMeta(ctx, metaIndex, []byte{1}); err != nil {
		return err
	}
	s.indexWhole.Store(true)
	return nil
}

func (s *Store) buildIndex(ctx context.Context, in *instance, w *whole, progress func(done uint64) error) error {
	b := in.db.NewBatch()
	var bindings uint64
	err := w.scan(bindingsFrom, bindingsTo, func(k *kept) error {
		if k.removed {
			return nil
		}
		bindings++
		err := s.o.Codec.Index(k.key, k.value, func(by uint8, identifier, group []byte) {
			entry := newIndexKey(by, identifier, group, k.key)
			_ = b.Set(entry[:], nil, nil) // fails on indexed batches only
		})
		if err != nil || b.Count() < indexFew {
			return err
		}
		if err := progress(bindings); err != nil {
			return err
		}
		return s.applySome(ctx, in, b)
	})
	if err == nil {
		err = s.applySome(ctx, in, b)
	}
	return err
}

// applySome writes a batch of background work, and empties it.
func (s *Store) applySome(ctx context.Context, in *instance, b *pebble.Batch) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.isClosing():
		return errClosed
	}
	if err := in.apply(b, pebble.NoSync); err != nil {
		in.fail(err)
		return err
	}
	b.Reset()
	return nil
}

// CleanIndex deletes the entries that live doesn't know: of leases that have ended, or are another client's. Live is told by what an
// entry stands, and for which lease; the entry is of one of its identifiers where has, which it is given, says so. It returns
// how many entries are left, and how many were deleted.
func (s *Store) CleanIndex(ctx context.Context, live func(key []byte, has func(by uint8, identifier []byte) bool) bool) (left, deleted uint64, err error) {
	in, done, err := s.use()
	if err != nil {
		return 0, 0, err
	}
	defer done()
	err = in.runTelling(func(tell func(func() error) error) error {
		return s.cleanIndex(ctx, in, func(key []byte) (keep bool, err error) {
			err = tell(func() error {
				keep = live(key[indexKeySize-KeySize:], func(by uint8, identifier []byte) bool {
					return by == key[1] && string(indexPrefix(by, identifier)) == string(key[:10])
				})
				if keep {
					left++
				} else {
					deleted++
				}
				return nil
			})
			return keep, err
		})
	})
	return left, deleted, explain(s.o.Path, err)
}

// cleanIndex deletes the entries that aren't to be kept.
func (s *Store) cleanIndex(ctx context.Context, in *instance, keep func(key []byte) (bool, error)) error {
	// A lease's entry that is written while this runs is in no snapshot of before.
	if err := in.lockBase(); err != nil {
		return err
	}
	defer in.unlockBase()
	b := in.db.NewBatch()
	err := scan(in.db, indexFrom, indexTo, func(key, _ []byte) error {
		if kept, err := keep(key); err != nil || kept {
			return err
		}
		if err := b.Delete(key, nil); err != nil || b.Count() < indexFew {
			return err
		}
		return s.applySome(ctx, in, b)
	})
	if err == nil {
		err = s.applySome(ctx, in, b)
	}
	return err
}
