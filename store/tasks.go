package store

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// A task is work that follows from a change and is done later, elsewhere: with DNS, as a rule. A committer puts the tasks of a group's
// changes into the same batch, so a task is durable exactly when its change is. What a task says is its codec's.
//
//	'q' sequence of the group(8) number within it(4), from 1 -> stamp(4) task
//
// # Invariants
//
//  1. Of a confirmed change whose task isn't there, the task was done, or it is said that tasks were lost (tasklost.go).
//  2. Readers see groups in the order of their places, and only those below all that are being committed: what is read is confirmed,
//     and nothing comes up later before it.
//  3. A task may come twice: its group was rewritten by another instance, or its deletion was lost with the power. Never not at all.
//  4. A place is never given twice while a task is under it: whoever opens a store begins behind the last one (lostBefore).
//
// Deleted tasks leave marks in Pebble until a flush or a compaction removes them. All who read begin at the first task that waits, which each
// DoneTasks keeps up to date, so that those in front of it aren't passed twice; and now and then one mark for all in front replaces those, for
// whoever opens the store.
const (
	taskKeySize = 1 + 8 + 4
	taskHeader  = 4
	taskMarks   = 1 << 16 // after so many deletions all in front of the first task is deleted as one range

	metaTasks     = "tasks" // how many may wait(8); 0: they are off; not there: they never were on
	metaTasksSize = 8
)

var tasksFrom, tasksTo = []byte{prefixTask}, []byte{prefixTask + 1}

// A Tasks says how many tasks may wait; 0: none is added any more, and what waits stays.
type Tasks struct{ Most int }

// A TaskID is a task's place in the queue. IDs are ordered as their changes were committed, and an ID isn't given again while the store is open. Zero is before all.
type TaskID struct {
	Sequence uint64 // of the group that it was committed with
	Number   uint32 // within that, from 1
}

// Compare is negative where the task comes before another one, positive behind it.
func (id TaskID) Compare(other TaskID) int {
	return cmp.Or(cmp.Compare(id.Sequence, other.Sequence), cmp.Compare(id.Number, other.Number))
}

// String implements fmt.Stringer.
func (id TaskID) String() string { return fmt.Sprintf("%d.%d", id.Sequence, id.Number) }

// put writes the task's key to dst, which has taskKeySize octets.
func (id TaskID) put(dst []byte) {
	dst[0] = prefixTask
	binary.BigEndian.PutUint64(dst[1:], id.Sequence)
	binary.BigEndian.PutUint32(dst[9:], id.Number)
}

func (id TaskID) key() []byte {
	key := make([]byte, taskKeySize)
	id.put(key)
	return key
}

// taskOf is the task that a key stands for.
func taskOf(key []byte) (TaskID, error) {
	if len(key) != taskKeySize || key[0] != prefixTask {
		return TaskID{}, fmt.Errorf("%w: a task's key has %d octets, want %d", errValue, len(key), taskKeySize)
	}
	return TaskID{binary.BigEndian.Uint64(key[1:]), binary.BigEndian.Uint32(key[9:])}, nil
}

// A QueuedTask waits to be done.
type QueuedTask struct {
	ID     TaskID
	Stamp  uint32 // when it was added, in seconds that only grow: see docs/store-format.md
	Octets []byte // as its codec made it; the caller's
}

// queued reads a task. Octets is a part of value.
func queued(key, value []byte) (QueuedTask, error) {
	id, err := taskOf(key)
	if err == nil && len(value) < taskHeader {
		err = fmt.Errorf("%w: task %v has %d octets", errValue, id, len(value))
	}
	if err != nil {
		return QueuedTask{}, err
	}
	return QueuedTask{id, binary.BigEndian.Uint32(value), value[taskHeader:]}, nil
}

// A taskQueue is what the store knows of its tasks. Guarded by Store.mu, save for most and news.
type taskQueue struct {
	most    atomic.Int64
	news    chan struct{} // a token: there may be tasks that weren't read
	waiting int           // those that are being committed included
	octets  int           // of them
	first   TaskID        // none waits before it
	oldest  uint32        // stamp of the first; of no meaning where none waits
	unseen  uint64        // a place behind tasks that are confirmed and that no reader may see yet; 0: none
	full    bool          // it was told that the queue is full
	added   uint64
	dropped uint64
}

