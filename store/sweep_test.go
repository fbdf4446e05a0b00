package store

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/worker"
)

// A gate holds up log syncs from the time that it is shut, and then has one of them fail.
type gate struct {
	fault
	entered, open chan struct{}
}

func newGate() *gate {
	g := &gate{entered: make(chan struct{}, 100), open: make(chan struct{})}
	g.err = errors.New("the disk is gone")
	g.match = func(op errorfs.Op) bool {
		if !onLog(errorfs.OpFileSync, errorfs.OpFileSyncData)(op) {
			return false
		}
		g.entered <- struct{}{}
		<-g.open
		return true
	}
	return g
}

// shut holds up the next syncs, the first of which fails when the gate is opened.
func (g *gate) shut() { g.left.Store(1) }

// until yields until a condition that s.mu guards holds.
func (s *Store) until(condition func() bool) {
	for {
		s.mu.Lock()
		ok := condition()
		s.mu.Unlock()
		if ok {
			return
		}
		runtime.Gosched()
	}
}

// The disk fails while a sweep waits for a commit, and another write waits for the sweep: the store recovers, with
// all that was appended, and closes.
func TestSweepIsGivenUpWhenTheDiskFails(t *testing.T) {
	g := newGate()
	s := open(t, Options{FS: errorfs.Wrap(vfs.NewMem(), g), clock: quick()})
	load(t, s)
	commit(t, s, removal(change(nil, 7, 1), 7, 2))
	s.horizon.Store(1 << 31)
	s.mu.Lock()
	in := s.in
	s.mu.Unlock()

	g.shut()
	done := make(chan *worker.Write, 2)
	s.Append(&worker.Write{Changes: change(nil, 1, 1), Count: 1, Done: done})
	<-g.entered
	swept := make(chan error, 1)
	go func() {
		_, err := s.sweepInstance(in)
		swept <- err
	}()
	s.until(in.paused)
	s.Append(&worker.Write{Changes: change(nil, 2, 1), Count: 1, Done: done})
	close(g.open)
	if err := <-swept; !errors.Is(err, g.err) {
		t.Errorf("the sweep ended with %v, want %v", err, g.err)
	}
	<-done
	<-done
}

// A sweep that hangs in the disk holds up what is queued: that makes the store unhealthy.
func TestHangingSweepIsUnhealthy(t *testing.T) {
	now := &testTime{at: time.Unix(1_800_000_000, 0)}
	s := open(t, Options{clock: now.clock()})
	load(t, s)
	if !s.pauseCommits(s.in) {
		t.Fatal("the instance is broken")
	}
	now.at = now.at.Add(stallAfter)
	s.housekeep()
	if !s.Healthy() {
		t.Error("unhealthy though nobody waits for the sweep")
	}
	done := make(chan *worker.Write, 1)
	s.Append(&worker.Write{Changes: change(nil, 1, 1), Count: 1, Done: done})
	s.housekeep()
	if s.Healthy() {
		t.Error("healthy while a write waits for a hanging sweep")
	}
	s.resumeCommits(s.in)
	<-done
}

// Setting the wall clock, either way, makes no fresh removal old: an older write may still be under way.
func TestSteppedClockAgesNoRemoval(t *testing.T) {
	for name, step := range map[string]time.Duration{"ahead": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			now := &testTime{at: time.Unix(1_800_000_000, 0)}
			s := open(t, Options{clock: now.clock()})
			load(t, s)
			commit(t, s, change(nil, 1, 1))
			now.at = now.at.Add(2 * removalGrace)
			if step > 0 {
				commit(t, s, removal(nil, 1, 5))
			}
			s.housekeep()
			now.step(step)
			if step < 0 {
				commit(t, s, removal(nil, 1, 5))
			}
			for range 2 {
				now.at = now.at.Add(time.Second)
				s.housekeep()
			}
			sweep(t, s, 0)
			commit(t, s, change(nil, 1, 4)) // what was under way
			if diff := cmp.Diff(versions(), contents(t, s)); diff != "" {
				t.Errorf("a change older than the removal came back (-want +got):\n%s", diff)
			}
		})
	}
}

// Removals that an earlier process made under a clock that was years ahead don't stay for years.
func TestRemovalsOfAClockThatWasAheadAreDeleted(t *testing.T) {
	fs := vfs.NewMem()
	ahead := &testTime{at: time.Unix(1_900_000_000, 0)}
	s := open(t, Options{FS: fs, clock: ahead.clock()})
	commit(t, s, removal(change(nil, 1, 1), 1, 5))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	now := &testTime{at: time.Unix(1_800_000_000, 0)}
	s = open(t, Options{FS: fs, clock: now.clock()})
	load(t, s)
	commit(t, s, removal(change(nil, 2, 1), 2, 5))
	s.housekeep()
	now.at = now.at.Add(removalGrace)
	s.housekeep()
	sweep(t, s, 0)
	for range 2 {
		now.at = now.at.Add(2 * removalGrace)
		s.housekeep()
	}
	sweep(t, s, 2)
}
