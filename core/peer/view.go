// Package peer gathers what the messages meant for other servers tell about them. Relays and multicast deliver
// those messages to every node, so a node knows its peers without a word between them
// (RFC 6853, Section 5.2; RFC 9915, Section 16). It answers nothing: the engine asks it, and the daemon shows it.
//
// A View is shared by all engines of a node. What the packet path touches are atomics without locks, in tables of
// fixed size in which the newest wins; what happens seldom (a conflict, a divergent claim) takes a lock.
package peer

import (
	"github.com/lockstep6/lockstep6/core/binding"
)

// Nobody stands for a node that isn't known.
const Nobody = -1

// Owners of bindings, in their records, that are no peer.
const (
	Self    = 0   // this node granted it
	Unnamed = 255 // a client says that it has it, and nobody knows from whom
)

// Options is what a View is made for. Nodes, links and pools are counted as in the policy.
type Options struct {
	Nodes  int
	Self   int      // this node's index
	Listen []uint32 // by link: the longest T1 ever granted there, in seconds; at most MaxListen counts
	Lasts  []uint32 // by link: the longest valid lifetime, in seconds; at most MaxListen counts
	Pools  int
	After  uint32  // seconds of absence after which the node takes the back seat
	Owners []uint8 // by node: its number as a record's owner, 1 to 254; Self for this node
	Ports  int     // most relay ports to count bindings by; 0: none is counted
	Salt   [8]byte // random, so that nobody can know which clients share a place in a table
}

// A View is what a node knows of its peers from its clients' messages.
type View struct {
	*Tally
	Firsts     *Firsts
	Health     *Health
	Relays     *Relays
	Gate       *Gate
	Divergence *Divergence
	Conflicts  *Conflicts
	Foreign    Foreign
	Twin       *Twin
	Ports      *Ports
	Missed     *Missed
	Settled    *Settled
	Salt       [8]byte

	owners []uint8
	nodes  [256]int16 // by owner: the node's index, -1 where the policy has none
}

// NewView makes a View that knows nothing yet.
func NewView(o Options) *View {
	v := &View{
		Tally:      NewTally(o.Nodes),
		Firsts:     new(Firsts),
		Twin:       new(Twin),
		Gate:       NewGate(o.Listen, o.Lasts, o.After),
		Divergence: NewDivergence(o.Nodes, o.Pools, len(o.Listen)),
		Ports:      NewPorts(o.Ports),
		Missed:     newMissed(o.Pools),
		Settled:    newSettled(o.Pools),
		Salt:       o.Salt,
		owners:     o.Owners,
	}
	v.Relays = NewRelays(o.Nodes, v.Gate)
	v.Health = NewHealth(o.Nodes, v.Relays)
	v.Conflicts = newConflicts(o.Salt, v.Ports)
	for i := range v.nodes {
		v.nodes[i] = -1
	}
	for node, owner := range o.Owners {
		v.nodes[owner] = int16(node)
	}
	v.nodes[Self] = int16(o.Self)
	return v
}

// Owner is the node's number as a record's owner.
func (v *View) Owner(node int) uint8 {
	if node < 0 || node >= len(v.owners) {
		return Self
	}
	return v.owners[node]
}

// Node is the index of the node that owns a record; false: a node that the policy doesn't name any more.
func (v *View) Node(owner uint8) (int, bool) {
	node := v.nodes[owner]
	return int(node), node >= 0
}

// Tick does what comes due as time passes. To be called about once a second, by one goroutine.
func (v *View) Tick(now binding.Moment) {
	v.Health.settle(now)
	v.Relays.tick(now)
	v.Gate.tick(now.Time(), v.lastNamed())
	v.Conflicts.expire(now.Time())
	v.Settled.tick(now.Time())
}

// lastNamed is when the newest message named a peer; 0: none did.
func (v *View) lastNamed() (last binding.Time) {
	for i := range v.Tally.nodes {
		last = max(last, binding.Time(v.Tally.nodes[i].last.Load()))
	}
	return last
}
