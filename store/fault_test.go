package store

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/worker"
)

// A fault makes operations of a file system fail, as many as it is told to.
type fault struct {
	err   error
	match func(op errorfs.Op) bool
	skip  atomic.Int64 // matching operations that go well first
	left  atomic.Int64 // failures to come; negative: without end
	hits  atomic.Int64
}

// String implements errorfs.Injector.
func (f *fault) String() string { return "fault" }

// MaybeError implements errorfs.Injector.
func (f *fault) MaybeError(op errorfs.Op) error {
	if f.left.Load() == 0 || !f.match(op) {
		return nil
	}
	if f.skip.Add(-1) >= 0 {
		return nil
	}
	if f.left.Load() > 0 && f.left.Add(-1) < 0 {
		f.left.Store(0)
		return nil
	}
	f.hits.Add(1)
	return f.err
}

// onLog matches some kinds of operations on a write-ahead log.
func onLog(kinds ...errorfs.OpKind) func(errorfs.Op) bool {
	return func(op errorfs.Op) bool {
		for _, kind := range kinds {
			if op.Kind == kind && strings.HasSuffix(op.Path, ".log") {
				return true
			}
		}
		return false
	}
}

// A healthLog collects what OnHealth is told.
type healthLog struct{ c chan health }

func newHealthLog() healthLog { return healthLog{make(chan health, 100)} }

func (l healthLog) on(healthy bool, err error) { l.c <- health{healthy, err} }

// want waits for the next change and checks it.
func (l healthLog) want(t *testing.T, healthy bool) error {
	t.Helper()
	got := <-l.c
	if got.healthy != healthy {
		t.Fatalf("told healthy %v (%v), want %v", got.healthy, got.err, healthy)
	}
	return got.err
}

// A loadTest keeps appending writes of its own keys from several goroutines, in which each has a few in flight.
type loadTest struct {
	s       *Store
	wg      sync.WaitGroup
	stop    atomic.Bool
	mu      sync.Mutex
	highest map[uint64]uint64 // confirmed
	sent    map[uint64]uint64 // appended
	order   [][2]uint64       // keys and versions as they were confirmed
}

func startLoad(s *Store, workers int) *loadTest {
	l := &loadTest{s: s, highest: map[uint64]uint64{}, sent: map[uint64]uint64{}}
	for i := range workers {
		l.wg.Go(func() { l.work(uint64(i)) })
	}
	return l
}

func (l *loadTest) work(worker64 uint64) {
	const inFlight, keys = 8, 50
	done := make(chan *worker.Write, inFlight)
	flying := 0
	collect := func() {
		w := <-done
		flying--
		key, version := w.Owner.([2]uint64)[0], w.Owner.([2]uint64)[1]
		l.mu.Lock()
		l.highest[key] = max(l.highest[key], version)
		l.order = append(l.order, [2]uint64{key, version})
		l.mu.Unlock()
	}
	for version := uint64(1); !l.stop.Load(); version++ {
		key := worker64*1000 + version%keys
		l.mu.Lock()
		l.sent[key] = version
		l.mu.Unlock()
		l.s.Append(&worker.Write{Changes: change(nil, key, version), Count: 1, Done: done, Owner: [2]uint64{key, version}})
		if flying++; flying == inFlight {
			collect()
		}
	}
	for flying > 0 {
		collect()
	}
}

// count is how many writes are confirmed at this moment.
func (l *loadTest) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.order)
}

// confirmed returns what is confirmed at this moment.
func (l *loadTest) confirmed() map[uint64]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := map[uint64]uint64{}
	for k, v := range l.highest {
		m[k] = v
	}
	return m
}

func (l *loadTest) end() {
	l.stop.Store(true)
	l.wg.Wait()
}

// atLeast checks that a store has each key in the given version or a later one.
func atLeast(t *testing.T, what string, got map[string]uint64, want map[uint64]uint64) {
	t.Helper()
	for key, version := range want {
		if got[string(testKey(key))] < version {
			t.Errorf("%s: key %d is stored in version %d, confirmed was %d", what, key, got[string(testKey(key))], version)
		}
	}
}

