package load

import (
	"math/rand/v2"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	maxRestarts = 16 // how often a client begins anew with a Solicit within one task
	maxPartly   = 3  // Renews or Rebinds of which an IA stays unanswered
)

// A phase is the message that a client waits to be answered.
type phase uint8

const (
	idle phase = iota
	soliciting
	requesting
	renewing
	rebinding
	releasing
	declining
)

func (p phase) message() wire.MessageType {
	return [...]wire.MessageType{0, wire.Solicit, wire.Request, wire.Renew, wire.Rebind, wire.Release, wire.Decline}[p]
}

// A verdict is what the driver does next for a client.
type verdict uint8

const (
	ignore verdict = iota // the datagram is none of the client's business
	wait
	transmit // append and send the client's message
	again    // the same, and it was sent before
	done
	failed
)

// nobody is no server.
const nobody = -1

// A client is one client's state. Times are nanoseconds of the driver's clock.
type client struct {
	phase    phase
	task     Task
	tries    uint8  // transmissions of the present message
	restarts uint8  // Solicits of the present task beyond the first
	partly   bool   // the present Renew or Rebind was answered for some of its IAs
	fellBack bool   // the present task is Rapid, and a server sent an Advertise
	server   int8   // that gave the leases; nobody: none
	target   int8   // that the present message is for; nobody: all
	best     int8   // server of the best Advertise so far
	liking   int16  // its preference
	heard    uint16 // servers that answered the present Solicit, a bit each
	xid      [3]byte
	rt       time.Duration
	due      int64 // when the present message is sent again
	first    int64 // when it was sent first
	began    int64 // when the task began
	// When it was to begin, in a stream. It may have begun later, and its latency counts from here.
	scheduled int64
	leases    [2]lease
	offers    [2]lease // of the best Advertise
}

// A machine plays clients by RFC 9915, Section 18.2. It isn't safe for use by several goroutines.
type machine struct {
	times   Times
	servers int     // how many there are
	wants   [2]bool // by wire.Kind-1: what the clients want
	eager   bool    // the first Advertise that will do is taken, and what a server refuses isn't tried again
	rng     *rand.Rand
}

// start begins a task. The client must be idle.
func (m *machine) start(c *client, task Task, now int64) verdict {
	c.task, c.began, c.restarts, c.fellBack = task, now, 0, false
	switch {
	case task == Ask || task == Acquire || task == Rapid:
		return m.begin(c, soliciting, nobody, now)
	case c.server == nobody:
		return failed
	case task == Renew:
		return m.begin(c, renewing, c.server, now)
	case task == Rebind:
		return m.begin(c, rebinding, nobody, now)
	case task == Decline:
		return m.begin(c, declining, c.server, now)
	default:
		return m.begin(c, releasing, c.server, now)
	}
}

// begin turns to another message, with a transaction-id of its own (RFC 9915, Section 16.1).
func (m *machine) begin(c *client, p phase, target int8, now int64) verdict {
	id := m.rng.Uint32()
	c.xid = [3]byte{byte(id >> 16), byte(id >> 8), byte(id)}
	c.phase, c.target, c.tries, c.rt, c.first, c.partly = p, target, 0, 0, now, false
	if p == soliciting {
		c.best, c.liking, c.heard = nobody, -1, 0
	}
	m.sent(c, now)
	return transmit
}

// sent notes a transmission.
func (m *machine) sent(c *client, now int64) {
	c.tries++
	spread := 2*m.rng.Float64() - 1
	if c.phase == soliciting && c.tries == 1 {
		spread = max(spread, -spread) // RFC 9915, Section 18.2.1: RAND above 0, so that none is missed
	}
	c.rt = m.backoff(c.phase).next(c.rt, spread)
	c.due = now + int64(c.rt)
}

func (m *machine) backoff(p phase) *Backoff {
	switch p {
	case soliciting:
		return &m.times.Solicit
	case requesting:
		return &m.times.Request
	case renewing:
		return &m.times.Renew
	case rebinding:
		return &m.times.Rebind
	default: // RFC 9915, Section 7.6, has the same for a Decline
		return &m.times.Release
	}
}

// expire is due when c.due has passed.
func (m *machine) expire(c *client, now int64) verdict {
	if c.phase == soliciting && c.task != Ask && c.best != nobody {
		return m.begin(c, requesting, c.best, now)
	}
	b := m.backoff(c.phase)
	if c.partly && c.tries >= maxPartly {
		return m.unanswered(c, now)
	}
	if b.Count != 0 && int(c.tries) >= b.Count || b.For != 0 && now-c.first >= int64(b.For) {
		return m.unanswered(c, now)
	}
	if c.tries == 255 {
		return m.end(c, failed)
	}
	m.sent(c, now)
	return again
}

