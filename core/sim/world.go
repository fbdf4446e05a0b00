package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	maxFaults = 8     // after which a history ends
	checkEach = 5_000 // milliseconds between two looks at that
)

// A Result is what became of a history.
type Result struct {
	Faults []string // promises broken, each with its number (see ledger); none: all is well
	Digest uint64   // of all that nodes decided and clients took, in order
	Stats  Stats
}

// Stats counts what happened, so that a test sees whether a history can prove anything.
type Stats struct {
	Sent, Lost, Arrived, Replies           int // datagrams
	Advertises, Compared, Grants           int // Compared: Advertises of which all nodes' agreement was asked
	Spared                                 int // grants that needed no write
	Duplicates                             int // leases that two clients had, unknown to the node that granted it last
	Crashes, Partitions, LostDisks, Copies int
	Stalls, Swept, Refusals                int
	Served                                 int // clients that had service in the end
	Settled                                int // seconds from the end of the trouble until all had it
	Drops                                  [wire.DropCount]int
}

// A world is everything that a history is about.
type world struct {
	Options
	queue
	rng      *rand.Rand
	troubled bool // things go wrong

	preferences []int
	nodes       []*node
	relays      []*relay // number 0 stands for the link itself
	ports       []*port
	clients     []*client
	standard    map[string]bool // by DUID: the client follows the standard
	cuts        map[path]int64
	room        []byte // for one reply

	lifeEvery  int64  // milliseconds between two things that happen to a client, at most
	sweepEvery int64  // milliseconds
	gauge      *gauge // of a trial; else nil
	ledger     *ledger
	faults     []string
	hash       *xxhash.Digest
	judged     int64
	stats      Stats
}

// Run plays a history to its end.
func Run(o Options) Result {
	w := newWorld(o)
	if err := w.build(); err != nil {
		return Result{Faults: []string{"setup: " + err.Error()}}
	}
	w.populate()
	w.plan()
	w.troubled = true
	for w.now < w.Trouble && len(w.faults) < maxFaults && w.step() {
	}
	w.quiet()
	for len(w.faults) < maxFaults && !w.judge() && w.step() {
	}
	for _, n := range w.nodes {
		w.ledger.remembers(n)
		n.close()
	}
	return Result{Faults: w.faults, Digest: w.hash.Sum64(), Stats: w.stats}
}

func newWorld(o Options) *world {
	if o.Lifetimes == (Lifetimes{}) {
		o.Lifetimes = Lifetimes{preferredLifetime, validLifetime, renewTime, rebindTime}
	}
	return &world{Options: o, preferences: o.Preferences, lifeEvery: lifeEvery, sweepEvery: sweepEvery, rng: rand.New(rand.NewPCG(o.Seed, 1)), hash: xxhash.New(), cuts: make(map[path]int64), standard: make(map[string]bool)}
}

// build makes the nodes and the relays.
func (w *world) build() error {
	if w.Nodes < 1 || w.Nodes > MaxNodes || w.Slots < 2*w.Nodes || w.Slots > MaxSlots || w.Slots&(w.Slots-1) != 0 ||
		w.Links < 1 || w.Links > min(2, 1+w.Relays) {
		return fmt.Errorf("%d nodes, %d slots or %d links are out of bounds", w.Nodes, w.Slots, w.Links)
	}
	for len(w.preferences) < w.Nodes {
		w.preferences = append(w.preferences, []int{255, 0, 100}[w.rng.IntN(3)])
	}
	var key, other address.Key
	for i := range key {
		key[i] = byte(w.rng.Uint32())
		other[i] = key[i] ^ 0xff
	}
	w.room = make([]byte, 0, engine.MaxReply)
	w.ledger = newLedger(w)
	for i := range w.Nodes {
		n := &node{world: w, index: i, name: nodeName(i), disk: newDisk(), memory: newMemory()}
		reference, err := compile(w.configuration(key), n.name)
		if err != nil {
			return err
		}
		w.ledger.reference = append(w.ledger.reference, reference)
		n.policy = reference
		if w.Mutation == OtherKey && i == 0 {
			if n.policy, err = compile(w.configuration(other), n.name); err != nil {
				return err
			}
		}
		w.nodes = append(w.nodes, n)
	}
	for i := range 1 + w.Relays {
		r := &relay{world: w, number: i, outer: w.rng.IntN(4) == 0}
		if i > 0 {
			r.link = i % w.Links
		}
		r.address = [16]byte{0x20, 0x01, 0x0d, 0xb8, 7: byte(r.link*linkStep + 1), 15: byte(i)}
		w.relays = append(w.relays, r)
	}
	return nil
}

// populate starts the nodes, and lets the clients come within the first half of the trouble.
func (w *world) populate() {
	for _, n := range w.nodes {
		n.boot()
	}
	number := 1
	for range w.Clients {
		c := w.newClient(number, true)
		w.clients = append(w.clients, c)
		w.standard[string(c.duid)] = true
		w.after(w.rng.Int64N(w.Trouble/2), func() {
			c.restart(0)
			c.live()
		})
		number++
	}
	for i := range w.Rude + w.Attackers {
		u := w.newRude(number, i >= w.Rude)
		w.after(w.rng.Int64N(w.Trouble/2), u.speak)
		number += len(u.duids)
	}
}

// judge tells whether each client that follows the standard got what it wants since the trouble ended, or was told that
// there is none (promise 4).
func (w *world) judge() bool {
	if w.now < w.judged {
		return false
	}
	w.judged = w.now + checkEach
	w.stats.Served = 0
	var waiting *client
	for _, c := range w.clients {
		if c.served(w.Trouble) {
			w.stats.Served++
		} else {
			waiting = c
		}
	}
	w.stats.Settled = int((w.now - w.Trouble) / 1000)
	if waiting == nil {
		return true
	}
	if w.now > w.Trouble+w.patience() {
		w.fault("4", "client %x has no service %d s after the trouble: exchange %s", waiting.duid, w.stats.Settled, typeNames[waiting.exchange.kind])
		return true
	}
	return false
}

// patience is how many milliseconds after the trouble each client must have service: a client that nobody ever answered
// sends its next Solicit within SOL_MAX_RT, and one whose server is gone for good may have to wait for its leases' end.
// A relay that polls asks the next node with each of them.
func (w *world) patience() int64 {
	turns := int64(1)
	if w.Polling {
		turns = int64(w.Nodes)
	}
	solMaxRT := schedules[wire.Solicit].most
	return turns*(solMaxRT+solMaxRT/10) + int64(w.Lifetimes.Valid)*1000
}

// served tells whether the client got an answer since then and has something in each IA, or was refused it.
func (c *client) served(since int64) bool {
	for i := range c.ias {
		if ia := &c.ias[i]; len(ia.leases) == 0 && !ia.refused {
			return false
		}
	}
	return c.answered > since || c.lasts() == 0
}

func (w *world) fault(promise, format string, args ...any) {
	text := "promise " + promise + ": " + fmt.Sprintf(format, args...)
	w.faults = append(w.faults, text)
	w.note("FAULT %s", text)
}
