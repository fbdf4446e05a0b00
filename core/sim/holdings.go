package sim

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// took notes what a client takes from a Reply (promises 1 and 2). Standard is a client that does nothing that would
// excuse a node; asked is what it had sent.
func (l *ledger) took(r *reply, asked wire.MessageType, standard bool) {
	if l.Trace != nil {
		l.note("%x takes from node %s: %s", r.to.duid, r.node.name, r.answer.describe())
	}
	l.digest(r.node.index, []byte(r.to.duid))
	extends := asked == wire.Renew || asked == wire.Rebind
	if standard && r.breach != "" && !l.excused(r) {
		l.fault("2", "%s", r.breach)
	}
	for i := range r.answer.ias {
		ia := &r.answer.ias[i]
		who := identity{r.to.duid, ia.kind, ia.iaid}
		if extends && standard && ia.status == wire.StatusNoBinding && l.hasAny(who) {
			l.fault("2", "node %s tells %s that it has no binding", r.node.name, who)
		}
		for k := range ia.leases {
			lease := &ia.leases[k]
			if lease.valid == 0 {
				l.withdrawn(r, who, lease.key, standard)
				continue
			}
			l.hold(r, who, lease, extends)
		}
	}
}

// excused tells whether a lease in a breach is the loser's of a conflict.
func (l *ledger) excused(r *reply) bool {
	for _, all := range l.holdings {
		for _, h := range all {
			if l.Mending && h.conflict && h.who.duid == r.to.duid {
				return true
			}
		}
	}
	return false
}

// hasAny tells whether a client IA has a lease that it may use.
func (l *ledger) hasAny(who identity) bool {
	for key := range l.holdings {
		if l.holds(who, key) {
			return true
		}
	}
	return false
}

// withdrawn notes that a client was told to give a lease up.
func (l *ledger) withdrawn(r *reply, who identity, key binding.Key, standard bool) {
	if standard && !l.onLink(r.node, l.relays[r.to.relay].link, who.kind, key) {
		standard = false // the client has moved
	}
	for _, h := range l.holdings[key] {
		if h.who == who && standard && h.until > l.now+slack && !(l.Mending && (h.conflict || l.contested(r.node, who, key))) && !l.ended(r.node, who, key) {
			l.fault("2", "node %s withdraws %s of %s, which lasts %d ms", r.node.name, show(key), who, h.until-l.now)
		}
	}
	l.drop(who, key)
}

// contested tells whether another client claims the lease, as far as the node knows: an attacker can, of a lease that is
// its own candidate. Who keeps it is decided by the rule (see docs/agreement.md).
func (l *ledger) contested(n *node, who identity, key binding.Key) bool {
	c := n.memory.claims[key]
	return n.contended(key) || c.who != who && c.stands(l.now)
}

// ended tells whether the node has a reason to withdraw a lease of which it has a record for the client: the client said
// that somebody else uses it, or (where nodes aren't sparing) the record has ended by the node's lights.
func (l *ledger) ended(n *node, who identity, key binding.Key) bool {
	c := n.memory.claims[key]
	return c.who == who && (c.state == binding.Declined && c.until+slack > l.now || !l.Sparing && !c.binds(who, l.now))
}

// drop ends a holding: its client doesn't use the lease any more.
func (l *ledger) drop(who identity, key binding.Key) {
	l.holdings[key] = slices.DeleteFunc(l.holdings[key], func(h *holding) bool { return h.who == who })
}

