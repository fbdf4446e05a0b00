package main

import (
	"math"
	"strings"
	"testing"
)

// TestReport: what is lost and what a binding costs are above the renewals' own share.
func TestReport(t *testing.T) {
	r := Report{
		Before: Phase{Seconds: 2, Done: 20_000, Rate: 10_000, CPU: 0.2}, After: Phase{Seconds: 2, Done: 60_000, Rate: 30_000, CPU: 0.6},
		During: Phase{Seconds: 1, Done: 5_000, Rate: 5_000, CPU: 0.15}, Seconds: 1, Bindings: 2000, Held: 1999,
		Told: 2000,
	}
	if r.lost() != 0.75 || math.Abs(r.telling()-50) > 1e-9 {
		t.Errorf("lost %v, %v µs for each", r.lost(), r.telling())
	}
	page := r.markdown()
	for _, want := range []string{"| bindings per second | **2000** |", "lost meanwhile | **0.75** |", "| 1999 of 2000 |", "it has a gap itself"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in:\n%s", want, page)
		}
	}
}
