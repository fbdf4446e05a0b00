package store

import (
	"encoding/binary"
	"hash/crc32"
)

// A crash cuts a chunk off where a sector wasn't written: what stands there is zeros or what the file held before. One bit that is other than the checksum
// says, in a sector that otherwise is as it was written, is none of its doing. So a flipped bit is told even in the last chunk, behind which nothing
// proves that it was synced. (Another broken chunk looks so by chance once in 2^32, times its bits.)
const (
	sector     = 512
	sectorFull = 8 // so many octets that aren't 0 beside the flipped bit show that a sector was written
)

// mend flips a bit back that keeps a chunk from being whole, and tells whether there is one. It is noted where no crash can have left it so.
func (l *salvagedLog) mend(block []byte, from int64, at int) bool {
	bit, found := flippedIn(block[at:], l.number)
	if !found {
		return false
	}
	place := at + bit/8
	block[place] ^= 1 << (bit % 8)
	c, _ := chunkAt(block[at:], l.number)
	if l.flipped < 0 && writtenThere(block, at, at+c.size, place) {
		l.flipped = from + int64(place)
	}
	if l.hole < 0 { // a chunk behind it may tell, too
		l.hole = from + int64(at)
	}
	return true
}

// flippedIn finds the one bit that makes a chunk whole at the beginning of b when it is flipped back, counted from there.
func flippedIn(b []byte, number uint32) (bit int, found bool) {
	for bit := range min(chunkSynced, len(b)) * 8 {
		b[bit/8] ^= 1 << (bit % 8)
		_, whole := chunkAt(b, number)
		b[bit/8] ^= 1 << (bit % 8)
		if whole {
			return bit, true
		}
	}
	c, _ := chunkAt(b, number)
	if c.size == 0 || c.size > len(b) {
		return 0, false
	}
	want := unmaskedSum(binary.LittleEndian.Uint32(b))
	difference := want ^ crc32.Checksum(b[6:c.size], castagnoli)
	// What a bit adds to a checksum depends on how far it is from the end only.
	var adds [8]uint32
	for i := range adds {
		adds[i] = castagnoli[1<<i]
	}
	for at := c.size - 1; at >= 6; at-- {
		for i := range adds {
			if adds[i] == difference {
				return at*8 + i, true
			}
			adds[i] = adds[i]>>8 ^ castagnoli[byte(adds[i])]
		}
	}
	return 0, false
}

// writtenThere tells whether the sector of an octet has so much of its chunk that it must have been written.
func writtenThere(block []byte, from, end, place int) bool {
	start := place - place%sector
	full := 0
	for i := max(start, from); i < min(start+sector, end); i++ {
		if i != place && block[i] != 0 {
			full++
		}
	}
	return full >= sectorFull
}

// unmaskedSum is the checksum that Pebble stores in that form.
func unmaskedSum(masked uint32) uint32 {
	rotated := masked - 0xa282ead8
	return rotated>>17 | rotated<<15
}
