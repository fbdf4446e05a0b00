package store

import "github.com/cockroachdb/pebble/v2"

// The sweep deletes old removals. Without it a store would keep one for each address that was ever in use.
//
// A removal may go when nothing older can come into the base any more, which the horizon tells: what is older is
// absorbed. Its key may be bound again at any moment; but that is in the log until it is absorbed, and nobody absorbs
// while the sweep has the base. What is absorbed later is newer than the Delete for Pebble, and stands.
const (
	sweepLeast = 100_000 // removals that are worth a scan, some 5 MB on disk
	sweepShare = 10      // or one part in so many of the store, if that is more
	sweepFew   = 4096    // removals that are deleted by one batch
)

// sweepDue tells whether there are enough removals.
func (s *Store) sweepDue() bool {
	return s.loaded.Load() && s.removals.Load() >= max(sweepLeast, s.values.Load()/sweepShare)
}

// sweep absorbs the log and deletes old removals, unless another sweep is at it.
func (s *Store) sweep() {
	in, done, err := s.use()
	if err != nil {
		return
	}
	defer done()
	if s.damaged.Load() || !in.sweeping.CompareAndSwap(false, true) {
		return
	}
	defer in.sweeping.Store(false)
	if err := s.absorb(in, 0); err != nil {
		return // the absorber tells
	}
	s.mu.Lock()
	s.settleHorizon()
	s.mu.Unlock()
	deleted, err := s.sweepInstance(in)
	if err != nil {
		s.o.Logger.Warn("store: sweep of old removals ended early", "id", "store-sweep-failed", "deleted", deleted, "error", err)
	}
}

// sweepInstance deletes the removals from before the horizon, unless a sweep has done so before.
func (s *Store) sweepInstance(in *instance) (deleted int, err error) {
	if err := in.lockBase(); err != nil {
		return 0, err
	}
	defer in.unlockBase()
	horizon := s.horizon.Load()
	if horizon <= in.swept {
		return 0, nil
	}
	before := s.removals.Load()
	var values, young uint64
	b := in.db.NewBatch()
	flush := func() error {
		n := int(b.Count())
		if err := in.apply(b, pebble.NoSync); err != nil {
			in.fail(err)
			return err
		}
		b.Reset()
		deleted += n
		return nil
	}
	err = scan(in.db, bindingsFrom, bindingsTo, func(key, value []byte) error {
		values++
		_, removed, stamp, err := stored(value)
		switch {
		case err != nil || !removed:
			return err
		case stamp >= horizon:
			young++
			return nil
		}
		if err := b.Delete(key, nil); err != nil || b.Count() < sweepFew {
			return err
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		in.swept = horizon
		s.values.Store(values)
		s.removals.Add(young - before) // what was committed meanwhile stays counted
	}
	return deleted, err
}
