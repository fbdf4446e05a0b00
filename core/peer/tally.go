// Package peer gathers what the messages meant for other servers tell about them. Relays and multicast deliver
// those messages to every node, so a node knows its peers without a word between them
// (RFC 6853, Section 5.2; RFC 9915, Section 16). It never answers anything and shares nothing but counters.
package peer

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// messageTypes bounds the message types that name a server: Request, Renew, Release, Decline
// and Information-request, all below 12.
const messageTypes = 12

// A Tally counts the messages meant for each peer, by node index and message type.
// Any number of goroutines may count and read at the same time.
type Tally struct {
	nodes []node
}

type node struct {
	counts [messageTypes]atomic.Uint64
	last   atomic.Uint32 // binding.Time of the newest message; 0: none yet
	_      [28]byte      // nodes don't share a cache line
}

// NewTally makes a tally for a cluster of so many nodes.
func NewTally(nodes int) *Tally { return &Tally{nodes: make([]node, nodes)} }

// Heard counts a message of type t that names the node. An index outside the cluster is ignored.
func (y *Tally) Heard(index int, t wire.MessageType, now binding.Time) {
	if index < 0 || index >= len(y.nodes) || int(t) >= messageTypes {
		return
	}
	n := &y.nodes[index]
	n.counts[t].Add(1)
	if n.last.Load() != uint32(now) {
		n.last.Store(uint32(now))
	}
}

// Messages is how many messages of type t named the node.
func (y *Tally) Messages(index int, t wire.MessageType) uint64 {
	if index < 0 || index >= len(y.nodes) || int(t) >= messageTypes {
		return 0
	}
	return y.nodes[index].counts[t].Load()
}

// LastHeard is when the newest message named the node; ok is false where none did.
func (y *Tally) LastHeard(index int) (at binding.Time, ok bool) {
	if index < 0 || index >= len(y.nodes) {
		return 0, false
	}
	last := y.nodes[index].last.Load()
	return binding.Time(last), last != 0
}