// tell lets the reader know. It never waits.
func (q *taskQueue) tell() {
	select {
	case q.news <- struct{}{}:
	default:
	}
}

// begin takes over what an instance has found. Store.mu is held.
func (q *taskQueue) begin(found *foundTasks) {
	q.waiting, q.octets, q.first, q.oldest, q.unseen = found.count, found.octets, found.first, found.stamp, 0
	if q.waiting > 0 {
		q.tell()
	}
}

// TaskNews gets a token after tasks were committed, and where an instance was opened in which some wait. Who takes it reads until Tasks
// returns nothing more. There is room for one token.
func (s *Store) TaskNews() <-chan struct{} { return s.tasks.news }

// TaskStats are figures of the queue. Added and Dropped count since the store was opened.
type TaskStats struct {
	Most    int       // that may wait; 0: tasks are off
	Waiting int       // those that are being committed included
	Octets  int       // of those, keys and stamps not counted
	Oldest  time.Time // when the first that waits was added; zero: none does
	Added   uint64
	Dropped uint64 // found no room
	Lost    bool   // some were dropped, or not made, since the last TasksAudited
	Gaps    bool   // and bindings may be missing, since then, with those that are lost
}

// TaskStats returns figures of the queue. It never waits for the disk.
func (s *Store) TaskStats() TaskStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.tasks
	t := TaskStats{Most: int(q.most.Load()), Waiting: q.waiting, Octets: q.octets, Added: q.added, Dropped: q.dropped, Lost: s.unaudited(metaLost), Gaps: s.unaudited(metaBindings)}
	if q.waiting > 0 {
		t.Oldest = time.Unix(int64(q.oldest), 0).UTC()
	}
	return t
}

// foundTasks is what of tasks there is when an instance is opened.
type foundTasks struct {
	count, octets int
	first         TaskID
	stamp, latest uint32 // of the first and the last
	next          uint64 // the place behind the last one's
}

// findTasks counts the tasks that wait. A million takes 0.2 to 0.4 s.
func (in *instance) findTasks() (found foundTasks, err error) {
	err = scan(in.db, tasksFrom, tasksTo, func(key, value []byte) error {
		t, err := queued(key, value)
		if err != nil {
			return err
		}
		if found.count == 0 {
			found.first, found.stamp = t.ID, t.Stamp
		}
		found.count++
		found.octets += len(t.Octets)
		found.next, found.latest = t.ID.Sequence+1, t.Stamp
		return nil
	})
	return found, err
}

// settleTasks learns whether tasks are added, and writes what the options say of it where that is new. Changes are told of as for history, and
// programs that don't know tasks must not grant in such a store, since they would add none: so the format is history's.
func (s *Store) settleTasks(in *instance) error {
	was, known, err := s.metaPlace(metaTasks)
	if err != nil {
		return err
	}
	is := was
	if o := s.o.Tasks; o != nil {
		is = uint64(max(o.Most, 0))
	}
	s.tasks.most.Store(int64(is))
	if in.readOnly {
		return nil
	}
	s.stampsFrom(time.Unix(int64(max(in.found.latest, in.outboxFound.latest)), 0))
	b := in.db.NewBatch()
	set := func(name string, value []byte) {
		s.meta[name] = value
		_ = b.Set(metaKey(name), value, nil) // fails on indexed batches only
	}
	if is != was {
		set(metaTasks, encodePlace(is))
	}
	if is > 0 && binary.BigEndian.Uint32(s.meta[metaFormat]) < format {
		set(metaFormat, formatValue())
	}
	lost, err := s.lostBefore(in)
	if err != nil {
		return err
	}
	if err := s.settleOutbox(lost, set); err != nil {
		return err
	}
	s.emptyOutbox(in, b)
	if known && (lost || is > 0 && was == 0) {
		set(metaLost, encodePlace(s.sequence))
		if lost {
			set(metaBindings, encodePlace(s.sequence))
		}
		s.sequence++
	}
	if _, ran := s.meta[metaRuns]; ran && s.o.Sync == SyncAlways {
		delete(s.meta, metaRuns)
		_ = b.Delete(metaKey(metaRuns), nil)
	} else if !ran && s.unsynced() {
		set(metaRuns, []byte{1})
	}
	if !b.Empty() {
		if err := in.run(func() error { return in.db.Apply(b, pebble.Sync) }); err != nil {
			return err
		}
	}
	return s.forgetRestored()
}
