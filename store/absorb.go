package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The log is absorbed into the base in the background. A commit appends a group's changes as they came, under the next place
// of the log, which costs next to nothing per change. When the log has absorbSize octets, they are read, sorted, written
// into tables in the order of addresses, of each key the highest version only, and those tables are made part of the
// base at once. Then that part of the log is deleted. docs/decisions/0005-log-and-base.md has the measurements.
//
// # Invariants
//
//  1. What is confirmed is in the log, in the base, or in both. It is deleted from the log only after the tables with it are
//     the base's, durably. Base and log are merged by version, so what is in both does no harm.
//  2. Only places below all that are being committed are absorbed: groups may be committed in another order than their places.
//  3. The base is written by one goroutine at a time, the absorber or the sweep, which has the instance's token for it. Commits
//     write log, tasks and Meta values only.
//  4. A crash can bring back a part of the log that was deleted, never without what was written to the base after that (Pebble's
//     log keeps order). So whoever opens an instance begins again at the first place that is there.
//  5. A pass ends when its instance breaks: what it holds, some 100 MiB, goes with it, and who waits for the base hears of it. It gives
//     its changes up before it calls Pebble, which may never return (invariant 3 of the package).
const (
	absorbSize = 64 << 20 // octets of the log that are worth a pass, as much as a memtable
	// A query looks through the log for what isn't in the index yet: some milliseconds for so many octets.
	absorbIndexed = 16 << 20
	absorbTable   = 8 << 20          // octets of a table that is made of it
	absorbAgain   = 10 * time.Second // after which a pass that failed is tried again
	absorbName    = "absorb-"
)

// absorbDue starts the absorber where the log is long enough and none is at work. Store.mu is held.
func (s *Store) absorbDue(in *instance) {
	now := s.o.clock.now()
	if s.logged < s.o.absorb || in.absorbing || s.closing || s.damaged.Load() || now.Before(in.absorbAfter) {
		return
	}
	in.absorbing = true
	in.users.Add(1)
	go func() {
		defer in.users.Done()
		err := s.absorb(in, s.o.absorb)
		if err != nil && !errors.Is(err, errClosed) && !in.isBroken() {
			s.o.Logger.Warn("store: the log couldn't be absorbed; it grows until it can", "id", "store-log-unabsorbed", "error", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		in.absorbing = false
		if err != nil {
			in.absorbAfter = now.Add(absorbAgain)
		}
	}()
}

// absorb makes the log shorter than so many octets; 0: absorbs what is in it now.
func (s *Store) absorb(in *instance, least int) error {
	if err := in.lockBase(); err != nil {
		return err
	}
	defer in.unlockBase()
	_, now, _ := s.absorbable(in, 0)
	for {
		from, below, more := s.absorbable(in, least)
		if !more || least == 0 && from >= now {
			return nil
		}
		next, octets, err := s.absorbSome(in, from, below)
		if err != nil {
			return err
		}
		b := in.db.NewBatch()
		if err := b.DeleteRange(logFrom, logKey(next), nil); err != nil {
			return err
		}
		if err := in.apply(b, pebble.NoSync); err != nil {
			in.fail(err)
			return err
		}
		s.mu.Lock()
		if s.in == in {
			s.absorbed = next
			s.logged = max(s.logged-octets, 0)
		}
		s.mu.Unlock()
	}
}

// absorbSome makes a part of the log a part of the base. Next is the place behind it, and octets is how long it was.
func (s *Store) absorbSome(in *instance, from, below uint64) (next uint64, octets int, err error) {
	paths, next, octets, err := s.writeTables(in, from, below)
	if err == nil && len(paths) > 0 {
		err = in.ingest(paths)
	}
	if err != nil {
		in.removeFiles(paths)
	}
	return next, octets, err
}

// absorbable tells which places of the log may be absorbed, and whether that is to be done.
func (s *Store) absorbable(in *instance, least int) (from, below uint64, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	below = s.settledBelow()
	return s.absorbed, below, s.in == in && !s.closing && s.absorbed < below && s.logged >= least
}

// writeTables writes tables of what a part of the log says, with what history and the index get of it. It names those that are there also where it fails.
func (s *Store) writeTables(in *instance, from, below uint64) (paths []string, next uint64, octets int, err error) {
	r, next, err := readLog(in.db, s.noting(), from, below, s.o.absorb)
	if err != nil {
		return nil, from, 0, err
	}
	if len(r.changes) == 0 {
		return nil, below, len(r.octets), nil // places that were never committed
	}
	for change, note, entry := 0, 0, 0; change < len(r.changes) || note < len(r.notes) || entry < len(r.indexed); {
		path := in.fuse.PathJoin(s.o.Path, fmt.Sprintf("%s%d%s", absorbName, len(paths), tableSuffix))
		paths = append(paths, path)
		if s.isClosing() {
			return paths, from, 0, errClosed
		}
		switch {
		case change < len(r.changes):
			change, err = in.writeTable(path, in.tables, change, r.writeChanges)
		case note < len(r.notes):
			note, err = in.writeTable(path, in.historyTables, note, r.writeNotes)
		default:
			entry, err = in.writeTable(path, in.tables, entry, r.writeIndex)
		}
		if err != nil {
			return paths, from, 0, err
		}
	}
	return paths, next, len(r.octets), nil
}

// ingest makes tables part of the base, all at once.
func (in *instance) ingest(paths []string) error {
	err := guard(func() error { return in.db.Ingest(context.Background(), paths) })
	var table *tableWriteError
	if err != nil && !errors.As(err, &table) {
		in.fail(err) // nobody knows what Pebble has done of it
	}
	return err
}

func (s *Store) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// writeTable writes one table of what a run has, from number i on, and returns the number of the next one.
func (in *instance) writeTable(path string, o sstable.WriterOptions, i int, write func(*sstable.Writer, int) (int, error)) (next int, err error) {
	file, err := in.fuse.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return i, err
	}
	file = vfs.NewSyncingFile(file, vfs.SyncingFileOptions{BytesPerSync: 1 << 20})
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(file), o)
	next, err = write(w, i)
	return next, errors.Join(err, w.Close())
}

