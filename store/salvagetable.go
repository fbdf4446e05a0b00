package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A Gap is what can't be read of a table: keys behind After and before Before, with their prefix, as docs/store-format.md has them. Nil: from the
// table's beginning, to its end. What other tables and logs have of these keys is read all the same.
type Gap struct{ After, Before []byte }

// A tableFile is a table in memory, which tells which of its data blocks was read last: that is how a reader that met a broken one
// learns where it is, for Pebble doesn't say.
type tableFile struct {
	octets []byte
	blocks map[int64]int // numbers of data blocks, by their places
	broken map[int]bool  // of those, by number: they aren't given out, for Pebble would look a second for a bit that explains it, each time
	last   int
}

// errBlock is what a read of a broken block gets.
var errBlock = errors.New("store: a block's checksum is wrong")

// verify notes a data block, and whether it is broken. Behind a block stand its compression (1) and the checksum (4) of both.
func (f *tableFile) verify(n int, place, length uint64) {
	f.blocks[int64(place)] = n
	end := place + length + 1
	size := uint64(len(f.octets))
	if place > size || length > size || end+4 > size {
		f.broken[n] = true
		return
	}
	sum := crc32.Checksum(f.octets[place:end], castagnoli)
	f.broken[n] = maskedSum(sum) != binary.LittleEndian.Uint32(f.octets[end:])
}

var _ objstorage.Readable = (*tableFile)(nil)

// ReadAt implements objstorage.Readable.
func (f *tableFile) ReadAt(_ context.Context, p []byte, off int64) error {
	if off < 0 || off > int64(len(f.octets)) || int64(len(p)) > int64(len(f.octets))-off {
		return io.ErrUnexpectedEOF
	}
	if n, ok := f.blocks[off]; ok {
		f.last = n
		if f.broken[n] {
			return errBlock
		}
	}
	copy(p, f.octets[off:])
	return nil
}

// Close implements objstorage.Readable.
func (f *tableFile) Close() error { return nil }

// Size implements objstorage.Readable.
func (f *tableFile) Size() int64 { return int64(len(f.octets)) }

// NewReadHandle implements objstorage.Readable.
func (f *tableFile) NewReadHandle(objstorage.ReadBeforeSize) objstorage.ReadHandle {
	h := objstorage.MakeNoopReadHandle(f)
	return &h
}

// A salvagedTable is a table of which all that can be read is read, whatever is broken between.
type salvagedTable struct {
	file   *tableFile
	reader *sstable.Reader
	it     sstable.Iterator
	blocks int
	says   uint64 // entries that it has, by its own word
	read   uint64 // entries that were read
	gaps   []Gap
}

// openTable opens a table. An error says that nothing of it can be read: its end, which says where the rest is, is broken, or its index.
func openTable(fs vfs.FS, path string, o sstable.ReaderOptions) (t *salvagedTable, err error) {
	octets, err := readFile(fs, path)
	if err != nil {
		return nil, err
	}
	return tableOf(octets, o)
}

func tableOf(octets []byte, o sstable.ReaderOptions) (t *salvagedTable, err error) {
	defer recovered(&err)
	t = &salvagedTable{file: &tableFile{octets: octets}}
	if t.reader, err = sstable.NewReader(context.Background(), t.file, o); err != nil {
		return nil, err
	}
	properties, err := t.reader.ReadPropertiesBlock(context.Background(), nil)
	if err != nil {
		return nil, err
	}
	layout, err := t.reader.Layout()
	if err != nil {
		return nil, err
	}
	t.says, t.blocks = properties.NumEntries-properties.NumRangeDeletions, len(layout.Data)
	t.file.blocks, t.file.broken = make(map[int64]int, t.blocks), map[int]bool{}
	for i := range layout.Data {
		t.file.verify(i, layout.Data[i].Offset, layout.Data[i].Length)
	}
	t.it, err = t.reader.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	return t, err
}

