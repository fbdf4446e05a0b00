package sim

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A client follows the standard to the letter (RFC 9915, Sections 15 and 18.2).
type client struct {
	*world
	rng  *rand.Rand // its own in a trial, else the world's
	port *port
	duid []byte
	ias  []clientIA

	exchange exchange
	adverts  []*answer
	server   []byte // with whom it last spoke
	t1, t2   int64
	solicit  schedule

	// its habits
	rapid bool // it sends Rapid Commit
	picky bool // it takes the server that offers most before the one with the highest preference
	names bool // its Requests name what was offered

	away     bool  // it released what it had, and is off
	timers   int   // counts what was planned: only the newest plan is carried out
	answered int64 // when a node decided the last answer that it took
}

type clientIA struct {
	kind    wire.Kind
	iaid    uint32
	leases  []lease
	refused bool // the last answer said that there is nothing for it
}

// A lease is what a client has, until it ends.
type lease struct {
	key   binding.Key
	until int64
}

// newClient makes a client with an address, a prefix or both.
func (w *world) newClient(number int, prefix bool) *client {
	return w.newClientOf(number, prefix, w.rng)
}

// newClientOf makes one whose habits and dice are the generator's.
func (w *world) newClientOf(number int, prefix bool, rng *rand.Rand) *client {
	c := &client{world: w, rng: rng, duid: duidOf(number), solicit: schedules[wire.Solicit]}
	c.port = w.connect(c, c.rng.IntN(len(w.relays)))
	c.rapid, c.picky, c.names = c.rng.IntN(3) == 0, c.rng.IntN(2) == 0, c.rng.IntN(4) != 0
	if !prefix || c.rng.IntN(2) == 0 {
		c.ias = append(c.ias, clientIA{kind: wire.IANA, iaid: c.rng.Uint32N(4)})
	}
	if prefix {
		c.ias = append(c.ias, clientIA{kind: wire.IAPD, iaid: c.rng.Uint32N(4)})
	}
	return c
}

// duidOf is a DUID-LL (RFC 9915, Section 11.4).
func duidOf(number int) []byte {
	return binary.BigEndian.AppendUint32([]byte{0, 3, 0, 1, 2, 0}, uint32(number))
}

func (c *client) identity(ia *clientIA) identity { return identity{string(c.duid), ia.kind, ia.iaid} }

// timer plans what the client does next. What was planned before isn't done.
func (c *client) timer(delay int64, run func()) {
	c.timers++
	plan := c.timers
	c.after(delay, func() {
		if plan == c.timers {
			run()
		}
	})
}

// restart looks for a server, with nothing in its hands (RFC 9915, Section 18.2.13).
func (c *client) restart(delay int64) {
	c.abandon()
	c.wants()
	c.exchange, c.adverts, c.server, c.away = exchange{}, nil, nil, false
	c.timer(delay+c.rng.Int64N(1000), func() { c.begin(wire.Solicit, c.solicit) }) // SOL_MAX_DELAY
}

// abandon stops using all leases.
func (c *client) abandon() {
	for i := range c.ias {
		for _, l := range c.ias[i].leases {
			c.drop(&c.ias[i], &l)
		}
		c.ias[i].leases = nil
	}
}

// choose takes one of the Advertises (RFC 9915, Section 18.2.9).
func (c *client) choose() {
	best := c.adverts[0]
	for _, a := range c.adverts[1:] {
		more := a.leases() - best.leases()
		preferred := int(a.preference) - int(best.preference)
		if c.picky && more > 0 || (!c.picky || more == 0) && (preferred > 0 || preferred == 0 && more > 0) {
			best = a
		}
	}
	c.server, c.adverts = best.server, []*answer{best}
	c.begin(wire.Request, schedules[wire.Request])
}

// rest waits for T1.
func (c *client) rest() {
	c.exchange = exchange{}
	if c.expire(); c.lasts() == 0 {
		c.restart(0)
		return
	}
	c.timer(max(c.t1-c.now, 0), c.renew)
}

// renew asks the server that it last spoke to (RFC 9915, Section 18.2.4).
func (c *client) renew() {
	s := schedules[wire.Renew]
	if s.lasts = c.t2 - c.now; s.lasts <= 0 {
		c.rebind()
		return
	}
	c.begin(wire.Renew, s)
}

// rebind asks all servers (RFC 9915, Section 18.2.5).
func (c *client) rebind() {
	c.expire()
	s := schedules[wire.Rebind]
	if s.lasts = c.lasts() - c.now; s.lasts <= 0 {
		c.restart(0)
		return
	}
	c.begin(wire.Rebind, s)
}

// expire stops using what has ended.
func (c *client) expire() {
	for i := range c.ias {
		ia := &c.ias[i]
		kept := ia.leases[:0]
		for _, l := range ia.leases {
			if l.until > c.now {
				kept = append(kept, l)
			} else {
				c.drop(ia, &l)
			}
		}
		ia.leases = kept
	}
}

// lasts is when the last of the client's leases ends; 0: it has none.
func (c *client) lasts() (until int64) {
	for i := range c.ias {
		for _, l := range c.ias[i].leases {
			until = max(until, l.until)
		}
	}
	return until
}
