package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// maxMapped is the largest stripe, in slots, that gets a map of its free slots. A larger one can't
// be more than half full with the bindings that fit into memory, so probing finds a free slot soon.
const maxMapped = 1 << 28

// A Site is a policy together with what is known of peers and the maps of free slots of its dense pools. The policy is
// immutable, the maps are lock-free hints: whether a lease is taken, the binding table decides.
type Site struct {
	Policy   *policy.Policy
	View     *peer.View           // made for this policy: what its engines learn of peers
	free     [][]*binding.FreeMap // by pool ID and stripe; nil for sparse pools and very large stripes
	sequence []*sequence          // by pool ID; nil where no pool of this node is sequential
	book     *offerBook
	strays   *strays
	*census
}

// NewSite compiles the maps of a policy's dense pools, takes what is excluded and reserved, and meets all records of a
// table. The handle is used during the call only.
//
// It is for a table that no engine uses yet; while they do, it is NextSite.
func NewSite(p *policy.Policy, view *peer.View, h *binding.Handle, shards int) (*Site, error) {
	s, err := EmptySite(p, view)
	if err != nil {
		return nil, err
	}
	s.meetAll(h, shards, (*Site).Meet)
	return s, nil
}

// meetAll has a site meet all records of a table, each shard in a batch of its own: others reuse slots meanwhile. Whoever binds counts
// for this site from its begin, so it must come into force.
func (s *Site) meetAll(h *binding.Handle, shards int, meet func(*Site, *binding.Record)) {
	s.counting.Number = h.Counting().Next()
	h.Announce(s.counting)
	for shard := range shards {
		h.Enter()
		h.Range(shard, func(r *binding.Record) bool {
			meet(s, r)
			return true
		})
		h.Leave()
	}
	s.Met()
}

// EmptySite is NewSite for a table that is still to be loaded: whoever loads it calls Meet for each record and Met at the
// end. At a start that is cheaper than a walk through the table, in which each record and its extension are misses of
// the processor's cache.
func EmptySite(p *policy.Policy, view *peer.View) (*Site, error) {
	s := &Site{Policy: p, View: view, free: make([][]*binding.FreeMap, len(p.Pools)), strays: new(strays), census: &census{clients: clientCounts(p)}}
	s.counting = &binding.Counting{Number: 1, Owner: s}
	for _, pool := range p.Pools {
		if pool.Sparse {
			continue
		}
		maps, err := s.maps(pool)
		if err != nil {
			return nil, err
		}
		s.free[pool.ID] = maps
	}
	if err := s.sequences(); err != nil {
		return nil, err
	}
	for i := range p.Links {
		s.takeReserved(&p.Links[i])
	}
	return s, nil
}

// Meet notes a record that is in the table: its lease is taken, may lie across those of today's pools, and counts in its
// pool and at its relay port. Several goroutines may call it, for each lease once, before the first engine runs.
func (s *Site) Meet(r *binding.Record) {
	s.see(r)
	if !s.View.Ports.Idle() {
		countPorts(s.View, r, 1)
	}
}

// see is Meet for a record that is counted at its port already.
func (s *Site) see(r *binding.Record) {
	key := r.Key()
	if s.sequence == nil || r.State() != binding.Released || !s.counts(&key, r.Kind()) {
		s.Take(&key, r.Kind())
	}
	s.stray(&key, r.Kind())
	s.count(r, &key)
}

// Met ends the meeting of records.
func (s *Site) Met() { s.strays.sort() }

func (s *Site) maps(pool *policy.Pool) ([]*binding.FreeMap, error) {
	maps := make([]*binding.FreeMap, pool.Stripes)
	for stripe := range maps {
		size := pool.Range.StripeSize(stripe, len(maps))
		if size.Hi != 0 || size.Lo > maxMapped || size.Lo == 0 {
			continue
		}
		m, err := binding.NewFreeMap(size.Lo)
		if err != nil {
			return nil, err
		}
		maps[stripe] = m
	}
	if slices.Contains(maps, nil) {
		return maps, nil
	}
	for first, last := range pool.Range.Excluded() {
		for slot := first; !last.Less(slot); slot = slot.Add(address.U128{Lo: 1}) {
			maps[address.StripeOf(slot, len(maps))].Take(address.StripeIndex(slot, len(maps)).Lo)
		}
	}
	return maps, nil
}

func (s *Site) takeReserved(link *policy.Link) {
	for key, kind := range link.ReservedLeases() {
		s.Take(&binding.Key{Address: key.Address, Length: key.Length}, kind)
	}
}

// Take notes that a lease is no longer free. A lease outside all dense pools is ignored.
func (s *Site) Take(key *binding.Key, kind wire.Kind) { s.note(key, kind, true) }

// Put notes that a lease is free again.
func (s *Site) Put(key *binding.Key, kind wire.Kind) { s.note(key, kind, false) }

func (s *Site) note(key *binding.Key, kind wire.Kind, taken bool) {
	pool := s.Policy.PoolOf(kind, &key.Address, key.Length)
	if pool == nil {
		return
	}
	q := s.sequenceIn(pool)
	if pool.Sparse && q == nil {
		return
	}
	slot, ok := pool.Range.Slot(key.Address)
	if !ok || !taken && !pool.Range.Usable(slot) {
		return // what was excluded while a client had it stays taken
	}
	if q != nil {
		q.note(slot, taken)
		return
	}
	stripes := pool.Stripes
	m := s.free[pool.ID][address.StripeOf(slot, stripes)]
	if m == nil {
		return
	}
	if i := address.StripeIndex(slot, stripes); taken {
		m.Take(i.Lo)
	} else {
		m.Put(i.Lo)
	}
}

// A Fill is how full a stripe of a dense pool is. What is excluded or reserved counts as used.
type Fill struct {
	Pool   *policy.Pool
	Stripe int
	Own    bool // this node gives new leases from it
	Used   uint64
	Size   uint64
}

// Fills returns the fill of all mapped stripes. Pools that aren't mapped can't fill.
func (s *Site) Fills() (out []Fill) {
	for id, maps := range s.free {
		pool := s.Policy.Pools[id]
		for stripe, m := range maps {
			if m != nil {
				own := pool.Own && slices.Contains(pool.OwnStripes, stripe)
				out = append(out, Fill{pool, stripe, own, m.Size() - m.Free(), m.Size()})
			}
		}
	}
	return out
}

// Shares of a node's stripes that are in use, in sixteenths.
const (
	halfFull   = 8
	nearlyFull = 15
)

// roomy tells whether less than so many sixteenths of the node's stripes in a dense pool are in use, as far as is known. What
// isn't mapped is so large that it is.
func (s *Site) roomy(pool *policy.Pool, node int, sixteenths uint64) bool {
	used, size := uint64(0), uint64(0)
	for stripe, m := range s.free[pool.ID] {
		switch {
		case !s.Policy.OwnsStripe(node, pool, stripe):
		case m == nil:
			return true
		default:
			size += m.Size()
			used += m.Size() - m.Free()
		}
	}
	return used*16 < size*sixteenths
}
