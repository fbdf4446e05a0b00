package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A crash is what a machine would find after losing power at one moment, and what was confirmed before it.
type crash struct {
	fs        *vfs.MemFS
	confirmed map[uint64]uint64
	count     int // of all that was confirmed
	done      int // how many tasks were done, or about to be
	at        string
}

// A crasher cuts the power, in thought, before certain operations of a crashable file system.
type crasher struct {
	fs    *vfs.MemFS
	load  atomic.Pointer[loadTest]
	done  atomic.Int64 // tasks that are done, or about to be
	every int64
	ops   atomic.Int64

	mu      sync.Mutex
	rng     *rand.Rand
	crashes []crash
	logs    int // of these, before operations on a log
}

// mostCuts bounds the clones in memory. Half of them at most are before operations on logs, of which there may be as many before the first flush.
const mostCuts = 100

// String implements errorfs.Injector.
func (c *crasher) String() string { return "crasher" }

// MaybeError implements errorfs.Injector; it never makes an error.
func (c *crasher) MaybeError(op errorfs.Op) error {
	l := c.load.Load()
	if l == nil || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || c.ops.Add(1)%c.every != 0 {
		return nil
	}
	confirmed, count := l.confirmed(), l.count() // first: what is confirmed after the cut may be missing
	c.mu.Lock()
	defer c.mu.Unlock()
	ofLog := strings.HasSuffix(op.Path, logSuffix)
	if len(c.crashes) >= mostCuts || ofLog && c.logs >= mostCuts/2 {
		return nil
	}
	if ofLog {
		c.logs++
	}
	c.crashes = append(c.crashes, crash{
		fs:        c.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.rng.IntN(101), RNG: c.rng}),
		confirmed: confirmed,
		count:     count,
		done:      int(c.done.Load()), // behind the clone: what is done after it is there still
		at:        fmt.Sprintf("before operation %d, %v of %s", c.ops.Load(), op.Kind, op.Path),
	})
	return nil
}

// A crashFS keeps a clone and a reuse or a link of a file apart: MemFS takes its lock twice for reading there, and hangs with
// a clone that waits in between.
type crashFS struct {
	vfs.FS
	mu *sync.Mutex
}

// ReuseForWrite implements vfs.FS.
func (f crashFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.FS.ReuseForWrite(from, to, c)
}

// Link implements vfs.FS.
func (f crashFS) Link(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.FS.Link(from, to)
}

// A crashable is a file system in memory whose power a test cuts while a store uses it.
type crashable struct {
	crashFS
	mem *vfs.MemFS
}

func newCrashable() crashable {
	mem := vfs.NewCrashableMem()
	return crashable{crashFS{mem, new(sync.Mutex)}, mem}
}

// CrashClone is what is there after the cut.
func (c crashable) CrashClone(cfg vfs.CrashCloneCfg) *vfs.MemFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mem.CrashClone(cfg)
}

// cuts counts the moments so far.
func (c *crasher) cuts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.crashes)
}

// disk is what the store under test gets.
func (c *crasher) disk() vfs.FS { return errorfs.Wrap(crashFS{c.fs, &c.mu}, c) }

// Under load, with flushes and compactions, the power is cut at many moments, each with another part of what was
// not synced. Whatever was confirmed must be there, and again after a second crash during the recovery.
func TestConfirmedWritesSurviveCrashes(t *testing.T) {
	c := &crasher{fs: vfs.NewCrashableMem(), every: 7, rng: seeded(t)}
	s := open(t, Options{FS: c.disk(), absorb: 20_000})
	cutUnderLoad(t, c, s, 60)
	kinds := map[string]bool{}
	for i, crash := range c.crashes {
		kinds[crash.at[strings.LastIndexByte(crash.at, '.')+1:]] = true
		atLeast(t, crash.at, survive(t, c.rng, crash.fs, i%4 == 0), crash.confirmed)
		if t.Failed() {
			return
		}
	}
	if !kinds["log"] || !kinds["sst"] {
		t.Errorf("cuts in %v only, want logs and tables among them", kinds)
	}
}

// cutUnderLoad loads a store, has the crasher cut the power at so many moments or more of at least 1000 writes, and
// closes it, so that nobody adds cuts any more.
func cutUnderLoad(t *testing.T, c *crasher, s *Store, cuts int) *loadTest {
	t.Helper()
	l := startLoad(s, 3)
	c.load.Store(l)
	for c.cuts() < cuts || l.count() < 1000 {
		flush(t, s)
		compact(t, s)
	}
	l.end()
	c.load.Store(nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return l
}

// survive reopens a store after a crash and returns what it holds. Twice: the machine crashes again at some operation of
// the reopening, and what it finds then counts.
func survive(t *testing.T, rng *rand.Rand, fs *vfs.MemFS, twice bool) map[string]uint64 {
	t.Helper()
	if twice {
		again := &crasher{fs: fs, every: 1 + rng.Int64N(8), rng: rng}
		again.load.Store(&loadTest{})
		if err := openClose(Options{FS: again.disk()}); err != nil {
			t.Fatal(err)
		}
		if n := len(again.crashes); n > 0 {
			fs = again.crashes[rng.IntN(n)].fs
		}
	}
	s, err := Open(testOptions(Options{FS: fs}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return contents(t, s)
}

// Without syncs the store loses only what is newest: no hole, no damage.
func TestSyncNeverLosesOnlyTheNewest(t *testing.T) {
	rng := seeded(t)
	fs := newCrashable()
	s := open(t, Options{FS: fs, Sync: SyncNever})
	const keys = 500
	for n := range uint64(keys) {
		commit(t, s, change(nil, n, 1))
		if n%100 != 99 {
			continue
		}
		got := survive(t, rng, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}), false)
		for i := range uint64(len(got)) {
			if got[string(testKey(i))] != 1 {
				t.Errorf("%d bindings are there, but not number %d", len(got), i)
				break
			}
		}
	}
	if got := s.State(); got.Syncs != 0 {
		t.Errorf("%d syncs", got.Syncs)
	}
}
