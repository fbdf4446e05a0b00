package sim

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// offers holds an Advertise against what all nodes should offer (promise 3).
func (l *ledger) offers(n *node, link int, m *wire.Message, a *answer) {
	for i := range m.IACount {
		ia := &m.IAs[i]
		who := identity{string(m.ClientID), ia.Kind, ia.IAID}
		if _, _, hinted := ia.NextLease(ia.Options); hinted || n.memory.of[who] > 0 {
			continue
		}
		want, ok := l.primary(n, link, who)
		if !ok || !l.untouched(n, who, want) {
			continue
		}
		l.stats.Compared++
		if !a.grants(who, want) && !a.names(want) { // two IAs of one message may have the same
			l.fault("3", "node %s doesn't offer %s its first candidate %s", n.name, who, show(want))
		}
	}
}

// primary is the lease that a client gets where nobody is in the way. ok is false where nodes needn't agree on it.
func (l *ledger) primary(n *node, link int, who identity) (key binding.Key, ok bool) {
	p := l.reference[n.index]
	pool := onlyPool(p, link, who.kind)
	if pool.Sequential || !pool.Sparse && pool.Dense == config.DenseExclusive {
		return key, false
	}
	id := address.Identity{DUID: []byte(who.duid), IAID: who.iaid, Kind: who.kind}
	slot, ok := p.Hasher.Primary(&pool.Range, &id)
	return binding.Key{Address: pool.Range.Lease(slot), Length: pool.Range.Length()}, ok
}

// onlyPool is the node's pool of a kind on a link: there is one.
func onlyPool(p *policy.Policy, link int, kind wire.Kind) *policy.Pool {
	if kind == wire.IAPD {
		return p.Links[link].Prefixes[0]
	}
	return p.Links[link].Addresses[0]
}

// untouched tells whether the node has nothing against the lease: no record of it that matters, and (where peers'
// clients are heeded) no claim, nor a gap in which one could have been missed.
func (l *ledger) untouched(n *node, who identity, key binding.Key) bool {
	c := n.memory.claims[key]
	ended := c.state == 0 || c.state != binding.Released && !c.stands(l.now) && c.until+peer.Grace*1000+slack < l.now
	if !l.Observation {
		return ended
	}
	for heard := range n.memory.heard {
		if heard.key == key || heard.who == who {
			return false
		}
	}
	pool := l.reference[n.index].PoolOf(who.kind, &key.Address, key.Length)
	// After an absence what ended meanwhile isn't given to others before the gate opens.
	return ended && !n.contended(key) && (pool.Sparse && c.state == 0 || n.gateOpen(pool.Link) && !n.missed(pool))
}

// refuses looks at what a node says it has nothing for (promise 4).
func (l *ledger) refuses(n *node, link int, m *wire.Message, a *answer) {
	for i := range a.ias {
		ia := &a.ias[i]
		if ia.status != wire.StatusNoAddrsAvail && ia.status != wire.StatusNoPrefixAvail {
			continue
		}
		l.stats.Refusals++
		if pool := onlyPool(l.reference[n.index], link, ia.kind); pool.Sparse || n.free(pool, a) && !n.bereft(pool) {
			l.fault("4", "node %s has nothing for %s, and isn't full", n.name, identity{string(m.ClientID), ia.kind, ia.iaid})
		}
	}
}

// bereft tells whether the node says that it gives nothing out of an exclusive pool, since it lost what it granted there: at most for one valid
// lifetime after it began with its disk.
func (n *node) bereft(pool *policy.Pool) bool {
	return pool.Dense == config.DenseExclusive && n.disk.begun >= 0 && n.site.View.Gate.Lost(pool.Link, n.clock.time(n.now)) &&
		n.now < n.disk.begun+int64(n.Lifetimes.Valid+peer.Grace)*1000+slack
}

// free tells whether there is a slot of a dense pool that the node may give, has no record of, and doesn't give to another
// IA in the same answer.
func (n *node) free(pool *policy.Pool, a *answer) bool {
	for slot := (address.U128{}); slot.Less(pool.Range.Size()); slot.Lo++ {
		own := slices.Contains(pool.OwnStripes, address.StripeOf(slot, pool.Stripes))
		key := binding.Key{Address: pool.Range.Lease(slot), Length: pool.Range.Length()}
		if _, known := n.memory.claims[key]; !known && !a.names(key) && !n.contended(key) && (own || pool.Dense == config.DenseAgree) {
			return true
		}
	}
	return false
}
