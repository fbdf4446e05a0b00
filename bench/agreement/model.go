package agreement

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// MaxSlots is the largest pool: clients' link-layer addresses count in 24 bits.
const MaxSlots = 1 << 23

// leaseLength is the length of the pool's prefixes in bits.
const leaseLength = 56

// poolStart is the first prefix of the pool.
var poolStart = [16]byte{0x20, 0x01, 0x0d, 0xb8, 0x80}

// A Setup is one experiment.
type Setup struct {
	Slots    uint64 // of the pool, Nodes to MaxSlots
	Nodes    int    // that share it, at least 2
	Strategy Strategy
	Spread   Spread
	Loss     float64   // probability that a node misses another node's grant, 0 to 1
	Fills    []float64 // when to count: clients that have come, per slot; ascending, 0 to 1
	Seed     uint64    // of the key and of all chance
}

// Counts is what has happened when so many clients have come.
type Counts struct {
	Clients    int
	Refused    int // clients whose node believed that it had nothing for them
	Duplicates int // grants of a slot that another client held
}

// DuplicateShare is the share of the grants that were duplicates, 0 to 1.
func (c Counts) DuplicateShare() float64 { return share(c.Duplicates, c.Clients-c.Refused) }

// RefusedShare is the share of the clients that were refused, 0 to 1.
func (c Counts) RefusedShare() float64 { return share(c.Refused, c.Clients) }

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// A model is the state of one experiment.
type model struct {
	Setup
	hasher *address.Hasher
	pool   address.Pool
	random *rand.Rand
	nodes  []node
	held   []bool // by slot: what is so, whatever the nodes believe
}

// A node is what one server believes.
type node struct {
	stripes []*binding.FreeMap // slots that it granted or saw granted, by stripe and index in it
	free    *freeList          // the others, for Random alone
}

func newModel(s Setup) *model {
	m := &model{Setup: s, random: rand.New(rand.NewPCG(s.Seed, 0)), held: make([]bool, s.Slots)}
	m.hasher = address.NewHasher(address.XXH64, newKey(m.random))
	last := address.U128{Lo: s.Slots - 1}.Lsh(128 - leaseLength).Add(address.FromBytes(poolStart)).Bytes()
	var err error
	m.pool, err = address.NewPool(poolStart, last, leaseLength, address.CommonPrefix(poolStart, last), nil)
	if err != nil {
		panic(err) // a Setup out of bounds
	}
	for range s.Nodes {
		m.nodes = append(m.nodes, m.newNode())
	}
	return m
}

func newKey(random *rand.Rand) (key address.Key) {
	for i := 0; i < len(key); i += 8 {
		binary.BigEndian.PutUint64(key[i:], random.Uint64())
	}
	return key
}

func (m *model) newNode() (n node) {
	for stripe := range m.stripes() {
		free, err := binding.NewFreeMap(m.pool.StripeSize(stripe, m.stripes()).Lo)
		if err != nil {
			panic(err) // a Setup out of bounds
		}
		n.stripes = append(n.stripes, free)
	}
	if m.Strategy == Random {
		n.free = newFreeList(int(m.Slots))
	}
	return n
}

// stripes is into how many stripes the pool is dealt: one per node where the strategy uses them, else one.
func (m *model) stripes() int {
	if m.Strategy == Agree || m.Strategy == Exclusive {
		return m.Nodes
	}
	return 1
}

// believe notes at a node that a slot is taken.
func (m *model) believe(at int, slot uint64) {
	s := address.U128{Lo: slot}
	n := &m.nodes[at]
	n.stripes[address.StripeOf(s, m.stripes())].Take(address.StripeIndex(s, m.stripes()).Lo)
	if n.free != nil {
		n.free.take(slot)
	}
}

// believed tells whether a node believes that a slot is taken.
func (m *model) believed(at int, slot address.U128) bool {
	return m.nodes[at].stripes[address.StripeOf(slot, m.stripes())].Taken(address.StripeIndex(slot, m.stripes()).Lo)
}

// Run makes the experiment and returns the counts at each fill. Equal Setups give equal counts.
func Run(s Setup) []Counts {
	m := newModel(s)
	var counts []Counts
	var now Counts
	for _, fill := range s.Fills {
		for now.Clients < int(fill*float64(s.Slots)) {
			at := s.Spread.node(now.Clients, m)
			slot, ok := m.choose(at, identity(now.Clients))
			now.Clients++
			switch {
			case !ok:
				now.Refused++
				continue
			case m.held[slot]:
				now.Duplicates++
			}
			m.grant(at, slot)
		}
		counts = append(counts, now)
	}
	return counts
}

// grant gives a slot to a client of a node, which the other nodes see or miss.
func (m *model) grant(at int, slot uint64) {
	m.held[slot] = true
	for other := range m.nodes {
		if other == at || m.random.Float64() >= m.Loss {
			m.believe(other, slot)
		}
	}
}

// identity is a client's: a DUID-LL, as access networks have them in a row, and the IAID 1.
func identity(client int) *address.Identity {
	duid := []byte{0, 3, 0, 1, 2, 0, 0x5e, byte(client >> 16), byte(client >> 8), byte(client)}
	return &address.Identity{DUID: duid, IAID: 1, Kind: wire.IAPD}
}
