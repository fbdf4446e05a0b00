package sim

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// An identity is a client's identity association.
type identity struct {
	duid string
	kind wire.Kind
	iaid uint32
}

// A claim is what a node's record says of a lease. The zero claim: nothing.
type claim struct {
	who   identity
	state binding.State
	last  binding.Time // when the client was last heard, by the node's clock
	until int64        // the end, in virtual milliseconds, whatever the node's clock says later
	own   bool         // the node granted it; else a peer did
	word  bool         // nothing but what the client said, once
	rapid bool         // by Rapid Commit, and the client hasn't named the node since
}

// describe is the claim for a trace.
func (c *claim) describe(now int64) string {
	if c.state == 0 {
		return "removed"
	}
	whose := "observed"
	if c.own {
		whose = "own"
	}
	return fmt.Sprintf("%s, %s %s, %d s", c.who, whose, c.state, (c.until-now)/1000)
}

// stands tells whether the lease can't be anybody else's at now: its client counts it for longer than the node does.
func (c *claim) stands(now int64) bool {
	return c.state != 0 && c.state != binding.Released && (c.until > now+slack || c.state != binding.Declined && c.until+grace > now)
}

// binds tells whether the lease is this client's to use at now.
func (c *claim) binds(who identity, now int64) bool {
	return c.state == binding.Bound && !c.word && c.who == who && c.until > now+slack
}

// claimed is a lease that a client said was its own.
type claimed struct {
	key binding.Key
	who identity
}

// A memory is what a node knows, as its changes, its disk, and the messages that reached it tell.
type memory struct {
	claims map[binding.Key]claim
	of     map[identity]int     // how many leases the node has a record of
	told   map[binding.Key]told // what its clients were told, since it has its disk
	heard  map[claimed]int64    // what its peers' clients named, and when
}

// A told is what the node let a client know of a lease.
type told struct {
	who   identity
	until int64
}

func newMemory() memory {
	return memory{
		claims: make(map[binding.Key]claim),
		of:     make(map[identity]int),
		told:   make(map[binding.Key]told),
		heard:  make(map[claimed]int64),
	}
}

// set notes what the node wrote of a lease.
func (m *memory) set(key binding.Key, c claim) {
	if old, ok := m.claims[key]; ok {
		m.of[old.who]--
	}
	if c.state == 0 {
		delete(m.claims, key)
		return
	}
	m.claims[key] = c
	m.of[c.who]++
}

// reload is what a start leaves of the memory: what is on the disk.
func (m *memory) reload(d *disk) {
	m.claims, m.of = make(map[binding.Key]claim), make(map[identity]int)
	m.heard = make(map[claimed]int64)
	for key, c := range d.values {
		m.set(key, c.claim)
	}
}
