package peer

import (
	"sync"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

func TestTally(t *testing.T) {
	y := NewTally(2)
	if at, ok := y.LastHeard(1); ok {
		t.Errorf("heard at %d before anything was", at)
	}
	y.Heard(1, wire.Renew, 100)
	y.Heard(1, wire.Renew, 101)
	y.Heard(1, wire.Request, 101)
	y.Heard(0, wire.InformationRequest, 7)
	// What can't be counted is ignored: other nodes, and types that name no server.
	y.Heard(2, wire.Renew, 102)
	y.Heard(-1, wire.Renew, 102)
	y.Heard(1, wire.RelayForward, 102)
	for _, test := range []struct {
		node int
		kind wire.MessageType
		want uint64
	}{
		{1, wire.Renew, 2}, {1, wire.Request, 1}, {1, wire.Release, 0}, {0, wire.InformationRequest, 1},
		{2, wire.Renew, 0}, {-1, wire.Renew, 0}, {1, wire.RelayForward, 0},
	} {
		if got := y.Messages(test.node, test.kind); got != test.want {
			t.Errorf("%s for node %d: got %d, want %d", test.kind, test.node, got, test.want)
		}
	}
	for node, want := range map[int]binding.Time{0: 7, 1: 101} {
		if at, ok := y.LastHeard(node); !ok || at != want {
			t.Errorf("node %d was last heard at %d, %v; want %d", node, at, ok, want)
		}
	}
	if _, ok := y.LastHeard(2); ok {
		t.Error("a node outside of the cluster was heard")
	}
}

// TestTallyAtOnce counts from several goroutines: nothing is lost.
func TestTallyAtOnce(t *testing.T) {
	y := NewTally(1)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 1000 {
				y.Heard(0, wire.Renew, binding.Time(i+1))
			}
		})
	}
	group.Wait()
	if got := y.Messages(0, wire.Renew); got != 4000 {
		t.Errorf("got %d, want 4000", got)
	}
}