// writeChanges writes one table of changes, from number i on, and returns the number of the next one.
func (r *run) writeChanges(w *sstable.Writer, i int) (next int, err error) {
	key := make([]byte, 1+KeySize)
	key[0] = prefixBinding
	var value []byte
	for octets := 0; i < len(r.changes) && octets < absorbTable; i++ {
		c, v := &r.changes[i], r.valueOf(i)
		r.key(key[1:], i)
		value = append(value[:0], make([]byte, storedSize(v, c.removed))...)
		putStored(value, v, c.removed, c.stamp)
		if err := w.Merge(key, value); err != nil {
			return i, err
		}
		octets += len(key) + len(value)
	}
	return i, nil
}

func (in *instance) removeFiles(paths []string) {
	for _, path := range paths {
		_ = in.fuse.Remove(path)
	}
}

// removeAbsorbed removes tables that a crash left before they were the base's.
func (in *instance) removeAbsorbed(dir string) error {
	names, err := in.fuse.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, absorbName) {
			if err := in.fuse.Remove(in.fuse.PathJoin(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// findLog tells where the log begins and ends: the first place that is there, and the one behind the last.
func (in *instance) findLog() (first, next uint64, err error) {
	it, err := in.db.NewIter(&pebble.IterOptions{LowerBound: logFrom, UpperBound: logTo})
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if closed := it.Close(); err == nil {
			err = closed
		}
	}()
	if it.First() {
		if first, err = sequenceOf(it.Key()); err != nil {
			return 0, 0, err
		}
	}
	if it.Last() {
		if next, err = sequenceOf(it.Key()); err != nil {
			return 0, 0, err
		}
		next++
	}
	return first, next, it.Error()
}
