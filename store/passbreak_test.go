package store

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/lockstep6/lockstep6/core/worker"
)

// onPass matches the writes of the absorber's tables.
func onPass(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileWrite && strings.Contains(op.Path, absorbName)
}

// soon returns what f does, which mustn't hang.
func soon(t *testing.T, what string, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatalf("%s hangs", what)
		return nil
	}
}

// current is the instance in use.
func current(s *Store) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in
}

// An instance breaks while a pass writes its tables and others wait for the base: the pass and those who wait end, so that nothing
// of the pass is kept, and the next instance has all that was confirmed.
func TestInstanceBreaksDuringAPass(t *testing.T) {
	pass := newHang(onPass)
	sync := &fault{err: syscall.EIO, match: onLog(errorfs.OpFileSync, errorfs.OpFileSyncData)}
	told := newHealthLog()
	o := indexOptions(Options{FS: errorfs.Wrap(errorfs.Wrap(vfs.NewMem(), pass), sync), absorb: absorbSize, OnHealth: told.on, clock: quick()})
	s := open(t, o)
	told.want(t, true)
	commit(t, s, named(nil, 1, 1, "ab", true))
	in := current(s)

	pass.left.Store(-1)
	ended := make(chan error, 2)
	go func() { ended <- s.absorb(in, 0) }()
	<-pass.entered
	go func() { // waits for the pass
		_, _, err := s.CleanIndex(t.Context(), func([]byte, func(uint8, []byte) bool) bool { return true })
		ended <- err
	}()
	sync.left.Store(1)
	done := make(chan *worker.Write, 1)
	s.Append(&worker.Write{Changes: named(nil, 2, 1, "cd", true), Count: 1, Done: done})
	told.want(t, false)
	pass.left.Store(0)
	close(pass.released)
	for range 2 {
		if err := soon(t, "the pass, or who waits for it,", func() error { return <-ended }); err == nil {
			t.Error("no error, of an instance that broke")
		}
	}
	<-done
	told.want(t, true)
	inCurrent(s, func(in *instance) error { return s.absorb(in, 0) })
	atLeast(t, "after the break", contents(t, s), map[uint64]uint64{1: 1, 2: 1})
}

// Where Pebble itself never returns, because its manifest can't be written while it takes a pass's tables over, who asked for the pass is told, and so is
// everybody after that: nobody hangs, and the pass's changes are given up.
func TestWhoAsksDuringABreakReturns(t *testing.T) {
	f := &fault{err: syscall.EIO, match: onManifest}
	told := newHealthLog()
	o := historyOptions(Options{FS: errorfs.Wrap(vfs.NewMem(), f), absorb: absorbSize, OnHealth: told.on, clock: quick()})
	s := open(t, o)
	told.want(t, true)
	for v := range uint64(300) { // so much that who asks for history has it absorbed
		commit(t, s, appendChange(nil, v, testValue(1, false, strings.Repeat("x", 2*historyFew/300))))
	}
	f.left.Store(1)
	asked := func() error {
		return s.History(t.Context(), nil, func([]byte, []HistoryEntry, []byte) error { return nil })
	}
	if err := soon(t, "who asks for history", asked); !errors.Is(err, syscall.EIO) {
		t.Errorf("who asks for history is told %v, want %v", err, syscall.EIO)
	}
	told.want(t, false)
	told.want(t, true)
	if err := soon(t, "who asks again", asked); err != nil {
		t.Errorf("the next instance: %v", err)
	}
}