// unanswered is the end of a message's retransmission.
func (m *machine) unanswered(c *client, now int64) verdict {
	switch {
	case c.phase == requesting || c.phase == rebinding && c.partly:
		return m.restart(c, now)
	case c.phase == renewing:
		return m.begin(c, rebinding, nobody, now)
	default:
		return m.end(c, failed)
	}
}

// restart begins anew with a Solicit.
func (m *machine) restart(c *client, now int64) verdict {
	if m.eager {
		c.leases, c.server = [2]lease{}, nobody
		return m.end(c, failed)
	}
	if c.restarts++; c.restarts > maxRestarts {
		return m.end(c, failed)
	}
	return m.begin(c, soliciting, nobody, now)
}

func (m *machine) end(c *client, v verdict) verdict {
	c.phase = idle
	return v
}

// hear takes a server's answer.
func (m *machine) hear(c *client, server int, r *reply, now int64) verdict {
	if c.phase == idle || r.xid != c.xid || c.target != nobody && int(c.target) != server {
		return ignore
	}
	if c.phase == soliciting && c.task == Rapid && r.kind == wire.Reply {
		if !r.rapid || !m.complete(r) { // RFC 9915, Section 18.2.10: without the option it's no answer to this Solicit
			return ignore
		}
		return m.replied(c, server, r, now)
	}
	if c.phase == soliciting {
		if r.kind != wire.Advertise || c.heard>>server&1 != 0 {
			return ignore
		}
		return m.advertised(c, server, r, now)
	}
	if r.kind != wire.Reply {
		return ignore
	}
	return m.replied(c, server, r, now)
}

// advertised collects Advertises (RFC 9915, Section 18.2.1): until the first retransmission time has passed, but
// no longer than one with preference 255, or the last server's, needs.
func (m *machine) advertised(c *client, server int, r *reply, now int64) verdict {
	c.heard |= 1 << server
	all := c.heard == 1<<m.servers-1
	if m.eager && !m.complete(r) {
		if all {
			return m.restart(c, now)
		}
		return wait
	}
	all = all || m.eager
	c.fellBack = c.fellBack || c.task == Rapid
	if c.task == Ask {
		if all {
			return m.end(c, done)
		}
		return wait
	}
	// RFC 9915, Section 18.2.9: what offers no lease is left aside.
	if m.complete(r) && int16(r.preference) > c.liking {
		c.best, c.liking, c.offers = int8(server), int16(r.preference), r.leases
	}
	if c.best == nobody || c.liking < 255 && c.tries == 1 && !all {
		return wait
	}
	return m.begin(c, requesting, c.best, now)
}

// replied ends an exchange. Where the client gets no lease it begins anew. A Reply to a Renew or Rebind that says nothing of
// an IA counts as if it had not been received (RFC 9915, Section 18.2.10.1): another server, or the same one later,
// may know more.
func (m *machine) replied(c *client, server int, r *reply, now int64) verdict {
	if c.phase == releasing || c.phase == declining {
		c.leases, c.server = [2]lease{}, nobody
		return m.end(c, done)
	}
	if (c.phase == renewing || c.phase == rebinding) && m.omits(r) && !m.eager {
		c.partly = true
		return wait
	}
	if !m.complete(r) {
		return m.restart(c, now)
	}
	c.leases, c.server = r.leases, int8(server)
	return m.end(c, done)
}

// omits tells whether an answer says nothing of an IA that the client asked for.
func (m *machine) omits(r *reply) bool {
	return m.wants[0] && !r.says(wire.IANA) || m.wants[1] && !r.says(wire.IAPD)
}

// names tells whether the client's present message names the lease, so that everybody who hears it knows.
func (c *client) names(a *Answer) bool {
	l := &c.leases[a.Kind-1]
	switch c.phase {
	case idle, soliciting:
		return false
	case requesting:
		l = &c.offers[a.Kind-1]
	}
	return l.ok && l.address == a.Address && l.length == a.Length
}

// complete tells whether an answer holds all that the client wants.
func (m *machine) complete(r *reply) bool {
	return (r.leases[0].ok || !m.wants[0]) && (r.leases[1].ok || !m.wants[1])
}
