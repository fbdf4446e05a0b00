package store

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/lockstep6/lockstep6/core/worker"
)

// A nthCall makes one call of a file system fail: the n-th that touches the store's own folder.
type nthCall struct {
	err  error
	n    int64
	met  atomic.Int64
	what atomic.Pointer[string]
}

// String implements errorfs.Injector.
func (c *nthCall) String() string { return "nth call" }

// MaybeError implements errorfs.Injector.
func (c *nthCall) MaybeError(op errorfs.Op) error {
	if strings.HasPrefix(op.Path, "copy") || c.met.Add(1) != c.n {
		return nil
	}
	what := fmt.Sprintf("%v of %s", op.Kind, op.Path)
	c.what.Store(&what)
	return c.err
}

// strideOf is how many calls lie between two that fail: 3, 29 with -short, or CALLS.
func strideOf(t *testing.T) int64 {
	t.Helper()
	switch n, err := strconv.ParseInt(os.Getenv("CALLS"), 10, 64); {
	case err == nil && n > 0:
		return n
	case testing.Short():
		return 29
	default:
		return 3
	}
}

// Each call of a scenario fails once, with each error that disks give: commits, a pass, a flush, a compaction, a backup and the end. No write is confirmed that
// isn't there after a restart, each is confirmed in the end without a hand, and whoever opens or ends the store is told in words.
func TestEveryCallMayFail(t *testing.T) {
	calls := &nthCall{}
	if err := everyCall(t, calls); err != nil {
		t.Fatal(err)
	}
	total, stride := calls.met.Load(), strideOf(t)
	t.Logf("%d calls, each %dth fails", total, stride)
	for i, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		for n := 1 + int64(i)*stride/2; n <= total; n += stride {
			c := &nthCall{err: cause, n: n}
			err := everyCall(t, c)
			if what := c.what.Load(); what != nil && err != nil && !errors.Is(err, cause) && !strings.Contains(err.Error(), cause.Error()) {
				t.Errorf("call %d, %s: %v, want nothing or %v", n, *what, err, cause)
			}
			if t.Failed() {
				t.Fatalf("call %d of %d, %v", n, total, cause)
			}
		}
	}
}

// everyCall plays the scenario, and returns with what opening or closing the store was refused.
func everyCall(t *testing.T, c *nthCall) error {
	t.Helper()
	fs := vfs.NewMem()
	o := historyOptions(Options{FS: errorfs.Wrap(fs, c), absorb: 3000, clock: quick()})
	s, err := Open(testOptions(o))
	if err != nil { // who starts is told, and starts again
		if s, again := Open(testOptions(o)); again != nil {
			t.Errorf("the next start: %v", again)
		} else if again := s.Close(); again != nil {
			t.Errorf("its end: %v", again)
		}
		return err
	}
	const writes = 60
	done := make(chan *worker.Write, writes)
	for v := range uint64(writes) {
		s.Append(&worker.Write{Changes: change(nil, v%20, v+1), Count: 1, Done: done})
		if v%20 == 19 {
			for range 20 {
				<-done
			}
			inCurrent(s, func(in *instance) error { return s.absorb(in, 0) })
			inCurrent(s, func(in *instance) error { return in.db.Flush() })
			inCurrent(s, func(in *instance) error { return in.db.Compact(t.Context(), bindingsFrom, bindingsTo, false) })
			_, _ = s.Backup("copy"+strconv.FormatUint(v, 10), nil)
		}
	}
	want := map[uint64]uint64{}
	for v := range uint64(writes) {
		want[v%20] = v + 1
	}
	err = s.Close()
	again, openErr := Open(testOptions(Options{FS: fs, Codec: historyCodec()}))
	if openErr != nil {
		t.Errorf("reopening: %v", openErr)
		return openErr
	}
	defer again.Close()
	atLeast(t, "reopened", contents(t, again), want)
	return err
}

// inCurrent runs f in the current instance, if there is one, until that breaks.
func inCurrent(s *Store, f func(in *instance) error) {
	s.mu.Lock()
	in := s.in
	s.mu.Unlock()
	if in != nil {
		_ = in.run(func() error { return f(in) })
	}
}
