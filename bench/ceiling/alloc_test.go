//go:build !race

package ceiling

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/worker"
)

// TestAllocatesNothing: what is measured is the kernel and the table, not the garbage collector.
func TestAllocatesNothing(t *testing.T) {
	e := newEchoer(EchoOptions{Sizes: sizes, Segment: true})
	for i := range e.batch {
		e.batch[i].Data = make([]byte, sizes.Request)
	}
	if n := testing.AllocsPerRun(100, func() { e.answer(worker.BatchSize) }); n != 0 {
		t.Errorf("echo: %v allocations per batch, want 0", n)
	}
	table, err := NewTable(1000)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = table.Close() }()
	for _, operation := range TableOperations {
		n := testing.AllocsPerRun(100, func() {
			if _, err := table.Do(operation, worker.BatchSize); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations per batch, want 0", operation, n)
		}
	}
}
