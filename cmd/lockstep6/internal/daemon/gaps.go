package daemon

import (
	"sync"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/io/udp"
)

// gaps are the reasons to close the gate that other goroutines come upon, one bit each by peer.Reason.
type gaps struct {
	pending atomic.Uint32

	mu   sync.Mutex
	ears map[string]*ear
	over binding.Time // since when the first of those was deaf that hear again; 0: none
}

// An ear is an interface: no client on it is heard while it is down, or its multicast groups aren't joined.
type ear struct {
	down, unjoined bool
	since          binding.Time // deaf; 0: it isn't
}

func (g *gaps) note(r peer.Reason) { g.pending.Or(1 << r) }

// hearing notes what happens to an interface. That it goes deaf is a gap; that one wasn't there at the start is none before it is.
func (g *gaps) hearing(e *udp.Event, now binding.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	it := g.ears[e.Interface]
	if it == nil {
		it = &ear{}
		if g.ears == nil {
			g.ears = map[string]*ear{}
		}
		g.ears[e.Interface] = it
	}
	switch e.Kind {
	case udp.InterfaceUp:
		it.down, it.unjoined = false, it.down // its groups are joined anew
	case udp.JoinFailed:
		it.unjoined = true
	case udp.GroupsJoined:
		it.unjoined = false
	default:
		it.down = true
	}
	switch deaf := it.down || it.unjoined; {
	case deaf && it.since == 0:
		it.since = now
		if e.Kind != udp.InterfaceMissing {
			g.note(peer.ReasonLink)
		}
	case !deaf && it.since != 0:
		if g.over == 0 || it.since < g.over {
			g.over = it.since
		}
		it.since = 0
	}
}

// silences tells the gate which interfaces are deaf, and of which that is over: it may have lasted longer than the gate was closed for it.
func (g *gaps) silences(gate *peer.Gate, now binding.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over != 0 {
		gate.SilencedAll(g.over, now, peer.ReasonLink)
		g.over = 0
	}
	for _, it := range g.ears {
		if it.since != 0 {
			gate.SilentAll(it.since, now)
		}
	}
}

// take returns what has come up since the last call.
func (g *gaps) take() (out []peer.Reason) {
	bits := g.pending.Swap(0)
	for r := peer.ReasonNone; r < 32; r++ {
		if bits>>r&1 != 0 {
			out = append(out, r)
		}
	}
	return out
}
