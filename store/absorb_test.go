package store

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"
)

// logPlaces counts the places of the log that are there.
func logPlaces(t testing.TB, s *Store) (n int) {
	t.Helper()
	if err := scan(s.in.db, logFrom, logTo, func(_, _ []byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// based counts what is stored in the base, removals too.
func based(t testing.TB, s *Store) (n int) {
	t.Helper()
	if err := scan(s.in.db, bindingsFrom, bindingsTo, func(_, _ []byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// Commits go into the log alone; a pass brings of each binding the highest version into the base, and empties the log.
func TestLogIsAbsorbed(t *testing.T) {
	o := Options{FS: vfs.NewMem(), absorb: absorbSize}
	s := open(t, o)
	for version := uint64(1); version <= 5; version++ {
		commit(t, s, change(removal(nil, 2, version), 1, version))
	}
	if places, base := logPlaces(t, s), based(t, s); places != 5 || base != 0 {
		t.Errorf("%d places in the log and %d values in the base, want 5 and none", places, base)
	}
	absorb(t, s)
	if places, base := logPlaces(t, s), based(t, s); places != 0 || base != 2 {
		t.Errorf("%d places in the log and %d values in the base after a pass, want none and 2", places, base)
	}
	commit(t, s, change(nil, 1, 6))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	if s.logged == 0 || s.logged > 1<<20 {
		t.Errorf("the log is taken to have %d octets after reopening", s.logged)
	}
	commit(t, s, change(nil, 3, 1)) // a place behind those that are there
	if places := logPlaces(t, s); places != 2 {
		t.Errorf("%d places in the log after reopening, want 2", places)
	}
	if diff := cmp.Diff(versions(1, 6, 3, 1), contents(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A pass runs by itself when the log is long enough, and while it fails the log keeps everything.
func TestAbsorberTriesAgain(t *testing.T) {
	f := &fault{err: syscall.ENOSPC, match: func(op errorfs.Op) bool {
		return op.Kind == errorfs.OpCreate && strings.Contains(op.Path, absorbName)
	}}
	f.left.Store(-1)
	now := &testTime{at: time.Unix(1_800_000_000, 0)}
	s := open(t, Options{FS: errorfs.Wrap(vfs.NewMem(), f), clock: now.clock(), absorb: 100})
	idle := func() {
		t.Helper()
		for {
			s.mu.Lock()
			busy := s.in.absorbing
			s.mu.Unlock()
			if !busy {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	fill(t, s, 100)
	idle()
	if f.hits.Load() != 1 || based(t, s) != 0 || logPlaces(t, s) == 0 || !s.Healthy() {
		t.Errorf("%d faults, %d values in the base, healthy %v; want one fault and everything in the log", f.hits.Load(), based(t, s), s.Healthy())
	}
	fill(t, s, 100)
	idle()
	if f.hits.Load() != 1 {
		t.Errorf("tried %d times at once", f.hits.Load())
	}
	f.left.Store(0)
	now.at = now.at.Add(absorbAgain)
	fill(t, s, 100)
	idle()
	if based(t, s) != 100 || logPlaces(t, s) != 0 {
		t.Errorf("%d values in the base, %d places in the log, want 100 and none", based(t, s), logPlaces(t, s))
	}
}

// A store of format 1 has bindings in the base alone. It is read, written and marked as what it is now.
func TestFormat1IsTakenOver(t *testing.T) {
	o := Options{FS: vfs.NewMem()}
	s := open(t, o)
	value := testValue(5, false, "")
	old := append([]byte{tagBinding}, value...)
	for _, err := range []error{
		s.in.db.Merge(bindingKey(testKey(1)), old, pebble.Sync),
		s.in.db.Set(metaKey(metaFormat), binary.BigEndian.AppendUint32(nil, 1), pebble.Sync),
		s.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := readClose(o); err != nil {
		t.Errorf("read only: %v", err)
	}
	s = open(t, o)
	commit(t, s, change(nil, 2, 1))
	if diff := cmp.Diff(versions(1, 5, 2, 1), contents(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, _ := s.Meta(metaFormat); binary.BigEndian.Uint32(got) != formatLog {
		t.Errorf("format %x, want %d", got, formatLog)
	}
}

// Tables that a crash left before they were the base's are removed.
func TestLeftTablesAreRemoved(t *testing.T) {
	o := Options{FS: vfs.NewMem()}
	s := open(t, o)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left := o.FS.PathJoin("db", absorbName+"0"+tableSuffix)
	file, err := o.FS.Create(left, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, o)
	if _, err := o.FS.Stat(left); !notThere(err) {
		t.Errorf("the table is still there: %v", err)
	}
}

// A removal isn't deleted while something older than it may be in the log: it would come back.
func TestSweepWaitsForTheLog(t *testing.T) {
	now := &testTime{at: time.Unix(1_800_000_000, 0)}
	s := open(t, Options{clock: now.clock(), absorb: absorbSize})
	load(t, s)
	commit(t, s, change(nil, 9, 1))
	commit(t, s, removal(nil, 1, 5))
	absorb(t, s)
	commit(t, s, change(nil, 1, 4)) // was under way for long
	for range 3 {
		now.at = now.at.Add(2 * removalGrace)
		s.housekeep()
	}
	if n, err := s.sweepInstance(s.in); n != 0 || err != nil {
		t.Errorf("deleted %d, %v, though the log isn't absorbed", n, err)
	}
	sweep(t, s, 1) // absorbs first
	if diff := cmp.Diff(versions(9, 1), contents(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
