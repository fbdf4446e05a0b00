package sim

import "github.com/lockstep6/lockstep6/core/wire"

// A schedule is how long a client waits for an answer before it sends a message again, and when it gives up
// (RFC 9915, Sections 7.6 and 15). All in milliseconds but the count; 0: no bound.
type schedule struct {
	initial int64 // IRT
	most    int64 // MRT
	count   int   // MRC
	lasts   int64 // MRD
}

var schedules = map[wire.MessageType]schedule{
	wire.Solicit: {initial: 1000, most: 3_600_000},
	wire.Request: {initial: 1000, most: 30_000, count: 10},
	wire.Confirm: {initial: 1000, most: 4000, lasts: 10_000},
	wire.Renew:   {initial: 10_000, most: 600_000}, // until T2
	wire.Rebind:  {initial: 10_000, most: 600_000}, // until the last lease ends
	wire.Release: {initial: 1000, count: 4},
	wire.Decline: {initial: 1000, count: 4},
}

// verify is the schedule of a Rebind that only asks whether prefixes are still right (RFC 9915, Section 18.2.12).
var verify = schedules[wire.Confirm]

// An exchange is one message of a client on its way to an answer.
type exchange struct {
	schedule
	kind  wire.MessageType // 0: none
	xid   [3]byte
	first int64 // when it was sent first
	sent  int   // how often it was sent
	rt    int64
	given []claimed // Release, Decline: what is given up
}

// begin starts an exchange. Given is what a Release or Decline gives up.
func (c *client) begin(kind wire.MessageType, s schedule, given ...claimed) {
	c.exchange = exchange{schedule: s, kind: kind, xid: c.transaction(), first: c.now, given: given}
	c.transmit()
}

// transmit sends the message, again or for the first time, and waits.
func (c *client) transmit() {
	e := &c.exchange
	switch {
	case e.sent > 0:
		e.rt = 2*e.rt + c.random(e.rt)
	case e.kind == wire.Solicit:
		// RFC 9915, Section 18.2.1: strictly greater than IRT.
		e.rt = e.initial + 1 + c.rng.Int64N(e.initial/10)
	default:
		e.rt = e.initial + c.random(e.initial)
	}
	if e.most > 0 && e.rt > e.most {
		e.rt = e.most + c.random(e.most)
	}
	e.sent++
	c.gauge.sends(e.kind)
	c.send(c.port, c.duid, c.build())
	wait := e.rt
	if e.lasts > 0 {
		wait = min(wait, e.first+e.lasts-c.now)
	}
	c.timer(wait, c.unanswered)
}

// random is RAND times a duration: -0.1 to 0.1 of it.
func (c *client) random(of int64) int64 { return c.rng.Int64N(of/5+1) - of/10 }

// unanswered is what a client does when RT is over.
func (c *client) unanswered() {
	e := &c.exchange
	if e.kind == wire.Rebind && e.schedule != verify {
		e.lasts = max(c.lasts()-e.first, 1) // an answer may have extended some of its leases
	}
	switch {
	case e.kind == wire.Solicit && len(c.adverts) > 0:
		c.choose()
	case e.count > 0 && e.sent >= e.count, e.lasts > 0 && c.now >= e.first+e.lasts:
		c.failed()
	default:
		c.expire()
		c.transmit()
	}
}

// failed is what a client does when nobody answered in time.
func (c *client) failed() {
	e := c.exchange
	c.exchange = exchange{}
	switch {
	case e.kind == wire.Renew:
		c.rebind()
	case e.kind == wire.Confirm, e.kind == wire.Rebind && e.schedule == verify:
		c.rest() // RFC 9915, Section 18.2.3: it goes on with what it has
	case e.kind == wire.Release, e.kind == wire.Decline:
		c.ended()
	default:
		c.restart(0)
	}
}
