package sim

import (
	"io"
	"math/rand/v2"

	"github.com/lockstep6/lockstep6/core/config"
)

// Bounds of what a history may hold.
const (
	MaxNodes = 8
	MaxSlots = 4096
)

// Options is what a history is made of. Random draws them from a seed; a test may change any afterwards.
type Options struct {
	Seed uint64

	Nodes       int   // 1 to MaxNodes
	Preferences []int // of each node; nil: drawn
	Model       config.Model
	Favour      config.Favour
	RapidCommit config.RapidCommit
	Dense       config.Dense // what nodes do in the prefix pool
	Sequential  bool         // allocation: sequential; the models split and unique only
	Slots       int          // delegated prefixes that the pool has: a power of two up to MaxSlots, at least 2 per node

	Links     int  // 1 or 2; the second one has relays only, and clients move between the two
	Clients   int  // that follow the standard; each wants a prefix, an address or both
	Rude      int  // clients that send what they like
	Attackers int  // clients that send what might hurt others
	Relays    int  // what clients are behind, at least one for a second link; some clients are on the first link itself
	Polling   bool // relays ask one node at a time instead of all
	Shared    bool // a relay says the same of all its ports, as of a VLAN
	Weak      int  // limits.weak-claims-per-port; 0: any number
	Cache     int  // store.renew-cache in percent; 0: off

	Lifetimes Lifetimes // zero: short ones

	Trouble     int64 // milliseconds in which things go wrong; after them the network is quiet
	Loss        int   // datagrams of 1000 that get lost
	Duplication int   // of 1000 that arrive twice
	Straggling  int   // of 1000 that are late by up to some seconds, and so overtaken
	Crashes     int   // how often a node goes down
	Partitions  int   // how often a relay and a node, or all and a node, don't reach one another
	Disks       bool  // a node that went down may return without its disk, or with an old copy of it
	Stalls      int   // how often a disk doesn't write for a while
	Farewell    bool  // in the end only some of the nodes live
	Clocks      bool  // a machine's clock may be off by up to an hour when its node starts again

	// Observation expects of nodes that they heed what their peers' clients say: a lease that such a message named
	// isn't given to another client. Mending expects in addition that of two clients with one lease one loses it.
	// Sparing expects that a node withdraws no lease for an ended record that it has of it: another node may have
	// extended or granted the lease since.
	Observation bool
	Mending     bool
	Sparing     bool

	Mutation Mutation
	Trace    io.Writer // gets a line for each thing that happens; nil: nobody reads them
}

// Lifetimes are what clients are told, in seconds.
type Lifetimes struct{ Preferred, Valid, Renew, Rebind int }

// A Mutation breaks a rule on purpose, to see that the Ledger notices.
type Mutation uint8

// The mutations, and the promise that each breaks (see Ledger).
const (
	Sound     Mutation = iota
	Forgets            // nodes forget bindings: 1 and 2
	Hastens            // a node's clock is hours ahead from its second start on: 2
	Shirks             // nodes answer a Renew with nothing in it: 2
	Zeroes             // nodes answer a Rebind for what they don't know with lifetimes 0, as other servers do: 2
	OtherKey           // a node has another key: 3
	FirstFree          // a node offers the first free prefix or address: 3
	Talks              // nodes answer nothing but Solicit: 4
	Believes           // nodes end a binding whoever releases it: 5
	Hurries            // replies leave before their write is durable: 6
	Rots               // disks lose a binding while their node is down: 6
	Flatters           // what nodes report from memory has its whole lifetime again: 6
	Omits              // nodes don't tell history of some of what begins and ends: 7
)

// Random draws a history from a seed.
func Random(seed uint64) Options {
	rng := rand.New(rand.NewPCG(seed, 2))
	between := func(low, high int) int { return low + rng.IntN(high-low+1) }
	o := Options{
		Seed:        seed,
		Nodes:       between(1, 4),
		Model:       config.Model(rng.IntN(3)),
		Favour:      config.Favour(rng.IntN(3)),
		RapidCommit: config.RapidCommit(max(0, between(-3, 2))),
		Dense:       config.Dense(max(0, between(-1, 1))),
		Slots:       16 << rng.IntN(4),
		Links:       1,
		Rude:        rng.IntN(4),
		Attackers:   rng.IntN(3),
		Relays:      rng.IntN(4),
		Polling:     rng.IntN(8) == 0,
		Trouble:     int64(between(600, 3000)) * 1000,
		Loss:        rng.IntN(200),
		Duplication: rng.IntN(100),
		Straggling:  rng.IntN(100),
		Crashes:     rng.IntN(8),
		Partitions:  rng.IntN(8),
		Disks:       rng.IntN(2) == 0,
		Stalls:      rng.IntN(4),
		Farewell:    rng.IntN(3) == 0,
		Observation: true,
		Mending:     true,
		Sparing:     true,
	}
	if rng.IntN(16) == 0 {
		o.Slots = 256
	}
	if o.Relays > 0 {
		o.Links = between(1, 2)
	}
	o.Clients = max(4, o.Slots*between(60, 95)/100)
	o.Shared = rng.IntN(4) == 0
	if rng.IntN(2) == 0 {
		o.Weak = between(1, 8)
		o.Mending = !o.Shared // a limit is for ports that are subscribers
	}
	if rng.IntN(2) == 0 {
		o.Cache = between(5, 50)
	}
	return o
}
