package sim

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// heardLately is for how many milliseconds a node may remember that a client has just asked for something.
const heardLately = 130_000

// solely tells whether only the node gives the lease to new clients, in an exclusive pool.
func (l *ledger) solely(n *node, kind wire.Kind, key binding.Key) (pool *policy.Pool, slot address.U128, ok bool) {
	pool = l.reference[n.index].PoolOf(kind, &key.Address, key.Length)
	if pool == nil || pool.Sparse || pool.Dense != config.DenseExclusive {
		return pool, slot, false
	}
	if slot, ok = pool.Range.Slot(key.Address); !ok || pool.Owner != policy.Everyone {
		return pool, slot, ok && pool.Own
	}
	return pool, slot, slices.Contains(pool.OwnStripes, address.StripeOf(slot, pool.Stripes))
}

// misses looks at what reaches a node that began with an empty disk, no longer than a T1 ago: a client's lease that it must have granted, for
// it is where the client's search for one begins, and of which it has no record, tells it that it lost a disk.
func (l *ledger) misses(r *reply, m *wire.Message) {
	d := r.node.disk
	if m.Type != wire.Renew && m.Type != wire.Rebind || d.evident > 0 || d.begun < 0 || !l.standard[r.to.duid] || !r.node.healthy() ||
		l.now > d.begun+int64(l.Lifetimes.Renew)*1000-slack {
		return
	}
	for i := range m.IACount {
		ia := &m.IAs[i]
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			key := binding.Key{Address: lease.Address, Length: lease.Length}
			pool, slot, own := l.solely(r.node, ia.Kind, key)
			if _, known := r.node.memory.claims[key]; known || !own || pool.Link != l.relays[r.to.relay].link {
				continue
			}
			who := identity{string(m.ClientID), ia.Kind, ia.IAID}
			id := address.Identity{DUID: m.ClientID, IAID: ia.IAID, Kind: ia.Kind}
			spill := l.reference[r.node.index].Hasher.Spill(&pool.Range, &id, address.StripeOf(slot, pool.Stripes), pool.Stripes)
			for _, h := range l.holdings[key] {
				if h.who == who && h.from+heardLately < l.now && spill == address.StripeIndex(slot, pool.Stripes) {
					d.evident = d.begun + int64(l.Lifetimes.Valid)*1000
				}
			}
		}
	}
}

// begets looks at a grant out of an exclusive pool (promise 1): a node that knows that it lost a disk gives nothing new out of it until one valid
// lifetime after it began anew. What it gave before it knew is the bound of what such a pool promises.
func (l *ledger) begets(n *node, old *claim, c *change) {
	if l.now > n.disk.evident || !c.claim.own || c.claim.state != binding.Bound || old.who == c.claim.who {
		return
	}
	if _, _, own := l.solely(n, c.claim.who.kind, c.key); own && !l.holds(c.claim.who, c.key) {
		l.fault("1", "node %s gives %s to %s out of an exclusive pool, and lost what it granted there", n.name, show(c.key), c.claim.who)
	}
}
