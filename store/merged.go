package store

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// A whole is the store's bindings at one moment: the base, and a run of what the log has beside it.
type whole struct {
	db  pebble.Reader
	log *run
}

// A kept is one binding, or a removal, as it stands. Key has no prefix. Key and value are valid until the next one.
type kept struct {
	key, value []byte
	removed    bool
	stamp      uint32 // of a removal
}

// scan calls f for all bindings from inclusive to exclusive (keys with prefix), removals too, in the order of keys, each
// once in its highest version. It ends with f's first error.
func (w *whole) scan(from, to []byte, f func(k *kept) error) error {
	next, end := w.log.find(from[1:]), len(w.log.changes)
	if !bytes.Equal(to, bindingsTo) {
		end = w.log.find(to[1:])
	}
	var k kept
	var room [KeySize]byte
	logged := func() error {
		c := &w.log.changes[next]
		w.log.key(room[:], next)
		k = kept{room[:], w.log.valueOf(next), c.removed, c.stamp}
		next++
		return f(&k)
	}
	err := scan(w.db, from, to, func(key, b []byte) error {
		if err := checkKey(key[1:]); err != nil {
			return err
		}
		here := keyOf(key[1:])
		order := 1
		for next < end {
			if order = compareKeys(&w.log.changes[next], &here); order >= 0 {
				break
			}
			order = 1
			if err := logged(); err != nil {
				return err
			}
		}
		value, removed, stamp, err := stored(b)
		if err != nil {
			return err
		}
		if next < end && order == 0 {
			version, _, err := w.log.codec.Version(value)
			if err != nil {
				return err
			}
			if w.log.changes[next].version >= version {
				return logged()
			}
			next++
		}
		k = kept{key[1:], value, removed, stamp}
		return f(&k)
	})
	for err == nil && next < end {
		err = logged()
	}
	return err
}
