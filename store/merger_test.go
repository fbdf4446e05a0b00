package store

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
)

// steps between commits: each must leave what stands as it is.
var between = map[string]func(t *testing.T, s *Store, o Options) *Store{
	"nothing": func(_ *testing.T, s *Store, _ Options) *Store { return s },
	"absorb":  func(t *testing.T, s *Store, _ Options) *Store { absorb(t, s); return s },
	"flush":   func(t *testing.T, s *Store, _ Options) *Store { flush(t, s); return s },
	"compact": func(t *testing.T, s *Store, _ Options) *Store { compact(t, s); return s },
	"reopen": func(t *testing.T, s *Store, o Options) *Store {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return open(t, o)
	},
}

func flush(t testing.TB, s *Store) {
	t.Helper()
	if err := s.in.db.Flush(); err != nil {
		t.Fatal(err)
	}
}

// compact brings everything to the lowest level.
func compact(t testing.TB, s *Store) {
	t.Helper()
	absorb(t, s)
	flush(t, s)
	if err := s.in.db.Compact(t.Context(), bindingsFrom, bindingsTo, false); err != nil {
		t.Fatal(err)
	}
}

func TestHigherVersionStandsInAnyOrder(t *testing.T) {
	for name, step := range between {
		t.Run(name, func(t *testing.T) {
			o := Options{FS: vfs.NewMem()}
			s := open(t, o)
			// Two workers' batches, committed in the reverse of the order in which they were made.
			worker1 := removal(change(change(nil, 1, 10), 2, 20), 3, 30)
			worker2 := change(removal(change(nil, 1, 11), 2, 21), 3, 31)
			commit(t, s, worker2)
			s = step(t, s, o)
			commit(t, s, worker1)
			want := versions(1, 11, 3, 31)
			if diff := cmp.Diff(want, contents(t, s)); diff != "" {
				t.Errorf("after the late batch (-want +got):\n%s", diff)
			}
			s = step(t, s, o)
			commit(t, s, change(nil, 2, 22))
			s = step(t, s, o)
			if diff := cmp.Diff(versions(1, 11, 2, 22, 3, 31), contents(t, s)); diff != "" {
				t.Errorf("after binding again (-want +got):\n%s", diff)
			}
		})
	}
}

// Random changes of few keys, committed in random order with random steps between; a map by version is the model.
func TestVersionsAgainstModel(t *testing.T) {
	rng := seeded(t)
	names := []string{"nothing", "nothing", "nothing", "absorb", "flush", "compact", "reopen"}
	o := Options{FS: vfs.NewMem(), absorb: absorbSize} // so that base and log are what the steps make them
	s := open(t, o)
	highest, bound := map[uint64]uint64{}, map[uint64]bool{}
	for round := range 200 {
		var batch []byte
		for range 1 + rng.IntN(20) {
			key, version, removed := rng.Uint64N(10), rng.Uint64N(uint64(round)+5)*2, rng.IntN(3) == 0
			if removed {
				version++ // so that no version is both a binding and its removal
				batch = removal(batch, key, version)
			} else {
				batch = change(batch, key, version)
			}
			if version >= highest[key] {
				highest[key], bound[key] = version, !removed
			}
		}
		commit(t, s, batch)
		s = between[names[rng.IntN(len(names))]](t, s, o)
		want := map[string]uint64{}
		for key, version := range highest {
			if bound[key] {
				want[string(testKey(key))] = version
			}
		}
		if diff := cmp.Diff(want, contents(t, s)); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, diff)
		}
	}
}

