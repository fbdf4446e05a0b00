package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Ledger sees everything: which message reached which node, what the node decided and wrote, what was on its disk when
// a reply left, and what each client took. It holds that against the promises:
//
//  1. No two clients have one lease, unless the node that granted it last didn't know: no record of its own, and (where
//     peers' clients are heeded) no message that named the lease. In a sparse pool not even then, unless it is sequential. Where conflicts are
//     mended, one of the two loses it at a Renew after both were confirmed.
//  2. What a client was told of it has until it ends: a node that has the record extends it, and no node withdraws it.
//  3. Where a client is unknown and its first candidate free, every node offers that; in a sequential pool no lease is the client's first candidate.
//  4. A client that follows the standard has service in the end, where one node lives (see world.judge). None is told
//     that there is nothing for it while the node has a lease that nobody had lately.
//  5. Nobody's message ends or shortens another client's binding, and no message meant for another server shortens any.
//  6. What a client was told of is on the disk before, and in the table after a return with that disk.
//  7. History knows that the client had it then (see past.go).
//
// What rude clients and attackers claim has exceptions: claims of theirs count up to a limit per relay port, a lease that is
// such a client's own first candidate is believed to be its, and a conflict with one is decided by the rule
// (docs/agreement.md), not by who is polite.
type ledger struct {
	*world
	reference []*policy.Policy // of each node, as it should be
	holdings  map[binding.Key][]*holding
	granted   []binding.Key // all leases that a client ever took, for those who name others'
	asked     wire.Packet   // the message at hand
}

func newLedger(w *world) *ledger {
	return &ledger{world: w, holdings: make(map[binding.Key][]*holding)}
}

// A holding is a lease that a client took, and may use until it ends.
type holding struct {
	who       identity
	decided   int64 // when it was granted first
	from      int64 // when the client took it first
	until     int64 // as its client counts: from when it takes a Reply (RFC 9915, Section 18.2.10.1)
	confirmed bool  // extended by a later Renew or Rebind
	conflict  bool
	extended  int // since both clients of a conflict were confirmed
}

// meets tells whether both could be used at the same time.
func (h *holding) meets(other *holding) bool {
	return max(h.from, other.from) < min(h.until, other.until)
}

// loaded notes that a node starts over its disk. All that its clients were told of must be there.
func (l *ledger) loaded(n *node) {
	if n.disk.whole == 0 {
		n.disk.begun = l.now
	}
	n.memory.reload(n.disk)
	n.handle.Enter()
	defer n.handle.Leave()
	for _, key := range slices.SortedFunc(maps.Keys(n.memory.told), func(a, b binding.Key) int { return a.Compare(&b) }) {
		t := n.memory.told[key]
		if t.until <= l.now+slack {
			delete(n.memory.told, key)
			continue
		}
		r := n.handle.Find(&key)
		if r == nil || !r.Belongs([]byte(t.who.duid), t.who.kind, t.who.iaid) || !r.Taken(n.clock.time(l.now)) {
			l.fault("6", "node %s returns without %s of %s, which lasts %d ms", n.name, show(key), t.who, t.until-l.now)
		}
	}
}

// decided looks at what a node makes of a message.
func (l *ledger) decided(r *reply) {
	n := r.node
	if drop := l.asked.Parse(r.to.data); drop != wire.DropNone {
		l.fault("wire", "a client's message can't be read: %v", drop)
		return
	}
	m := &l.asked.Message
	foreign := m.ServerID != nil && string(m.ServerID) != string(n.policy.ServerID)
	l.misses(r, m)
	for i := range r.changes {
		l.wrote(r, &r.changes[i], foreign)
	}
	if l.Observation {
		l.hears(r, m, foreign)
	}
	l.digest(n.index, r.data)
	if r.data == nil {
		return
	}
	r.answer = readAnswer(innermost(r.data))
	if r.answer == nil {
		l.fault("wire", "node %s answers %s with what can't be read", n.name, typeNames[m.Type])
		return
	}
	if l.Trace != nil {
		l.note("node %s: %s: %s", n.name, l.describe(m), r.answer.describe())
	}
	link := l.relays[r.to.relay].link
	l.refuses(n, link, m, r.answer)
	if r.answer.kind == wire.Advertise {
		l.stats.Advertises++
		l.offers(n, link, m, r.answer)
		return
	}
	if m.Type == wire.Confirm {
		l.confirms(n, link, m, r.answer)
	}
	l.spares(r)
	l.extends(r, m)
}

