package store

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// An instance is one opening of the Pebble database. It breaks at most once; then the store replaces it.
type instance struct {
	db     *pebble.DB
	fuse   *fuse
	log    *slog.Logger
	broken chan struct{}   // closed when it broke; err is set before
	onFail func(*instance) // called once, with Pebble's locks held

	mu  sync.Mutex
	err error

	// users counts the store's goroutines inside db, for a clean Close. Those that are parked stay counted.
	users sync.WaitGroup

	readOnly    bool
	tables      sstable.WriterOptions // of tables that the absorber makes
	base        chan struct{}         // a token: somebody writes the base
	logFirst    uint64                // first place of the log when it was opened
	logNext     uint64                // and the one behind the last
	logSize     int                   // octets of it then, about
	found       foundTasks            // tasks then
	tasks       sync.Mutex            // held by who deletes tasks
	outboxFound foundOutbox           // changes to be told then
	outbox      sync.Mutex            // held by who deletes some of those
	marks       int                   // tasks deleted since the last range; guarded by tasks
	absorbing   bool                  // the absorber runs; guarded by Store.mu

	absorbAfter   time.Time // a pass failed: not before; guarded by Store.mu
	sweeping      atomic.Bool
	historyTables sstable.WriterOptions // of those that are never rewritten, as a rule
	swept         uint32                // horizon of the last sweep; guarded by base

	tableFailures atomic.Int32 // writes of tables that failed since the last flush or compaction that went well
}

// openInstance opens the database in the store's folder. It waits no longer than until the instance breaks or
// the store is closed, whatever becomes of Pebble's Open.
func (s *Store) openInstance(readOnly bool) (*instance, error) {
	in := &instance{readOnly: readOnly, log: s.o.Logger, broken: make(chan struct{}), base: make(chan struct{}, 1), onFail: s.instanceBroke}
	in.fuse = newFuse(s.o.FS, s.o.Path, in.fail, func(err error) { s.tableFailed(in, err) })
	events := &pebble.EventListener{
		BackgroundError: in.background,
		DataCorruption:  func(info pebble.DataCorruptionInfo) { in.corruption(s, info) },
		FlushEnd:        func(info pebble.FlushInfo) { in.tableWritten(info.Err) },
		CompactionEnd:   func(info pebble.CompactionInfo) { in.tableWritten(info.Err) },
	}
	o := pebbleOptions(in.fuse, s.merger, instanceLogger{in}, events, s.damaged.Load())
	o.ReadOnly = readOnly

	type result struct {
		db  *pebble.DB
		err error
	}
	opened := make(chan result, 1)
	go func() {
		var r result
		if !readOnly {
			r.err = in.fuse.probe()
		}
		if r.err == nil {
			r.err = in.lookFirst(s.o.Path)
		}
		if r.err == nil {
			r.err = guard(func() (err error) {
				if r.db, err = pebble.Open(s.o.Path, o); err != nil {
					return err
				}
				in.db = r.db
				in.tables = o.MakeWriterOptions(0, o.FormatMajorVersion.MaxTableFormat())
				in.historyTables = o.MakeWriterOptions(len(o.Levels)-1, o.FormatMajorVersion.MaxTableFormat())
				if in.logFirst, in.logNext, err = in.findLog(); err != nil || readOnly {
					return err
				}
				size, err := in.db.EstimateDiskUsage(logFrom, logTo) // in tables, for Pebble has just flushed its own log
				if in.logSize = int(size); err != nil {
					return err
				}
				if in.found, err = in.findTasks(); err != nil {
					return err
				}
				if in.outboxFound, err = in.findOutbox(); err != nil {
					return err
				}
				return in.removeAbsorbed(s.o.Path)
			})
		}
		opened <- r
	}()
	select {
	case r := <-opened:
		if r.err != nil {
			in.fail(r.err)
			return in, r.err
		}
		in.fuse.armed.Store(true)
		return in, nil
	case <-in.broken:
		return in, in.err
	case <-s.quit:
		in.fail(errClosed)
		return in, errClosed
	}
}

// lookFirst refuses a folder that lacks what was on stable storage, before Pebble opens it, which would then delete more.
func (in *instance) lookFirst(dir string) error {
	found, err := lookInto(in.fuse, dir)
	if err != nil {
		return err
	}
	in.fuse.witness.begin(found.said)
	return found.err()
}

