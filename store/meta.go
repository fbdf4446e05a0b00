package store

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// A metaWrite is a Meta value on its way to disk.
type metaWrite struct {
	name  string
	value []byte
	done  chan error // has room for one
}

func metaKey(name string) []byte { return append([]byte{prefixMeta}, name...) }

// PutMeta keeps a small value under a name, and returns when it is on disk, whatever Options.Sync says, or when ctx is
// done; then it may still get there. Of several values the one put last stands. The names "format", "history" and "index" are the
// store's own, and those that begin with "tasks" or "outbox".
func (s *Store) PutMeta(ctx context.Context, name string, value []byte) error {
	if name == "" || name == metaFormat || name == metaHistory || name == metaIndex || strings.HasPrefix(name, metaTasks) || strings.HasPrefix(name, metaOutbox) {
		return fmt.Errorf("meta name %q is reserved", name)
	}
	return s.putMeta(ctx, name, value)
}

func (s *Store) putMeta(ctx context.Context, name string, value []byte) error {
	m := &metaWrite{name: name, value: bytes.Clone(value), done: make(chan error, 1)}
	s.mu.Lock()
	closing := s.closing
	s.mu.Unlock()
	if closing {
		return errClosed
	}
	s.enqueue(entry{meta: m})
	select {
	case err := <-m.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Meta returns the value under a name that is on disk, from memory. The value must not be changed.
func (s *Store) Meta(name string) (value []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok = s.meta[name]
	return value, ok
}
