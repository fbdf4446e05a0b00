package sim

import (
	"bytes"

	"github.com/lockstep6/lockstep6/core/wire"
)

// receive takes an answer to the exchange at hand (RFC 9915, Sections 16.3, 16.10 and 18.2.10); all else is dropped.
func (c *client) receive(r *reply, message []byte) {
	a, e := readAnswer(message), &c.exchange
	if a == nil || a.server == nil || a.xid != e.xid || e.kind == 0 || !bytes.Equal(a.client, c.duid) {
		return
	}
	if a.solMaxRT != 0 {
		c.solicit.most = int64(a.solMaxRT) * 1000
		if e.kind == wire.Solicit {
			e.most = c.solicit.most
		}
	}
	switch {
	case a.kind == wire.Advertise && e.kind == wire.Solicit:
		c.advertised(a)
	case a.kind != wire.Reply || e.kind == wire.Solicit && !(c.rapid && a.rapid) || a.status == wire.StatusUnspecFail:
	case e.kind == wire.Confirm:
		if a.status == wire.StatusNotOnLink {
			c.restart(0)
		} else {
			c.rest()
		}
	case e.kind == wire.Release, e.kind == wire.Decline:
		c.ended()
	default:
		c.replied(r, a)
	}
}

// advertised collects an Advertise until the first RT is over (RFC 9915, Sections 18.2.1 and 18.2.9).
func (c *client) advertised(a *answer) {
	if a.leases() == 0 {
		c.refusals(a)
		return
	}
	c.adverts = append(c.adverts, a)
	if a.preference == 255 {
		c.adverts = c.adverts[len(c.adverts)-1:]
		c.choose()
	} else if c.exchange.sent > 1 {
		c.choose()
	}
}

// replied takes the leases of a Reply (RFC 9915, Section 18.2.10.1).
func (c *client) replied(r *reply, a *answer) {
	asked := c.exchange.kind
	c.server, c.answered = a.server, r.decided
	c.took(r, asked, c.now-c.exchange.first)
	c.t1, c.t2 = 0, 0
	offLink, noBinding, missing := false, false, false
	for i := range c.ias {
		ia := &c.ias[i]
		given := a.find(ia.kind, ia.iaid)
		if given == nil {
			missing = missing || len(ia.leases) > 0
			continue
		}
		offLink = offLink || given.status == wire.StatusNotOnLink
		noBinding = noBinding || given.status == wire.StatusNoBinding
		c.update(ia, given)
	}
	switch {
	case offLink && asked != wire.Renew && asked != wire.Rebind:
		c.restart(0)
	case noBinding && asked != wire.Request:
		c.adverts = nil
		c.begin(wire.Request, schedules[wire.Request])
	case missing && (asked == wire.Renew || asked == wire.Rebind):
		// It goes on as if there had been no answer: another server may know the rest.
	case c.duplicate():
	case c.lasts() == 0:
		c.restart(c.rng.Int64N(10_000))
	default:
		c.schedule()
		c.rest()
	}
}

// update changes an IA as an answer says.
func (c *client) update(ia *clientIA, given *answerIA) {
	ia.refused = given.status == wire.StatusNoAddrsAvail || given.status == wire.StatusNoPrefixAvail
	for _, o := range given.leases {
		kept := ia.leases[:0]
		for _, l := range ia.leases {
			if l.key != o.key {
				kept = append(kept, l)
			}
		}
		if ia.leases = kept; o.valid == 0 {
			continue
		}
		ia.leases = append(ia.leases, lease{o.key, c.now + int64(o.valid)*1000})
		c.t1, c.t2 = c.now+int64(given.t1)*1000, c.now+int64(given.t2)*1000
	}
}

// schedule sees to it that T1 and T2 don't come after the end of what the client has (RFC 9915, Section 18.2.4).
func (c *client) schedule() {
	if c.t1 == 0 {
		left := c.lasts() - c.now
		c.t1, c.t2 = c.now+left/2, c.now+left*4/5
	}
}

// duplicate lets duplicate address detection find that somebody else uses an address that the client just got, now and
// then: then it declines the address (RFC 9915, Section 18.2.8).
func (c *client) duplicate() bool {
	if !c.troubled || c.gauge != nil || c.rng.IntN(40) != 0 {
		return false
	}
	for i := range c.ias {
		if ia := &c.ias[i]; ia.kind == wire.IANA && len(ia.leases) > 0 {
			c.schedule()
			c.giveUp(wire.Decline, ia)
			return true
		}
	}
	return false
}

// giveUp stops using the leases of IAs and tells their server.
func (c *client) giveUp(kind wire.MessageType, ias ...*clientIA) {
	var given []claimed
	for _, ia := range ias {
		for _, l := range ia.leases {
			given = append(given, claimed{l.key, c.identity(ia)})
			c.drop(ia, &l)
		}
		ia.leases = nil
	}
	c.begin(kind, schedules[kind], given...)
}

// ended is what a client does when it has told a server, or tried to, that it gave leases up. It waits until no copy of
// that message can be on its way any more: it would end what the client gets next, and no server could tell.
func (c *client) ended() {
	c.exchange = exchange{}
	switch {
	case c.away:
		c.timer(2*laggard+c.rng.Int64N(300_000), func() { c.restart(0) })
	case c.lasts() == 0:
		c.restart(2 * laggard)
	default:
		c.t1 = max(c.t1, c.now+2*laggard)
		c.rest()
	}
}

// refusals notes which IAs there is nothing for.
func (c *client) refusals(a *answer) {
	for i := range c.ias {
		ia := &c.ias[i]
		if given := a.find(ia.kind, ia.iaid); given != nil && (given.status == wire.StatusNoAddrsAvail || given.status == wire.StatusNoPrefixAvail) {
			ia.refused = true
		}
	}
}
