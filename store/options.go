package store

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/history"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// A SyncMode says when a write counts as done.
type SyncMode uint8

const (
	SyncAlways SyncMode = iota // when it is on stable storage
	SyncNever                  // when it is in memory; a crash loses the last moments, a broken disk more
)

// Options of a store. Path must be set; the rest has defaults.
type Options struct {
	Path  string   // folder of the store; made if it isn't there, its parent too
	Sync  SyncMode // SyncAlways
	Codec Codec    // of changes; zero: core/binding's

	// History says whether and how long history is kept; nil: as whoever opened the store last with one said.
	History *History
	// Index keeps the codec's index. A store that is opened without it has none afterwards.
	Index bool
	// Tasks says how many tasks may wait; nil: as whoever opened the store last with one said.
	Tasks *Tasks
	// Outbox says what is kept for telling; nil: as whoever opened the store last with one said.
	Outbox *Outbox
	// FS is the file system; nil: the operating system's.
	FS vfs.FS
	// Logger gets Pebble's errors, failures and recoveries; nil: none.
	Logger *slog.Logger
	// Ballast is the size in octets of a file that is given up when the disk is full, so that there is room to
	// recover in. 0: 64 MiB, or 1 % of the disk if that is less; negative: none.
	Ballast int64
	// DrainTimeout bounds how long Close waits for unconfirmed writes; 0: 10 s.
	DrainTimeout time.Duration
	// OnHealth is called after each change of Healthy, in order, with the error that broke the store (nil when it
	// is healthy again). It must not call the store. Nil: nobody is told.
	OnHealth func(healthy bool, err error)

	clock      clock // zero: the system's
	committers int   // 0: defaultCommitters
	absorb     int   // octets of the log that are worth a pass; 0: absorbSize
	taskMarks  int   // deletions of tasks that are worth a range; 0: taskMarks
}

// A clock is what the store needs of time; tests bring their own.
type clock struct {
	now     func() time.Time
	elapsed func() time.Duration // since some moment before the store was opened; setting the wall clock doesn't move it
	after   func(time.Duration) <-chan time.Time
	retry   func(attempt int) time.Duration // the pause before the next attempt to reopen; attempts count from 1
}

const (
	// defaultCommitters is how many commits overlap: docs/decisions/0003-group-commit.md has the measurement.
	defaultCommitters = 2
	// maxGroup bounds one group's changes in octets, far under the half memtable (32 MiB) from which on Pebble
	// treats a batch as a memtable of its own, and small enough that a group is no pause of its own.
	maxGroup = 4 << 20

	housekeeping  = 10 * time.Second // how often disk size, ballast, stalls and removals are looked after
	stallAfter    = 10 * time.Second // a commit that takes longer makes the store unhealthy until it returns
	retryFirst    = 100 * time.Millisecond
	retryMost     = 30 * time.Second
	steadyAfter   = time.Minute // healthy that long, the back-off starts anew
	defaultDrain  = 10 * time.Second
	ballastMost   = 64 << 20
	ballastShare  = 100 // the ballast is at most one part in so many of the disk
	ballastRoom   = 4   // it is made again when that many times its size is free
	memtableSize  = 64 << 20
	memtableCount = 4
)

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Codec.Next == nil {
		o.Codec = Codec{Next: binding.NextChange, Version: binding.ValueVersion, Bare: binding.Bare, Entries: history.Entries, Index: indexed, Task: upkeep.TaskOf, Told: told}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = defaultDrain
	}
	if o.OnHealth == nil {
		o.OnHealth = func(bool, error) {}
	}
	if o.committers == 0 {
		o.committers = defaultCommitters
	}
	if o.absorb == 0 {
		o.absorb = absorbSize
		if o.Index {
			o.absorb = absorbIndexed
		}
	}
	if o.taskMarks == 0 {
		o.taskMarks = taskMarks
	}
	if o.clock.now == nil {
		o.clock.now = time.Now
	}
	if o.clock.elapsed == nil {
		start := time.Now()
		o.clock.elapsed = func() time.Duration { return time.Since(start) }
	}
	if o.clock.after == nil {
		o.clock.after = time.After
	}
	if o.clock.retry == nil {
		o.clock.retry = func(attempt int) time.Duration {
			return min(retryFirst<<min(attempt-1, 16), retryMost)
		}
	}
	return o
}

// pebbleFormat is the version of Pebble's own files.
const pebbleFormat = pebble.FormatTableFormatV6

// PebbleOptions are the options with which the store runs Pebble, but for what belongs to one store: so that who measures
// Pebble alone measures the same.
func PebbleOptions() *pebble.Options { return pebbleOptions(nil, nil, nil, nil, false) }

// pebbleOptions are Pebble's options for one instance. Damaged: a table is known to be corrupt.
//
// Pebble flushes and compacts in goroutines of its own. Where GOMAXPROCS is 1, or as low as the number of
// workers, they starve and a commit can wait for 0.04 to 1.9 s (measured); leave them one more.
func pebbleOptions(fs vfs.FS, m *pebble.Merger, log pebble.Logger, events *pebble.EventListener, damaged bool) *pebble.Options {
	o := &pebble.Options{
		FS:            fs,
		Merger:        m,
		Logger:        log,
		EventListener: events,

		// Pinned, so that a newer Pebble doesn't make the store unreadable for the older binary of a rollback.
		FormatMajorVersion: pebbleFormat,

		// Large memtables absorb the renewals of one binding: they merge before they cost a write (write
		// amplification 2.8 at 64 MiB, 1.7 at 256 MiB). Pebble starts at 256 KiB and doubles, so a small site
		// doesn't pay. Four of them: 3 s at 100 k grants per second for a slow flush before writes stall.
		MemTableSize:                memtableSize,
		MemTableStopWritesThreshold: memtableCount,

		// Nothing is read on the packet path, so L0 may grow deep before compaction must hurry, and writes are
		// stopped late. The price is a slower scan at start.
		// What the absorber adds has keys all over the base, so each compaction of L0 rewrites most of it.
		L0CompactionThreshold: 10,
		L0StopWritesThreshold: 64,
		LBaseMaxBytes:         256 << 20,

		// One compaction as a rule, leaving the cores to workers; more when debt piles up.
		CompactionConcurrencyRange: func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) },

		// No reads on the hot path: the cache serves compactions and the scan at start only. For the same reason
		// there are no Bloom filters: no key is ever looked up singly.
		CacheSize:    8 << 20,
		MaxOpenFiles: 512,

		// Start the write-back of table files while they are written; else one sync at the end competes
		// with the log's. The log is synced group by group, so it needs no such help (measured: no difference).
		BytesPerSync:    1 << 20,
		WALBytesPerSync: 0,
	}
	// 8 MiB tables are also the pieces that Load deals out to its goroutines.
	o.TargetFileSizes[0] = 4 << 20
	for i := 1; i < len(o.TargetFileSizes); i++ {
		o.TargetFileSizes[i] = 8 << 20
	}
	// Larger blocks than the default 4 KiB: scans only, and a block is what compression works on.
	for i := range o.Levels {
		o.Levels[i].BlockSize = 16 << 10
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
	}
	// What comes into the top level is deleted (the log) or rewritten (what is absorbed) soon.
	o.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	if damaged {
		// Every compaction of a corrupt table would fail and be tried again. Without them new writes are
		// as durable as ever, and L0 grows until somebody restores the store.
		o.DisableAutomaticCompactions = true
		o.L0StopWritesThreshold = 1 << 20
	}
	return o
}