// onLink tells whether a lease is one of the link.
func (l *ledger) onLink(n *node, link int, kind wire.Kind, key binding.Key) bool {
	pool := l.reference[n.index].PoolOf(kind, &key.Address, key.Length)
	return pool != nil && pool.Link == link
}

// confirms looks at what a node says of a client's place (promise 2). Clients name only what they have.
func (l *ledger) confirms(n *node, link int, m *wire.Message, a *answer) {
	right := true
	for i := range m.IACount {
		ia := &m.IAs[i]
		for lease, rest, ok := ia.NextLease(ia.Options); ok && ia.Kind == wire.IANA; lease, rest, ok = ia.NextLease(rest) {
			key := binding.Key{Address: lease.Address, Length: lease.Length}
			if l.reference[n.index].PoolOf(wire.IANA, &key.Address, key.Length) == nil {
				return // a rude client's
			}
			right = right && l.onLink(n, link, wire.IANA, key)
		}
	}
	if right != (a.status == wire.StatusSuccess) {
		l.fault("2", "node %s says status %d to %s", n.name, a.status, l.describe(m))
	}
}

// wrote holds a change against what the node knew before (promises 1 and 5).
func (l *ledger) wrote(r *reply, c *change, foreign bool) {
	n, old := r.node, r.node.memory.claims[c.key]
	if l.Trace != nil {
		l.note("node %s writes %s: %s", n.name, show(c.key), c.claim.describe(l.now))
	}
	defer n.memory.set(c.key, c.claim)
	l.begets(n, &old, c)
	if t := n.memory.told[c.key]; t.who != c.claim.who || c.claim.state == binding.Released || c.claim.state == binding.Declined {
		delete(n.memory.told, c.key)
	}
	// A conflict is decided at the loser's message or the winner's: both are of clients that claim the lease.
	if c.claim.who.duid != r.to.duid && !(l.Mending && old.who.duid == r.to.duid) {
		l.fault("5", "node %s: a message of %x changes %s of %s to %s", n.name, r.to.duid, show(c.key), old.who, c.claim.state)
	}
	if old.own && old.stands(l.now) && old.who == c.claim.who {
		r.renews = append(r.renews, claimed{c.key, old.who})
	}
	if !old.stands(l.now) {
		return
	}
	if old.who != c.claim.who && l.decidable(old.who, c) {
		r.decides = append(r.decides, claimed{c.key, old.who})
	}
	switch {
	case old.who != c.claim.who:
		if l.Observation && (!c.claim.own || !old.own && !l.standard[old.who.duid] || !l.holds(old.who, c.key) || l.decidable(old.who, c)) {
			return // it isn't a grant; or what stood there was a claim that its client never made good, or that loses a conflict
		}
		l.fault("1", "node %s gives %s to %s, and knows that it is %s's for %d ms", n.name, show(c.key), c.claim.who, old.who, old.until-l.now)
	case foreign && old.own && !old.rapid && c.claim.until+slack < old.until:
		l.fault("5", "node %s shortens %s of %s for what it overheard", n.name, show(c.key), old.who)
	}
}

// decidable tells whether the change could be the end of a conflict: two clients hold the lease, and both were
// confirmed. Rude clients' claims count as confirmed.
func (l *ledger) decidable(old identity, c *change) bool {
	if !l.Mending {
		return false
	}
	confirmed := func(who identity) bool {
		if !l.standard[who.duid] {
			return true
		}
		for _, h := range l.holdings[c.key] {
			if h.who == who && h.decided+confirmAfter <= l.now {
				return true
			}
		}
		return false
	}
	return confirmed(old) && confirmed(c.claim.who)
}

// hears notes the leases that a message names and that the node can know from it.
func (l *ledger) hears(r *reply, m *wire.Message, foreign bool) {
	n := r.node
	ends := m.Type == wire.Release || m.Type == wire.Decline
	if n.refused() || !foreign && m.Type != wire.Rebind && !ends || !n.healthy() {
		return // what it can't write it doesn't observe, nor what is too much for a relay port
	}
	for i := range m.IACount {
		ia := &m.IAs[i]
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			c := claimed{binding.Key{Address: lease.Address, Length: lease.Length}, identity{string(m.ClientID), ia.Kind, ia.IAID}}
			switch {
			case ends:
				delete(n.memory.heard, c)
			case l.onLink(n, l.relays[r.to.relay].link, ia.Kind, c.key):
				n.memory.heard[c] = l.now
			}
		}
	}
}

