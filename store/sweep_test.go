package store

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
)

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
