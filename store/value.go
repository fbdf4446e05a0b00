package store

import (
	"encoding/binary"
	"errors"
)

// Stored values:
//
//	0x01 value                a binding, value as its codec made it
//	0x02 stamp(4) value       a removal, and the stamp of its commit in seconds, big endian
//	0x03 stamp(4) changes     in the log: a group's changes as its codec made them, one behind the other
//
// A removal stays until nothing older can come in behind it, which the stamp is for (see housekeeping.go).
const (
	tagBinding = 1
	tagRemoval = 2
	tagGroup   = 3

	removalHeader = 5
	groupHeader   = 5
)

var errValue = errors.New("store: a stored value has no known form")

// storedSize is how many octets putStored writes.
func storedSize(value []byte, removed bool) int {
	if removed {
		return removalHeader + len(value)
	}
	return 1 + len(value)
}

// putStored writes the stored form of value to dst, which has storedSize octets.
func putStored(dst, value []byte, removed bool, stamp uint32) {
	if !removed {
		dst[0] = tagBinding
		copy(dst[1:], value)
		return
	}
	dst[0] = tagRemoval
	binary.BigEndian.PutUint32(dst[1:], stamp)
	copy(dst[removalHeader:], value)
}

// putGroupHeader writes what stands in front of a group's changes to dst, which has groupHeader octets.
func putGroupHeader(dst []byte, stamp uint32) {
	dst[0] = tagGroup
	binary.BigEndian.PutUint32(dst[1:], stamp)
}

// grouped takes a group's value apart.
func grouped(b []byte) (changes []byte, stamp uint32, err error) {
	if len(b) < groupHeader || b[0] != tagGroup {
		return nil, 0, errValue
	}
	return b[groupHeader:], binary.BigEndian.Uint32(b[1:]), nil
}

// stored takes a stored value apart. Stamp is that of a removal's commit.
func stored(b []byte) (value []byte, removed bool, stamp uint32, err error) {
	switch {
	case len(b) >= 1 && b[0] == tagBinding:
		return b[1:], false, 0, nil
	case len(b) >= removalHeader && b[0] == tagRemoval:
		return b[removalHeader:], true, binary.BigEndian.Uint32(b[1:]), nil
	}
	return nil, false, 0, errValue
}
