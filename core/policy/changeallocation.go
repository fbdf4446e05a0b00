package policy

import (
	"fmt"
	"slices"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// allocationChanged compares which lease new clients get. What is held stays where it is, and a pool that counts is one
// node's before and after, so that the nodes may take the file in any order.
func (d *differ) allocationChanged(was, is *poolRange) {
	c := Change{
		What:   fmt.Sprintf("%s: allocation hash -> sequential", was.called(d)),
		Effect: "new clients get the lowest free lease; those that have one keep it",
	}
	if !sequential(*is.pool) {
		c.What = fmt.Sprintf("%s: allocation sequential -> hash", was.called(d))
		c.Effect = "new clients get the lease that is computed from their identity; those that have one keep it"
	}
	if before, after := d.inOrder(was, false), d.inOrder(is, true); before != after {
		c.Effect += ". The pools of the link are taken in the " + map[bool]string{true: "file's order", false: "order that is computed for each client"}[after]
	}
	if !d.after.Single && !d.before.Single {
		c.Effect += ". Nodes recognise a lease that was given in sequence only where they have heard of it; and until all have the new file, " +
			"those by which it should be computed report the others as divergent"
	}
	d.add(c)
}

// inOrder tells whether the pool is one of several of its kind on the link, of which one is sequential.
func (d *differ) inOrder(r *poolRange, after bool) bool {
	source, at := d.before.source, r.pair.before
	if after {
		source, at = d.after.source, r.pair.after
	}
	link := &source.Links[at]
	pools := link.Addresses
	if r.pool.Kind == wire.IAPD {
		pools = link.Prefixes
	}
	return len(pools) > 1 && slices.ContainsFunc(pools, sequential)
}

// poolOrder compares the order of the pools that both configurations have, where it counts in both.
func (d *differ) poolOrder() {
	before, after := d.ranges(false), d.ranges(true)
	for _, pair := range d.links {
		for _, kind := range []wire.Kind{wire.IANA, wire.IAPD} {
			old := d.placed(before, pair, kind, false)
			fresh := d.placed(after, pair, kind, true)
			common := func(keys, others []poolKey) []poolKey {
				return slices.DeleteFunc(slices.Clone(keys), func(k poolKey) bool { return !slices.Contains(others, k) })
			}
			if !slices.Equal(common(old, fresh), common(fresh, old)) {
				d.add(Change{
					What:   fmt.Sprintf("link %s: its pools of %s stand in another order", d.linkName(pair), kindName(kind)),
					Effect: "new clients get leases of those that stand first; those that have one keep it",
				})
			}
		}
	}
}

// placed is the pools of a kind on a link in the order of the file; none where that doesn't count.
func (d *differ) placed(all []poolRange, pair linkPair, kind wire.Kind, after bool) (keys []poolKey) {
	for i := range all {
		r := &all[i]
		if r.pair == pair && r.pool.Kind == kind && d.inOrder(r, after) {
			keys = append(keys, r.key())
		}
	}
	return keys
}

func sequential(pool config.Pool) bool { return pool.Allocation == config.AllocateSequential }
