//go:build !race

package bench

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// TestEngineAllocatesNothing: a batch of each kind of message, for new clients and for known ones.
func TestEngineAllocatesNothing(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			r := newRunner(t, k.settings)
			r.use(wire.Request, k.prefixes)
			r.batch(t, 4*worker.BatchSize) // buffers grow to their size
			r.use(k.kind, k.prefixes)
			if n := testing.AllocsPerRun(200, func() { r.batch(t, worker.BatchSize) }); n != 0 {
				t.Errorf("%v allocations per batch, want 0", n)
			}
		})
	}
}
