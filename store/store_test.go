package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/worker"
)

func TestWritesComeBackAfterReopening(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, Options{FS: fs})
	commit(t, s, change(change(nil, 1, 1), 2, 5))
	commit(t, s, removal(change(nil, 3, 1), 3, 2))
	want := versions(1, 1, 2, 5)
	if diff := cmp.Diff(want, contents(t, s)); diff != "" {
		t.Errorf("before closing (-want +got):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{FS: fs})
	if diff := cmp.Diff(want, contents(t, s)); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
	if !s.Healthy() {
		t.Error("not healthy")
	}
}

func TestScanKeepsItsBounds(t *testing.T) {
	for name, step := range between {
		t.Run(name, func(t *testing.T) {
			o := Options{FS: vfs.NewMem(), absorb: absorbSize}
			s := open(t, o)
			for n := range uint64(20) {
				commit(t, s, change(nil, n, n+1))
			}
			scanKeepsItsBounds(t, step(t, s, o))
		})
	}
}

func scanKeepsItsBounds(t *testing.T, s *Store) {
	t.Helper()
	scan := func(from, to []byte) (keys [][]byte) {
		err := s.Scan(from, to, func(key, _ []byte) error {
			keys = append(keys, bytes.Clone(key))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	all := scan(nil, nil)
	if len(all) != 20 {
		t.Fatalf("got %d keys, want 20", len(all))
	}
	longer := append(bytes.Clone(all[7]), 0)
	for _, c := range []struct {
		from, to []byte
		want     [][]byte
	}{
		{all[3], all[7], all[3:7]},
		{all[7], longer, all[7:8]},
		{longer, nil, all[8:]},
		{nil, all[5], all[:5]},
		{nil, all[0][:1], nil},
	} {
		if diff := cmp.Diff(c.want, scan(c.from, c.to)); diff != "" {
			t.Errorf("from %x to %x (-want +got):\n%s", c.from, c.to, diff)
		}
	}
	stop := errors.New("enough")
	if err := s.Scan(nil, nil, func(_, _ []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want f's error", err)
	}
}

func TestMetaIsDurable(t *testing.T) {
	fs := newCrashable()
	s := open(t, Options{FS: fs, Sync: SyncNever})
	if err := s.PutMeta(t.Context(), "duid", []byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if err := s.PutMeta(t.Context(), metaFormat, nil); err == nil {
		t.Error("the format's name was not refused")
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	s = open(t, Options{FS: crashed})
	if got, ok := s.Meta("duid"); !ok || !bytes.Equal(got, []byte{1, 2, 3}) {
		t.Errorf("got %v %v", got, ok)
	}
	if _, ok := s.Meta("other"); ok {
		t.Error("a value that nobody put")
	}
}

func TestSecondUserIsRefusedByPID(t *testing.T) {
	dir := t.TempDir()
	o := Options{Path: dir, FS: vfs.Default}
	s := open(t, o)
	commit(t, s, change(nil, 1, 1))
	_, err := Open(testOptions(o))
	var inUse *InUseError
	if !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Errorf("Open: got %v, want an InUseError with our process id", err)
	}
	if _, err := OpenReadOnly(testOptions(o)); !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Errorf("OpenReadOnly: got %v, want an InUseError with our process id", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReadOnly(testOptions(o))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(versions(1, 1), contents(t, r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := Open(testOptions(o)); !errors.As(err, &inUse) {
		t.Errorf("Open during a read: got %v, want an InUseError", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, o).Close(); err != nil {
		t.Error(err)
	}
}

func TestMemoryFileSystemIsLockedToo(t *testing.T) {
	fs := vfs.NewMem()
	open(t, Options{FS: fs})
	if _, err := Open(testOptions(Options{FS: fs})); err == nil {
		t.Error("two stores on one folder")
	}
}

func TestOpenExplainsFailures(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		open func() error
		want []string
	}{
		"a file": {
			func() error { return openClose(Options{Path: file, FS: vfs.Default}) },
			[]string{file, "not a folder", "move that file away"},
		},
		"below a file": {
			func() error { return openClose(Options{Path: filepath.Join(file, "db"), FS: vfs.Default}) },
			[]string{file, "not a folder"},
		},
		"read only, nothing there": {
			func() error { return readClose(Options{Path: filepath.Join(dir, "none"), FS: vfs.Default}) },
			[]string{"none", "there is no store here", "check the path"},
		},
		"read only, empty folder": {
			func() error { return readClose(Options{Path: dir, FS: vfs.Default}) },
			[]string{dir, "there is no store here"},
		},
	} {
		err := c.open()
		if err == nil {
			t.Errorf("%s: opened", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not tell %q", name, err, want)
			}
		}
	}
}

func openClose(o Options) error {
	s, err := Open(testOptions(o))
	if err != nil {
		return err
	}
	return s.Close()
}

func readClose(o Options) error {
	r, err := OpenReadOnly(testOptions(o))
	if err != nil {
		return err
	}
	return r.Close()
}

func TestNewerFormatIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, Options{FS: fs})
	if err := s.in.db.Set(metaKey(metaFormat), binary.BigEndian.AppendUint32(nil, formatOutbox+1), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openClose(Options{FS: fs}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "db") {
		t.Errorf("got %v, want ErrFormat and the path", err)
	}
	if err := readClose(Options{FS: fs}); !errors.Is(err, ErrFormat) {
		t.Errorf("read only: got %v, want ErrFormat", err)
	}
}

func TestAppendTakesAnyNumberOfWrites(t *testing.T) {
	const writers, each = 8, 200
	s := open(t, Options{})
	ended := make(chan int)
	for i := range writers {
		go func() {
			done := make(chan *worker.Write, each)
			for n := range each {
				s.Append(&worker.Write{Changes: change(nil, uint64(i*each+n), 1), Count: 1, Done: done, Owner: n})
			}
			seen := map[any]bool{}
			for range each {
				seen[(<-done).Owner] = true
			}
			ended <- len(seen)
		}()
	}
	for range writers {
		if got := <-ended; got != each {
			t.Errorf("%d different writes came back, want %d", got, each)
		}
	}
	if got := len(contents(t, s)); got != writers*each {
		t.Errorf("%d bindings, want %d", got, writers*each)
	}
	state := s.State()
	if state.Writes != writers*each || state.Changes != writers*each || state.Unconfirmed != 0 || state.MaxLatency <= 0 {
		t.Errorf("state %+v", state)
	}
	if state.Syncs == 0 || state.Syncs > writers*each {
		t.Errorf("%d syncs of %d writes", state.Syncs, writers*each)
	}
}

func TestRefusedWriteHoldsNobodyUp(t *testing.T) {
	s := open(t, Options{})
	s.Append(&worker.Write{Changes: []byte("nonsense"), Count: 1, Done: make(chan *worker.Write)})
	commit(t, s, change(nil, 1, 1))
	// Another committer than the one that confirmed may still be reading the nonsense.
	for deadline := time.Now().Add(time.Minute); s.State().Refused == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := s.State(); got.Refused != 1 || got.Err == nil {
		t.Errorf("state %+v", got)
	}
}

func TestCloseConfirmsWhatWasAppended(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, Options{FS: fs})
	const writes = 500
	done := make(chan *worker.Write, writes)
	for n := range writes {
		s.Append(&worker.Write{Changes: change(nil, uint64(n), 1), Count: 1, Done: done})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(done) != writes {
		t.Errorf("%d writes confirmed when Close returned, want %d", len(done), writes)
	}
	if got := len(contents(t, open(t, Options{FS: fs}))); got != writes {
		t.Errorf("%d bindings, want %d", got, writes)
	}
	if err := s.Close(); !errors.Is(err, errClosed) {
		t.Errorf("second Close: got %v", err)
	}
	if err := s.PutMeta(t.Context(), "a", nil); !errors.Is(err, errClosed) {
		t.Errorf("PutMeta: got %v", err)
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := goroutines()
	s := open(t, Options{})
	commit(t, s, change(nil, 1, 1))
	flush(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Goroutines that have told their end may not have left yet; yielding lets them.
	var left map[string]string
	for range 100_000 {
		left = goroutines()
		for id := range before {
			delete(left, id)
		}
		if len(left) == 0 {
			return
		}
		runtime.Gosched()
	}
	for _, stack := range left {
		t.Errorf("left behind:\n%s", stack)
	}
}

// goroutines returns the stacks of all goroutines by their number.
func goroutines() map[string]string {
	buf := make([]byte, 4<<20)
	stacks := map[string]string{}
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		id, _, _ := strings.Cut(stack, " [")
		stacks[id] = stack
	}
	return stacks
}

func TestPutMetaHeedsItsContext(t *testing.T) {
	s := open(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Either the write was quicker or the context was seen: both are right, hanging is not.
	if err := s.PutMeta(ctx, "a", nil); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestBackoffIsBounded(t *testing.T) {
	retry := Options{}.withDefaults().clock.retry
	last := time.Duration(0)
	for attempt := 1; attempt < 100; attempt++ {
		got := retry(attempt)
		if got < last || got > retryMost {
			t.Fatalf("attempt %d waits %v after %v", attempt, got, last)
		}
		last = got
	}
	if last != retryMost {
		t.Errorf("the longest pause is %v, want %v", last, retryMost)
	}
}
