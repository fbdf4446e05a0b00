package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// spoil overwrites some octets near the start of the newest file with that suffix.
func spoil(t *testing.T, fs vfs.FS, pattern string) {
	t.Helper()
	names, err := fs.List("db")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, pattern) })
	if len(names) == 0 {
		t.Fatalf("no file like %s", pattern)
	}
	name := fs.PathJoin("db", names[len(names)-1])
	file, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte(strings.Repeat("\xa5", 64)), 500); err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsTold(t *testing.T) {
	for _, c := range []struct{ what, pattern string }{
		{"table", ".sst"},
		{"table of the log", "log .sst"},
		{"missing table", "remove .sst"},
		{"log", ".log"},
	} {
		t.Run(c.what, func(t *testing.T) {
			// A clone of the file system as it is leaves the log as a crash would.
			fs := newCrashable()
			s := open(t, Options{FS: fs, absorb: absorbSize})
			fill(t, s, 2000)
			pattern, ofLog := strings.CutPrefix(c.pattern, "log ")
			if !ofLog {
				absorb(t, s)
			}
			flush(t, s)
			// So long a log that a later block tells that this one was synced; in the last 32 KiB damage
			// looks like the end of the log.
			for n := range uint64(200) {
				commit(t, s, appendChange(nil, n, testValue(5000, false, strings.Repeat("x", 1000))))
			}
			clone := fs.CrashClone(vfs.CrashCloneCfg{})
			if suffix, remove := strings.CutPrefix(pattern, "remove "); remove {
				removeLike(t, clone, suffix)
			} else {
				spoil(t, clone, pattern)
			}
			err := openAndLoad(clone)
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("got %v, want ErrCorrupt", err)
			}
			for _, want := range []string{"store db", "restore the newest checkpoint"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not tell %q", err, want)
				}
			}
		})
	}
}

func removeLike(t *testing.T, fs vfs.FS, pattern string) {
	t.Helper()
	names, err := fs.List("db")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.Contains(n, pattern) {
			if err := fs.Remove(fs.PathJoin("db", n)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func openAndLoad(fs vfs.FS) error {
	s, err := Open(testOptions(Options{FS: fs, absorb: absorbSize})) // so that Load is the first to meet the damage
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Load(context.Background(), 2, func(int, []byte, []byte) error { return nil }, nil)
}

// A compaction that meets a damaged table must not end granting: the instance is replaced by one without
// compactions, and the state tells.
func TestDamagedTableLeavesGrantsDurable(t *testing.T) {
	fs := vfs.NewMem()
	told := newHealthLog()
	s := open(t, Options{FS: fs, OnHealth: told.on, clock: quick(), absorb: absorbSize})
	told.want(t, true)
	fill(t, s, 2000)
	flush(t, s)
	absorb(t, s) // the newest table is the base's
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	spoil(t, fs, ".sst")
	told = newHealthLog()
	s = open(t, Options{FS: fs, OnHealth: told.on, clock: quick()})
	told.want(t, true)
	in := current(s) // Pebble may meet the table by itself, before it is asked to
	fill(t, s, 2000)
	_ = in.run(func() error {
		return errors.Join(s.absorb(in, 0), in.db.Flush(), in.db.Compact(t.Context(), bindingsFrom, bindingsTo, false))
	})
	told.want(t, false)
	told.want(t, true)
	if got := s.State(); !got.Damaged || !got.Healthy {
		t.Errorf("state %+v, want healthy and damaged", got)
	}
	for n := range uint64(100) {
		commit(t, s, change(nil, n, 100_000))
	}
	if got := s.State().Breaks; got != 1 {
		t.Errorf("broke %d times, want once", got)
	}
}

func TestMetaOfAnotherShapeIsDamage(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, Options{FS: fs})
	if err := s.in.db.Set(metaKey(metaFormat), []byte("?"), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openClose(Options{FS: fs}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}
