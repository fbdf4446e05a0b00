package store

import (
	"errors"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// The sweep deletes old removals. Without it a store would keep one for each address that was ever in use.
//
// A removal may go when nothing older can be committed any more, which the horizon tells. Its key may be bound
// again at any moment though, and a Delete that is committed after that would take the new binding with it. So:
//
//  1. The sweep finds candidates by a scan, without holding anybody up.
//  2. For a few at a time it pauses the committers: they take no group, and those that are taken get confirmed. So no
//     commit is under way, all are visible. It reads each candidate again, and deletes those that are still old
//     removals. What is committed later is newer than the Delete for Pebble, and stands.
//
// A pause costs the committers about as much as a sync does. It ends with the instance: where that breaks, the sweep
// gives up its wait, or is parked with the instance, whose pause its successor doesn't know.
const (
	sweepLeast = 100_000 // removals that are worth a scan, some 5 MB on disk
	sweepShare = 10      // or one part in so many of the store, if that is more
	sweepFew   = 64      // removals that are deleted under one lock
)

// sweepDue tells whether there are enough removals.
func (s *Store) sweepDue() bool {
	return s.horizon.Load() > 0 && s.removals.Load() >= max(sweepLeast, s.values.Load()/sweepShare)
}

// sweep deletes old removals, unless another sweep is at it.
func (s *Store) sweep() {
	in, done, err := s.use()
	if err != nil {
		return
	}
	defer done()
	if !in.sweeping.CompareAndSwap(false, true) {
		return
	}
	defer in.sweeping.Store(false)
	deleted, err := s.sweepInstance(in)
	if err != nil {
		s.o.Logger.Warn("store: sweep of old removals ended early", "deleted", deleted, "error", err)
	}
}

func (s *Store) sweepInstance(in *instance) (deleted int, err error) {
	horizon := s.horizon.Load()
	before := s.removals.Load()
	var few [][]byte
	var values, young uint64
	err = scan(in.db, bindingsFrom, bindingsTo, func(key, b []byte) error {
		values++
		_, removed, stamp, err := stored(b)
		if err != nil || !removed {
			return err
		}
		if stamp >= horizon {
			young++
			return nil
		}
		if few = append(few, slices.Clone(key)); len(few) < sweepFew {
			return nil
		}
		n, err := s.deleteRemovals(in, few, horizon)
		deleted += n
		few = few[:0]
		return err
	})
	if err == nil {
		var n int
		n, err = s.deleteRemovals(in, few, horizon)
		deleted += n
	}
	if err == nil {
		s.values.Store(values)
		s.removals.Add(young - before) // what was committed meanwhile stays counted
	}
	return deleted, err
}

// deleteRemovals deletes those of some keys that are removals from before the horizon, and stay so while it looks.
func (s *Store) deleteRemovals(in *instance, keys [][]byte, horizon uint32) (deleted int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	if !s.pauseCommits(in) {
		return 0, in.failure()
	}
	defer s.resumeCommits(in)
	b := in.db.NewBatch()
	for _, key := range keys {
		value, closer, err := in.db.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		if err != nil {
			return 0, err
		}
		_, removed, stamp, err := stored(value)
		if err == nil && removed && stamp < horizon {
			err = b.Delete(key, nil)
			deleted++
		}
		if closed := closer.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return 0, err
		}
	}
	return deleted, in.apply(b, pebble.NoSync)
}

// pauseCommits returns when no commit is under way, and none begins until resumeCommits. False: the instance broke.
func (s *Store) pauseCommits(in *instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	in.pausedAt = s.o.clock.now()
	for s.in == in && len(s.taken) > 0 {
		s.changed.Wait()
	}
	return s.in == in
}

func (s *Store) resumeCommits(in *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in.pausedAt = time.Time{}
	s.changed.Broadcast()
}
