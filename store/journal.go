package store

import (
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/lockstep6/lockstep6/core/worker"
)

// Group commit. While one group is being synced, arriving writes pile up in the queue; the committer that is free next
// takes all of them (up to maxGroup octets) into one batch. So the group's size follows from the disk's speed,
// and nothing waits for a timer. Two committers overlap: one builds and applies while the other's sync is on its way.
// Measured alternatives: docs/decisions/0003-group-commit.md.
//
// A group is one value of the log, whose parts are absorbed into the base later (absorb.go). Changes carry versions, so
// groups may be committed in any order. Meta values don't: of the groups that are under
// way only one may have some, so that they are committed in the order in which they were put.

// An entry is a write, or a Meta value, on its way.
type entry struct {
	write  *worker.Write // of the three one is there
	meta   *metaWrite
	tasks  *taskWrite
	number uint64 // in order of arrival
	owed   bool   // counted in Store.owed
}

// A group is what one committer is making durable. It belongs to the committer from take to confirm, save for
// entries once building is false: then they are the keeper's if the instance breaks. Building is guarded by Store.mu.
type group struct {
	entries  []entry
	building bool   // the committer reads the writes' changes
	count    int    // of entries; guarded by Store.mu
	oldest   uint64 // number of the first entry
	started  time.Time
	meta     bool // holds Meta values; guarded by Store.mu
	batch    *pebble.Batch
	sequence uint64 // its place in the log
	octets   int    // of its changes
	changes  int
	removals int      // among them
	tasks    taskList // that follow from them
	carried  taskList // that were added by AddTasks
	dropped  int      // that would follow from them, and found no room
	outbox   []byte   // changes that are to be told
	outgoing int      // how many
	untold   int      // that are to be told, and found no room
	sync     bool
}

// Append implements worker.Journal. It takes one short lock and never waits for the disk. How much can be queued is the
// workers' to bound (worker.MaxInFlight writes each).
func (s *Store) Append(w *worker.Write) { s.enqueue(entry{write: w}) }

// Healthy implements worker.Journal. It is false from a failed write on until everything that was unconfirmed
// then is on disk, and while a commit takes longer than 10 s.
func (s *Store) Healthy() bool { return s.healthy.Load() }

func (s *Store) enqueue(e entry) {
	s.mu.Lock()
	e.number = s.next
	s.next++
	s.queue = append(s.queue, e)
	s.mu.Unlock()
	s.changed.Signal()
}

// apply commits a batch. An error means that the instance is of no use any more, and so does a panic.
func (in *instance) apply(b *pebble.Batch, mode *pebble.WriteOptions) (err error) {
	defer recovered(&err)
	return in.db.Apply(b, mode)
}

// install makes an opened instance the current one and starts its committers. All that is queued now is owed. Where
// it broke before, nobody was told: that is made good here.
func (s *Store) install(in *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in = in
	s.absorbed, s.sequence, s.logged = in.logFirst, max(s.sequence, in.logNext), in.logSize
	if in.logFirst >= in.logNext {
		s.absorbed = s.sequence // there is no log: places that were given to what isn't in it have nothing to wait for
	}
	s.horizon.Store(0) // what the log has again isn't absorbed any more
	s.nextHorizon = horizon{}
	s.tasks.begin(&in.found)
	s.outbox.begin(&in.outboxFound)
	s.installed = s.o.clock.now()
	s.owed = len(s.queue)
	for i := range s.queue {
		s.queue[i].owed = true
	}
	if err := in.failure(); err != nil {
		s.lose(in, err)
		return
	}
	for range s.o.committers {
		in.users.Add(1)
		go s.commit(in)
	}
	s.updateHealth(nil)
}

// commit is a committer: it makes groups durable until the instance breaks or the store is drained and closing.
func (s *Store) commit(in *instance) {
	defer in.users.Done()
	g := &group{batch: in.db.NewBatchWithSize(64<<10, pebble.WithMaxRetainedSizeBytes(maxGroup))}
	for s.take(in, g) {
		s.build(g)
		if !s.built(in, g) {
			return
		}
		mode := pebble.NoSync
		if g.sync {
			mode = pebble.Sync
		}
		if err := in.apply(g.batch, mode); err != nil {
			in.fail(err)
			return
		}
		if !s.confirm(in, g) {
			return
		}
		g.batch.Reset()
	}
}

// take waits for entries and moves them to g. False: the committer's work is over.
func (s *Store) take(in *instance, g *group) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for {
		if s.in != in || len(s.queue) == 0 && s.closing {
			return false
		}
		if n, g.meta = s.ready(); n > 0 {
			break
		}
		s.changed.Wait()
	}
	g.entries = append(g.entries[:0], s.queue[:n]...)
	rest := copy(s.queue, s.queue[n:])
	clear(s.queue[rest:])
	s.queue = s.queue[:rest]
	g.building, g.started = true, s.o.clock.now()
	g.count, g.oldest = n, g.entries[0].number
	g.sequence = s.sequence
	s.sequence++
	s.taken = append(s.taken, g)
	if rest > 0 {
		s.changed.Signal() // another committer's
	}
	return true
}

// ready counts the entries that may be taken as one group, and tells whether Meta values are among them. Store.mu is held.
func (s *Store) ready() (n int, meta bool) {
	busy := slices.ContainsFunc(s.taken, func(g *group) bool { return g.meta })
	for size := 0; n < len(s.queue) && size < maxGroup; n++ {
		if w := s.queue[n].write; w != nil {
			size += len(w.Changes)
			continue
		}
		if w := s.queue[n].tasks; w != nil {
			size += len(w.octets)
			continue
		}
		if busy {
			break
		}
		meta = true
	}
	return n, meta
}

// built ends the time in which the committer reads the writes. False: the instance broke meanwhile, and the
// writes are about to be taken away from it.
func (s *Store) built(in *instance, g *group) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.building, g.count = false, len(g.entries)
	s.changed.Broadcast()
	return s.in == in
}

// confirm hands a durable group's writes back. False: the instance broke, so whether the sync came first
// doesn't matter any more: the group's writes are rewritten by the next instance.
func (s *Store) confirm(in *instance, g *group) bool {
	now := s.o.clock.now()
	s.mu.Lock()
	if s.in != in {
		s.mu.Unlock()
		return false
	}
	s.forget(g)
	s.stats.commit(g, now.Sub(g.started))
	s.removals.Add(uint64(g.removals))
	for i := range g.entries {
		if g.entries[i].owed {
			s.owed--
		}
		if m := g.entries[i].meta; m != nil {
			s.meta[m.name] = m.value
		}
	}
	s.stalled = false
	s.updateHealth(nil)
	s.checkDrained()
	s.confirmTasks(g)
	s.confirmOutbox(g)
	s.logged += g.octets
	s.absorbDue(in)
	if g.meta {
		s.changed.Broadcast() // the next Meta value waits for the one before it
	}
	s.mu.Unlock()

	for i := range g.entries {
		switch e := &g.entries[i]; {
		case e.write != nil:
			e.write.Done <- e.write
		case e.tasks != nil:
			e.tasks.done <- nil
		default:
			e.meta.done <- nil
		}
	}
	clear(g.entries)
	return true
}
