package store

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
)

// The keeper is one goroutine that replaces broken instances and looks after what changes slowly.
//
// A failure, step by step:
//
//	1 fail           whoever meets it: fuse blown, Healthy false, keeper woken (any goroutine, any lock of Pebble's held)
//	2 fuse.wait      until no operation of the old instance is in the kernel; its files are closed
//	3 reclaim        until no committer reads writes; all that is unconfirmed goes back to the queue's front
//	4 openInstance   with back-off; on a full disk the ballast goes first, and Pebble comes when a probe fits
//	5 install        committers start with what is owed; with its last confirmation Healthy is true
//
// Pebble's own recovery makes step 4 right after a failed sync: Open replays the log and flushes what it found
// into new, synced tables, so that nothing rests on pages which the kernel may have marked clean without
// writing them. What the replay doesn't find was never confirmed, and step 5 writes it again.
func (s *Store) keep() {
	defer close(s.ended)
	tick := s.o.clock.after(housekeeping)
	for {
		select {
		case <-s.quit:
			return
		case <-s.wake:
			s.replace()
		case <-tick:
			s.housekeep()
			tick = s.o.clock.after(housekeeping)
		}
	}
}

// instanceBroke is told by a broken instance, with Pebble's locks held.
func (s *Store) instanceBroke(in *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in != in || in == nil {
		return // not installed yet (see install), or replaced already
	}
	s.lose(in, in.failure())
}

// lose takes the current instance, which is broken, out of use and wakes the keeper. Store.mu is held.
func (s *Store) lose(in *instance, err error) {
	s.in = nil
	s.lost = in
	s.stats.breaks++
	s.lastErr = err
	s.updateHealth(err)
	s.changed.Broadcast()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// replace puts a new instance in the place of the one that broke. It gives up only when the store is closed.
func (s *Store) replace() {
	s.mu.Lock()
	old := s.lost
	s.lost = nil
	if s.o.clock.now().Sub(s.installed) > steadyAfter {
		s.attempt = 0
	}
	s.mu.Unlock()
	if old == nil {
		return
	}
	err := old.err
	s.o.Logger.Error("store: broken; reopening it", "id", "store-broken", "path", s.o.Path, "error", err)
	if !old.fuse.wait(s.quit) {
		return
	}
	if !s.reclaim() {
		return
	}
	for {
		if s.attempt > 0 && !s.pause() {
			return
		}
		s.attempt++
		if noSpace(err) {
			s.dropBallast()
		}
		var in *instance
		if in, err = s.openInstance(false); err == nil {
			if err = s.loseUnsynced(in); err != nil {
				in.fail(err)
			}
		}
		if err == nil {
			s.o.Logger.Info("store: reopened", "id", "store-reopened", "path", s.o.Path, "attempt", s.attempt)
			s.install(in)
			return
		}
		s.mu.Lock()
		s.lastErr = err
		s.mu.Unlock()
		s.o.Logger.Error("store: can't reopen", "id", "store-reopen-failed", "attempt", s.attempt, "error", explain(s.o.Path, err))
		if !in.fuse.wait(s.quit) {
			return
		}
	}
}

// tableFailed waits before Pebble is told that a table couldn't be written, and tries again by itself. Logs are written
// meanwhile, so nothing is lost, and the store is healthy until memtables run out. While the store is opened for the
// first time its caller wants to know instead.
func (s *Store) tableFailed(in *instance, err error) {
	s.mu.Lock()
	first := s.installed.IsZero()
	s.lastErr = err
	s.mu.Unlock()
	if first {
		in.fail(err)
		return
	}
	attempt := int(in.tableFailures.Add(1))
	s.o.Logger.Error("store: a table can't be written; trying again", "id", "store-table-unwritten", "attempt", attempt, "error", explain(s.o.Path, err))
	if noSpace(err) {
		s.dropBallast()
	}
	select {
	case <-s.o.clock.after(s.o.clock.retry(attempt)):
	case <-s.quit:
	}
}

// pause waits before the next attempt. False: the store is being closed.
func (s *Store) pause() bool {
	select {
	case <-s.o.clock.after(s.o.clock.retry(s.attempt)):
		return true
	case <-s.quit:
		return false
	}
}

// reclaim takes the unconfirmed writes back from the committers of the broken instance. False: the store is being closed.
func (s *Store) reclaim() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for slices.ContainsFunc(s.taken, func(g *group) bool { return g.building }) {
		if s.closed {
			return false
		}
		s.changed.Wait()
	}
	var held []entry
	for _, g := range s.taken {
		held = append(held, g.entries...)
	}
	s.taken = s.taken[:0]
	s.queue = append(held, s.queue...)
	return true
}

// noSpace tells whether an error says that the disk, or the user's share of it, is full.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// updateHealth publishes Healthy. Store.mu is held.
func (s *Store) updateHealth(err error) {
	healthy := s.in != nil && s.owed == 0 && !s.stalled
	if healthy == s.healthy.Load() {
		return
	}
	s.healthy.Store(healthy)
	s.since = s.o.clock.now()
	select {
	case s.notify <- health{healthy, err}:
	default: // 64 changes wait to be told: the listener hangs, the store doesn't
	}
}

// forget takes a confirmed group off the list. Store.mu is held.
func (s *Store) forget(g *group) {
	i := slices.Index(s.taken, g)
	s.taken = slices.Delete(s.taken, i, i+1)
}

// checkDrained tells Close when nothing is unconfirmed. Store.mu is held.
func (s *Store) checkDrained() {
	if !s.closing || s.unconfirmed() > 0 {
		return
	}
	select {
	case <-s.drained:
	default:
		close(s.drained)
	}
}

// unconfirmed counts the entries in the queue and with committers. Store.mu is held.
func (s *Store) unconfirmed() int {
	n := len(s.queue)
	for _, g := range s.taken {
		n += g.count
	}
	return n
}

// checkStall makes the store unhealthy when a commit hangs, as on a disk that doesn't answer. Nothing is given up: when a commit returns, the store is healthy again.
func (s *Store) checkStall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled || s.in == nil || len(s.taken) == 0 {
		return
	}
	waited := s.o.clock.now().Sub(s.taken[0].started)
	if waited < stallAfter {
		return
	}
	s.stalled = true
	s.lastErr = fmt.Errorf("a commit has been waiting for the disk for %v", waited)
	s.updateHealth(s.lastErr)
}