// extends looks at a Reply to a Renew or Rebind: what the node has on record for the client is extended (promise 2).
// The fault counts if the client takes the Reply.
func (l *ledger) extends(r *reply, m *wire.Message) {
	if l.Observation {
		r.heard = l.heardOf(r)
	}
	if m.Type != wire.Renew && m.Type != wire.Rebind {
		return
	}
	for i := range m.IACount {
		ia := &m.IAs[i]
		who := identity{string(m.ClientID), ia.Kind, ia.IAID}
		lease, rest, ok := ia.NextLease(ia.Options)
		if _, _, more := ia.NextLease(rest); !ok || more {
			continue
		}
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		known := r.node.memory.claims[key]
		if known.binds(who, l.now) && l.onLink(r.node, l.relays[r.to.relay].link, ia.Kind, key) && !r.answer.grants(who, key) &&
			!(l.Mending && r.node.contended(key)) {
			r.breach = fmt.Sprintf("node %s has %s on record for %s and doesn't extend it", r.node.name, show(key), who)
		}
	}
}

// heardOf are the other clients whose claims to the granted leases reached the node.
func (l *ledger) heardOf(r *reply) (out []claimed) {
	for i := range r.answer.ias {
		for _, lease := range r.answer.ias[i].leases {
			for _, h := range l.holdings[lease.key] {
				if !l.standard[h.who.duid] {
					continue // what rude clients claim counts only up to a limit
				}
				c := claimed{lease.key, h.who}
				if at, ok := r.node.memory.heard[c]; ok && at+int64(l.Lifetimes.Valid)*1000+grace > l.now {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

// leaves looks at a reply on its way out: what it grants is on the disk (promise 6).
func (l *ledger) leaves(r *reply) {
	if r.answer == nil || r.answer.kind != wire.Reply {
		return
	}
	n := r.node
	for i := range r.answer.ias {
		ia := &r.answer.ias[i]
		who := identity{r.to.duid, ia.kind, ia.iaid}
		for _, lease := range ia.leases {
			if lease.valid == 0 {
				continue
			}
			l.stats.Grants++
			n.disk.past.told = append(n.disk.past.told, telling{claimed{lease.key, who}, n.clock.time(r.decided)})
			if !l.stored(r, who, lease.key) {
				l.fault("6", "node %s tells %s of %s before that is on the disk", n.name, who, show(lease.key))
			}
			if known := n.memory.claims[lease.key]; known.binds(who, l.now) {
				n.memory.told[lease.key] = told{who, r.decided + int64(lease.valid)*1000}
			}
		}
	}
}

// stored tells whether what the node wrote of a lease for this very reply is on its disk, or something newer. What it
// didn't write was there when it decided: see spares.
func (l *ledger) stored(r *reply, who identity, key binding.Key) bool {
	i := r.writes(who, key)
	return i < 0 && l.Cache > 0 || i >= 0 && r.node.disk.values[key].version >= r.changes[i].version
}

// writes is which of the reply's changes binds the lease to the client IA; negative: none does.
func (r *reply) writes(who identity, key binding.Key) int {
	return slices.IndexFunc(r.changes, func(c change) bool { return c.key == key && c.claim.who == who })
}

// spares looks at what a Reply grants without a write: the disk has it for the client already, for as long as the client
// is told (promise 6).
func (l *ledger) spares(r *reply) {
	for i := range r.answer.ias {
		ia := &r.answer.ias[i]
		who := identity{r.to.duid, ia.kind, ia.iaid}
		for _, lease := range ia.leases {
			if lease.valid == 0 || r.writes(who, lease.key) >= 0 {
				continue
			}
			l.stats.Spared++
			r.renews = append(r.renews, claimed{lease.key, who})
			c := r.node.disk.values[lease.key].claim
			if until := r.decided + int64(lease.valid)*1000; !c.own || !c.binds(who, r.decided) || until > c.until+slack {
				l.fault("6", "node %s tells %s of %s until %d without a write, and the disk says: %s",
					r.node.name, who, show(lease.key), until, c.describe(l.now))
			}
		}
	}
}

// swept looks at what a sweeper removes.
func (l *ledger) swept(n *node, changes []change) {
	for i := range changes {
		c := &changes[i]
		if old := n.memory.claims[c.key]; old.stands(l.now) {
			l.fault("2", "node %s sweeps %s of %s, which lasts %d ms", n.name, show(c.key), old.who, old.until-l.now)
		}
		n.memory.set(c.key, claim{})
		l.digest(n.index, c.key.Address[:])
	}
}

// holds tells whether the client took the lease and may use it.
func (l *ledger) holds(who identity, key binding.Key) bool {
	for _, h := range l.holdings[key] {
		if h.who == who && h.until > l.now {
			return true
		}
	}
	return false
}
