package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

// What happens to a lease, as the linearizability checker sees it.
type leaseOp uint8

const (
	offered   leaseOp = iota // an Advertise has it
	granted                  // a Reply has it
	released                 // its client's Release succeeded
	declined                 // its client's Decline did
	reclaimed                // the sweeper removed its record
)

type leaseEvent struct {
	lease  binding.Key
	op     leaseOp
	client int
	at     binding.Time // what the clock showed when the batch began
	// And when it had ended. Where the clock was moved meanwhile, another worker may have noted, at a later time, what this client says to
	// hold, which is no event here.
	late  binding.Time
	until binding.Time // of granted: by the Reply; of declined: the quarantine's end
}

// leaseOwner is the sequential specification: whose the lease is, until when, and whether nobody may have it till then.
type leaseOwner struct {
	client int // of nobody: -1
	until  binding.Time
	barred bool
}

// free tells whether another client may have the lease.
func (o leaseOwner) free(at binding.Time) bool {
	return o.client < 0 && !o.barred || o.barred && o.until <= at || !o.barred && o.until+peer.Grace <= at
}

// ownerModel is a lease with one owner at a time.
var ownerModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		byLease := map[binding.Key][]porcupine.Operation{}
		for _, op := range history {
			lease := op.Input.(leaseEvent).lease
			byLease[lease] = append(byLease[lease], op)
		}
		for _, part := range byLease {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return leaseOwner{client: -1} },
	Step: func(state, input, _ any) (bool, any) {
		s, in := state.(leaseOwner), input.(leaseEvent)
		own := s.client == in.client && !s.barred
		switch in.op {
		case offered:
			return own || s.free(in.late), s
		case granted:
			if own {
				return true, leaseOwner{client: in.client, until: max(s.until, in.until)}
			}
			return s.free(in.late), leaseOwner{client: in.client, until: in.until}
		case released:
			return own || s.free(in.late), leaseOwner{client: -1}
		case declined:
			again := s.barred && s.client == in.client // a retransmission writes it once more
			return own || again || s.free(in.late), leaseOwner{client: in.client, until: in.until, barred: true}
		default:
			return s.free(in.late), leaseOwner{client: -1}
		}
	},
}

// TestLinearizable has workers answer Solicit, Request, Renew, Rebind, Release and Decline at once, while leases end and are reclaimed and the
// configuration changes between two pools of which one has half of the other's leases, and asks porcupine whether some order explains all answers.
func TestLinearizable(t *testing.T) {
	runs, batches := 6, 250
	if testing.Short() || raceDetector {
		runs = 2
	}
	for name, head := range map[string]string{"single": "", "cluster": crowdCluster} {
		t.Run(name, func(t *testing.T) {
			count := map[leaseOp]int{}
			for run := range runs {
				history := newCrowd(t, head).play(uint64(run), batches)
				for _, op := range history {
					count[op.Input.(leaseEvent).op]++
				}
				if result := porcupine.CheckOperationsTimeout(ownerModel, history, time.Minute); result != porcupine.Ok {
					show(t, history)
					t.Fatalf("run %d: history of %d operations: %v", run, len(history), result)
				}
			}
			for op := offered; op <= reclaimed; op++ {
				if count[op] < runs {
					t.Errorf("too little happened to prove anything: %v", count)
				}
			}
		})
	}
}

// show logs what happened to each lease of which no order explains it.
func show(t *testing.T, history []porcupine.Operation) {
	for _, part := range ownerModel.Partition(history) {
		if porcupine.CheckOperationsTimeout(ownerModel, part, time.Minute) == porcupine.Ok {
			continue
		}
		slices.SortFunc(part, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, op := range part {
			t.Logf("%d to %d by %d: %+v", op.Call, op.Return, op.ClientId, op.Input)
		}
	}
}
