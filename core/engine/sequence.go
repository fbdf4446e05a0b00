package engine

import (
	"sort"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Bounds of the maps of sequential pools.
const (
	// spareSlots is how many slots a map has beyond what can be bound or reserved.
	spareSlots = 64
	// maxSequenced is how many slots the maps of a node's sparse sequential pools have together: 256 MB of memory, of which
	// the kernel commits what is touched. Each has leastSequenced all the same.
	maxSequenced   = 1 << 31
	leastSequenced = 1 << 16
)

// A sequence finds the lowest free slot of a pool of this node's. A slot's index is its number among the pool's usable
// slots, so that nothing that is excluded, however much it is, takes room in the map or time to get by.
//
// A sparse pool has more slots than any map. No more of them can be taken than the table holds, so the first ones will do.
type sequence struct {
	free   *binding.FreeMap // by index
	runs   []indexedRun     // in ascending order
	offers offers
}

// An indexedRun is a run of slots that have indexes.
type indexedRun struct {
	first address.U128
	index uint64 // of the first
}

// sequences makes those of the node's own sequential pools, by pool ID; nil: there is none.
func (s *Site) sequences() error {
	sparse := 0
	for _, pool := range s.Policy.Pools {
		if pool.Own && pool.Sequential && s.mapped(pool) == nil {
			sparse++
		}
	}
	for _, pool := range s.Policy.Pools {
		if !pool.Own || !pool.Sequential {
			continue
		}
		if s.sequence == nil {
			s.sequence, s.book = make([]*sequence, len(s.Policy.Pools)), new(offerBook)
		}
		q, err := s.sequenceOf(pool, max(leastSequenced, maxSequenced/uint64(max(sparse, 1))))
		if err != nil {
			return err
		}
		s.sequence[pool.ID] = q
	}
	return nil
}

// mapped is the map of free slots that the pool has anyway, if it does.
func (s *Site) mapped(pool *policy.Pool) *binding.FreeMap {
	if maps := s.free[pool.ID]; len(maps) == 1 {
		return maps[0]
	}
	return nil
}

// sequenceOf is a pool's sequence. Of a dense pool index and slot are the same, and what isn't usable is taken for ever.
func (s *Site) sequenceOf(pool *policy.Pool, limit uint64) (*sequence, error) {
	if m := s.mapped(pool); m != nil {
		next := uint64(0)
		for first, last := range pool.Range.Runs() {
			for ; next < first.Lo; next++ {
				m.Take(next)
			}
			next = last.Lo + 1
		}
		for ; next < m.Size(); next++ {
			m.Take(next)
		}
		return &sequence{free: m, runs: []indexedRun{{}}}, nil
	}
	want := min(uint64(s.Policy.Config().Store.Capacity)+spareSlots+s.reservedOn(pool), limit, maxMapped)
	q, index := new(sequence), uint64(0)
	for first, last := range pool.Range.Runs() {
		q.runs = append(q.runs, indexedRun{first, index})
		if size := last.Sub(first); size.Hi != 0 || size.Lo >= want-index {
			index = want
			break
		} else {
			index += size.Lo + 1
		}
	}
	if index == 0 {
		return nil, nil // nothing in the pool is usable
	}
	var err error
	q.free, err = binding.NewFreeMap(index)
	return q, err
}

// reservedOn counts the leases that are reserved on the pool's link.
func (s *Site) reservedOn(pool *policy.Pool) (n uint64) {
	for range s.Policy.Links[pool.Link].ReservedLeases() {
		n++
	}
	return n
}

// slot is the slot with an index.
func (q *sequence) slot(index uint64) address.U128 {
	at := sort.Search(len(q.runs), func(i int) bool { return q.runs[i].index > index }) - 1
	return q.runs[at].first.Add(address.U128{Lo: index - q.runs[at].index})
}

// index is that of a usable slot; one at or behind the map's end has none.
func (q *sequence) index(slot address.U128) uint64 {
	at := sort.Search(len(q.runs), func(i int) bool { return slot.Less(q.runs[i].first) }) - 1
	if at < 0 {
		return q.free.Size()
	}
	behind := slot.Sub(q.runs[at].first)
	if behind.Hi != 0 || behind.Lo >= q.free.Size() {
		return q.free.Size()
	}
	index := q.runs[at].index + behind.Lo
	if at+1 < len(q.runs) && index >= q.runs[at+1].index {
		return q.free.Size() // between two runs
	}
	return index
}

// note notes that a slot is taken, or free again: then it isn't on offer to anybody.
func (q *sequence) note(slot address.U128, taken bool) {
	index := q.index(slot)
	if index >= q.free.Size() {
		return
	}
	if taken {
		q.free.Take(index)
	} else {
		q.free.Put(index)
		q.offers.drop(index)
	}
}

// sequenceIn is the sequence of a pool; nil: it has none here.
func (s *Site) sequenceIn(pool *policy.Pool) *sequence {
	if s.sequence == nil {
		return nil
	}
	return s.sequence[pool.ID]
}

// turn notes that a record of a lease follows another one. In a sequential pool a released lease is free from then on: who looks
// for one waits only until the release is durable.
func (s *Site) turn(key *binding.Key, kind wire.Kind, was, is binding.State) {
	if s.sequence == nil || (was == binding.Released) == (is == binding.Released) {
		return
	}
	if s.counts(key, kind) {
		s.note(key, kind, is != binding.Released)
	}
}

// counts tells whether a lease is one of a pool that has a sequence.
func (s *Site) counts(key *binding.Key, kind wire.Kind) bool {
	pool := s.Policy.PoolOf(kind, &key.Address, key.Length)
	return pool != nil && s.sequenceIn(pool) != nil
}
