package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"
)

// restored makes a store of a backup and returns the checked leases' number.
func restored(t *testing.T, from, to string) (leases int, err error) {
	t.Helper()
	var done, total int64
	err = Restore(t.Context(), &Restoring{
		From: from, To: to, Options: testOptions(Options{FS: vfs.Default, Codec: historyCodec()}),
		Check:  func([]byte, []HistoryEntry, []byte) error { leases++; return nil },
		Copied: func(d, t int64) { done, total = d, t },
	})
	if err == nil && (done == 0 || done > total) {
		t.Errorf("copied %d of %d octets", done, total)
	}
	return leases, err
}

// Under load a backup has all that was confirmed before it, in the base, in the log and in history, and a store is made of it.
func TestBackupUnderLoad(t *testing.T) {
	dir := t.TempDir()
	s := open(t, historyOptions(Options{Path: filepath.Join(dir, "db"), FS: vfs.Default, absorb: 20_000}))
	l := startLoad(s, 2)
	for l.count() < 2000 || len(l.confirmed()) < 100 { // of each worker all leases
		flush(t, s)
	}
	// A copy must have all that was confirmed before it, whatever pass of the absorber it meets.
	type copyOf struct {
		dir    string
		before map[uint64]uint64
		count  int
	}
	var copies []copyOf
	for n := range 12 {
		c := copyOf{filepath.Join(dir, fmt.Sprint("copy", n)), l.confirmed(), l.count()}
		if size, err := s.Backup(c.dir, nil); err != nil || size < 10_000 {
			t.Fatalf("%d octets, %v", size, err)
		}
		copies = append(copies, c)
	}
	l.end()
	for _, c := range copies {
		made := c.dir + "-restored"
		if leases, err := restored(t, c.dir, made); err != nil || leases != 100 {
			t.Fatalf("%d leases, %v", leases, err)
		}
		again := open(t, Options{Path: made, FS: vfs.Default, Codec: historyCodec()})
		atLeast(t, "restored", contents(t, again), c.before)
		found := 0
		err := again.History(t.Context(), nil, func(_ []byte, entries []HistoryEntry, _ []byte) error { found += len(entries); return nil })
		if err != nil || found < c.count {
			t.Errorf("%d entries of history, want %d; %v", found, c.count, err)
		}
		if _, err := os.Stat(c.dir + partial); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("something is left: %v", err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBackupRefuses(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "db")
	s := open(t, Options{Path: data, FS: vfs.Default})
	commit(t, s, change(nil, 1, 1))
	if err := os.Mkdir(filepath.Join(dir, "half"+partial), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		dir: "is there already", data: "in the store's own folder", filepath.Join(data, "copy"): "in the store's own folder",
		filepath.Join(dir, "half"): "half.partial is there already",
	} {
		if _, err := s.Backup(name, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if !s.Healthy() || s.State().Breaks != 0 {
		t.Errorf("state %+v", s.State())
	}
}

// A full disk under the copy is no failure of the store.
func TestFailedBackupBreaksNothing(t *testing.T) {
	f := &fault{err: syscall.ENOSPC, match: func(op errorfs.Op) bool {
		return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "copy")
	}}
	s := open(t, Options{FS: errorfs.Wrap(vfs.NewMem(), f)})
	commit(t, s, change(nil, 1, 1))
	f.left.Store(-1)
	if _, err := s.Backup("copy", nil); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	commit(t, s, change(nil, 2, 1))
	f.left.Store(0)
	if !s.Healthy() || s.State().Breaks != 0 {
		t.Errorf("state %+v", s.State())
	}
	if _, err := s.Backup("copy", nil); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	dir := t.TempDir()
	data, copied := filepath.Join(dir, "db"), filepath.Join(dir, "copy")
	s := open(t, Options{Path: data, FS: vfs.Default})
	fill(t, s, 3000)
	absorb(t, s)
	flush(t, s)
	if _, err := s.Backup(copied, nil); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other")
	for _, err := range []error{os.Mkdir(other, 0o750), os.WriteFile(filepath.Join(other, "file"), nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	made := filepath.Join(dir, "made")
	for _, c := range []struct{ from, to, want string }{
		{copied, data, "holds a store already"},
		{copied, other, "isn't empty"},
		{data, made, "is in use by process"},
		{other, made, "there is no store in it"},
		{filepath.Join(dir, "none"), made, "no such file"},
	} {
		if _, err := restored(t, c.from, c.to); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s to %s: %v, want %q", c.from, c.to, err, c.want)
		}
	}
	damage(t, copied)
	if _, err := restored(t, copied, made); err == nil || !strings.Contains(err.Error(), "is of no use") {
		t.Errorf("a damaged copy: %v", err)
	}
	for _, name := range []string{made, made + partial} {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	if diff := cmp.Diff(3000, len(contents(t, s))); diff != "" {
		t.Errorf("the store that was copied (-want +got):\n%s", diff)
	}
}

// damage writes other octets into the middle of a table of a copy, whose file the store has too: so it gets a file of its own.
func damage(t *testing.T, dir string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "*"+tableSuffix))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	content, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	copy(content[len(content)/4:], bytes.Repeat([]byte{0xa5}, 64))
	if err := os.Remove(tables[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tables[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
}
