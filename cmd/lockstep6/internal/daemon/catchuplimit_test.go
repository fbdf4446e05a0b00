package daemon

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/query"
)

// TestCatchUpSideBySide: a peer that takes its time keeps the node from none of what the others tell.
func TestCatchUpSideBySide(t *testing.T) {
	r := newReturned(t)
	a, c := r.peers()
	a.during = func() {
		for began := time.Now(); r.table.Stats().Live < 3; time.Sleep(time.Millisecond) {
			if time.Since(began) > patience {
				t.Error("c isn't asked before a has ended")
				return
			}
		}
	}
	r.catchUp(t, a.serve(t, nil), c.serve(t, nil))
	if got := r.owners(t); len(got) != 3 || r.gate.BackSeat(testNow) {
		t.Errorf("owners by client %v, or still in the back seat", got)
	}
}

// TestCatchUpLiar: a peer whose answer has no end is cut off, in each way in which it can go on. The other one is heard.
func TestCatchUpLiar(t *testing.T) {
	for name, test := range map[string]struct {
		lie  func(a *told, yield func(query.Found, error) bool)
		want error
	}{
		"again": {func(a *told, yield func(query.Found, error) bool) {
			for yield(a.found(1), nil) {
			}
		}, errAgain},
		"invented": {func(a *told, yield func(query.Found, error) bool) {
			for n := 0; ; n++ {
				f := a.found(1)
				f.Client[0].Key.Address[5], f.Client[0].Key.Address[6] = byte(n>>8), byte(n)
				if !yield(f, nil) {
					return
				}
			}
		}, errTooMany},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReturned(t)
			a, c := r.peers()
			a.lying = func(yield func(query.Found, error) bool) { test.lie(a, yield) }
			c.grants = map[byte][]byte{2: c.id}
			r.catchUp(t, a.serve(t, nil), c.serve(t, nil))
			log := r.log.String()
			if !strings.Contains(log, "level=WARN") || !strings.Contains(log, test.want.Error()) || !strings.Contains(log, "peer=c leases=1 complete=true") {
				t.Errorf("log:\n%s", log)
			}
			if !r.gate.BackSeat(testNow) {
				t.Error("up to date by a liar's word")
			}
		})
	}
}

// TestCatchUpEndless: a peer that goes on and on, and tells nothing, is cut off by the time.
func TestCatchUpEndless(t *testing.T) {
	r := newReturned(t)
	a, c := r.peers()
	over := make(chan struct{})
	a.lying = func(func(query.Found, error) bool) { <-over }
	r.inForce.config.Cluster.Nodes[0].Leasequery, r.inForce.config.Cluster.Nodes[2].Leasequery = a.serve(t, nil), c.serve(t, nil)
	up := newCatchUp(r.Daemon)
	up.pauses, up.shown, up.limit = make([]time.Duration, 5), 0, 500*time.Millisecond // c may take longer too, but not each time
	up.run(t.Context())
	close(over)
	if log := r.log.String(); !strings.Contains(log, "its answers take more than 500ms") || len(r.owners(t)) != 2 {
		t.Errorf("log:\n%s", log)
	}
}

// TestCatchUpEmptyReply: that there is nothing counts only from the peer itself, and with a clock by which that means something.
func TestCatchUpEmptyReply(t *testing.T) {
	r := newReturned(t)
	a, c := r.peers()
	c.grants, c.id = nil, a.id
	r.catchUp(t, a.serve(t, nil), c.serve(t, nil))
	if !r.gate.BackSeat(testNow) || !strings.Contains(r.log.String(), errOther.Error()) {
		t.Errorf("another server's word that there is nothing counts:\n%s", r.log.String())
	}
	r = newReturned(t)
	r.knew = testNow - 20
	var asked atomic.Int32
	a.grants, c.id = nil, r.p.Nodes[2].ServerID
	r.catchUp(t, a.serve(t, nil), serveStandard(t, c.id, func() { asked.Add(1) }))
	if asked.Load() != 2 || r.gate.BackSeat(testNow) {
		t.Errorf("a server that knows no start time was asked %d times, want once more for all; in the back seat: %t", asked.Load(), r.gate.BackSeat(testNow))
	}
}

// TestCatchUpAsking: only a node that began with an empty store may be missing what its gates don't know of, and only until its peers
// have been asked once.
func TestCatchUpAsking(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		r := newReturned(t)
		if fresh {
			r.site.Load().View.Gate = peer.NewGate([]uint32{1500}, nil, 300)
			r.gate = r.site.Load().View.Gate
			r.gate.Begun(testNow)
		}
		a, c := r.peers()
		a.grants, c.grants = nil, nil
		asking := make(chan bool, 2)
		a.during = func() { asking <- r.asking.Load() }
		r.catchUp(t, a.serve(t, nil), c.serve(t, nil))
		if got := <-asking; got != fresh {
			t.Errorf("fresh %t: asking %t", fresh, got)
		}
	}
}

// TestCatchUpSeverity: that a peer is down is said, and that it answers nonsense is a warning.
func TestCatchUpSeverity(t *testing.T) {
	r := newReturned(t)
	a, c := r.peers()
	c.id = a.id
	r.catchUp(t, deadPort(t), c.serve(t, nil))
	for _, want := range []string{
		`level=INFO msg="a peer can't be reached, so it doesn't tell what this node missed" id=catch-up-unreached peer=a`,
		`level=WARN msg="a peer didn't tell what this node missed" id=catch-up-failed peer=c`,
	} {
		if got := strings.Count(r.log.String(), want); got != 3 {
			t.Errorf("%d times in three rounds: %s\n%s", got, want, r.log.String())
		}
	}
}

// TestTally: a client with a thousand IAIDs is told as often, and that is well.
func TestTally(t *testing.T) {
	y := newTally(5000)
	for range 1000 {
		for n := range 1000 {
			y.add(&binding.Key{Address: netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", n)).As16(), Length: 128})
		}
	}
	if err := y.excess(); err != nil || y.first < 900 || y.first > 1000 {
		t.Errorf("%v, %d leases", err, y.first)
	}
}
