package sim

import (
	"math/rand/v2"
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/sim/failover"
	"github.com/lockstep6/lockstep6/core/wire"
)

// What happens in an Incident.
type What uint8

// The incidents.
const (
	Dies   What = iota // a server loses power
	Apart              // the servers don't reach one another
	Cut                // a server and one relay (Relay), or all clients (Relay: negative), don't reach one another
	Reboot             // all clients lose power and ask whether what they had is still right, each within a minute
	Forget             // all clients forget what they had, each within a minute
)

// An Incident is what goes wrong in a trial, and when. Times are in milliseconds.
type Incident struct {
	What     What
	At       int64
	Lasts    int64 // Dies: 0: it never returns
	Server   int
	Relay    int
	LoseDisk bool // Dies: it returns without its disk
}

// A Trial is a history that is written down and not drawn: two of our nodes, or a failover pair, serve the same clients, and
// the same incidents happen. Of Options the numbers of clients, relays and slots count, Dense, Polling, the network's faults
// and the seed; the clients and what happens to them follow from the seed alone, whoever serves them.
type Trial struct {
	Options
	Failover bool  // a pair; else our nodes
	MCLT     int64 // milliseconds
	Auto     int64 // milliseconds after which a server of the pair takes its partner for dead; 0: never

	Arrive    int64 // milliseconds in which clients come
	Length    int64 // of it all, in milliseconds
	LifeEvery int64 // milliseconds between two things that happen to a client, at most
	Judged    int64 // from when on it is counted who keeps what
	Incidents []Incident
}

// Figures are what came of a trial. Leases and those without one are counted by identity association; times are in
// milliseconds.
type Figures struct {
	Faults  []string // of our nodes: promises broken (see Run)
	Clients int
	Doubles int // leases that two clients had at the same time

	Waited  []int64 // how long each wait for a lease was, ascending; those that never ended included
	Waiting int     // without a lease in the end, though they want one

	Had, Kept int     // leases at Judged; of those the ones that are the client's in the end (given up ones in neither)
	Extended  []int64 // how long after Judged each of those was extended first, ascending

	Messages map[wire.MessageType]int // that clients sent
	Extends  int                      // leases granted or extended
	Rebinds  []int64                  // how long an answered Rebind at T2 took, ascending

	PeerMessages, PeerOctets   int // between the servers, of clients' leases
	OtherMessages, OtherOctets int // between the servers, all else
	PeerLeases                 int // that BNDUPDs told of
	States                     []failover.State
}

// trialSweep is how many milliseconds pass between two sweeps of our nodes in a trial: its leases last for hours.
const trialSweep = 600_000

// Measure plays a trial.
func Measure(t Trial) (Figures, error) {
	t.Nodes, t.Links, t.Preferences = 2, 1, []int{255, 0}
	t.RapidCommit, t.Favour, t.Model = config.RapidCommitOff, config.FavourPreference, config.Identical
	t.Observation, t.Mending, t.Sparing = true, true, true
	w := newWorld(t.Options)
	if err := w.build(); err != nil {
		return Figures{}, err
	}
	w.gauge, w.lifeEvery, w.sweepEvery, w.troubled = newGauge(), t.LifeEvery, trialSweep, true
	var servers *pair
	if t.Failover {
		servers = w.newPair(w.failoverOptions(&t))
	}
	w.gather(&t)
	for _, n := range w.nodes {
		n.boot()
	}
	for _, i := range t.Incidents {
		w.after(i.At, func() { w.happens(i, servers) })
	}
	w.after(t.Judged, func() { w.gauge.judge(w.now) })
	for w.now < t.Length && len(w.faults) < maxFaults && w.step() {
	}
	for _, n := range w.nodes {
		n.close()
	}
	f := w.gauge.figures(w.now, t.Judged)
	f.Faults, f.Clients = w.faults, len(w.clients)
	if servers != nil {
		f.PeerMessages, f.PeerOctets, f.PeerLeases = servers.messages[true], servers.octets[true], servers.leases
		f.OtherMessages, f.OtherOctets, f.States = servers.messages[false], servers.octets[false], servers.states
	}
	return f, nil
}

// failoverOptions gives the pair the pools and lifetimes of the nodes.
func (w *world) failoverOptions(t *Trial) failover.Options {
	o := failover.Options{MCLT: t.MCLT, AutoPartnerDown: t.Auto, SolMaxRT: solMaxRT,
		Preferred: int64(w.Lifetimes.Preferred) * 1000, Valid: int64(w.Lifetimes.Valid) * 1000}
	addresses, prefixes := onlyPool(w.nodes[0].policy, 0, wire.IANA), onlyPool(w.nodes[0].policy, 0, wire.IAPD)
	o.Addresses = addresses.Range.Lease(address.U128{})
	for slot := (address.U128{}); slot.Lo < uint64(w.Slots); slot.Lo++ {
		o.Prefixes = append(o.Prefixes, binding.Key{Address: prefixes.Range.Lease(slot), Length: prefixLength})
	}
	return o
}

// gather makes the clients, each with dice of its own.
func (w *world) gather(t *Trial) {
	for i := range w.Clients {
		c := w.newClientOf(1+i, true, rand.New(rand.NewPCG(t.Seed, uint64(1000+i))))
		w.clients = append(w.clients, c)
		w.standard[string(c.duid)] = true
		w.after(c.rng.Int64N(t.Arrive), func() {
			c.restart(0)
			c.live()
		})
	}
}

// happens lets an incident happen.
func (w *world) happens(i Incident, servers *pair) {
	n := w.nodes[i.Server]
	switch i.What {
	case Dies:
		w.dies(n, i)
	case Apart:
		if servers != nil {
			servers.apart = w.now + i.Lasts
		}
	case Cut:
		for relay := range w.relays {
			if i.Relay < 0 || i.Relay == relay {
				w.cut(path{relay, n.index}, i.Lasts)
			}
		}
	case Reboot, Forget:
		for _, c := range w.clients {
			c.powerCut(i.What == Forget)
		}
	}
}

// dies takes a server's power, and gives it back, with or without what it had stored.
func (w *world) dies(n *node, i Incident) {
	n.crash()
	if i.Lasts == 0 {
		n.gone = true
		return
	}
	w.after(i.Lasts, func() {
		if i.LoseDisk {
			n.disk = newDisk()
			clear(n.memory.told)
			if n.partner != nil {
				n.partner.disk = failover.NewDisk(false)
			}
		}
		n.boot()
	})
}

// powerCut restarts a client that has leases.
func (c *client) powerCut(forgets bool) {
	if c.away || c.lasts() == 0 {
		return
	}
	delay := c.rng.Int64N(60_000)
	if forgets {
		c.restart(delay)
		c.sleeps(delay)
		return
	}
	c.exchange = exchange{}
	c.timer(delay, c.returned)
}

// figures sums up.
func (g *gauge) figures(now, from int64) Figures {
	f := Figures{Doubles: g.doubles, Messages: g.messages, Extends: g.extended, Rebinds: g.rebinds}
	for _, s := range g.order {
		f.Waited = append(f.Waited, s.waited...)
		if s.waits && s.from < now {
			f.Waiting++
			f.Waited = append(f.Waited, now-s.from)
		}
		if !s.has || s.ended {
			continue
		}
		f.Had++
		if s.until > now && s.key == s.had {
			f.Kept++
		}
		if s.extended > 0 {
			f.Extended = append(f.Extended, s.extended-from)
		}
	}
	slices.Sort(f.Waited)
	slices.Sort(f.Extended)
	slices.Sort(f.Rebinds)
	return f
}
