package store

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A table that can't be written is written again: under load nothing breaks, and nothing is lost.
func TestFailedTableIsWrittenAgain(t *testing.T) {
	for name, f := range map[string]*fault{
		"create": {err: syscall.ENOSPC, match: onSuffix(tableSuffix, errorfs.OpCreate)},
		"write":  {err: syscall.ENOSPC, match: onSuffix(tableSuffix, errorfs.OpFileWrite)},
		"sync": {err: syscall.EIO, match: func(op errorfs.Op) bool {
			return onSuffix(tableSuffix, errorfs.OpFileSync)(op) || onSuffix(tableSuffix, errorfs.OpFileSyncData)(op)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			s := open(t, Options{FS: errorfs.Wrap(fs, f), clock: quick()})
			load := startLoad(s, 3)
			const failures = 7
			f.left.Store(failures)
			flush(t, s)
			load.end()
			if f.hits.Load() != failures || s.State().Breaks != 0 || !errors.Is(s.State().Err, f.err) {
				t.Errorf("%d faults, state %+v; want %d, no break and %v", f.hits.Load(), s.State(), failures, f.err)
			}
			atLeast(t, "running", contents(t, s), load.sent)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			atLeast(t, "reopened", contents(t, open(t, Options{FS: fs})), load.sent)
		})
	}
}

// breakWhile breaks a store that holds something to replay while a fault lasts, and returns when it has recovered.
func breakWhile(t *testing.T, f *fault, failures int64) *Store {
	t.Helper()
	told := newHealthLog()
	s := open(t, Options{FS: errorfs.Wrap(vfs.NewMem(), f), OnHealth: told.on, clock: quick()})
	told.want(t, true)
	commit(t, s, change(nil, 1, 1))
	f.left.Store(failures)
	s.in.fail(errors.New("the disk is gone"))
	told.want(t, false)
	told.want(t, true)
	if got := f.hits.Load(); got != failures {
		t.Errorf("the fault was met %d times, want %d", got, failures)
	}
	if got := contents(t, s)[string(testKey(1))]; got != 1 {
		t.Errorf("version %d after the recovery, want 1", got)
	}
	return s
}

// A disk that has no room for the tables of what is replayed costs one instance, not one for each attempt.
func TestReopeningWaitsForItsTables(t *testing.T) {
	s := breakWhile(t, &fault{err: syscall.ENOSPC, match: onSuffix(tableSuffix, errorfs.OpCreate)}, 20)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt != 1 {
		t.Errorf("reopened in attempt %d, want one", s.attempt)
	}
}

// A disk that takes nothing is found out by the probe, before there is an instance.
func TestFullDiskIsFoundOutBeforeAnInstanceIsOpened(t *testing.T) {
	for name, kind := range map[string]errorfs.OpKind{
		"create": errorfs.OpCreate, "write": errorfs.OpFileWrite, "sync": errorfs.OpFileSync,
	} {
		t.Run(name, func(t *testing.T) {
			var others []string
			f := &fault{err: syscall.ENOSPC}
			f.match = func(op errorfs.Op) bool {
				if op.Kind == kind && f.left.Load() > 0 && filepath.Base(op.Path) != probeFile {
					others = append(others, op.Path)
				}
				return op.Kind == kind
			}
			breakWhile(t, f, 20)
			if len(others) > 0 {
				t.Errorf("Pebble met the full disk at %v", others)
			}
		})
	}
}

// The caller of Open learns at once that the disk has no room.
func TestOpenOnAFullDiskEnds(t *testing.T) {
	fs := newCrashable()
	s := open(t, Options{FS: fs})
	commit(t, s, change(nil, 1, 1))
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	for name, match := range map[string]func(errorfs.Op) bool{
		"no table": onSuffix(tableSuffix, errorfs.OpCreate),
		"nothing":  onSuffix("", errorfs.OpFileWrite),
	} {
		f := &fault{err: syscall.ENOSPC, match: match}
		f.left.Store(-1)
		if err := openClose(Options{FS: errorfs.Wrap(crashed, f)}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: got %v, want ENOSPC", name, err)
		}
	}
}
