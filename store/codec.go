package store

import (
	"encoding/binary"
	"fmt"
)

// KeySize is a binding's key: 16 octets of address, and the prefix length.
const KeySize = 17

// A Codec reads what workers append. The store needs no more of a change than its bounds and its version.
type Codec struct {
	// Next splits the first change off b. Key is KeySize octets; key, value and rest are parts of b, and the value ends
	// where the rest begins.
	Next func(b []byte) (key, value, rest []byte, err error)
	// Version tells a value's version, which grows with each change of one key, and whether it removes the binding.
	Version func(value []byte) (version uint64, removed bool, err error)
	// Bare returns the part of a value, its beginning, that the base keeps: without what only history is told. Nil: all of it.
	Bare func(value []byte) []byte
	// Index calls add for each identifier that the index finds a binding by, whose value, bare or not, it gets; by tells kinds of
	// identifiers apart, and what has the same group stands together. Nil: there are none.
	Index func(key, value []byte, add func(by uint8, identifier, group []byte)) error
	// Entries calls add for each entry that history gets of a change of which the base doesn't keep all; the entry is valid
	// during the call only. It depends on the change alone. At is Unix time, from which its age counts; what tells the entries
	// of one change apart. Nil: there are none.
	Entries func(key, value []byte, add func(at int64, what byte, entry []byte)) error
	// Task appends to dst the task that follows from a change, whose value is as it was written, or nothing. It is called for each change that is
	// committed, so it has to be cheap for those that have none. Nil: there are none.
	Task func(dst, key, value []byte) []byte
	// Told tells whether a change, whose value is as it was written, is for the outbox; renewals: those count too. It is called as Task is. Nil: none is.
	Told func(key, value []byte, renewals bool) bool
}

// quiet is the codec for whoever wants bindings only.
func (c Codec) quiet() Codec {
	c.Entries, c.Index = nil, nil
	return c
}

// bare is Bare, or all of it.
func (c *Codec) bare(value []byte) []byte {
	if c.Bare == nil {
		return value
	}
	return c.Bare(value)
}

// The key space. A prefix octet keeps kinds apart; within bindings the order is that of addresses.
//
//	'b' address(16) prefix-length(1)  -> a binding's value (see value.go): the base
//	'h' day(2) key(17) ...            -> an entry of history (see history.go)
//	'i' by(1) ... key(17)             -> an entry of the index (see index.go)
//	'l' sequence(8)                   -> a committed group's changes (see value.go): the log
//	'm' name                          -> a value of Meta
//	'o' sequence(8)                   -> a group's changes that are to be told (see outbox.go)
//	'q' sequence(8) number(4)         -> a task (see tasks.go)
const (
	prefixBinding = 'b'
	prefixHistory = 'h'
	prefixIndex   = 'i'
	prefixLog     = 'l'
	prefixMeta    = 'm'
	prefixOutbox  = 'o'
	prefixTask    = 'q'
)

var (
	bindingsFrom, bindingsTo = []byte{prefixBinding}, []byte{prefixBinding + 1}
	historyFrom, historyTo   = []byte{prefixHistory}, []byte{prefixHistory + 1}
	indexFrom, indexTo       = []byte{prefixIndex}, []byte{prefixIndex + 1}
	logFrom, logTo           = []byte{prefixLog}, []byte{prefixLog + 1}
	metaFrom, metaTo         = []byte{prefixMeta}, []byte{prefixMeta + 1}
)

// bindingKey returns the key that a binding is stored under.
func bindingKey(key []byte) []byte {
	return append([]byte{prefixBinding}, key...)
}

// logKey returns the key of a group's place in the log.
func logKey(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixLog}, sequence)
}

// sequenceOf is the place in the log that a key stands for.
func sequenceOf(key []byte) (uint64, error) {
	if len(key) != 9 || key[0] != prefixLog {
		return 0, fmt.Errorf("%w: a key of the log has %d octets, want 9", errValue, len(key))
	}
	return binary.BigEndian.Uint64(key[1:]), nil
}

// checkKey refuses keys of a wrong size: they would land among others' and never be found.
func checkKey(key []byte) error {
	if len(key) != KeySize {
		return fmt.Errorf("key of a change has %d octets, want %d", len(key), KeySize)
	}
	return nil
}
