package sim

import (
	"github.com/lockstep6/lockstep6/core/sim/failover"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A pair is two failover servers in the place of nodes, and the TCP connection between them.
type pair struct {
	*world
	partners [2]*partner
	last     [2]int64 // by sender: when what it sent last arrives
	apart    int64    // until when the two don't reach one another

	messages, octets map[bool]int // between the servers: of clients' leases (true), and all else
	leases           int          // that BNDUPDs told of
	states           []failover.State
}

// resend is how many milliseconds TCP takes at most to notice that a segment was lost.
const resend = 1000

// A partner is one server of the pair; it is the server's host.
type partner struct {
	*node
	pair   *pair
	role   failover.Role
	disk   *failover.Disk
	server *failover.Server
	setup  failover.Options
}

// newPair puts a pair into the place of two nodes.
func (w *world) newPair(o failover.Options) *pair {
	p := &pair{world: w, messages: make(map[bool]int), octets: make(map[bool]int)}
	for i, n := range w.nodes {
		p.partners[i] = &partner{node: n, pair: p, role: failover.Role(i), disk: failover.NewDisk(true), setup: o}
		n.partner = p.partners[i]
	}
	return p
}

func (p *partner) boot() {
	p.server = failover.Start(p.setup, p, p.role, p.policy.ServerID, p.disk)
}

// arrive lets the server answer a datagram, as soon as a node would.
func (p *partner) arrive(d *datagram) {
	p.alive(p.rng.Int64N(batchDelay)+p.rng.Int64N(quickWrite), func() {
		var asked wire.Packet
		if asked.Parse(d.data) != wire.DropNone {
			return
		}
		if data := p.server.Answer(&asked); data != nil {
			p.stats.Replies++
			p.fromNode(&reply{data: data, node: p.node, to: d, decided: p.now, answer: readAnswer(innermost(data))})
		}
	})
}

// Now is the time for the server.
func (p *partner) Now() int64 { return p.now }

// After plans something that only this process does.
func (p *partner) After(delay int64, run func()) { p.alive(delay, run) }

// Random draws a number below n.
func (p *partner) Random(n uint64) uint64 { return p.rng.Uint64N(n) }

// Became notes which states a pair goes through.
func (p *partner) Became(s failover.State) {
	p.note("server %s enters %s", p.name, s)
	p.pair.states = append(p.pair.states, s)
}

// Send carries a message to the other server: in order, late where a segment is lost or nothing gets through. Whether the
// connection still is the same then, servers tell by themselves.
func (p *partner) Send(m *failover.Message) {
	q := p.pair
	q.messages[m.OfClients()]++
	q.octets[m.OfClients()] += m.Octets()
	q.leases += m.Leases()
	at := max(p.now, q.apart) + 1 + p.rng.Int64N(hop)
	if p.rng.IntN(1000) < p.Loss {
		at += p.rng.Int64N(resend)
	}
	at = max(at, q.last[p.role])
	q.last[p.role] = at
	other := q.partners[1-p.role]
	p.after(at-p.now, func() {
		if other.up {
			other.server.Receive(m)
		}
	})
}
