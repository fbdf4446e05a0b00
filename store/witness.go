package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The witness is a file that says how much of Pebble's manifest, and of its newest log, is on stable storage, and with what checksum. Pebble takes a
// manifest or a log whose end is broken for one that a crash cut off, opens without what stood there, and deletes the tables that nobody
// names any more. By the witness the two are told apart (intact.go): a crash never changes what was synced.
//
// It is written when that is: behind each sync of the manifest that counts, which a flush, a compaction or a pass of the absorber ends with; when another
// manifest counts; when there is a new log; every housekeeping for the log; and at the end. So it may say too little, never too much. Of two slots, in
// sectors and pages of their own, the older one is written over, so a crash leaves one of them.
const (
	witnessFile  = "WITNESS"
	witnessSlots = 2
	witnessPlace = 4096 // from slot to slot
	witnessSize  = 60   // of a slot: magic(8) count(8) manifest(20) log(20) checksum of these(4)
	witnessMagic = "lockwit1"
)

// An extent is the beginning of a numbered file of Pebble's: that many octets, and their checksum. Number 0: of none.
type extent struct {
	number, length uint64
	sum            uint32
}

func (e *extent) add(p []byte) {
	e.length += uint64(len(p))
	e.sum = crc32.Update(e.sum, castagnoli, p)
}

// A testimony is what one slot says.
type testimony struct {
	count    uint64 // slots are numbered as they are written
	manifest extent
	log      extent
}

func (t *testimony) encode() []byte {
	b := append(make([]byte, 0, witnessSize), witnessMagic...)
	b = binary.BigEndian.AppendUint64(b, t.count)
	for _, e := range []extent{t.manifest, t.log} {
		b = binary.BigEndian.AppendUint64(b, e.number)
		b = binary.BigEndian.AppendUint64(b, e.length)
		b = binary.BigEndian.AppendUint32(b, e.sum)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeTestimony reads a slot; not ok: a crash has cut its writing, it was never written, or it is damaged.
func decodeTestimony(b []byte) (t testimony, ok bool) {
	content := witnessSize - 4
	if len(b) < witnessSize || string(b[:8]) != witnessMagic || crc32.Checksum(b[:content], castagnoli) != binary.BigEndian.Uint32(b[content:]) {
		return testimony{}, false
	}
	t.count = binary.BigEndian.Uint64(b[8:])
	for i, e := range []*extent{&t.manifest, &t.log} {
		from := b[16+20*i:]
		*e = extent{binary.BigEndian.Uint64(from), binary.BigEndian.Uint64(from[8:]), binary.BigEndian.Uint32(from[16:])}
	}
	return t, true
}

// readWitness reads the slots that can be read, the newer one first; none where there is no witness, as in a copy or an older release's store.
func readWitness(fs vfs.FS, dir string) ([]testimony, error) {
	octets, err := readFile(fs, fs.PathJoin(dir, witnessFile))
	if err != nil {
		if notThere(err) {
			err = nil
		}
		return nil, err
	}
	var found []testimony
	for i := range witnessSlots {
		if t, ok := decodeTestimony(octets[min(i*witnessPlace, len(octets)):]); ok {
			found = append(found, t)
		}
	}
	if len(found) == 2 && found[1].count > found[0].count {
		found[0], found[1] = found[1], found[0]
	}
	return found, nil
}

// A witness collects what an instance has synced. Its methods are called inside the fuse's operations.
type witness struct {
	fs  vfs.FS
	dir string

	mu      sync.Mutex
	now     testimony // what is on stable storage
	told    testimony // what the file says
	made    bool      // the file is there, durably
	newest  extent    // of the manifest that was synced last: it counts when a durable marker names it
	marking uint64    // number of the manifest that the newest marker names
	log     uint64    // number of the newest log
}

// begin goes on from what was found.
func (w *witness) begin(found testimony) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now, w.told = found, found
}

// created notes a file that an instance has created in the store's folder.
func (w *witness) created(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	base := filepath.Base(name)
	if at := strings.LastIndex(base, manifestPrefix); at > 0 && strings.HasPrefix(base, markerPrefix) {
		w.marking, _ = strconv.ParseUint(base[at+len(manifestPrefix):], 10, 64)
	}
	if n, ok := numberOf(base, "", logSuffix); ok {
		w.log = n
	}
}

// synced notes that a manifest or log is on stable storage that far.
func (w *witness) synced(isLog bool, e extent) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if isLog {
		if e.number == w.now.log.number {
			w.now.log = e
		}
		return nil
	}
	if w.newest = e; e.number != w.now.manifest.number {
		return nil
	}
	w.now.manifest = e
	return w.put()
}

// syncedDir syncs the folder, and tells what that has made durable: a marker, and a log. Both were created before it began.
func (w *witness) syncedDir(sync func() error) error {
	w.mu.Lock()
	marking, log := w.marking, w.log
	w.mu.Unlock()
	if err := sync(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if marking > w.now.manifest.number && marking == w.newest.number {
		w.now.manifest = w.newest
	}
	if log > w.now.log.number {
		w.now.log = extent{number: log}
	}
	return w.put()
}

// tell writes what isn't written yet.
func (w *witness) tell() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.put()
}

// put writes the older slot, durably. The lock is held.
func (w *witness) put() (err error) {
	if w.now == w.told {
		return nil
	}
	next := w.now
	next.count++
	file, err := w.fs.OpenReadWrite(w.fs.PathJoin(w.dir, witnessFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(next.encode(), int64(next.count%witnessSlots*witnessPlace))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil && !w.made {
		err = syncFolder(w.fs, w.dir)
	}
	if err == nil {
		w.made, w.now, w.told = true, next, next
	}
	return err
}

// syncFolder makes durable which files a folder has.
func syncFolder(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// holds tells whether a file begins as an extent says; length is how many of its octets there are.
func (e *extent) holds(file io.Reader) (length int64, same bool, err error) {
	sum := crc32.New(castagnoli)
	length, err = io.Copy(sum, io.LimitReader(file, int64(min(e.length, 1<<62))))
	return length, err == nil && uint64(length) == e.length && sum.Sum32() == e.sum, err
}

// numberOf is the number in the name of a file of Pebble's.
func numberOf(name, prefix, suffix string) (uint64, bool) {
	if !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, suffix) || len(name) < len(prefix)+len(suffix) {
		return 0, false
	}
	n, err := strconv.ParseUint(name[len(prefix):len(name)-len(suffix)], 10, 64)
	return n, err == nil
}
