package engine

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// MaxWriters is how many writers of marks there can be: workers, and who changes bindings by command.
const MaxWriters = 256

// Marks tells which writes are on stable storage. Every batch of changes carries a mark: its writer's number
// and the batch's sequence number. A writer's batches may become durable out of order; Durable answers
// for the highest sequence number below which none is missing.
//
// Each writer's number has one owner, who alone calls Settle for it; anyone may call Durable at any time.
type Marks struct {
	writers [MaxWriters]writer
}

type writer struct {
	settled atomic.Uint64 // all batches up to this one are durable
	_       [56]byte      // a cache line each: writers don't disturb one another
	early   map[uint64]struct{}
}

// NewMark is the mark of a writer's batch; sequence counts from 1.
func NewMark(writerID int, sequence uint64) binding.Mark {
	return binding.NewMark(uint16(writerID), sequence)
}

// Durable tells whether what carries the mark is on stable storage. The zero mark, of what was loaded, is.
func (m *Marks) Durable(mark binding.Mark) bool {
	w := &m.writers[mark.Worker()]
	return mark.Sequence() <= w.settled.Load()
}

// Settle notes that a batch is durable. Called by the writer's owner only.
func (m *Marks) Settle(mark binding.Mark) {
	w := &m.writers[mark.Worker()]
	sequence := mark.Sequence()
	next := w.settled.Load() + 1
	if sequence < next {
		return // known already
	}
	if sequence > next {
		if w.early == nil {
			w.early = make(map[uint64]struct{})
		}
		w.early[sequence] = struct{}{}
		return
	}
	for {
		if _, ok := w.early[next+1]; !ok {
			break
		}
		next++
		delete(w.early, next)
	}
	w.settled.Store(next)
}
