package binding

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Options size a table. Memory is reserved at once and committed by the kernel as it is used.
type Options struct {
	// Capacity is how many leases the table takes, 1 to MaxCapacity.
	Capacity int
	// Reserve is how many records more there is room for: replaced versions that wait to be reclaimed, and the
	// handles' own free slots. 0: a quarter of Capacity and 65536.
	Reserve int
	// ExtensionBytes is how many octets of extensions the table takes, rounded up to chunks of 64 KiB.
	// 0: 256 per lease and 1 MiB.
	ExtensionBytes int
	// Seed enters the hashes, so that nobody can know which leases share a bucket.
	Seed uint64

	buckets int // tests: a power of two; 0: chosen by Capacity
}

const (
	// MaxCapacity is the largest Capacity.
	MaxCapacity = 1 << 28

	defaultReserve  = 1 << 16 // what is replaced while a worker in a batch loses its processor for some 10 ms
	minBuckets      = 64
	leasesPerBucket = 2   // of Capacity: see New
	bucketsPerShard = 512 // a shard is what Range walks in one call: some hundred microseconds
	maxExtension    = 32 << 30
)

// Errors of New and Load.
var (
	ErrCapacity = errors.New("binding: capacity must be 1 to 268435456 leases, extensions at most 32 GiB, and records and extensions within 64 GiB")
	ErrFull     = errors.New("binding: the table is full: configure a higher capacity")
)

// A Table holds the leases. All its methods may be called by any goroutine.
type Table struct {
	records     set
	clients     set
	freeRecords *FreeMap
	freeEntries *FreeMap
	shelf       *shelf
	shared      []atomic.Uint64 // where shared pieces stand (see shared.go)
	areaUnit    uint32          // where the extension area starts behind record 0, in units of extension slots
	area        []byte
	capacity    int64
	seed        uint64
	floors      []atomic.Uint64 // by shard: no lease may return with a version up to this one
	memory      [][]byte

	registry sync.Mutex // of what follows; never held on a packet's path but when slots have run out
	orphans  []limbo

	orphaned atomic.Bool
	handles  atomic.Pointer[[]*Handle]
	counting atomic.Pointer[Counting] // see census.go

	derived   atomic.Int64 // records of FlagDerived (see identity.go), and those that are about to be
	anonymous atomic.Int64 // records that are (see anonymous.go), and those that are about to be

	_     [64]byte // the shared counters have a cache line each
	epoch atomic.Uint64
	_     [64]byte
	live  atomic.Int64
	_     [64]byte
	swept atomic.Uint64
}

// New returns an empty table. It fails when the address space is not to be had.
func New(options Options) (*Table, error) {
	if options.Capacity < 1 || options.Capacity > MaxCapacity || options.Reserve < 0 ||
		options.ExtensionBytes < 0 || options.ExtensionBytes > maxExtension {
		return nil, ErrCapacity
	}
	if options.Reserve == 0 {
		options.Reserve = options.Capacity/4 + defaultReserve
	}
	if options.ExtensionBytes == 0 {
		options.ExtensionBytes = min(options.Capacity*256+1<<20, maxExtension)
	}
	if options.buckets == 0 {
		// A head per lease would look up a quarter faster (550 for 700 ns at a million), and renew as fast or up to a
		// sixth faster; it would take 13 octets more per lease at ten million.
		options.buckets = max(minBuckets, 1<<bits.Len(uint(options.Capacity-1)/leasesPerBucket))
	}
	t := &Table{capacity: int64(options.Capacity), seed: options.Seed}
	t.epoch.Store(firstEpoch)
	t.handles.Store(new([]*Handle))
	t.shared = make([]atomic.Uint64, max(sharedLine, min(sharedCells, options.buckets)))
	t.floors = make([]atomic.Uint64, max(1, options.buckets/bucketsPerShard))
	if err := t.reserve(options); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// reserve maps the table's memory. Records and extensions share one mapping, so that a record finds its
// extension by the distance.
func (t *Table) reserve(options Options) error {
	slots := options.Capacity + options.Reserve + 1 // slot 0 stands for none
	recordBytes := (slots*recordSize + chunkSize - 1) &^ (chunkSize - 1)
	chunks := max(extensionClasses, (options.ExtensionBytes+chunkSize-1)/chunkSize)
	if (recordBytes+chunks*chunkSize)/extensionUnit > math.MaxUint32 {
		return ErrCapacity // a record couldn't tell how far away its extension is
	}
	records, err := t.mapped(recordBytes + chunks*chunkSize)
	if err != nil {
		return err
	}
	entries, err := t.mapped(slots * nodeSize)
	if err != nil {
		return err
	}
	t.area = records[recordBytes:]
	t.areaUnit = uint32(recordBytes / extensionUnit)
	if t.records, err = t.newSet(slotRecord, options.buckets, recordSize, records); err != nil {
		return err
	}
	if t.clients, err = t.newSet(slotEntry, options.buckets, nodeSize, entries); err != nil {
		return err
	}
	if t.shelf, err = newShelf(chunks); err != nil {
		return err
	}
	if t.freeRecords, err = NewFreeMap(uint64(slots)); err != nil {
		return err
	}
	if t.freeEntries, err = NewFreeMap(uint64(slots)); err != nil {
		return err
	}
	t.freeRecords.Take(0)
	t.freeEntries.Take(0)
	return nil
}

func (t *Table) newSet(kind slotKind, buckets int, stride uintptr, slots []byte) (set, error) {
	b, err := t.mapped(buckets * 8)
	if err != nil {
		return set{}, err
	}
	return set{
		heads:  unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(b))), buckets),
		shift:  uint8(64 - bits.TrailingZeros(uint(buckets))),
		kind:   kind,
		stride: stride,
		slots:  unsafe.Pointer(unsafe.SliceData(slots)),
	}, nil
}

