package store

import (
	"time"

	"github.com/lockstep6/lockstep6/core/worker"
)

// A State is what the store tells about itself.
type State struct {
	Healthy bool
	Damaged bool      // a table is corrupt: granting goes on, the store should be restored
	Since   time.Time // of the last change of Healthy
	Err     error     // the last failure, also when it is over; nil: none

	Writes      uint64 // confirmed writes
	Changes     uint64 // changes in them
	Syncs       uint64 // commits that took a sync
	Unconfirmed int    // entries that are queued or being committed
	Refused     uint64 // writes that can't be read: a bug
	Breaks      uint64 // failures that cost an instance

	LastLatency time.Duration // of the last commit, from taking the group to its sync
	MaxLatency  time.Duration // the longest since the store was opened
	LogSize     int           // octets of changes in the log that aren't absorbed into sorted tables yet, about

	DiskSize int64 // octets of the folder's files without the ballast, at most 10 s old
}

// stats are what commits count; guarded by Store.mu.
type stats struct {
	writes, changes, syncs uint64
	refused, breaks        uint64
	last, most             time.Duration
	disk                   int64
	latency                worker.Histogram // of commits that took a sync
}

// commit counts a confirmed group.
func (t *stats) commit(g *group, took time.Duration) {
	t.writes += uint64(len(g.entries))
	t.changes += uint64(g.changes)
	if g.sync {
		t.syncs++
		t.latency.Observe(int64(took))
	}
	t.last = took
	t.most = max(t.most, took)
}

// State returns a snapshot. It never waits for the disk.
func (s *Store) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{
		Healthy: s.healthy.Load(), Damaged: s.damaged.Load(), Since: s.since, Err: s.lastErr,
		Writes: s.stats.writes, Changes: s.stats.changes, Syncs: s.stats.syncs, Unconfirmed: s.unconfirmed(),
		Refused: s.stats.refused, Breaks: s.stats.breaks,
		LastLatency: s.stats.last, MaxLatency: s.stats.most, LogSize: s.logged, DiskSize: s.stats.disk,
	}
}

// SyncLatencies returns how long commits that took a sync lasted, from taking the group to its sync.
func (s *Store) SyncLatencies() (l worker.Latencies) {
	l.Add(&s.stats.latency) // atomics: no lock
	return l
}

// refreshDiskSize adds up the folder's files by name: to ask Pebble could wait for a lock that is never released.
func (s *Store) refreshDiskSize() {
	names, err := s.o.FS.List(s.o.Path)
	if err != nil {
		return
	}
	var sum int64
	for _, name := range names {
		if name == ballastFile || name == ballastTemp {
			continue
		}
		if info, err := s.o.FS.Stat(s.o.FS.PathJoin(s.o.Path, name)); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
	}
	s.mu.Lock()
	s.stats.disk = sum
	s.mu.Unlock()
}
