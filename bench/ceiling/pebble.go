package ceiling

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/lockstep6/lockstep6/core/worker"
)

// What Pebble gets of a binding, in octets: 'b', address and length; a tag, the fixed fields, a DUID of 14, and the
// pieces of a relayed subscriber (docs/store-format.md).
const (
	keySize   = 1 + 17
	valueSize = 1 + 38 + 14 + 85
)

// committers is how many commits overlap, as in store (docs/decisions/0003-group-commit.md).
const committers = 2

// PebbleOptions say what Pebble writes.
type PebbleOptions struct {
	Dir      string // an empty folder on the disk in question
	Batch    int    // changes of one write, 1 to 1024
	Writes   int    // how many writes; 0 and less: none
	InFlight int    // writes under way at once, 1 to 1024
}

// A Pebble is what it did, each write synced before it counts.
type Pebble struct {
	Batch   int     `json:"batch"`
	Changes int     `json:"changes"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"changes_per_second"`
	Commits int     `json:"commits"` // each with one sync
	Longest float64 `json:"longest_commit_ms"`
}

// MeasurePebble has Pebble alone write random keys, pipelined as store does it: while one commit is being synced the
// writes that come in pile up, and the next committer takes them all. What store has above it is left out: merging by
// version, the fuse, health.
func MeasurePebble(o PebbleOptions) (p Pebble, err error) {
	if o.Batch < 1 || o.Batch > 1024 || o.InFlight < 1 || o.InFlight > 1024 {
		return p, fmt.Errorf("%d changes a write, %d writes under way: must be 1 to 1024", o.Batch, o.InFlight)
	}
	db, err := pebble.Open(o.Dir, pebbleSettings())
	if err != nil {
		return p, err
	}
	defer func() {
		if closed := db.Close(); err == nil {
			err = closed
		}
	}()
	w := &writer{db: db, queue: make(chan []byte, o.InFlight), done: make(chan []byte, o.InFlight)}
	var running sync.WaitGroup
	for range committers {
		running.Go(w.commit)
	}
	began := time.Now()
	w.feed(o)
	close(w.queue)
	running.Wait()
	p = Pebble{Batch: o.Batch, Changes: max(0, o.Writes) * o.Batch, Seconds: time.Since(began).Seconds(), Commits: w.commits, Longest: float64(w.longest) / 1e6}
	p.Rate = float64(p.Changes) / p.Seconds
	return p, w.err
}

// pebbleSettings are store's where they matter to writing (store/options.go has the reasons).
func pebbleSettings() *pebble.Options {
	o := &pebble.Options{
		Logger: silent{}, FormatMajorVersion: pebble.FormatTableFormatV6,
		MemTableSize: 64 << 20, MemTableStopWritesThreshold: 4,
		L0CompactionThreshold: 4, L0StopWritesThreshold: 64, LBaseMaxBytes: 256 << 20,
		CompactionConcurrencyRange: func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) },
		CacheSize:                  8 << 20, MaxOpenFiles: 512, BytesPerSync: 1 << 20,
	}
	o.TargetFileSizes[0] = 4 << 20
	for i := 1; i < len(o.TargetFileSizes); i++ {
		o.TargetFileSizes[i] = 8 << 20
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 16 << 10
	}
	return o
}

// silent drops what Pebble would log.
type silent struct{}

// Infof implements pebble.Logger.
func (silent) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (silent) Errorf(string, ...any) {}

// Fatalf implements pebble.Logger.
func (silent) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// A writer is the pipeline: writes go round from done to queue and back.
type writer struct {
	db          *pebble.DB
	queue, done chan []byte

	mu      sync.Mutex
	err     error
	commits int
	longest time.Duration
}

// feed puts o.Writes writes of random keys into the queue, at most o.InFlight under way.
func (w *writer) feed(o PebbleOptions) {
	random := rand.NewChaCha8([32]byte{1})
	for i := range max(0, o.Writes) {
		var b []byte
		if i < o.InFlight {
			b = make([]byte, o.Batch*(keySize+valueSize))
		} else {
			b = <-w.done
		}
		// Half of a value is alike in all bindings, and compresses.
		for at := 0; at < len(b); at += keySize + valueSize {
			_, _ = random.Read(b[at+9 : at+keySize+valueSize/2]) // never fails
			b[at] = 'b'
			binary.BigEndian.PutUint64(b[at+1:], 0x20010db800010000)
		}
		w.queue <- b
	}
}

// commit takes all writes that have come in, makes them one batch, and gives them back when it is synced.
func (w *writer) commit() {
	batch := w.db.NewBatch()
	defer func() { _ = batch.Close() }()
	group := make([][]byte, 0, worker.MaxInFlight)
	for first := range w.queue {
		group = append(group[:0], first)
		for more := true; more && len(group) < cap(group); {
			select {
			case next, ok := <-w.queue:
				if more = ok; ok {
					group = append(group, next)
				}
			default:
				more = false
			}
		}
		began := time.Now()
		err := apply(batch, group)
		w.note(err, time.Since(began))
		batch.Reset()
		for _, b := range group {
			w.done <- b
		}
	}
}

func apply(batch *pebble.Batch, group [][]byte) error {
	for _, b := range group {
		for ; len(b) > 0; b = b[keySize+valueSize:] {
			if err := batch.Set(b[:keySize], b[keySize:keySize+valueSize], nil); err != nil {
				return err
			}
		}
	}
	return batch.Commit(pebble.Sync)
}

func (w *writer) note(err error, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commits++
	w.longest = max(w.longest, took)
	if w.err == nil {
		w.err = err
	}
}
