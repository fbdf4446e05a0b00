package agreement

import (
	"math/rand/v2"

	"github.com/lockstep6/lockstep6/core/address"
)

// A Strategy is how a node chooses a slot for a client that nobody knows.
type Strategy string

// Strategies. The first two are what `dense:` offers.
const (
	Agree     Strategy = "agree"      // the primary that all nodes share; else a spill within the own stripe, then within the others
	Exclusive Strategy = "exclusive"  // a spill within the own stripe
	Probing   Strategy = "probing"    // the first free candidate, else the next free slot behind the primary
	Linear    Strategy = "linear"     // the next free slot from the primary on: the textbook's hash table
	FirstFree Strategy = "first-free" // the lowest free slot: what counting upwards comes to where nothing is released
	Random    Strategy = "random"     // any free slot, by a die of the node's own
)

// Strategies are all of them.
var Strategies = []Strategy{Agree, Exclusive, Probing, Random, Linear, FirstFree}

// choose returns the slot that a node gives to a client; false where it believes that it has none.
func (m *model) choose(at int, id *address.Identity) (slot uint64, ok bool) {
	n := &m.nodes[at]
	switch m.Strategy {
	case Agree:
		return m.chooseAgreed(at, id)
	case Exclusive:
		return m.spill(at, id, at)
	case Probing:
		return m.probe(at, id)
	case Linear:
		primary, _ := m.hasher.Primary(&m.pool, id)
		return n.stripes[0].Next(primary.Lo)
	case Random:
		return n.free.any(m.random)
	default:
		return n.stripes[0].Next(0)
	}
}

// chooseAgreed is what the engine does with `dense: agree`.
func (m *model) chooseAgreed(at int, id *address.Identity) (slot uint64, ok bool) {
	if primary, ok := m.hasher.Primary(&m.pool, id); ok && !m.believed(at, primary) {
		return primary.Lo, true
	}
	if slot, ok = m.spill(at, id, at); ok {
		return slot, true
	}
	for stripe := range m.Nodes {
		if slot, ok = m.spill(at, id, stripe); ok {
			return slot, true
		}
	}
	return 0, false
}

// probe is what agreement without stripes would do: all nodes try the same slots in the same order.
func (m *model) probe(at int, id *address.Identity) (slot uint64, ok bool) {
	for candidate, next, ok := m.hasher.NextUsable(&m.pool, id, 0); ok; candidate, next, ok = m.hasher.NextUsable(&m.pool, id, next) {
		if !m.believed(at, candidate) {
			return candidate.Lo, true
		}
	}
	primary, _ := m.hasher.Primary(&m.pool, id)
	return m.nodes[at].stripes[0].Next(primary.Lo)
}

// spill returns the next slot of a stripe that a node believes free, from the client's own start on.
func (m *model) spill(at int, id *address.Identity, stripe int) (slot uint64, ok bool) {
	start := m.hasher.Spill(&m.pool, id, stripe, m.Nodes)
	index, ok := m.nodes[at].stripes[stripe].Next(start.Lo)
	return address.StripeSlot(address.U128{Lo: index}, stripe, m.Nodes).Lo, ok
}

// A freeList draws slots with equal chances and takes them out, each in constant time.
type freeList struct {
	slots []uint64 // the free ones, in no order
	at    []int    // by slot: its place in slots; -1: taken
}

func newFreeList(n int) *freeList {
	f := &freeList{slots: make([]uint64, n), at: make([]int, n)}
	for i := range n {
		f.slots[i], f.at[i] = uint64(i), i
	}
	return f
}

func (f *freeList) any(random *rand.Rand) (slot uint64, ok bool) {
	if len(f.slots) == 0 {
		return 0, false
	}
	return f.slots[random.IntN(len(f.slots))], true
}

func (f *freeList) take(slot uint64) {
	at := f.at[slot]
	if at < 0 {
		return
	}
	last := f.slots[len(f.slots)-1]
	f.slots[at], f.at[last] = last, at
	f.slots, f.at[slot] = f.slots[:len(f.slots)-1], -1
}

// A Spread is which node a client comes to.
type Spread string

// Spreads.
const (
	Even     Spread = "even"     // to all nodes alike
	Mostly   Spread = "80/10/10" // most to the first one, the rest to the others alike
	One      Spread = "one node" // all to the first one
	Failover Spread = "failover" // to the first one until clients for half of the slots have come; then it is dead
)

// Spreads are all of them.
var Spreads = []Spread{Even, Mostly, One, Failover}

// mostlyShare is the first node's share of the clients with Mostly.
const mostlyShare = 0.8

// node draws the node of a client, by the client's number.
func (s Spread) node(client int, m *model) int {
	switch {
	case s == Even:
		return m.random.IntN(m.Nodes)
	case s == Mostly && m.random.Float64() >= mostlyShare, s == Failover && uint64(client) >= m.Slots/2:
		return 1 + m.random.IntN(m.Nodes-1)
	}
	return 0
}
