package binding

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// An operation on one lease, as the linearizability checker sees it. Each published record has a number of its own
// in its Mark.
type leaseInput struct {
	lease uint64
	op    string // find, insert, replace, remove
	old   Mark   // of replace and remove
	fresh Mark   // of insert and replace
}

type leaseOutput struct {
	found   Mark // 0: none
	version uint64
	outcome Outcome
}

// leaseState is the sequential specification's: what Find must return, and the highest version ever given.
type leaseState struct {
	current Mark
	version uint64
}

// leaseModel is a lease as one variable with compare-and-swap, whose versions only rise.
var leaseModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byLease := map[uint64][]porcupine.Operation{}
		for _, op := range history {
			lease := op.Input.(leaseInput).lease
			byLease[lease] = append(byLease[lease], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byLease {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return leaseState{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(leaseState), input.(leaseInput), output.(leaseOutput)
		switch in.op {
		case "find":
			return out.found == s.current && (out.found == 0 || out.version == s.version), s
		case "insert":
			if s.current != 0 {
				return out.outcome == Lost, s
			}
			return out.outcome == Published && out.version > s.version, leaseState{in.fresh, out.version}
		case "replace":
			if s.current != in.old {
				return out.outcome == Lost, s
			}
			return out.outcome == Published && out.version == s.version+1, leaseState{in.fresh, out.version}
		}
		if s.current != in.old { // remove
			return out.outcome == Lost, s
		}
		return out.outcome == Published, leaseState{0, s.version + 1}
	},
}

// A historian is one goroutine that works on few leases and writes down what it did when.
type historian struct {
	t       *testing.T
	id      int
	h       *Handle
	rng     *rand.Rand
	marks   *atomic.Uint64
	history []porcupine.Operation
}

// clock gives each call and return a moment of its own; no clock is needed for an order.
func (w *historian) record(clock *atomic.Int64, in leaseInput, call func() leaseOutput) leaseOutput {
	start := clock.Add(1)
	out := call()
	w.history = append(w.history, porcupine.Operation{ClientId: w.id, Input: in, Call: start, Output: out, Return: clock.Add(1)})
	return out
}

// batch finds a lease and tries to change what it found.
func (w *historian) batch(clock *atomic.Int64, lease uint64) {
	w.h.Enter()
	defer w.h.Leave()
	key := numberedKey(lease)
	var old *Record
	w.record(clock, leaseInput{lease: lease, op: "find"}, func() leaseOutput {
		if old = w.h.Find(&key); old == nil {
			return leaseOutput{}
		}
		return leaseOutput{found: old.Mark(), version: old.Version()}
	})
	d := numberedDraft(lease)
	d.IAID, d.Mark = w.rng.Uint32N(2), Mark(w.marks.Add(1))
	d.Extension = AppendExtension(nil, ExtRemoteID, make([]byte, w.rng.IntN(60)))
	in := leaseInput{lease: lease, op: "insert", fresh: d.Mark}
	if old != nil {
		in.op, in.old = "replace", old.Mark()
		if w.rng.IntN(2) == 0 {
			in.op = "remove"
		}
	}
	w.record(clock, in, func() leaseOutput {
		if in.op == "remove" {
			return leaseOutput{outcome: w.h.Remove(old)}
		}
		r, outcome := w.h.Publish(old, &d)
		if r == nil {
			return leaseOutput{outcome: outcome}
		}
		if r.Mark() != d.Mark || r.Key() != d.Key {
			w.t.Errorf("published %v with mark %x, got %v with mark %x", d.Key, d.Mark, r.Key(), r.Mark())
		}
		return leaseOutput{outcome: outcome, version: r.Version()}
	})
}

// TestLinearizable lets several goroutines find, insert, replace and remove few leases that share buckets,
// with so few slots that reclaimed ones are in use again at once, and asks porcupine whether some
// order of the calls explains all answers.
func TestLinearizable(t *testing.T) {
	const workers, leases, batches, runs = 4, 3, 150, 40
	for range runs {
		table := newTable(t, Options{Capacity: 10 * leases, ExtensionBytes: 1, Seed: 1, buckets: 2})
		var clock atomic.Int64
		var marks atomic.Uint64
		var wg sync.WaitGroup
		historians := make([]*historian, workers)
		for i := range historians {
			w := &historian{t: t, id: i, h: table.NewHandle(), rng: seeded(t), marks: &marks}
			historians[i] = w
			wg.Go(func() {
				for range batches {
					w.batch(&clock, w.rng.Uint64N(leases))
				}
				w.h.Close()
			})
		}
		wg.Wait()
		var history []porcupine.Operation
		for _, w := range historians {
			history = append(history, w.history...)
		}
		if result := porcupine.CheckOperationsTimeout(leaseModel, history, time.Minute); result != porcupine.Ok {
			t.Fatalf("history of %d operations: %v", len(history), result)
		}
		audit(t, table)
		if t.Failed() {
			return
		}
	}
}
