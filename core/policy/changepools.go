package policy

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// pools compares all pools: those that are the same one in what they have beside their bounds, the others by what they overlap.
func (d *differ) pools() {
	old := make(map[poolKey]poolRange)
	var oldKeys []poolKey
	for _, r := range d.ranges(false) {
		old[r.key()] = r
		oldKeys = append(oldKeys, r.key())
	}
	var added []poolRange
	excluded := make(map[linkPair]*exclusions)
	for _, r := range d.ranges(true) {
		was, ok := old[r.key()]
		if !ok {
			added = append(added, r)
			continue
		}
		delete(old, r.key())
		d.samePool(&was, &r)
		if excluded[r.pair] == nil {
			excluded[r.pair] = new(exclusions)
		}
		excluded[r.pair].note(&was, &r)
	}
	for _, pair := range d.links {
		if e := excluded[pair]; e != nil {
			d.excluded(pair, e)
		}
	}
	var removed []poolRange
	for _, key := range oldKeys {
		if r, ok := old[key]; ok {
			removed = append(removed, r)
		}
	}
	d.otherPools(removed, added)
}

// samePool compares what pools with the same bounds differ in.
func (d *differ) samePool(was, is *poolRange) {
	if was.pool.Length != is.pool.Length {
		d.lengthChanged(was, is)
		return
	}
	d.gateChanged(is.called(d), &was.pool.Gate, &is.pool.Gate)
	d.nameChanged(was, is)
	switch {
	case was.pool.Allocation != is.pool.Allocation:
		d.allocationChanged(was, is)
	case was.pool.Dense != is.pool.Dense:
		d.denseChanged(was, is)
	}
	if was.pool.Retiring != is.pool.Retiring {
		d.retiringChanged(is)
	}
}

// retiringChanged is safe: who still assigns from the pool, or extends leases of it, tells no other client of them, and
// nodes with either file leave such leases to those that have them.
func (d *differ) retiringChanged(is *poolRange) {
	c := Change{What: is.called(d) + " is being retired", Effect: "nobody gets new leases from it. Who has one gets another one beside it at " +
		"the next Renew or Rebind, if the link has any, and keeps the former one without preferred lifetime until it ends. The pool is " +
		"empty when " + d.wait() + " has passed since all nodes have the new file: then it can be removed"}
	if !is.pool.Retiring {
		c = Change{What: is.called(d) + " isn't retiring any more", Effect: "new leases come from it again, and those that there are still get extended, " +
			"but of clients that have got another one beside"}
	}
	d.add(c)
}

func (d *differ) lengthChanged(was, is *poolRange) {
	c := Change{
		What:    fmt.Sprintf("%s: length %d -> %d", was.called(d), was.pool.Length, is.pool.Length),
		Effect:  "a client with a prefix of the former length gets one of the new length at its next Renew, and the former one with lifetimes 0",
		Hazard:  "nodes with the new file know nothing of what others have delegated, and delegate prefixes that overlap those",
		Instead: "a pool of the new length in another range, beside this one; clients that ask for a length get it from the pool that has it",
		Steps:   []string{"On every node: " + d.withoutPool(was), d.afterWait() + theNew},
	}
	d.add(c)
}

// denseChanged compares the rule for a pool with few leases.
func (d *differ) denseChanged(was, is *poolRange) {
	c := Change{What: fmt.Sprintf("%s: dense %s -> %s", was.called(d), denseName(was.pool.Dense), denseName(is.pool.Dense))}
	switch {
	case !was.dense(d.before):
		c.Effect = "it decides nothing: the pool is sparse"
	case d.after.Single || d.after.Model == config.Split || is.owner >= 0:
		c.Effect = "new clients get other leases; no other node assigns from the same ones"
	case is.pool.Dense == config.DenseAgree:
		c.Effect = "from the first node on that has the new file, two nodes may give one lease to two clients unless each hears what " +
			"the other's clients say: that is what `exclusive` prevents"
	default:
		c.Hazard = "leases in one node's stripe are held by clients of others: the node gives them again, unless it has heard of them"
		c.Steps = []string{"On every node: " + d.withoutPool(was), d.afterWait() + theNew}
	}
	d.add(c)
}

