package ceiling

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/store"
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
	Log      bool   // a commit is one value under the next number, as store's log; else each change has a key of its own
}

// A Pebble is what it did, each write synced before it counts.
type Pebble struct {
	Log     bool    `json:"log"`
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
	settings := store.PebbleOptions()
	settings.Logger = silent{}
	db, err := pebble.Open(o.Dir, settings)
	if err != nil {
		return p, err
	}
	defer func() {
		if closed := db.Close(); err == nil {
			err = closed
		}
	}()
	w := &writer{db: db, log: o.Log, queue: make(chan []byte, o.InFlight), done: make(chan []byte, o.InFlight)}
	var running sync.WaitGroup
	for range committers {
		running.Go(w.commit)
	}
	began := time.Now()
	w.feed(o)
	close(w.queue)
	running.Wait()
	p = Pebble{Log: o.Log, Batch: o.Batch, Changes: max(0, o.Writes) * o.Batch, Seconds: time.Since(began).Seconds(), Commits: w.commits, Longest: float64(w.longest) / 1e6}
	p.Rate = float64(p.Changes) / p.Seconds
	return p, w.err
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
	log         bool

	mu      sync.Mutex
	number  uint64 // of the log's next entry
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
	var entry []byte
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
		var err error
		if w.log {
			entry = entry[:0]
			for _, b := range group {
				entry = append(entry, b...)
			}
			err = w.append(batch, entry)
		} else {
			err = apply(batch, group)
		}
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

// append makes a group the log's next entry. What store does with it later, in the background, is left out.
func (w *writer) append(batch *pebble.Batch, entry []byte) error {
	w.mu.Lock()
	w.number++
	key := binary.BigEndian.AppendUint64([]byte{'l'}, w.number)
	w.mu.Unlock()
	if err := batch.Set(key, entry, nil); err != nil {
		return err
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
