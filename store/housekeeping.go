package store

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	// removalGrace is how much older than everything unconfirmed a removal must be before it may vanish: the time
	// that a worker may be stopped between taking a version and Append.
	removalGrace = time.Minute
	// sweepAt is how many removals may be stuck before they are swept, about 5 MB on disk.
	sweepAt = 100_000
	// sweepBatch is how many of them one batch merges again.
	sweepBatch = 1000
)

// A mark is a moment and the number of the first entry that came after it.
type mark struct {
	at     time.Time
	number uint64
}

// housekeep does what is due now and then. None of it waits for Pebble.
func (s *Store) housekeep() {
	s.refreshDiskSize()
	s.checkStall()
	s.keepBallast()
	s.moveHorizon()
	if s.stuck.Load() >= sweepAt && s.horizon.Load() > 0 {
		go s.sweep()
	}
}

// moveHorizon lets removals vanish that nothing unconfirmed can be older than. All entries below the last mark's number
// were appended before its moment; once they are confirmed, what is still to come was made after it,
// or by a worker within its grace.
func (s *Store) moveHorizon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := s.next
	if len(s.queue) > 0 {
		oldest = s.queue[0].number
	}
	for _, g := range s.taken {
		oldest = min(oldest, g.oldest)
	}
	if oldest < s.mark.number {
		return
	}
	if s.loaded.Load() && !s.mark.at.IsZero() {
		s.horizon.Store(uint32(max(s.mark.at.Add(-removalGrace).Unix(), 0)))
	}
	s.mark = mark{s.o.clock.now(), s.next}
}

// sweep merges stuck removals once more, unchanged: then a compaction that brings both to the base drops both.
// A merge by version can't hurt a newer value, whatever is committed at the same time.
func (s *Store) sweep() {
	in, done, err := s.use()
	if err != nil {
		return
	}
	defer done()
	s.mu.Lock()
	busy := in.sweeping
	in.sweeping = true
	s.mu.Unlock()
	if busy {
		return
	}
	n, err := s.sweepInstance(in)
	s.mu.Lock()
	in.sweeping = false
	s.mu.Unlock()
	s.stuck.Store(0)
	if err != nil {
		s.o.Logger.Warn("store: sweep of old removals ended early", "swept", n, "error", err)
	}
}

func (s *Store) sweepInstance(in *instance) (n int, err error) {
	horizon := s.horizon.Load()
	b := in.db.NewBatch()
	flush := func() error {
		if err := in.apply(b, pebble.NoSync); err != nil {
			return err
		}
		b.Reset()
		return nil
	}
	err = scan(in.db, bindingsFrom, bindingsTo, func(key, value []byte) error {
		_, removed, since, err := stored(value)
		if err != nil || !removed || since >= horizon {
			return err
		}
		if err := b.Merge(key, value, nil); err != nil {
			return err
		}
		if n++; n%sweepBatch == 0 {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	return n, err
}
