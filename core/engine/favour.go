package engine

import (
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	// patience is how many milliseconds a client looks for its first node before the next one answers: a little less than
	// a Solicit's first retransmission. The node after that waits until the second one, and so on: 0.9 s, 2.7 s, 6.3 s.
	patience = 900
	// yielding is how many milliseconds a node leaves a client to its peers: where a peer owns the binding, where this node
	// has nothing to give, and in the back seat.
	yielding = 1000
	// maxPatienceRank bounds the doubling: about half a minute, as long as a Request's last retransmission.
	maxPatienceRank = 5
)

// favoured is the preference of the node that a client's own order of nodes puts first: the client requests at once.
const favoured = 255

// preference is what the Advertise says; 0 sends no option (RFC 9915, Section 18.3.9).
func (e *Engine) preference() uint8 {
	switch {
	case e.policy.Single || e.policy.Favour != config.FavourRendezvous:
		return e.policy.Preference
	case e.policy.Favoured(e.message.ClientID):
		return favoured
	default:
		return 0
	}
}

// forbears tells whether a Solicit is left to peers for now, and why. A client that this node serves already is answered.
func (e *Engine) forbears() wire.Drop {
	if e.policy.Single {
		return wire.DropNone
	}
	if e.backSeat() && !e.serves() && !e.waited(yielding) {
		return wire.DropBackSeat
	}
	if e.asksPeers() {
		return wire.DropPatience
	}
	if e.policy.Favour != config.FavourDelay {
		return wire.DropNone
	}
	if rank := min(e.policy.FavourRank(e.message.ClientID), maxPatienceRank); rank > 0 && !e.waited(patience*(1<<rank-1)) {
		return wire.DropPatience
	}
	return wire.DropNone
}

func (e *Engine) backSeat() bool { return !e.policy.Single && e.view.Gate.BackSeat(e.now) }

// serves tells whether this node has granted the client something that lives.
func (e *Engine) serves() bool {
	for i := range e.message.IACount {
		e.find(i)
		for _, r := range e.found {
			if !Observed(r) && r.Live(e.now) {
				return true
			}
		}
	}
	return false
}
