package engine

import (
	"math/bits"
	"slices"
	"sort"
	"sync"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Strays are bindings from an earlier configuration that lie across the leases of today's pools: delegated prefixes of
// another length, or addresses where prefixes are delegated now. The table finds a lease by its exact name, so it
// can't see that they overlap. A site gathers them when it is made, and no lease is given that one of them is in.
// As nobody is given such a lease any more, there are none after the longest lifetime.
type strays struct {
	meeting sync.Mutex    // of what follows, while records are met
	keys    []binding.Key // sorted
	lengths [3]uint64     // bit set of their lengths
}

// stray notes a binding that overlaps a pool and isn't a lease of one. A registered address may lie in the prefix that its client has.
func (s *Site) stray(key *binding.Key, kind wire.Kind) {
	if kind == wire.Registered || s.Policy.PoolOf(kind, &key.Address, key.Length) != nil {
		return
	}
	first := address.FromBytes(key.Address)
	last := lastOf(first, key.Length)
	for _, pool := range s.Policy.Pools {
		if !last.Less(address.FromBytes(pool.Range.First())) && !poolEnd(&pool.Range).Less(first) {
			s.strays.add(key)
			return
		}
	}
}

func (s *strays) add(key *binding.Key) {
	s.meeting.Lock()
	defer s.meeting.Unlock()
	s.keys = append(s.keys, *key)
	s.lengths[key.Length/64] |= 1 << (key.Length % 64)
}

func (s *strays) sort() {
	slices.SortFunc(s.keys, func(a, b binding.Key) int { return a.Compare(&b) })
}

// strayIn tells whether a stray of another client IA, not yet over, overlaps a lease.
func (e *Engine) strayIn(i int, key *binding.Key) bool {
	s := e.site.strays
	first := address.FromBytes(key.Address)
	// Those that the lease lies in.
	for word, set := range s.lengths {
		for ; set != 0; set &= set - 1 {
			length := uint8(word*64 + bits.TrailingZeros64(set))
			if length >= key.Length {
				return e.strayInside(i, key)
			}
			behind := uint(128 - length)
			if e.standing(i, &binding.Key{Address: first.Rsh(behind).Lsh(behind).Bytes(), Length: length}) {
				return true
			}
		}
	}
	return false
}

// strayInside tells the same of those that lie in the lease.
func (e *Engine) strayInside(i int, key *binding.Key) bool {
	keys := e.site.strays.keys
	last := binding.Key{Address: lastOf(address.FromBytes(key.Address), key.Length).Bytes(), Length: 128}
	at := sort.Search(len(keys), func(i int) bool { return keys[i].Compare(key) >= 0 })
	for ; at < len(keys) && keys[at].Compare(&last) <= 0; at++ {
		if keys[at] != *key && e.standing(i, &keys[at]) {
			return true
		}
	}
	return false
}

// standing tells whether another client IA has a lease that isn't over.
func (e *Engine) standing(i int, key *binding.Key) bool {
	r, id := e.handle.Find(key), e.identity(i)
	return r != nil && r.Taken(e.now) && !r.BelongsTo(&id)
}

// lastOf is the last address of the lease of that length that begins at first.
func lastOf(first address.U128, length uint8) address.U128 {
	ones := address.U128{}.Sub(address.U128{Lo: 1}).Rsh(uint(length))
	return address.U128{Hi: first.Hi | ones.Hi, Lo: first.Lo | ones.Lo}
}

func poolEnd(p *address.Pool) address.U128 {
	return lastOf(address.FromBytes(p.Last()), p.Length())
}