func (t *Table) mapped(size int) ([]byte, error) {
	b, err := mapMemory(size)
	if err == nil {
		t.memory = append(t.memory, b)
	}
	return b, err
}

// Close gives the table's memory back. No handle may be in use, and no record.
func (t *Table) Close() error {
	var errs error
	for _, b := range t.memory {
		errs = errors.Join(errs, unmapMemory(b))
	}
	*t = Table{}
	return errs
}

// Stats is how full the table is.
type Stats struct {
	Live              int64 // leases that have a record
	Capacity          int64
	Records           int64 // slots in use: live records, replaced ones that wait to be reclaimed, handles' own
	RecordCapacity    int64
	Entries           int64 // likewise of the client index
	ExtensionBytes    int64 // octets of extension slots in use
	ExtensionCapacity int64
	Bytes             int64 // bound of the memory of all that, reached when all of it was used once
}

// Stats returns numbers from a moment ago.
func (t *Table) Stats() Stats {
	s := Stats{
		Live:              t.live.Load(),
		Capacity:          t.capacity,
		Records:           int64(t.freeRecords.Size() - t.freeRecords.Free() - 1),
		RecordCapacity:    int64(t.freeRecords.Size() - 1),
		Entries:           int64(t.freeEntries.Size() - t.freeEntries.Free() - 1),
		ExtensionBytes:    t.shelf.used(),
		ExtensionCapacity: int64(len(t.area)),
	}
	for _, b := range t.memory {
		s.Bytes += int64(len(b))
	}
	slots := 2 * s.RecordCapacity
	for class := range t.shelf.classes {
		slots += int64(t.shelf.classes[class].slots.Size())
	}
	s.Bytes += slots/8 + slots/8/63 // the bitmaps: one bit per slot and a 63rd more
	s.Bytes += int64(len(t.floors)+len(t.shared))*8 + int64((1+extensionClasses)*len(t.shelf.owners))*4
	return s
}

// leaseHash mixes address and length with the seed as wyhash does: two multiplications.
func (t *Table) leaseHash(key *Key) uint64 {
	high, low := bits.Mul64(
		binary.LittleEndian.Uint64(key.Address[:])^t.seed^0xa0761d6478bd642f,
		binary.LittleEndian.Uint64(key.Address[8:])^bits.RotateLeft64(t.seed, 32)^0xe7037ed1a0b428db)
	high, low = bits.Mul64(high^low^0x8ebc6af09c88c6e3, uint64(key.Length)^t.seed^0x589965cc75374cc3)
	return high ^ low
}

// clientHash hashes a client's identity association. A DUID must not exceed MaxDUID.
func (t *Table) clientHash(duid []byte, kind wire.Kind, iaid uint32) uint64 {
	var b [8 + 1 + 4 + MaxDUID]byte
	binary.LittleEndian.PutUint64(b[:], t.seed)
	b[8] = byte(kind)
	binary.LittleEndian.PutUint32(b[9:], iaid)
	return xxhash.Sum64(b[:13+copy(b[13:], duid)])
}

// recordClient hashes the identity association that a record belongs to.
func (t *Table) recordClient(r *Record) uint64 {
	if r.Derived() {
		id := r.Identity()
		return t.identityHash(&id)
	}
	return t.clientHash(r.DUID(), r.kind, r.iaid)
}

// shard returns the shard of a lease's hash.
func (t *Table) shard(hash uint64) int { return int(hash >> t.records.shift / bucketsPerShard) }
