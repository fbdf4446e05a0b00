//go:build race || invariants

package binding

import (
	"math/rand/v2"
	"runtime"
)

// stagger sometimes lets other goroutines run, at the places where an interleaving matters. Two processors would
// hardly ever stop there by themselves. It orders nothing, so it hides no race from the detector.
func stagger() {
	if rand.Uint32()%32 == 0 { //nolint:forbidigo // not an input: tests explore schedules, no result depends on it
		runtime.Gosched()
	}
}
