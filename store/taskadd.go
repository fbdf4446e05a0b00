package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// ErrTasksFull says that AddTasks found no room for its tasks.
var ErrTasksFull = errors.New("the queue of tasks is full")

// taskChunk is how many octets of added tasks are one entry, so that a group stays small.
const taskChunk = 256 << 10

// A taskList is tasks, one behind the other.
type taskList struct {
	octets []byte
	ends   []int
}

func (l *taskList) reset() { l.octets, l.ends = l.octets[:0], l.ends[:0] }

// close ends a task of what was appended to octets; nothing: there is none.
func (l *taskList) close() {
	if len(l.octets) > l.size(len(l.ends)) {
		l.ends = append(l.ends, len(l.octets))
	}
}

// cut leaves the first n.
func (l *taskList) cut(n int) { l.octets, l.ends = l.octets[:l.size(n)], l.ends[:n] }

// size is how many octets the first n have.
func (l *taskList) size(n int) int {
	if n == 0 {
		return 0
	}
	return l.ends[n-1]
}

// put adds the tasks to a batch, under numbers that follow that of the last one.
func (l *taskList) put(b *pebble.Batch, last TaskID, stamp uint32) {
	from := 0
	for _, end := range l.ends {
		last.Number++
		op := b.SetDeferred(taskKeySize, taskHeader+end-from)
		last.put(op.Key)
		binary.BigEndian.PutUint32(op.Value, stamp)
		copy(op.Value[taskHeader:], l.octets[from:end])
		_ = op.Finish() // fails on indexed batches only
		from = end
	}
}

// addTasks adds the tasks that follow from the group's changes, as many as there is room for, and those that it carries.
func (s *Store) addTasks(g *group) {
	g.dropped = 0
	if followed := len(g.tasks.ends); followed > 0 {
		fit, lost := s.reserve(&g.tasks, false)
		g.tasks.cut(fit)
		if g.dropped = lost; lost > 0 {
			_ = g.batch.Set(metaKey(metaLost), encodePlace(g.sequence), nil) // fails on indexed batches only
		}
	}
	stamp := s.stamp()
	g.tasks.put(g.batch, TaskID{Sequence: g.sequence}, stamp)
	g.carried.put(g.batch, TaskID{g.sequence, uint32(len(g.tasks.ends))}, stamp)
}

// reserve takes room for the first tasks of a list, or all or none where that is said. Lost is how many there is no room for, as long
// as tasks are on at all. What is reserved is written with the group; where the instance breaks it is counted anew (see install).
func (s *Store) reserve(l *taskList, whole bool) (fit, lost int) {
	s.mu.Lock()
	q := &s.tasks
	most := int(q.most.Load())
	fit = min(len(l.ends), max(most-q.waiting, 0))
	if whole && fit < len(l.ends) {
		s.mu.Unlock()
		return 0, len(l.ends)
	}
	if q.waiting == 0 {
		q.oldest = s.stamp()
	}
	q.waiting += fit
	q.octets += l.size(fit)
	if most > 0 {
		lost = len(l.ends) - fit
	}
	tell := lost > 0 && !q.full
	q.full = q.full || tell
	s.mu.Unlock()
	if tell {
		s.o.Logger.Warn("store: the queue of tasks is full; new ones are dropped until some are done", "id", "store-tasks-full", "most", most)
	}
	return fit, lost
}

// confirmTasks counts the tasks of a group that is durable and not among those under way any more. Store.mu is held.
func (s *Store) confirmTasks(g *group) {
	q := &s.tasks
	if added := len(g.tasks.ends) + len(g.carried.ends); added > 0 {
		q.added += uint64(added)
		q.unseen = max(q.unseen, g.sequence+1)
	}
	if g.dropped > 0 {
		q.dropped += uint64(g.dropped)
		s.noteLost(g.sequence)
	}
	if q.unseen == 0 {
		return
	}
	// A group that comes before may be under way still: then its end tells again.
	if s.settledBelow() >= q.unseen {
		q.unseen = 0
	}
	q.tell()
}

// settledBelow is the place below which no group is under way. Store.mu is held.
func (s *Store) settledBelow() uint64 {
	below := s.sequence
	for _, g := range s.taken {
		below = min(below, g.sequence)
	}
	return below
}

// A taskWrite is tasks on their way to disk.
type taskWrite struct {
	taskList
	done chan error // has room for one
}

// AddTasks adds tasks that follow from no change, and returns when they are on disk, whatever Options.Sync says, or when ctx is done; then
// they may still get there. It is ErrTasksFull where there isn't room for all, or tasks are off; some may have been added then. Empty ones are passed over.
func (s *Store) AddTasks(ctx context.Context, tasks [][]byte) error {
	w := &taskWrite{}
	for _, task := range tasks {
		w.octets = append(w.octets, task...)
		if w.close(); len(w.octets) < taskChunk {
			continue
		}
		if err := s.addChunk(ctx, w); err != nil {
			return err
		}
		w = &taskWrite{}
	}
	if len(w.ends) == 0 {
		return nil
	}
	return s.addChunk(ctx, w)
}

func (s *Store) addChunk(ctx context.Context, w *taskWrite) error {
	w.done = make(chan error, 1)
	s.mu.Lock()
	closing := s.closing
	s.mu.Unlock()
	if closing {
		return errClosed
	}
	s.enqueue(entry{tasks: w})
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// carry takes an entry's tasks into the group, where there is room for them.
func (s *Store) carry(g *group, e entry) (kept bool) {
	fit, _ := s.reserve(&e.tasks.taskList, true)
	if fit < len(e.tasks.ends) {
		most := s.tasks.most.Load()
		s.mu.Lock()
		if e.owed {
			s.owed--
		}
		s.mu.Unlock()
		e.tasks.done <- fmt.Errorf("store: %d tasks don't fit: %w (at most %d)", len(e.tasks.ends), ErrTasksFull, most)
		return false
	}
	from := 0
	for _, end := range e.tasks.ends {
		g.carried.octets = append(g.carried.octets, e.tasks.octets[from:end]...)
		g.carried.close()
		from = end
	}
	g.sync = true
	return true
}

// SetTasks changes how many tasks may wait, and returns when that is on disk; 0: none is added any more, and what waits stays. It has to return
// before the first change is made whose task counts. Where tasks are switched on again, those of the changes between are lost.
func (s *Store) SetTasks(ctx context.Context, most int) error {
	most = max(most, 0)
	was := int(s.tasks.most.Load())
	if most == was {
		return nil
	}
	s.mu.Lock()
	_, known := s.meta[metaTasks]
	old := bytes.Compare(s.meta[metaFormat], formatValue()) < 0
	s.mu.Unlock()
	if most > 0 && old {
		if err := s.putMeta(ctx, metaFormat, formatValue()); err != nil {
			return err
		}
	}
	if most > 0 && was == 0 {
		if err := s.beginTasks(ctx, known); err != nil {
			return err
		}
	}
	if err := s.putMeta(ctx, metaTasks, encodePlace(uint64(most))); err != nil {
		return err
	}
	s.tasks.most.Store(int64(most))
	return nil
}

func formatValue() []byte { return binary.BigEndian.AppendUint32(nil, format) }
