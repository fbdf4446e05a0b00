package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// A run is what a part of the log says, sorted by key, each key once in its highest version.
type run struct {
	codec   Codec
	octets  []byte // groups' changes, one behind the other
	changes []logged
	notes   []note     // entries for history, where the codec makes some
	indexed []indexKey // likewise for the index
}

// A logged is one change. High, low and length are its key: the address in big endian order, so that keys compare as
// numbers, and the last octet.
type logged struct {
	high, low uint64
	version   uint64
	value     uint64 // where the value is in octets
	size      uint32 // of the value
	stamp     uint32 // of its group
	length    uint8
	removed   bool
}

func keyOf(key []byte) logged {
	return logged{high: binary.BigEndian.Uint64(key), low: binary.BigEndian.Uint64(key[8:]), length: key[16]}
}

func compareKeys(a, b *logged) int {
	if c := cmp.Compare(a.high, b.high); c != 0 {
		return c
	}
	if c := cmp.Compare(a.low, b.low); c != 0 {
		return c
	}
	return cmp.Compare(a.length, b.length)
}

// add takes a group's value. It is copied. Each group comes once, in the order of the log.
func (r *run) add(group []byte) error {
	changes, stamp, err := grouped(group)
	if err != nil {
		return err
	}
	base := len(r.octets)
	r.octets = append(r.octets, changes...)
	for rest := r.octets[base:]; len(rest) > 0; {
		key, value, after, err := r.codec.Next(rest)
		if err != nil {
			return err
		}
		if err := checkKey(key); err != nil {
			return err
		}
		version, removed, err := r.codec.Version(value)
		if err != nil {
			return err
		}
		bare := r.codec.bare(value)
		if len(bare) < len(value) {
			if err := r.tell(key, value, version); err != nil {
				return err
			}
		}
		c := keyOf(key)
		c.version, c.removed, c.stamp = version, removed, stamp
		c.value, c.size = uint64(len(r.octets)-len(after)-len(value)), uint32(len(bare)) // a value is the end of its change
		r.changes = append(r.changes, c)
		rest = after
	}
	return nil
}

// tell adds what history and the index get of a change.
func (r *run) tell(key, value []byte, version uint64) error {
	if r.codec.Entries != nil {
		if err := r.note(key, value, version); err != nil {
			return err
		}
	}
	if r.codec.Index != nil {
		return r.index(key, value)
	}
	return nil
}

// sort brings the changes into order and leaves of each key the highest version. Of equal ones the later stands.
func (r *run) sort() {
	slices.SortFunc(r.changes, func(a, b logged) int {
		if c := compareKeys(&a, &b); c != 0 {
			return c
		}
		if c := cmp.Compare(b.version, a.version); c != 0 {
			return c
		}
		return cmp.Compare(b.value, a.value)
	})
	r.changes = slices.CompactFunc(r.changes, func(a, b logged) bool { return compareKeys(&a, &b) == 0 })
}

// key puts the key of change i, without prefix, into dst, which has KeySize octets.
func (r *run) key(dst []byte, i int) {
	c := &r.changes[i]
	binary.BigEndian.PutUint64(dst, c.high)
	binary.BigEndian.PutUint64(dst[8:], c.low)
	dst[16] = c.length
}

// valueOf is the value of change i, as its codec made it.
func (r *run) valueOf(i int) []byte {
	c := &r.changes[i]
	return r.octets[c.value:][:c.size]
}

// find is the number of the first change whose key isn't below key, which has no prefix and may be shorter or longer than
// a binding's.
func (r *run) find(key []byte) int {
	var whole [KeySize]byte
	copy(whole[:], key)
	target := keyOf(whole[:])
	i, found := slices.BinarySearchFunc(r.changes, &target, func(c logged, target *logged) int { return compareKeys(&c, target) })
	if found && len(key) > KeySize {
		i++
	}
	return i
}

// errEnough ends a scan early.
var errEnough = errors.New("store: enough")

// readLog reads the log from a place on, below another one, until it has so many octets; 0: all of it. Next is the place
// behind the last one that it read.
func readLog(db pebble.Reader, codec Codec, from, below uint64, most int) (r *run, next uint64, err error) {
	r, next = &run{codec: codec}, from
	err = scan(db, logKey(from), logKey(below), func(key, value []byte) error {
		sequence, err := sequenceOf(key)
		if err != nil {
			return err
		}
		if err := r.add(value); err != nil {
			return err
		}
		if next = sequence + 1; most > 0 && len(r.octets) >= most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	r.sort()
	r.sortNotes()
	r.sortIndex()
	return r, next, err
}
