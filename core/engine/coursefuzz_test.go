package engine_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/policy"
)

// FuzzCourse lets octets choose a course of events over one table: which clients say what and how it arrives, what becomes durable when,
// time, reloads, sweeps and crashes. What TestWorld looks at is looked at, and the table's counts after each step.
func FuzzCourse(f *testing.F) {
	policies := narrowPolicies(f)
	for seed := range uint64(8) {
		f.Add(chances(seed))
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		c := newCourse(t, octets[:min(len(octets), 4096)], policies)
		defer c.close()
		for step := 0; len(c.octets) > 0; step++ {
			if c.step(); len(c.faults) > 0 {
				t.Fatalf("step %d: %s", step, strings.Join(c.faults, "\n"))
			}
		}
	})
}

// chances are octets for some fifty steps.
func chances(seed uint64) []byte {
	octets := make([]byte, 1000)
	for i, rng := 0, rand.New(rand.NewPCG(seed, 2)); i < len(octets); i++ {
		octets[i] = byte(rng.Uint32())
	}
	return octets
}

// TestCourse: enough happens in what FuzzCourse begins with to be worth changing, and a record that vanishes behind everybody's back is noticed
// by the counts.
func TestCourse(t *testing.T) {
	policies := narrowPolicies(t)
	var all [8]int
	noticed := false
	for seed := range uint64(8) {
		for _, m := range []mutation{sound, forgets} {
			c := newCourse(t, chances(seed), policies)
			c.mutation = m
			for len(c.octets) > 0 && len(c.faults) == 0 {
				c.step()
			}
			noticed = noticed || m == forgets && len(c.faults) > 0 && strings.HasPrefix(c.faults[0], "counts")
			if s := &c.stats; m == sound {
				for i, n := range [...]int{s.grants, s.advertises, s.drops, s.crashes, s.sweeps, s.reloads, s.nested, len(c.others)} {
					all[i] += n
				}
			}
			c.close()
		}
	}
	if slices.Min(all[:]) == 0 || all[0] < 30 {
		t.Errorf("too little happens: %v", all)
	}
	if !noticed {
		t.Error("a vanished record wasn't noticed")
	}
}

func narrowPolicies(t testing.TB) (out []*policy.Policy) {
	t.Helper()
	for _, text := range narrow {
		out = append(out, mustCompile(t, text, ""))
	}
	return out
}
