package sim

import "github.com/lockstep6/lockstep6/core/wire"

// lifeEvery is how many milliseconds pass at most between two things that happen to a client, but in trials.
const lifeEvery = 1_200_000

// live lets things happen to a client while there is trouble: it is restarted, with or without a memory of its leases,
// loses its link for a moment, or is switched off in good order.
func (c *client) live() {
	c.after(c.rng.Int64N(c.lifeEvery), func() {
		if !c.troubled {
			return
		}
		c.happen()
		c.live()
	})
}

func (c *client) happen() {
	if c.away || c.exchange.kind == wire.Release || c.exchange.kind == wire.Decline {
		return
	}
	c.expire()
	switch n := c.rng.IntN(10); {
	case n < 2:
		c.note("client %x forgets everything", c.duid)
		off := c.rng.Int64N(20_000)
		c.restart(off)
		c.sleeps(off)
	case n < 6 && c.lasts() > 0:
		c.note("client %x returns to the link, or to another", c.duid)
		if c.rng.IntN(2) == 0 {
			c.port = c.connect(c, c.rng.IntN(len(c.relays)))
		}
		c.exchange = exchange{}
		c.timer(c.rng.Int64N(20_000), c.returned)
	case n < 8 && c.lasts() > 0 && c.server != nil:
		c.note("client %x is switched off", c.duid)
		c.away = true
		var all []*clientIA
		for i := range c.ias {
			all = append(all, &c.ias[i])
		}
		c.giveUp(wire.Release, all...)
	}
}

// returned asks whether what the client has is still right (RFC 9915, Section 18.2.12).
func (c *client) returned() {
	prefixes := false
	for i := range c.ias {
		prefixes = prefixes || c.ias[i].kind == wire.IAPD && len(c.ias[i].leases) > 0
	}
	switch c.expire(); {
	case c.lasts() == 0:
		c.restart(0)
	case prefixes:
		c.begin(wire.Rebind, verify)
	default:
		c.begin(wire.Confirm, schedules[wire.Confirm])
	}
}