// Each fault breaks a store under load, which comes back by itself: no confirmed write is lost, each
// unconfirmed one is confirmed afterwards, and Healthy tells both.
func TestStoreSurvivesFaults(t *testing.T) {
	dead := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		match    func(errorfs.Op) bool
		err      error
		skip     int64
		failures int64
		act      func(t *testing.T, s *Store)
	}{
		"log write":             {match: onLog(errorfs.OpFileWrite), err: dead, skip: 20, failures: 1},
		"log sync":              {match: onLog(errorfs.OpFileSync, errorfs.OpFileSyncData), err: dead, skip: 20, failures: 1},
		"log full":              {match: onLog(errorfs.OpFileWrite), err: syscall.ENOSPC, skip: 20, failures: 1},
		"every sync, for long":  {match: onLog(errorfs.OpFileSync, errorfs.OpFileSyncData), err: dead, skip: 20, failures: 40},
		"create while reopened": {match: onCreateAfterSync(), err: syscall.ENOSPC, skip: 20, failures: 7},
		"log rotation":          {match: onLog(errorfs.OpCreate, errorfs.OpReuseForWrite), err: syscall.ENOSPC, failures: 1, act: startFlush},
		"log's last sync":       {match: onLog(errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileClose), err: dead, failures: 1, act: startFlush},
		"manifest":              {match: onManifest, err: dead, failures: 1, act: startFlush},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fault{err: c.err, match: c.match}
			fs := vfs.NewMem()
			told := newHealthLog()
			s := open(t, Options{FS: errorfs.Wrap(fs, f), OnHealth: told.on, clock: quick()})
			told.want(t, true)
			load := startLoad(s, 3)
			f.skip.Store(c.skip)
			f.left.Store(c.failures)
			if c.act != nil {
				c.act(t, s)
			}
			err := told.want(t, false)
			if !errors.Is(err, c.err) {
				t.Errorf("told %v, want %v", err, c.err)
			}
			told.want(t, true)
			if !s.Healthy() && s.State().Breaks == 1 {
				t.Error("Healthy is false after being told that it is true")
			}
			load.end()
			if f.hits.Load() == 0 || s.State().Breaks == 0 || s.State().Err == nil {
				t.Errorf("%d faults, state %+v", f.hits.Load(), s.State())
			}
			// All that was appended is confirmed, or end would hang; and it is there, also after a crash.
			atLeast(t, "running", contents(t, s), load.sent)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			atLeast(t, "reopened", contents(t, open(t, Options{FS: fs})), load.sent)
		})
	}
}

// startFlush rotates the log and flushes; on a broken instance it never returns. Where there is no instance, the load has met the
// fault already.
func startFlush(_ *testing.T, s *Store) {
	s.mu.Lock()
	in := s.in
	s.mu.Unlock()
	if in == nil {
		return
	}
	go func() { _ = in.run(func() error { _, err := in.db.AsyncFlush(); return err }) }()
}

func onSuffix(suffix string, kind errorfs.OpKind) func(errorfs.Op) bool {
	return func(op errorfs.Op) bool { return op.Kind == kind && strings.HasSuffix(op.Path, suffix) }
}

func onManifest(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileWrite && strings.Contains(filepath.Base(op.Path), "MANIFEST")
}

// onCreateAfterSync matches log syncs until one failed, and all creations from then on.
func onCreateAfterSync() func(errorfs.Op) bool {
	var broken atomic.Int64
	return func(op errorfs.Op) bool {
		if onLog(errorfs.OpFileSync, errorfs.OpFileSyncData)(op) {
			return broken.Add(1) <= 21
		}
		return op.Kind == errorfs.OpCreate && broken.Load() > 20
	}
}

// quick is the system's clock without pauses between attempts.
func quick() clock {
	return clock{now: time.Now, after: time.After, retry: func(int) time.Duration { return 0 }}
}