// fail breaks the instance: its fuse is blown at once, and the store told. It takes locks of its own only, never
// Pebble's, because it is called from wherever Pebble, or the file system under it, found the failure.
func (in *instance) fail(err error) {
	in.mu.Lock()
	if in.err != nil {
		in.mu.Unlock()
		return
	}
	in.err = err
	in.mu.Unlock()
	in.fuse.blow()
	in.onFail(in)
	close(in.broken)
}

// failure is what the instance failed with; nil: nothing yet. It is set a moment before anybody is told.
func (in *instance) failure() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

func (in *instance) isBroken() bool {
	select {
	case <-in.broken:
		return true
	default:
		return false
	}
}

// background judges an error of a flush or a compaction. Where a table couldn't be written, Pebble tries again (the
// fuse has had it wait). Other failed writes don't get here (the fuse keeps them), so it is a table that can't be
// read, or a merge that fails: the next instance may fare better. Pebble would try again at once and without end, so
// the goroutine is parked.
func (in *instance) background(err error) {
	var table *tableWriteError
	if errors.As(err, &table) {
		return
	}
	in.log.Error("store: background work failed", "id", "store-background-failed", "error", err)
	in.fail(fmt.Errorf("background work: %w", err))
	park()
}

// tableWritten notes that a flush or a compaction has ended.
func (in *instance) tableWritten(err error) {
	if err == nil {
		in.tableFailures.Store(0)
	}
}

// corruption notes that a table is damaged. The compaction that met it will come to background, and the next instance
// runs without compactions: what is damaged stays so, but what is granted is durable.
func (in *instance) corruption(s *Store, info pebble.DataCorruptionInfo) {
	s.damaged.Store(true)
	in.log.Error("store: a table is damaged; restore the newest checkpoint", "id", "store-table-damaged", "file", info.Path, "error", info.Details)
}

// use counts the caller as a user of the current instance; done must be called afterwards.
func (s *Store) use() (in *instance, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, nil, errClosed
	}
	if s.in == nil {
		return nil, nil, fmt.Errorf("store %s is broken: %w", s.o.Path, s.lastErr)
	}
	s.in.users.Add(1)
	return s.in, s.in.users.Done, nil
}

// run calls f, which uses the instance, in a goroutine of its own, and returns early when the instance breaks:
// then f may never return.
func (in *instance) run(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- guard(f) }()
	select {
	case err := <-done:
		return err
	case <-in.broken:
		return in.err
	}
}

// runTelling is run for what tells its caller something on the way. What is told goes through tell, which calls it, or returns an
// error where nobody waits any more: nothing is told once runTelling has returned.
func (in *instance) runTelling(f func(tell func(func() error) error) error) error {
	var telling sync.Mutex
	over := false
	err := in.run(func() error {
		return f(func(what func() error) error {
			telling.Lock()
			defer telling.Unlock()
			if over {
				return errBlown
			}
			return what()
		})
	})
	telling.Lock()
	defer telling.Unlock()
	over = true
	return err
}

// lockBase waits until nobody else writes the base. It ends with an error when the instance breaks: who writes the base then may be parked with it.
func (in *instance) lockBase() error {
	select {
	case in.base <- struct{}{}:
		return nil
	case <-in.broken:
		return in.err
	}
}

func (in *instance) unlockBase() { <-in.base }

// guard calls f and turns a panic of Pebble's into an error.
func guard(f func() error) (err error) {
	defer recovered(&err)
	return f()
}

// recovered is deferred to turn a panic of Pebble's into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic in Pebble: %v", p)
	}
}

// An instanceLogger takes Pebble's messages. What Pebble calls fatal breaks the instance and parks the goroutine,
// which may hold any of Pebble's locks.
type instanceLogger struct{ in *instance }

// Infof implements pebble.Logger. Pebble's information is about its files, and too much even for debugging.
func (l instanceLogger) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (l instanceLogger) Errorf(format string, args ...any) {
	if !l.in.isBroken() {
		l.in.log.Error("store: the engine reports a fault", "id", "store-engine-fault", "error", fmt.Sprintf(format, args...))
	}
}

// Fatalf implements pebble.Logger.
func (l instanceLogger) Fatalf(format string, args ...any) {
	l.in.fail(fmt.Errorf(format, args...))
	park()
}
