package store

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// A Reader reads a store that no process has open.
type Reader struct{ s *Store }

// OpenReadOnly opens a stopped store, or a checkpoint, for reading. While it is open no server can start on that folder.
// Of the options only Path, FS, Codec and Logger count. The error is an *InUseError where the store is in use.
func OpenReadOnly(o Options) (*Reader, error) {
	s := newStore(o)
	if err := s.openReadOnly(); err != nil {
		return nil, explain(o.Path, err)
	}
	return &Reader{s}, nil
}

func (s *Store) openReadOnly() error {
	info, err := s.o.FS.Stat(s.o.Path)
	switch {
	case notThere(err):
		return fmt.Errorf("%w", pebble.ErrDBDoesNotExist)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is a file, not a folder", s.o.Path)
	}
	lock, err := lockDir(s.o.FS, s.o.Path)
	if err != nil {
		return err
	}
	s.lock = lock
	in, err := s.openInstance(true)
	if err == nil {
		if err = s.loadMeta(in); err == nil {
			s.in = in
			return nil
		}
		in.fail(err)
	}
	in.fuse.wait(nil)
	lock.close()
	return err
}

// Scan calls f for each binding with from <= key < to, in the order of keys. Nil from: from the first; nil to: to the
// last. Key and value are valid during the call only. It ends with f's first error.
func (r *Reader) Scan(from, to []byte, f func(key, value []byte) error) error {
	return r.s.Scan(from, to, f)
}

// Meta returns the value under a name.
func (r *Reader) Meta(name string) ([]byte, bool) { return r.s.Meta(name) }

// Close closes the store and lets others in.
func (r *Reader) Close() error {
	r.s.mu.Lock()
	r.s.closing = true
	in := r.s.in
	r.s.mu.Unlock()
	in.users.Wait()
	err := guard(in.db.Close)
	r.s.lock.close()
	return err
}

// Scan calls f for each binding with from <= key < to that is committed, in the order of keys. Nil from: from the first;
// nil to: to the last. Key and value are valid during the call only. It ends with f's first error.
func (s *Store) Scan(from, to []byte, f func(key, value []byte) error) error {
	in, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	lower, upper := bindingsFrom, bindingsTo
	if from != nil {
		lower = bindingKey(from)
	}
	if to != nil {
		upper = bindingKey(to)
	}
	if bytes.Compare(lower, upper) >= 0 {
		return nil
	}
	return explain(s.o.Path, s.scanWhole(in, lower, upper, f))
}

// scanWhole reads log and base as they are at one moment.
func (s *Store) scanWhole(in *instance, lower, upper []byte, f func(key, value []byte) error) (err error) {
	snapshot := in.db.NewSnapshot()
	defer func() {
		if closed := snapshot.Close(); err == nil {
			err = closed
		}
	}()
	w := whole{db: snapshot}
	if w.log, _, err = readLog(snapshot, s.o.Codec.quiet(), 0, math.MaxUint64, 0); err != nil {
		return err
	}
	return w.scan(lower, upper, func(k *kept) error {
		if k.removed {
			return nil
		}
		return f(k.key, k.value)
	})
}

// Checkpoint makes a copy of the store at this moment in a folder that doesn't exist yet, on the same file system:
// tables are linked, so it takes neither long nor much room. The copy is a store of its own.
func (s *Store) Checkpoint(ctx context.Context, dir string) error {
	in, done, err := s.use()
	if err != nil {
		return err
	}
	made := make(chan error, 1)
	go func() {
		defer done()
		made <- in.run(func() error { return in.db.Checkpoint(dir, pebble.WithFlushedWAL()) })
	}()
	select {
	case err := <-made:
		if err != nil {
			return fmt.Errorf("checkpoint into %s: %w", dir, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("checkpoint into %s goes on: %w", dir, ctx.Err())
	}
}
