//go:build !race

package upkeep_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/upkeep"
)

// A committer asks of every change whether a task follows. Not under the race detector, which allocates by itself.
func TestTaskOfAllocatesNothing(t *testing.T) {
	j := newJournal(t)
	room := make([]byte, 0, 1024)
	for _, news := range []bool{true, false} {
		key, value := j.publish(bound(one), news)
		got := testing.AllocsPerRun(100, func() { room = upkeep.TaskOf(room[:0], key, value) })
		if got != 0 || (len(room) > 0) != news {
			t.Errorf("news %v: %v allocations, a task of %d octets", news, got, len(room))
		}
	}
}
