package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/lockstep6/lockstep6/core/worker"
)

var errClosed = errors.New("store is closed")

// format is the version of the key space and the stored values. A store with a higher one is refused. One of format 1, which had no
// log, gets formatLog when it is opened; one that keeps history gets format, and one with an outbox formatOutbox, and stays so.
const (
	formatLog    = 2
	format       = 3
	formatOutbox = 4
)

const metaFormat = "format"

// A Store is an open store. All methods may be called from any goroutine.
type Store struct {
	o      Options
	lock   *dirLock
	merger *pebble.Merger

	stampBase  atomic.Int64  // nanoseconds; see stamp
	horizon    atomic.Uint32 // removals with a stamp below it may be deleted
	removals   atomic.Uint64 // removals since the last sweep, and those it left
	values     atomic.Uint64 // stored values, removals too, as the last scan counted them
	history    atomic.Pointer[keeping]
	dating     atomic.Pointer[func() time.Time] // nil: by the clock as it was when the store was opened, and what has passed since
	opened     time.Time
	indexWhole atomic.Bool
	dropped    atomic.Uint32 // days of history below it are deleted
	loaded     atomic.Bool
	damaged    atomic.Bool
	healthy    atomic.Bool // what Healthy tells; written under mu

	wake     chan struct{} // a token: the instance broke
	quit     chan struct{} // closed by Close when nothing more is waited for
	ended    chan struct{} // closed by the keeper
	diskWork chan struct{} // a token: lookAfterDisk runs
	notify   chan health   // to OnHealth, in order
	over     chan struct{} // closed at the end of Close

	mu        sync.Mutex
	changed   sync.Cond // the queue, in, closing, closed, a group's building
	in        *instance // nil while broken
	queue     []entry   // arrived, not taken
	taken     []*group  // being committed, oldest first
	owed      int       // entries that must be confirmed before the store is healthy again
	next      uint64    // number of the next entry
	closing   bool
	closed    bool          // quit is closed
	drained   chan struct{} // closed when closing and nothing is unconfirmed
	meta      map[string][]byte
	stats     stats
	stalled   bool
	lastErr   error
	lost      *instance // broke, and the keeper has not seen it yet
	attempt   int       // to reopen; the keeper's
	installed time.Time // when the current instance was
	since     time.Time // of the last change of healthy
	mark      mark

	tasks  taskQueue
	outbox outboxState

	sequence    uint64  // the log's next place
	absorbed    uint64  // places below it are in the base
	logged      int     // octets of changes in the log that aren't absorbed, about
	nextHorizon horizon // takes effect when its part of the log is absorbed
}

// A health is one change of Healthy.
type health struct {
	healthy bool
	err     error
}

var _ worker.Journal = (*Store)(nil)

// Open opens the store in a folder, and makes it if it isn't there. The error names the path and what to do; it is
// an *InUseError where another process has the store, and wraps ErrFormat or ErrCorrupt where that is the reason.
func Open(o Options) (*Store, error) {
	s := newStore(o)
	if err := s.open(); err != nil {
		return nil, explain(o.Path, err)
	}
	if runtime.GOMAXPROCS(0) == 1 {
		s.o.Logger.Warn("store: only one core; commits will wait for flushes and compactions", "id", "store-one-core", "GOMAXPROCS", 1)
	}
	return s, nil
}

func newStore(o Options) *Store {
	s := &Store{
		o:    o.withDefaults(),
		wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}), diskWork: make(chan struct{}, 1),
		notify: make(chan health, 64), over: make(chan struct{}), drained: make(chan struct{}),
		meta: make(map[string][]byte), next: 1, tasks: taskQueue{news: make(chan struct{}, 1)}, outbox: outboxState{news: make(chan struct{}, 1)},
	}
	s.changed.L = &s.mu
	s.outbox.settings.Store(&Outbox{})
	s.merger = newMerger(s.o.Codec)
	s.since = s.o.clock.now()
	s.opened = s.since.Add(-s.o.clock.elapsed())
	s.stampsFrom(s.since)
	return s
}

func (s *Store) open() error {
	if err := s.o.FS.MkdirAll(s.o.Path, 0o700); err != nil {
		return err
	}
	lock, err := lockDir(s.o.FS, s.o.Path)
	if err != nil {
		return err
	}
	s.lock = lock
	in, err := s.openInstance(false)
	if err == nil {
		if err = s.loadMeta(in); err != nil {
			in.fail(err)
		}
	}
	if err != nil {
		in.fuse.wait(nil)
		lock.close()
		return err
	}
	s.refreshDiskSize()
	s.install(in)
	go s.tellHealth()
	go s.keep()
	return nil
}