// storedValues counts what is stored for bindings, removals too.
func storedValues(t testing.TB, s *Store) (n int) {
	t.Helper()
	w := whole{db: s.in.db}
	var err error
	if w.log, _, err = readLog(s.in.db, s.o.Codec, 0, math.MaxUint64, 0); err == nil {
		err = w.scan(bindingsFrom, bindingsTo, func(*kept) error { n++; return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// testTime is a clock that only the test moves. Its pauses end at once.
type testTime struct {
	at  time.Time
	set time.Duration // by how much at was moved although no time has passed
}

// step sets the wall clock.
func (c *testTime) step(by time.Duration) {
	c.at = c.at.Add(by)
	c.set += by
}

func (c *testTime) clock() clock {
	ready := make(chan time.Time)
	close(ready)
	start := c.at
	return clock{
		now:     func() time.Time { return c.at },
		elapsed: func() time.Duration { return c.at.Sub(start) - c.set },
		after: func(d time.Duration) <-chan time.Time {
			if d == housekeeping || d == defaultDrain {
				return nil // the test does it itself
			}
			return ready
		},
		retry: func(int) time.Duration { return 0 },
	}
}

// TestStamps: they tell the wall clock's second as it was at the start, and what has passed since, whatever becomes of that clock.
func TestStamps(t *testing.T) {
	const first = 1_800_000_000
	now := &testTime{at: time.Unix(first, 900_000_000)}
	s := open(t, Options{clock: now.clock()})
	for _, step := range []struct {
		passes, set time.Duration
		want        uint32
	}{{0, 0, first}, {100 * time.Millisecond, 0, first + 1}, {900 * time.Millisecond, 0, first + 1}, {100 * time.Millisecond, -time.Hour, first + 2}} {
		now.at = now.at.Add(step.passes)
		now.step(step.set)
		if got := s.stamp(); got != step.want {
			t.Errorf("%v: %d, want %d", step, got, step.want)
		}
	}
}

func TestOldRemovalsAreDeleted(t *testing.T) {
	now := &testTime{at: time.Unix(1_800_000_000, 0)}
	s := open(t, Options{clock: now.clock()})
	load(t, s)
	commit(t, s, change(change(nil, 1, 1), 2, 1))
	compact(t, s)
	commit(t, s, removal(nil, 1, 5))

	// Young: it must stay, and beat what comes late.
	s.housekeep()
	now.at = now.at.Add(removalGrace / 2)
	s.housekeep()
	sweep(t, s, 0)
	compact(t, s)
	if got := storedValues(t, s); got != 2 {
		t.Errorf("%d values stored with a young removal, want 2", got)
	}
	commit(t, s, change(nil, 1, 4))
	compact(t, s)
	if diff := cmp.Diff(versions(2, 1), contents(t, s)); diff != "" {
		t.Errorf("a change older than the removal came back (-want +got):\n%s", diff)
	}

	// Old: it goes, and leaves nothing behind.
	for range 2 {
		now.at = now.at.Add(2 * removalGrace)
		s.housekeep()
	}
	sweep(t, s, 1)
	compact(t, s)
	if got := storedValues(t, s); got != 1 {
		t.Errorf("%d values stored after the sweep, want 1", got)
	}
	commit(t, s, change(nil, 1, 6))
	compact(t, s)
	if diff := cmp.Diff(versions(1, 6, 2, 1), contents(t, s)); diff != "" {
		t.Errorf("after binding again (-want +got):\n%s", diff)
	}
}

// absorb brings all of the log into the base.
func absorb(t testing.TB, s *Store) {
	t.Helper()
	if err := s.absorb(s.in, 0); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleHorizon()
}

func sweep(t *testing.T, s *Store, want int) {
	t.Helper()
	absorb(t, s)
	n, err := s.sweepInstance(s.in)
	if err != nil || n != want {
		t.Errorf("sweep deleted %d, %v; want %d", n, err, want)
	}
}

// A sweep runs while its keys are bound again: no binding may be lost, whichever is first.
func TestSweepRacesWithNewBindings(t *testing.T) {
	now := &testTime{at: time.Unix(1_800_000_000, 0)}
	s := open(t, Options{clock: now.clock()})
	load(t, s)
	const keys = 5000
	var batch []byte
	for n := range uint64(keys) {
		batch = removal(change(batch, n, 1), n, 2)
	}
	commit(t, s, batch)
	if got := s.removals.Load(); got != keys {
		t.Errorf("%d removals counted, want %d", got, keys)
	}
	now.at = now.at.Add(2 * removalGrace)
	s.housekeep()
	s.horizon.Store(s.stamp())
	swept := make(chan int)
	go func() {
		n, err := s.sweepInstance(s.in)
		if err != nil {
			t.Error(err)
		}
		swept <- n
	}()
	want := map[string]uint64{}
	for n := uint64(0); n < keys; n += 3 {
		commit(t, s, change(nil, n, 3))
		want[string(testKey(n))] = 3
	}
	deleted := <-swept
	if diff := cmp.Diff(want, contents(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := storedValues(t, s); got < len(want) || got > keys-deleted+len(want) {
		t.Errorf("%d values stored after %d deletions", got, deleted)
	}
	if got := s.removals.Load(); got != 0 {
		t.Errorf("%d removals counted after the sweep, want none", got)
	}
}

func TestSweepIsDueWhenItPays(t *testing.T) {
	s := newStore(testOptions(Options{}))
	s.removals.Store(sweepLeast)
	if s.sweepDue() {
		t.Error("due before Load")
	}
	s.loaded.Store(true)
	if !s.sweepDue() {
		t.Error("not due")
	}
	s.values.Store(sweepLeast * sweepShare * 2)
	if s.sweepDue() {
		t.Error("due for a small part of the store")
	}
}

// Nothing may be deleted before Load, and while an older write is unconfirmed.
func TestHorizonWaits(t *testing.T) {
	now := &testTime{at: time.Unix(1_800_000_000, 0)}
	s := open(t, Options{clock: now.clock()})
	for range 3 {
		now.at = now.at.Add(time.Hour)
		s.housekeep()
	}
	if got := s.horizon.Load(); got != 0 {
		t.Errorf("horizon %d before Load", got)
	}
	load(t, s)
	s.housekeep()
	first := s.horizon.Load()
	if first == 0 {
		t.Fatal("the horizon didn't move after Load")
	}
	// An entry that is queued and never taken: as on a disk that hangs.
	s.mu.Lock()
	s.taken = append(s.taken, &group{oldest: s.next, count: 1})
	s.next++
	s.mu.Unlock()
	now.at = now.at.Add(time.Hour)
	s.housekeep()
	moved := s.horizon.Load()
	for range 3 {
		now.at = now.at.Add(time.Hour)
		s.housekeep()
	}
	if got := s.horizon.Load(); got != moved {
		t.Errorf("the horizon moved from %d to %d over an unconfirmed write", moved, got)
	}
	s.mu.Lock()
	s.taken = nil
	s.stalled = false
	s.updateHealth(nil)
	s.mu.Unlock()
}

// The operator must give one result whatever groups the operands are merged in: Pebble chooses them.
func TestMergeIsAssociative(t *testing.T) {
	rng := seeded(t)
	s := newStore(testOptions(Options{}))
	for range 2000 {
		operands := make([][]byte, 1+rng.IntN(6))
		for i := range operands {
			version, removed := rng.Uint64N(4), rng.IntN(3) == 0
			value := testValue(version, removed, fmt.Sprint(i))
			operands[i] = make([]byte, storedSize(value, removed))
			putStored(operands[i], value, removed, uint32(i))
		}
		want := mergeAll(t, s.merger, operands, false)
		for range 4 {
			// Merge a part first, as a compaction of some levels would.
			from := rng.IntN(len(operands))
			to := from + 1 + rng.IntN(len(operands)-from)
			part := mergeAll(t, s.merger, operands[from:to], rng.IntN(2) == 0)
			parts := append(append(append([][]byte{}, operands[:from]...), part), operands[to:]...)
			got := mergeAll(t, s.merger, parts, rng.IntN(2) == 0)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("operands %q, part %d to %d (-want +got):\n%s", operands, from, to, diff)
			}
		}
	}
}

// mergeAll merges operands, oldest first, from one end or the other.
func mergeAll(t *testing.T, m *pebble.Merger, operands [][]byte, newestFirst bool) []byte {
	t.Helper()
	start := 0
	if newestFirst {
		start = len(operands) - 1
	}
	v, err := m.Merge(nil, operands[start])
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(operands); i++ {
		if newestFirst {
			err = v.MergeOlder(operands[len(operands)-1-i])
		} else {
			err = v.MergeNewer(operands[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b, closer, err := v.Finish(false)
	if err != nil {
		t.Fatal(err)
	}
	result := append([]byte(nil), b...)
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestBadOperandIsAnError(t *testing.T) {
	s := newStore(testOptions(Options{}))
	for _, b := range [][]byte{nil, {9}, {tagRemoval, 0, 0}, {tagBinding, 1, 2}} {
		if _, err := s.merger.Merge(nil, b); err == nil {
			t.Errorf("%x: no error", b)
		}
	}
}