// otherPools compares the pools that have no counterpart of the same bounds.
func (d *differ) otherPools(removed, added []poolRange) {
	told := make(map[int]bool) // removed ones
	for i := range added {
		is := &added[i]
		at := -1
		for k := range removed {
			if removed[k].overlaps(is) {
				told[k] = true
				if at < 0 {
					at = k
				}
			}
		}
		switch {
		case at < 0:
			d.poolAdded(is)
		case removed[at].pair == is.pair && removed[at].owner == is.owner && removed[at].pool.Kind == is.pool.Kind &&
			removed[at].pool.Length == is.pool.Length:
			d.poolResized(&removed[at], is)
		default:
			d.poolMoved(&removed[at], is)
		}
	}
	for i := range removed {
		if !told[i] {
			d.poolRemoved(&removed[i])
		}
	}
}

func (d *differ) poolResized(was, is *poolRange) {
	d.add(Change{
		What: fmt.Sprintf("%s: now %s", was.called(d), is),
		Effect: "the bounds are part of what is hashed: addresses in it are computed anew, for clients to come. Leases outside of " +
			"the new bounds are given up at their next Renew, with another lease beside",
		Hazard:  "nodes with the two files don't recognise what the others give, and in a dense pool they give the same lease to two clients",
		Instead: "the old pool as it is: what it shall have more is a pool of its own beside it, what it shall have less is excluded",
		Steps:   []string{"On every node: " + d.withoutPool(was), d.afterWait() + theNew},
	})
}

// poolMoved is a pool whose leases were another pool's, of another link, node, kind or length. From model to model
// all pools of a link are.
func (d *differ) poolMoved(was, is *poolRange) {
	if d.reshaped && was.pair == is.pair && was.pool.Kind == is.pool.Kind && was.pool.Length == is.pool.Length {
		return
	}
	d.add(Change{
		What:   fmt.Sprintf("%s takes leases of %s", is.called(d), was.called(d)),
		Hazard: "the former ones are still held, and nodes with the old file assign them: clients would get leases that others have",
		Steps:  []string{"On every node: " + d.withoutPool(was), d.afterWait() + theNew},
	})
}

// poolAdded is safe where nodes with the old file take the new leases for leases of the link. Else they
// tell clients at Confirm and Rebind that they must give them up.
func (d *differ) poolAdded(r *poolRange) {
	c := Change{What: r.called(d) + " is added"}
	if r.pair.before >= 0 && !d.onLink(&d.before.Links[r.pair.before], r) {
		c.Hazard = "to nodes with the old file its leases aren't on the link: they tell clients that rebind" +
			confirming(r) + " to give them up"
		c.Steps = []string{"On every node: the old file, and already " + d.putOnLink(r), "When all nodes have it: on every node: " + theNew}
	}
	d.add(c)
}

func (d *differ) poolRemoved(r *poolRange) {
	c := Change{
		What: r.called(d) + " is removed",
		Effect: "a client with a lease in it gets another one at its next Renew if the link has any, and the former one with " +
			"lifetimes 0. The range is free for other use when " + d.wait() + " has passed since all nodes have the new file",
	}
	switch {
	case r.pair.after < 0:
		c.Effect = "" // that of the link
	case !d.onLink(&d.after.Links[r.pair.after], r):
		c.Hazard = "to nodes with the new file its leases aren't on the link: they tell clients that rebind" + confirming(r) +
			" to give them up, and nodes with the old file still assign them"
		c.Steps = []string{"On every node: the new file, and still " + d.putOnLink(r), d.afterWait() + theNew}
	}
	d.add(c)
}

func confirming(r *poolRange) string {
	if r.pool.Kind == wire.IAPD {
		return ""
	}
	return " or confirm"
}
