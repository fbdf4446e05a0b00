package sim

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A gauge sees what clients get, whoever serves them. A nil gauge sees nothing.
type gauge struct {
	services map[identity]*service
	order    []*service // as they came
	holders  map[binding.Key][]*service
	met      map[[2]*service]bool
	doubles  int // leases that two clients had at the same time
	messages map[wire.MessageType]int
	rebinds  []int64 // milliseconds that an answered Rebind took, from its first transmission
	extended int     // leases that a Reply granted or extended
}

// A service is what an identity association has.
type service struct {
	key    binding.Key
	until  int64 // 0: nothing
	waits  bool  // it wants something, and has nothing
	from   int64 // since when
	waited []int64
	judged
}

// judged is what a service had at the moment of the trial, and what became of that.
type judged struct {
	had      binding.Key
	has      bool  // it had something
	ended    bool  // it gave that up by itself
	extended int64 // when the same was granted next; 0: never
}

func newGauge() *gauge {
	return &gauge{services: make(map[identity]*service), holders: make(map[binding.Key][]*service),
		met: make(map[[2]*service]bool), messages: make(map[wire.MessageType]int)}
}

func (g *gauge) of(who identity) *service {
	s := g.services[who]
	if s == nil {
		s = new(service)
		g.services[who] = s
		g.order = append(g.order, s)
	}
	return s
}

// sends counts a client's message.
func (g *gauge) sends(kind wire.MessageType) {
	if g != nil {
		g.messages[kind]++
	}
}

// wants notes that a client looks for a server, with nothing in its hands.
func (c *client) wants() {
	for i := range c.ias {
		if c.gauge != nil {
			c.gauge.of(c.identity(&c.ias[i])).wait(c.now)
		}
	}
}

// sleeps notes that a client that looks for a server is without power for a while before it does.
func (c *client) sleeps(delay int64) {
	for i := range c.ias {
		if c.gauge != nil {
			c.gauge.of(c.identity(&c.ias[i])).from = c.now + delay
		}
	}
}

// wait begins to count, unless it is counted already.
func (s *service) wait(from int64) {
	if s.waits && s.from <= from {
		return
	}
	s.waits, s.from = true, from
}

// took notes what a client takes from the Reply to an exchange that took so many milliseconds.
func (c *client) took(r *reply, asked wire.MessageType, after int64) {
	if r.node.partner == nil {
		c.ledger.took(r, asked, true)
	}
	if c.gauge == nil {
		return
	}
	if asked == wire.Rebind && c.exchange.schedule != verify {
		c.gauge.rebinds = append(c.gauge.rebinds, after)
	}
	for i := range r.answer.ias {
		ia := &r.answer.ias[i]
		for _, o := range ia.leases {
			c.gauge.took(identity{string(c.duid), ia.kind, ia.iaid}, o, c.now)
		}
	}
}

// drop notes that a client doesn't use a lease any more.
func (c *client) drop(ia *clientIA, l *lease) {
	who := c.identity(ia)
	c.ledger.drop(who, l.key)
	if c.gauge != nil {
		c.gauge.drop(c.gauge.of(who), l.key, min(c.now, l.until), !c.away)
	}
}

func (g *gauge) took(who identity, o offer, now int64) {
	s := g.of(who)
	if o.valid == 0 {
		g.drop(s, o.key, now, true)
		return
	}
	g.extended++
	if s.until > 0 && s.key != o.key {
		g.drop(s, s.key, now, true)
	}
	if s.waits {
		s.waited = append(s.waited, max(0, now-s.from))
		s.waits = false
	}
	if s.until == 0 {
		g.holders[o.key] = append(g.holders[o.key], s)
	}
	s.key, s.until = o.key, now+int64(o.valid)*1000
	if s.has && s.extended == 0 && o.key == s.had {
		s.extended = now
	}
	for _, other := range g.holders[o.key] {
		if other != s && other.until > now+slack && !g.met[[2]*service{other, s}] && !g.met[[2]*service{s, other}] {
			g.met[[2]*service{other, s}] = true
			g.doubles++
		}
	}
}

// drop ends what a service has. Goes on: its client wants something in its place.
func (g *gauge) drop(s *service, key binding.Key, at int64, goesOn bool) {
	if s.until == 0 || s.key != key {
		return
	}
	s.until = 0
	all := g.holders[key]
	for i := range all {
		if all[i] == s {
			g.holders[key] = append(all[:i:i], all[i+1:]...)
			break
		}
	}
	if goesOn {
		s.wait(at)
	} else if s.had == key {
		s.ended = true
	}
}

// judge notes what all have at the moment of the trial.
func (g *gauge) judge(now int64) {
	for _, s := range g.order {
		s.judged = judged{had: s.key, has: s.until > now}
	}
}