// hold notes that a client has a lease, and looks for others who have it.
func (l *ledger) hold(r *reply, who identity, lease *offer, extends bool) {
	if !l.onLink(r.node, l.relays[r.to.relay].link, who.kind, lease.key) {
		l.fault("wire", "node %s gives %s %s, which is in no pool of the link", r.node.name, who, show(lease.key))
	}
	fresh := &holding{who: who, decided: r.decided, from: l.now, until: l.now + int64(lease.valid)*1000}
	if _, known := l.holdings[lease.key]; !known {
		l.granted = append(l.granted, lease.key)
	}
	kept := l.holdings[lease.key][:0]
	for _, h := range l.holdings[lease.key] {
		switch {
		case h.who == who && h.meets(fresh):
			fresh.confirmed = h.confirmed || extends && r.decided > h.decided+confirmAfter
			fresh.conflict, fresh.extended = h.conflict, h.extended
			fresh.decided, fresh.from, fresh.until = min(h.decided, fresh.decided), h.from, max(h.until, fresh.until)
		case h.until > l.now && h.who != who:
			kept = append(kept, h)
		}
	}
	for _, h := range kept {
		if h.meets(fresh) {
			l.shared(r, lease.key, h, fresh, extends)
		}
	}
	l.holdings[lease.key] = append(kept, fresh)
}

// confirmAfter is how many milliseconds after a grant a Renew confirms it.
const confirmAfter = 30_000

// shared judges that two clients have one lease. The reply is the one that fresh comes from; extends: to a Renew or Rebind.
func (l *ledger) shared(r *reply, key binding.Key, h, fresh *holding, extends bool) {
	pool := l.reference[r.node.index].PoolOf(fresh.who.kind, &key.Address, key.Length)
	confirmed, decides := r.node.confirmedRival(key, h.who)
	switch {
	case pool != nil && pool.Sparse && !pool.Sequential && l.standard[h.who.duid] && l.standard[fresh.who.duid]:
		l.fault("1", "%s and %s both have %s, in a sparse pool", h.who, fresh.who, show(key))
	case fresh.decided == r.decided && fresh.decided > h.decided && slices.Contains(r.heard, claimed{key, h.who}) &&
		!slices.Contains(r.renews, claimed{key, fresh.who}) && !slices.Contains(r.decides, claimed{key, h.who}) && !l.explained(r.node, fresh.who, key) &&
		!(l.Mending && confirmed): // a conflict, and decided
		l.fault("1", "node %s gives %s to %s, and had heard that it is %s's", r.node.name, show(key), fresh.who, h.who)
	case pool != nil && pool.Owner != policy.Everyone && !l.Disks && !l.Observation && l.standard[h.who.duid] && l.standard[fresh.who.duid]:
		l.fault("1", "%s and %s both have %s, in a pool of one node", h.who, fresh.who, show(key))
	case !fresh.conflict:
		l.stats.Duplicates++
		l.note("%s and %s both have %s", h.who, fresh.who, show(key))
	}
	h.conflict, fresh.conflict = true, true
	if extends && h.confirmed && fresh.confirmed && decides {
		fresh.extended++
	}
	if l.Mending && h.extended > 1 && fresh.extended > 1 {
		l.fault("1", "%s and %s both keep %s", h.who, fresh.who, show(key))
	}
}

// explained tells whether the lease is a rude client's own first candidate: what it makes up about that is believed.
func (l *ledger) explained(n *node, who identity, key binding.Key) bool {
	pool := l.reference[n.index].PoolOf(who.kind, &key.Address, key.Length)
	if pool == nil || l.standard[who.duid] {
		return false
	}
	if want, ok := l.primary(n, pool.Link, who); ok {
		return want == key
	}
	// An exclusive pool has no first candidate but the start of the spill in each stripe.
	slot, ok := pool.Range.Slot(key.Address)
	stripe := address.StripeOf(slot, pool.Stripes)
	id := address.Identity{DUID: []byte(who.duid), IAID: who.iaid, Kind: who.kind}
	return ok && l.reference[n.index].Hasher.Spill(&pool.Range, &id, stripe, pool.Stripes) == address.StripeIndex(slot, pool.Stripes)
}

// anyLease is a lease of a kind that some client took once; ok is false where the search for one took too long.
func (l *ledger) anyLease(kind wire.Kind) (key binding.Key, ok bool) {
	for range 8 {
		if len(l.granted) == 0 {
			break
		}
		if key = l.granted[l.rng.IntN(len(l.granted))]; (key.Length == 128) == (kind == wire.IANA) {
			return key, true
		}
	}
	return key, false
}
