package store

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A taskDoer does tasks as they come, some of them twice, until it is ended.
type taskDoer struct {
	s      *Store
	before func() // called for each task before it is done
	end    chan struct{}
	ended  chan struct{}

	mu     sync.Mutex
	order  []string // as they were read
	failed int      // calls
}

func startDoer(s *Store, before func()) *taskDoer {
	d := &taskDoer{s: s, before: before, end: make(chan struct{}), ended: make(chan struct{})}
	go d.work()
	return d
}

func (d *taskDoer) work() {
	defer close(d.ended)
	for last := (TaskID{}); ; {
		tasks, err := d.s.Tasks(last, 16)
		if err != nil {
			d.fail()
			tasks = nil
		}
		if len(tasks) == 0 {
			select {
			case <-d.s.TaskNews():
				continue
			case <-d.end:
				return
			}
		}
		last = tasks[len(tasks)-1].ID
		for _, task := range tasks {
			d.mu.Lock()
			d.order = append(d.order, string(task.Octets))
			d.mu.Unlock()
			d.before()
		}
		// Each but the first is done at once; that one stays until the next time.
		if err := d.s.DoneTasks(idsOf(tasks)[1:]...); err != nil {
			d.fail()
		} else if err := d.s.DoneTasks(tasks[0].ID, last); err != nil {
			d.fail()
		}
	}
}

func (d *taskDoer) fail() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed++
}

func (d *taskDoer) stop() {
	close(d.end)
	<-d.ended
}

// The power is cut at many moments of commits, deletions, passes and compactions, and again while the store is reopened. The task of
// whatever was confirmed is there, or it was done, or about to be; and no task is there without its change.
func TestConfirmedTasksSurviveCrashes(t *testing.T) {
	c := &crasher{fs: vfs.NewCrashableMem(), every: 7, rng: seeded(t)}
	codec := testCodec
	codec.Task = everyTask
	s := open(t, taskOptions(Options{FS: c.disk(), absorb: 20_000, Codec: codec}, 1<<20))
	d := startDoer(s, func() { c.done.Add(1) })
	load := startLoad(s, 3)
	c.load.Store(load)
	for c.cuts() < 40 || load.count() < 1000 {
		flush(t, s)
		compact(t, s)
	}
	load.end()
	c.load.Store(nil)
	d.stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if d.failed > 0 {
		t.Errorf("%d calls failed", d.failed)
	}
	for i, crash := range c.crashes {
		fs := crash.fs
		if i%4 == 0 {
			again := &crasher{fs: fs, every: 1 + c.rng.Int64N(8), rng: c.rng}
			again.load.Store(&loadTest{})
			if err := openClose(Options{FS: again.disk(), Codec: codec}); err != nil {
				t.Fatal(err)
			}
			if n := len(again.crashes); n > 0 {
				fs = again.crashes[c.rng.IntN(n)].fs
			}
		}
		checkTasks(t, crash, fs, load, d)
		if t.Failed() {
			return
		}
	}
}

// checkTasks holds what waits after a crash against what was confirmed and what was done before it.
func checkTasks(t *testing.T, crash crash, fs *vfs.MemFS, load *loadTest, d *taskDoer) {
	t.Helper()
	s, err := Open(testOptions(Options{FS: fs}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	there, bindings := map[string]bool{}, contents(t, s)
	tasks := texts(waiting(t, s, 1000))
	for _, text := range tasks {
		if version := binary.BigEndian.Uint64([]byte(text[KeySize:])); bindings[text[:KeySize]] < version {
			t.Errorf("%s: the task of version %d is there, its change isn't", crash.at, version)
		}
	}
	for _, text := range slices.Concat(tasks, d.order[:crash.done]) {
		there[text] = true
	}
	for _, confirmed := range load.order[:crash.count] {
		if !there[testTask(confirmed[0], confirmed[1])] {
			t.Errorf("%s: the task of version %d of key %d is neither there nor was it done", crash.at, confirmed[1], confirmed[0])
			return
		}
	}
	if s.TaskStats().Lost {
		t.Errorf("%s: told that tasks are lost", crash.at)
	}
}

// Logs that can't be written break the store under load, with somebody at the tasks. He is told by errors, and afterwards every task of
// a confirmed change was done, or waits.
func TestTasksSurviveFaults(t *testing.T) {
	for name, kinds := range map[string][]errorfs.OpKind{
		"write": {errorfs.OpFileWrite}, "sync": {errorfs.OpFileSync, errorfs.OpFileSyncData},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fault{err: errors.New("the disk is gone"), match: onLog(kinds...)}
			fs := vfs.NewMem()
			told := newHealthLog()
			codec := testCodec
			codec.Task = everyTask
			o := taskOptions(Options{FS: errorfs.Wrap(fs, f), OnHealth: told.on, clock: quick(), Codec: codec}, 1<<20)
			s := open(t, o)
			told.want(t, true)
			d := startDoer(s, func() {})
			load := startLoad(s, 3)
			for range 3 {
				f.skip.Store(50)
				f.left.Store(1)
				told.want(t, false)
				told.want(t, true)
			}
			load.end()
			d.stop()
			done := d.order
			for range 2 {
				there := map[string]bool{}
				for _, text := range slices.Concat(texts(waiting(t, s, 1000)), done) {
					there[text] = true
				}
				for _, confirmed := range load.order {
					if !there[testTask(confirmed[0], confirmed[1])] {
						t.Fatalf("the task of version %d of key %d is neither there nor was it done", confirmed[1], confirmed[0])
					}
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				o.FS, o.OnHealth = fs, nil
				s = open(t, o)
			}
		})
	}
}

// While there is no instance, reading and deleting are refused; with the next one they go on, and an unsynced store says what it may have lost.
func TestTasksOfABrokenStore(t *testing.T) {
	for _, sync := range []SyncMode{SyncAlways, SyncNever} {
		f := &fault{err: errors.New("the disk is gone"), match: func(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite }}
		told := newHealthLog()
		s := open(t, taskOptions(Options{FS: errorfs.Wrap(vfs.NewMem(), f), OnHealth: told.on, clock: quick(), Sync: sync}, 10))
		told.want(t, true)
		commit(t, s, change(nil, 1, 2))
		<-s.TaskNews()
		f.left.Store(-1)
		s.in.fail(f.err)
		told.want(t, false)
		if _, err := s.Tasks(TaskID{}, 1); !errors.Is(err, f.err) {
			t.Errorf("got %v, want %v", err, f.err)
		}
		if err := s.DoneTasks(TaskID{0, 1}); !errors.Is(err, f.err) {
			t.Errorf("got %v, want %v", err, f.err)
		}
		f.left.Store(0)
		told.want(t, true)
		if stats := s.TaskStats(); stats.Lost != (sync == SyncNever) {
			t.Errorf("sync %v: %+v", sync, stats)
		}
		if sync == SyncAlways {
			<-s.TaskNews()
			wantTasks(t, s, testTask(1, 2))
		}
		done(t, s, idsOf(waiting(t, s, 10))...)
		wantTasks(t, s)
	}
}
