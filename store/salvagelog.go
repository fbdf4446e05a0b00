package store

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
)

// Pebble's own log is a row of blocks, and a block one of chunks:
//
//	checksum(4) length(2) kind(1) [number of the log(4) [synced up to(8)]] data
//
// A record is one chunk, or a first one, middle ones and a last one. Pebble reads it up to the first chunk that is broken: it takes that for the end
// where nothing behind it says that it was synced, and else refuses the store. Here what stands behind is read too.
const (
	logBlock      = 32 << 10
	chunkHeader   = 7  // of kinds 1 to 4
	chunkNumbered = 11 // of kinds 5 to 8
	chunkSynced   = 19 // of kinds 9 to 12
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedSum is a checksum as Pebble stores it.
func maskedSum(sum uint32) uint32 { return (sum>>15 | sum<<17) + 0xa282ead8 }

// A chunk is one that was read.
type chunk struct {
	data        []byte
	size        int // with its header; of a broken one as its header says
	first, last bool
	synced      uint64 // what stands before that place was on stable storage
	numbered    bool   // synced is of no meaning where it isn't
}

// chunkAt reads a chunk of the log with that number.
func chunkAt(b []byte, number uint32) (c chunk, whole bool) {
	kind := b[6]
	header := chunkHeader
	switch {
	case kind < 1 || kind > 12:
		return chunk{}, false
	case kind > 8:
		header = chunkSynced
	case kind > 4:
		header = chunkNumbered
	}
	c.size = header + int(binary.LittleEndian.Uint16(b[4:]))
	if c.size > len(b) {
		return chunk{}, false
	}
	if header > chunkHeader && binary.LittleEndian.Uint32(b[chunkHeader:]) != number {
		return chunk{}, false // another log's, whose file this one has taken over, or the mark at the end
	}
	sum := crc32.Checksum(b[6:c.size], castagnoli)
	if maskedSum(sum) != binary.LittleEndian.Uint32(b) {
		return c, false
	}
	c.data = b[header:c.size]
	c.first, c.last = kind%4 == 1 || kind%4 == 2, kind%4 == 1 || kind%4 == 0
	if c.numbered = header == chunkSynced; c.numbered {
		c.synced = binary.LittleEndian.Uint64(b[chunkNumbered:])
	}
	return c, true
}

// A salvagedLog is one of Pebble's logs, of which all records that are whole are read.
type salvagedLog struct {
	octets []byte
	number uint32

	hole    int64 // place of the last chunk that isn't one; negative: none yet
	damaged int   // holes that had been synced
	at      int64 // place of the first such
	record  []byte
	inside  bool // a record has begun
}

// each calls f for each record. It ends with f's first error.
func (l *salvagedLog) each(f func(record []byte) error) error {
	l.hole = -1
	for from := 0; from < len(l.octets); from += logBlock {
		block := l.octets[from:min(from+logBlock, len(l.octets))]
		for at := 0; at+chunkHeader <= len(block); {
			c, whole := chunkAt(block[at:], l.number)
			if !whole {
				at = l.broken(block, from, at, &c)
				continue
			}
			l.confirm(&c)
			at += c.size
			if !l.add(&c) {
				continue
			}
			if err := f(l.record); err != nil {
				return err
			}
		}
	}
	return nil
}

// broken notes a place that holds no chunk, and returns where to go on: behind it, if its length may be right, else in the next block.
func (l *salvagedLog) broken(block []byte, from, at int, c *chunk) int {
	padding := len(block)-at < chunkSynced && from+len(block) < len(l.octets)
	if padding {
		return len(block)
	}
	l.inside = false
	if l.hole < 0 {
		l.hole = int64(from + at)
	}
	if c.size > 0 && at+c.size+chunkHeader <= len(block) {
		if _, whole := chunkAt(block[at+c.size:], l.number); whole {
			return at + c.size
		}
	}
	return len(block)
}

// confirm takes the last hole for damage where a chunk behind it says that it was synced.
func (l *salvagedLog) confirm(c *chunk) {
	if l.hole < 0 {
		return
	}
	if !c.numbered || c.synced > uint64(l.hole) {
		if l.damaged++; l.damaged == 1 {
			l.at = l.hole
		}
		l.hole = -1
	}
}

// add adds a chunk to the record, and tells whether that is whole now.
func (l *salvagedLog) add(c *chunk) bool {
	switch {
	case c.first:
		l.record, l.inside = l.record[:0], true
	case !l.inside:
		return false // its beginning is lost
	}
	l.record = append(l.record, c.data...)
	if c.last {
		l.inside = false
	}
	return c.last
}

// entries calls f for what a record, a batch of Pebble's, says. It ends with f's first error, or where the batch can't be read.
func entriesOf(record []byte, f func(kind pebble.InternalKeyKind, sequence uint64, key, value []byte) error) error {
	h, ok := batchrepr.ReadHeader(record)
	if !ok {
		return errValue
	}
	sequence := uint64(h.SeqNum)
	for r := batchrepr.Read(record); ; sequence++ {
		kind, key, value, ok, err := r.Next()
		if err != nil || !ok {
			return err
		}
		if err := f(kind, sequence, key, value); err != nil {
			return err
		}
	}
}
