package store

import "time"

// removalGrace is how much older than everything unconfirmed a removal must be before it is deleted: the time
// that a worker may be stopped between taking a version and Append.
const removalGrace = time.Minute

// A mark is a moment and the number of the first entry that came after it.
type mark struct {
	at     time.Time
	number uint64
}

// housekeep does what is due now and then. It waits for nothing: what touches the disk runs in goroutines of its own, so
// that a disk that hangs is noticed.
func (s *Store) housekeep() {
	s.checkStall()
	s.moveHorizon()
	select {
	case s.diskWork <- struct{}{}:
		go s.lookAfterDisk()
	default: // the last one hasn't ended
	}
	if s.sweepDue() {
		go s.sweep()
	}
}

// lookAfterDisk does what of housekeeping touches the disk. The caller has put the token into diskWork.
func (s *Store) lookAfterDisk() {
	defer func() { <-s.diskWork }()
	s.refreshDiskSize()
	s.keepBallast()
}

// moveHorizon lets removals be deleted that nothing unconfirmed can be older than. All entries below the last mark's
// number were appended before its moment; once they are confirmed, what is still to come was made after it,
// or by a worker within its grace. It waits for Load, so that the table learns of all removals.
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
