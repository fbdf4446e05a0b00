//go:build !race

package naming_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
)

// TestNothingIsAllocated names clients as the engine does for each message. Not under the race detector, which allocates by itself.
func TestNothingIsAllocated(t *testing.T) {
	rules := usual(t)
	rules.Generate, rules.Substitute = naming.GenerateMissing, []byte("x")
	kept := naming.Kept(rules.Append(nil, partial(t, "laptop"), nil, &where))
	made := naming.Kept(rules.Append(nil, nil, nil, &where))
	room := make([]byte, 0, 2*naming.MaxKept)
	for name, f := range map[string]func(){
		"partial":    func(sent []byte) func() { return func() { rules.Append(room, sent, nil, &where) } }(partial(t, "läptop")),
		"whole":      func(sent []byte) func() { return func() { rules.Append(room, sent, nil, &where) } }(whole(t, "laptop.example.org")),
		"made":       func() { rules.Append(room, nil, nil, &where) },
		"again":      func() { rules.AppendAgain(room, kept, nil, &where) },
		"made again": func() { rules.AppendAgain(room, made, nil, &where) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