// loadMeta reads all Meta values and checks the store's format, or writes it into a new store.
func (s *Store) loadMeta(in *instance) error {
	err := in.run(func() error {
		return scan(in.db, metaFrom, metaTo, func(key, value []byte) error {
			s.meta[string(key[1:])] = append([]byte(nil), value...)
			return nil
		})
	})
	if err != nil {
		return err
	}
	if err := s.checkFormat(in); err != nil {
		return err
	}
	if err := s.settleHistory(in); err != nil {
		return err
	}
	if err := s.settleIndex(in); err != nil {
		return err
	}
	return s.settleTasks(in)
}

func (s *Store) checkFormat(in *instance) error {
	found := uint32(0)
	if value, ok := s.meta[metaFormat]; ok {
		if len(value) != 4 {
			return fmt.Errorf("%w: the format's number has %d octets, want 4", errValue, len(value))
		}
		found = binary.BigEndian.Uint32(value)
	}
	switch {
	case found > formatOutbox:
		return fmt.Errorf("store %s: %w (%d) than this binary knows (%d); run the release that wrote it, or a later one",
			s.o.Path, ErrFormat, found, formatOutbox)
	case found >= formatLog || in.readOnly:
		return nil
	}
	value := binary.BigEndian.AppendUint32(nil, formatLog)
	s.meta[metaFormat] = value
	return in.run(func() error { return in.db.Set(metaKey(metaFormat), value, pebble.Sync) })
}

// Close confirms what was appended and closes the store. It waits at most Options.DrainTimeout, which only a broken
// or hanging disk needs; then it returns an error that counts the writes that are not on disk.
// Nothing may be appended once Close was called.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return errClosed
	}
	s.closing = true
	s.checkDrained()
	s.changed.Broadcast()
	s.mu.Unlock()

	deadline := s.o.clock.after(s.o.DrainTimeout)
	drained := true
	select {
	case <-s.drained:
	case <-deadline:
		drained = false
	}
	s.endKeeper()
	err := s.closeInstance(drained, deadline)
	s.lock.close()
	close(s.over)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in = nil
	s.healthy.Store(false)
	if n := s.unconfirmed(); n > 0 {
		return fmt.Errorf("store %s: closed with %d writes that could not be made durable: %w", s.o.Path, n, s.lastErr)
	}
	return err
}

// endKeeper ends all waiting for the disk, and returns when the keeper has ended.
func (s *Store) endKeeper() {
	s.mu.Lock()
	s.closed = true
	s.changed.Broadcast()
	s.mu.Unlock()
	close(s.quit)
	<-s.ended
}

// closeInstance closes the database if it is whole, and abandons it otherwise. The keeper has ended.
func (s *Store) closeInstance(drained bool, deadline <-chan time.Time) error {
	s.mu.Lock()
	in := s.in
	s.mu.Unlock()
	if in == nil {
		return nil
	}
	if !drained {
		in.fail(errClosed)
		return nil
	}
	done := make(chan error, 1)
	go func() {
		s.diskWork <- struct{}{}
		in.users.Wait()
		done <- guard(func() error { return errors.Join(s.endUnsynced(in), in.db.Close(), in.fuse.tellWitness()) })
	}()
	select {
	case err := <-done:
		return err
	case <-in.broken:
		return fmt.Errorf("closing the store: %w", in.err)
	case <-deadline:
		in.fail(errClosed)
		return fmt.Errorf("store %s: closing takes longer than %v; everything confirmed is on disk", s.o.Path, s.o.DrainTimeout)
	}
}

// tellHealth logs changes of Healthy and calls OnHealth, outside of all locks.
func (s *Store) tellHealth() {
	opened := false
	for {
		select {
		case h := <-s.notify:
			switch {
			case !h.healthy:
				s.o.Logger.Error("store: can't make grants durable; they stop until it can", "id", "store-grants-stop", "path", s.o.Path, "error", h.err)
			case opened:
				s.o.Logger.Info("store: all is durable; grants go on", "id", "store-grants-resume", "path", s.o.Path)
			}
			opened = true
			s.o.OnHealth(h.healthy, h.err)
		case <-s.over:
			return
		}
	}
}
