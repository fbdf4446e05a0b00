package store

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// A day is what is left of one day's entries of a range of leases, in the order of leases.
type day struct {
	it     *pebble.Iterator
	prefix int // octets in front of the binding's key
}

func (d *day) lease() []byte { return d.it.Key()[d.prefix:][:KeySize] }

// days are the entries of a range of leases, by lease: what the log gives, and each day's that has some.
type days struct {
	open  []*day // a heap by lease
	notes []note // by lease
	room  []gathered
}

// gathered is an entry of the lease at hand.
type gathered struct {
	key   []byte // of the entry, whole
	value []byte
}

var _ heap.Interface = (*days)(nil)

// Len implements heap.Interface.
func (d *days) Len() int { return len(d.open) }

// Less implements heap.Interface.
func (d *days) Less(i, j int) bool { return bytes.Compare(d.open[i].lease(), d.open[j].lease()) < 0 }

// Swap implements heap.Interface.
func (d *days) Swap(i, j int) { d.open[i], d.open[j] = d.open[j], d.open[i] }

// Push implements heap.Interface.
func (d *days) Push(x any) { d.open = append(d.open, x.(*day)) }

// Pop implements heap.Interface.
func (d *days) Pop() any {
	last := d.open[len(d.open)-1]
	d.open = d.open[:len(d.open)-1]
	return last
}

// openDays opens the entries of a range of leases, both ends included. Days without any are left out.
func (l *lookup) openDays(from, to []byte) (*days, error) {
	d := &days{}
	search := func(key []byte) int {
		i, _ := slices.BinarySearchFunc(l.whole.log.notes, key, func(n note, key []byte) int { return bytes.Compare(n.lease(), key) })
		return i
	}
	d.notes = l.whole.log.notes[search(from):search(append(bytes.Clone(to), 0))]
	for _, prefix := range l.days {
		it, err := l.db.NewIter(&pebble.IterOptions{
			LowerBound: slices.Concat(prefix, from), UpperBound: after(slices.Concat(prefix, to)),
		})
		if err != nil {
			return d, err
		}
		if it.First() {
			d.open = append(d.open, &day{it, len(prefix)})
			continue
		}
		if err := closeAfter(it); err != nil {
			return d, err
		}
	}
	heap.Init(d)
	return d, nil
}

func (d *days) close() error {
	var errs []error
	for _, day := range d.open {
		errs = append(errs, closeAfter(day.it))
	}
	d.open = nil
	return errors.Join(errs...)
}

// first is the first lease that is left; nil: none.
func (d *days) first() (key []byte) {
	if len(d.open) > 0 {
		key = d.open[0].lease()
	}
	if len(d.notes) > 0 && (key == nil || bytes.Compare(d.notes[0].lease(), key) < 0) {
		key = d.notes[0].lease()
	}
	return key
}

// below calls f for the leases before key that have no binding; nil: for all that are left.
func (d *days) below(key []byte, f func(key []byte, entries []HistoryEntry, present []byte) error) error {
	for {
		first := d.first()
		if first == nil || key != nil && bytes.Compare(first, key) >= 0 {
			return nil
		}
		first = bytes.Clone(first)
		entries, err := d.take(first)
		if err == nil {
			err = f(first, entries, nil)
		}
		if err != nil {
			return err
		}
	}
}

// take takes a lease's entries off, each once, in the order of their keys: what is in the log may be among a day's too.
func (d *days) take(key []byte) (entries []HistoryEntry, err error) {
	d.room = d.room[:0]
	for len(d.notes) > 0 && bytes.Equal(d.notes[0].lease(), key) {
		d.room = append(d.room, gathered{d.notes[0].key[:], d.notes[0].value})
		d.notes = d.notes[1:]
	}
	for len(d.open) > 0 && bytes.Equal(d.open[0].lease(), key) {
		it := d.open[0].it
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		d.room = append(d.room, gathered{bytes.Clone(it.Key()), bytes.Clone(value)})
		if it.Next() {
			heap.Fix(d, 0)
			continue
		}
		if err := closeAfter(heap.Pop(d).(*day).it); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(d.room, func(a, b gathered) int { return bytes.Compare(a.key, b.key) })
	d.room = slices.CompactFunc(d.room, func(a, b gathered) bool { return bytes.Equal(a.key, b.key) })
	for _, g := range d.room {
		if len(g.key) != historyKeySize {
			return nil, errValue
		}
		tail := g.key[historyKeySize-historyKeyTail+4:]
		entries = append(entries, HistoryEntry{What: tail[8], Version: binary.BigEndian.Uint64(tail), Data: g.value})
	}
	return entries, nil
}

// closeAfter closes an iterator that has come to its end, or not, and returns its first error.
func closeAfter(it *pebble.Iterator) error { return errorsAfter(it.Error(), it.Close()) }

// errorsAfter is the first of two errors.
func errorsAfter(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
