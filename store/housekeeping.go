package store

import (
	"math"
	"time"
)

// removalGrace is how much older than everything unconfirmed a removal must be before it is deleted: the time
// that a worker may be stopped between taking a version and Append.
const removalGrace = time.Minute

// A mark is a moment, as a stamp, and the number of the first entry that came after it; zero: none was set yet.
type mark struct {
	at     uint32
	number uint64
}

// A horizon is a stamp below which removals may be deleted once all places of the log below sequence are absorbed: then
// nothing that is older than such a removal can come into the base behind it. Zero: none.
type horizon struct {
	at       uint32
	sequence uint64
}

// Stamps tell how old a removal is. They are seconds that run evenly while the process lives, whatever becomes of the wall
// clock. What is stored was stamped by earlier processes, of whose writes none is under way any more; so a process
// begins with the wall clock's Unix time for whoever reads a store, and above all stored stamps (see Load), or
// a clock that was ahead would keep removals for years.
func (s *Store) stamp() uint32 {
	return uint32(min((s.stampBase.Load()+int64(s.o.clock.elapsed()))/int64(time.Second), math.MaxUint32))
}

// Now is the present moment by the clock of stamps, in whole seconds: what is compared with these is read from it.
func (s *Store) Now() time.Time { return time.Unix(int64(s.stamp()), 0).UTC() }

// stampsFrom has the present stamp be of that time at least.
func (s *Store) stampsFrom(least time.Time) {
	s.stampBase.Store(max(s.stampBase.Load(), least.UnixNano()-int64(s.o.clock.elapsed())))
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
	if s.history.Load().oldest(s.present()) > uint16(s.dropped.Load()) {
		go s.dropHistory()
	}
}

// lookAfterDisk does what of housekeeping touches the disk. The caller has put the token into diskWork.
func (s *Store) lookAfterDisk() {
	defer func() { <-s.diskWork }()
	s.refreshDiskSize()
	s.tellWitness()
	s.keepBallast()
}

// tellWitness has the witness say how far the log is on stable storage. A failure is met by commits, too.
func (s *Store) tellWitness() {
	if in, done, err := s.use(); err == nil {
		_ = in.run(in.fuse.tellWitness)
		done()
	}
}

// moveHorizon lets removals be deleted that nothing outside of the base can be older than. All entries below the last mark's
// number were appended before its moment; once they are confirmed, they are in the log as it is now, and what is still
// to come was made after it, or by a worker within its grace. It waits for Load, so that the table learns of all removals.
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
	const grace = uint32(removalGrace / time.Second)
	s.settleHorizon()
	if s.loaded.Load() && s.mark.number > 0 && s.nextHorizon == (horizon{}) {
		s.nextHorizon = horizon{max(s.mark.at, grace) - grace, s.sequence}
		s.settleHorizon()
	}
	s.mark = mark{s.stamp(), s.next}
}

// settleHorizon makes the next horizon the present one if its part of the log is absorbed. Store.mu is held.
func (s *Store) settleHorizon() {
	if s.nextHorizon.at > 0 && s.absorbed >= s.nextHorizon.sequence {
		s.horizon.Store(s.nextHorizon.at)
		s.nextHorizon = horizon{}
	}
}
