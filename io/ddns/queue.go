package ddns

import (
	"cmp"
	"fmt"
)

// A TaskID is a task's place in the queue: those of a later change are greater. Zero is before all.
type TaskID struct {
	Sequence uint64
	Number   uint32
}

// Compare is negative where the task comes before another one, positive behind it.
func (id TaskID) Compare(other TaskID) int {
	return cmp.Or(cmp.Compare(id.Sequence, other.Sequence), cmp.Compare(id.Number, other.Number))
}

// String implements fmt.Stringer.
func (id TaskID) String() string { return fmt.Sprintf("%d.%d", id.Sequence, id.Number) }

// A QueuedTask waits to be done.
type QueuedTask struct {
	ID     TaskID
	Stamp  uint32 // when it was added, in seconds since 1970
	Octets []byte // as upkeep.DecodeTask reads it; the reader's
}

// A Queue keeps tasks until they are done, through crashes too.
type Queue interface {
	// Tasks returns at most so many tasks that wait behind a place, in order.
	Tasks(after TaskID, most int) ([]QueuedTask, error)
	// DoneTasks takes tasks off the queue. That may get lost in a crash: a task may be done twice.
	DoneTasks(ids ...TaskID) error
	// TaskNews gets a token after tasks were added.
	TaskNews() <-chan struct{}
}
