package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Tasks returns at most so many tasks, in the order of their changes, the first that wait behind one; zero: from the beginning. A task
// stays until it is done. Nothing comes up later before what was read, so a reader goes on behind it. To begin anew costs more where the
// first one still waits: under 1 µs for each that was done behind it. It reads the disk, and fails while the store is broken or closed.
func (s *Store) Tasks(after TaskID, most int) ([]QueuedTask, error) {
	in, done, err := s.use()
	if err != nil {
		return nil, err
	}
	defer done()
	if most <= 0 {
		return nil, nil
	}
	from, below, err := s.taskBounds(in)
	if err != nil {
		return nil, err
	}
	after.Number++
	if from.Compare(after) < 0 {
		from = after
	}
	if from.Compare(below) >= 0 {
		return nil, nil
	}
	var tasks []QueuedTask
	err = in.run(func() (err error) {
		tasks, err = readTasks(in.db, from, below, most)
		return err
	})
	if err != nil { // then the goroutine may run still
		return nil, explain(s.o.Path, err)
	}
	return tasks, nil
}

// readTasks reads at most so many tasks from one on, below another one.
func readTasks(db pebble.Reader, from, below TaskID, most int) (tasks []QueuedTask, err error) {
	err = scan(db, from.key(), below.key(), func(key, value []byte) error {
		t, err := queued(key, value)
		if err != nil {
			return err
		}
		t.Octets = bytes.Clone(t.Octets)
		if tasks = append(tasks, t); len(tasks) == most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return tasks, err
}

// taskBounds are the first task that waits, or one that comes before it, and one behind all that may be read.
func (s *Store) taskBounds(in *instance) (from, below TaskID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in != in {
		return from, below, fmt.Errorf("store %s is broken: %w", s.o.Path, s.lastErr)
	}
	return s.tasks.first, TaskID{Sequence: s.settledBelow()}, nil
}

// DoneTasks deletes tasks; many at once cost less. It needs no sync: a task whose deletion is lost with the power is done twice, which is
// harmless. Tasks that aren't there are passed over. It fails while the store is broken or closed; then they come again.
func (s *Store) DoneTasks(ids ...TaskID) error {
	if len(ids) == 0 {
		return nil
	}
	in, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	ids = slices.Clone(ids)
	slices.SortFunc(ids, TaskID.Compare)
	ids = slices.Compact(ids)
	return explain(s.o.Path, in.run(func() error { return s.deleteTasks(in, ids) }))
}

// deleteTasks deletes tasks, whose ids are sorted. What is deleted is read before: so that the figures hold whatever it is told twice.
func (s *Store) deleteTasks(in *instance, ids []TaskID) error {
	in.tasks.Lock()
	defer in.tasks.Unlock()
	from, below, err := s.taskBounds(in)
	if err != nil {
		return err
	}
	d := &doneTasks{b: in.db.NewBatch(), next: QueuedTask{ID: below, Stamp: s.stamp()}}
	if err := d.collect(in.db, from, below, ids); err != nil {
		return err
	}
	if in.marks += d.count; in.marks >= s.o.taskMarks {
		_ = d.b.DeleteRange(tasksFrom, d.next.ID.key(), nil) // fails on indexed batches only
		in.marks = 0
	}
	if err := in.apply(d.b, pebble.NoSync); err != nil {
		in.fail(err)
		return err
	}
	s.mu.Lock()
	q := &s.tasks
	over := false
	if s.in == in { // else it is counted anew
		q.waiting -= d.count
		q.octets -= d.octets
		q.first, q.oldest = d.next.ID, d.next.Stamp
		over = q.full && int64(q.waiting) <= q.most.Load()/2
		q.full = q.full && !over
	}
	s.mu.Unlock()
	if over {
		s.o.Logger.Info("store: the queue of tasks has room again", "id", "store-tasks-room")
	}
	return nil
}

// doneTasks is one deletion.
type doneTasks struct {
	b      *pebble.Batch
	count  int        // of those that were there
	octets int        // of them
	next   QueuedTask // the first that is left, or where one may come
}

// collect deletes of the tasks from a place on, below another one, those that are named, and finds the first that is left.
func (d *doneTasks) collect(db *pebble.DB, from, below TaskID, ids []TaskID) (err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: from.key(), UpperBound: below.key()})
	if err != nil {
		return err
	}
	defer func() { err = errorsAfter(err, closeAfter(it)) }()
	for ok := it.First(); ok; ok = it.Next() {
		t, err := taskAt(it)
		if err != nil {
			return err
		}
		for len(ids) > 0 && ids[0].Compare(t.ID) < 0 {
			ids = ids[1:]
		}
		if len(ids) == 0 || ids[0] != t.ID {
			d.next = QueuedTask{ID: t.ID, Stamp: t.Stamp}
			break
		}
		d.delete(it, &t)
		ids = ids[1:]
	}
	for _, id := range ids {
		if !it.SeekGE(id.key()) {
			return nil
		}
		t, err := taskAt(it)
		if err != nil {
			return err
		}
		if t.ID == id {
			d.delete(it, &t)
		}
	}
	return nil
}

func (d *doneTasks) delete(it *pebble.Iterator, t *QueuedTask) {
	_ = d.b.Delete(it.Key(), nil) // fails on indexed batches only
	d.count++
	d.octets += len(t.Octets)
}

// taskAt is the task at which an iterator stands, valid until it moves.
func taskAt(it *pebble.Iterator) (QueuedTask, error) {
	value, err := it.ValueAndErr()
	if err != nil {
		return QueuedTask{}, err
	}
	return queued(it.Key(), value)
}
