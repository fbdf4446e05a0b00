package engine

import (
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
)

// chooseLowest takes the lowest free slot of a sequential pool that isn't on offer to another client; where all are on
// offer, the lowest free one. What the client was offered a moment ago it is offered again. False: none is free, as far as is
// known, or too much was in the way at once; then the client gets a lease as in any other pool, from where its own hash begins.
func (e *Engine) chooseLowest(i int, pool *policy.Pool, id *address.Identity) (grant, bool) {
	q := e.site.sequenceIn(pool)
	if q == nil || e.unsure() {
		return grant{}, false
	}
	epoch := offerEpoch(e.now)
	who := e.policy.Hasher.ClaimRank(pool.Range.First(), id)
	if index, ok := e.site.book.recall(who, epoch); ok && !q.free.Taken(index) {
		if g, ok := e.freeSlot(i, pool, q.slot(index)); ok {
			q.offers.renew(index, epoch)
			e.site.book.note(who, index, epoch)
			return g, true
		}
	}
	for _, heed := range [...]bool{true, false} {
		if g, index, ok := e.searchLowest(i, pool, q, epoch, heed); ok {
			q.offers.renew(index, epoch)
			e.site.book.note(who, index, epoch)
			return g, true
		}
	}
	return grant{}, false
}

// searchLowest looks for a free slot from the lowest one on, and with heed passes by those on offer.
func (e *Engine) searchLowest(i int, pool *policy.Pool, q *sequence, epoch uint64, heed bool) (g grant, index uint64, ok bool) {
	size := q.free.Size()
	for tries := 0; tries < spillTries; {
		if index, ok = q.free.NextIn(index, index, size); !ok {
			return grant{}, 0, false
		}
		if heed {
			if next := q.offers.next(index, epoch); next != index {
				index = next
				continue
			}
		}
		slot := q.slot(index)
		if g, ok = e.freeSlot(i, pool, slot); ok && (!heed || q.offers.take(index, epoch)) {
			return g, index, true
		}
		if !ok {
			e.correct(pool, slot, q.free, index)
			tries++
		}
		index++
	}
	return grant{}, 0, false
}

// unsure tells whether the node can't know what its lowest free leases are: it came back after long, perhaps with an older copy of
// its store, or with none, and hasn't heard its clients yet.
func (e *Engine) unsure() bool {
	return !e.policy.Single && e.link != nil && e.view.Gate.Forgot(e.link.Index, e.now)
}

// counted tells whether a lease is one that this node could have given in sequence. Nothing derives it from the client; so what
// a client would like counts as at any server, and what it says to hold counts unless something says otherwise.
func (e *Engine) counted(pool *policy.Pool) bool {
	return pool.Sequential && pool.Own && (e.claims() || !e.unsure())
}

// offered notes that the client was offered a lease of its own choice.
func (e *Engine) offered(key *binding.Key, id *address.Identity) {
	if e.site.sequence == nil {
		return
	}
	pool := e.link.OwnPool(id.Kind, &key.Address, key.Length)
	if pool == nil || !pool.Sequential {
		return
	}
	q := e.site.sequenceIn(pool)
	slot, ok := pool.Range.Slot(key.Address)
	if q == nil || !ok {
		return
	}
	if index := q.index(slot); index < q.free.Size() {
		q.offers.renew(index, offerEpoch(e.now))
	}
}