// each calls f for all entries that can be read, in order; key and value are valid during the call only. It ends with f's first error.
func (t *salvagedTable) each(f func(key pebble.InternalKey, value []byte) error) (err error) {
	defer recovered(&err)
	var last []byte
	broken, bad := false, -1
	t.read, t.gaps, t.file.last = 0, nil, -1
	kv := t.it.First()
	for {
		for ; kv != nil; kv = t.it.Next() {
			value, _, err := kv.Value(nil)
			if err != nil {
				return err
			}
			if broken {
				t.gaps[len(t.gaps)-1].Before, broken = bytes.Clone(kv.K.UserKey), false
			}
			last = append(last[:0], kv.K.UserKey...)
			t.read++
			if err := f(kv.K, value); err != nil {
				return err
			}
		}
		if t.it.Error() == nil {
			return nil
		}
		if !broken {
			t.gaps, broken = append(t.gaps, Gap{After: bytes.Clone(last)}), true
		}
		bad = max(bad+1, t.file.last) // each round ends behind the one before
		from := t.behind(bad, last)
		if from == nil {
			return nil
		}
		kv = t.it.SeekGE(from, 0)
	}
}

// seekSize is more than any key has: places between keys are looked for among strings of so many octets.
const seekSize = 64

// behind finds the key from which on the block behind a broken one is read; nil: there is none. What separates two blocks the index knows, and
// doesn't tell: but which block a seek reads, the file tells.
func (t *salvagedTable) behind(block int, last []byte) []byte {
	one := big.NewInt(1)
	low := new(big.Int).SetBytes(padded(last))
	high := new(big.Int).SetBytes(bytes.Repeat([]byte{0xff}, seekSize))
	room := make([]byte, seekSize)
	if t.reads(high.FillBytes(room)) <= block || block >= t.blocks-1 {
		return nil
	}
	for new(big.Int).Sub(high, low).Cmp(one) > 0 {
		middle := new(big.Int).Rsh(new(big.Int).Add(low, high), 1)
		if t.reads(middle.FillBytes(room)) > block {
			high = middle
		} else {
			low = middle
		}
	}
	// The shortest of the strings that differ in zeros at their end comes first, and is perhaps the very first key.
	key := high.FillBytes(room)
	for len(key) > 0 && key[len(key)-1] == 0 && t.reads(key[:len(key)-1]) > block {
		key = key[:len(key)-1]
	}
	return key
}

// reads tells which block a seek ends in; as many as there are: behind all.
func (t *salvagedTable) reads(key []byte) int {
	if t.it.SeekGE(key, 0) == nil && t.it.Error() == nil {
		return t.blocks
	}
	return t.file.last
}

func padded(key []byte) []byte {
	out := make([]byte, seekSize)
	copy(out, key)
	return out
}

// ranges calls f for each range of keys that the table deletes.
func (t *salvagedTable) ranges(f func(from, to []byte)) (err error) {
	defer recovered(&err)
	it, err := t.reader.NewRawRangeDelIter(context.Background(), sstable.NoFragmentTransforms, sstable.NoReadEnv)
	if err != nil || it == nil {
		return err
	}
	defer it.Close()
	span, err := it.First()
	for ; span != nil && err == nil; span, err = it.Next() {
		f(span.Start, span.End)
	}
	return err
}

// patched is a table of what can be read: to be put where the broken one was, as Pebble's manifest knows that, so that what is newer and
// what is deleted stays so. Of no table at all it is an empty one.
func (t *salvagedTable) patched(o sstable.WriterOptions) (octets []byte, err error) {
	defer recovered(&err)
	file := &memoryFile{}
	w := sstable.NewRawWriter(file, o)
	if t != nil {
		if err := t.each(func(key pebble.InternalKey, value []byte) error { return w.Add(key, value, false) }); err != nil {
			return nil, errors.Join(err, w.Close())
		}
		it, err := t.reader.NewRawRangeDelIter(context.Background(), sstable.NoFragmentTransforms, sstable.NoReadEnv)
		if err == nil && it != nil {
			defer it.Close()
			for span, err := it.First(); span != nil && err == nil; span, err = it.Next() {
				if err := w.EncodeSpan(*span); err != nil {
					return nil, errors.Join(err, w.Close())
				}
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.octets, nil
}

func (t *salvagedTable) close() {
	_ = guard(func() error { return t.it.Close() })
	_ = guard(t.reader.Close)
}

// A memoryFile collects what is written to it.
type memoryFile struct{ octets []byte }

var _ objstorage.Writable = (*memoryFile)(nil)

// Write implements objstorage.Writable.
func (f *memoryFile) Write(p []byte) error {
	f.octets = append(f.octets, p...)
	return nil
}

// Finish implements objstorage.Writable.
func (f *memoryFile) Finish() error { return nil }

// Abort implements objstorage.Writable.
func (f *memoryFile) Abort() {}

// readFile reads a file whole.
func readFile(fs vfs.FS, path string) ([]byte, error) {
	file, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	octets, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return octets, nil
}