// The same on a real file system: fds of the abandoned instance are closed, the folder's lock stays.
func TestStoreSurvivesOnARealDisk(t *testing.T) {
	f := &fault{err: syscall.EIO, match: onLog(errorfs.OpFileSync, errorfs.OpFileSyncData)}
	dir := t.TempDir()
	told := newHealthLog()
	o := Options{Path: dir, FS: errorfs.Wrap(vfs.Default, f), OnHealth: told.on, clock: quick()}
	s := open(t, o)
	told.want(t, true)
	for round := range uint64(3) {
		f.left.Store(1)
		done := make(chan *worker.Write, 1)
		s.Append(&worker.Write{Changes: change(nil, round, 1), Count: 1, Done: done})
		told.want(t, false)
		var inUse *InUseError
		if _, err := Open(testOptions(Options{Path: dir, FS: vfs.Default})); !errors.As(err, &inUse) {
			t.Errorf("the folder is free while the store recovers: %v", err)
		}
		<-done
		told.want(t, true)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(versions(0, 1, 1, 1, 2, 1), contents(t, open(t, Options{Path: dir, FS: vfs.Default}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A disk that is full for as long as the ballast is there.
func TestBallastMakesRoom(t *testing.T) {
	fs := vfs.NewMem()
	ballast := fs.PathJoin("db", ballastFile)
	f := &fault{err: syscall.ENOSPC}
	f.match = func(op errorfs.Op) bool {
		_, err := fs.Stat(ballast)
		return err == nil && (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpCreate)
	}
	told := newHealthLog()
	s := open(t, Options{FS: diskOf{errorfs.Wrap(fs, f), 1 << 30}, Ballast: 1 << 20, OnHealth: told.on, clock: quick()})
	told.want(t, true)
	s.keepBallast()
	if info, err := fs.Stat(ballast); err != nil || info.Size() != 1<<20 {
		t.Fatalf("ballast: %v %v", info, err)
	}
	commit(t, s, change(nil, 1, 1))
	if size := s.State().DiskSize; size >= 1<<20 {
		t.Errorf("disk size %d counts the ballast", size)
	}
	f.left.Store(-1)
	commit(t, s, change(nil, 2, 1)) // confirmed only because the ballast went
	told.want(t, false)
	told.want(t, true)
	if _, err := fs.Stat(ballast); err == nil {
		t.Error("the ballast is still there")
	}
	f.left.Store(0)
	s.keepBallast()
	if _, err := fs.Stat(ballast); err != nil {
		t.Errorf("the ballast was not made again: %v", err)
	}
	if diff := cmp.Diff(versions(1, 1, 2, 1), contents(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBallastKeepsToItsShare(t *testing.T) {
	for name, c := range map[string]struct {
		ballast, want int64
		total, avail  uint64
	}{
		"one percent of a small disk": {0, 1 << 20, 100 << 20, 100 << 20},
		"a full disk":                 {1 << 20, -1, 1 << 30, 3 << 20},
		"none":                        {-1, -1, 1 << 30, 1 << 30},
	} {
		fs := vfs.NewMem()
		s := open(t, Options{FS: disk{fs, c.total, c.avail}, Ballast: c.ballast + b2i(c.ballast == 0)})
		s.o.Ballast = c.ballast
		s.keepBallast()
		got := int64(-1)
		if info, err := fs.Stat(fs.PathJoin("db", ballastFile)); err == nil {
			got = info.Size()
		}
		if got != c.want {
			t.Errorf("%s: ballast of %d octets, want %d", name, got, c.want)
		}
	}
}

func b2i(b bool) int64 {
	if b {
		return -1
	}
	return 0
}

// A disk is a file system of a given size.
type disk struct {
	vfs.FS
	total, avail uint64
}

// GetDiskUsage implements vfs.FS.
func (d disk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{TotalBytes: d.total, AvailBytes: d.avail}, nil
}

// diskOf is a disk that is empty.
type diskOf struct {
	vfs.FS
	size uint64
}

// GetDiskUsage implements vfs.FS.
func (d diskOf) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{TotalBytes: d.size, AvailBytes: d.size}, nil
}

func TestCloseOfABrokenStoreIsBounded(t *testing.T) {
	f := &fault{err: syscall.EIO, match: func(op errorfs.Op) bool {
		return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpCreate
	}}
	fs := vfs.NewMem()
	told := newHealthLog()
	s := open(t, Options{FS: errorfs.Wrap(fs, f), OnHealth: told.on, DrainTimeout: 50 * time.Millisecond})
	told.want(t, true)
	f.left.Store(-1)
	s.Append(&worker.Write{Changes: change(nil, 1, 1), Count: 1, Done: make(chan *worker.Write, 1)})
	told.want(t, false)
	if err := s.Close(); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "1 writes") {
		t.Errorf("got %v, want one write counted and the reason", err)
	}
	f.left.Store(0)
	// The folder is free, and whole.
	open(t, Options{FS: fs})
}

func TestHangingCommitIsUnhealthy(t *testing.T) {
	now := &testTime{at: time.Unix(1_800_000_000, 0)}
	told := newHealthLog()
	hang := make(chan struct{})
	entered := make(chan struct{}, 1)
	f := &fault{err: nil, match: func(op errorfs.Op) bool {
		if onLog(errorfs.OpFileSync, errorfs.OpFileSyncData)(op) {
			select {
			case entered <- struct{}{}:
			default:
			}
			<-hang
		}
		return false
	}}
	s := open(t, Options{FS: errorfs.Wrap(vfs.NewMem(), f), OnHealth: told.on, clock: now.clock()})
	told.want(t, true)
	f.left.Store(-1)
	done := make(chan *worker.Write, 1)
	s.Append(&worker.Write{Changes: change(nil, 1, 1), Count: 1, Done: done})
	<-entered
	s.housekeep()
	if !s.Healthy() {
		t.Error("unhealthy at once")
	}
	now.at = now.at.Add(stallAfter)
	s.housekeep()
	if s.Healthy() {
		t.Error("healthy while a commit hangs")
	}
	told.want(t, false)
	close(hang)
	<-done
	told.want(t, true)
}
