package address

import (
	"errors"
	"iter"
	"slices"
)

// A Range is the addresses from First to Last, both included.
type Range struct{ First, Last [16]byte }

// A Pool is a range of equally long leases: addresses (length 128) or prefixes. It is immutable.
// Lease number s of the pool, from 0, is its slot s. The zero Pool has no slots and must not be hashed into.
type Pool struct {
	first    U128     // first lease
	size     U128     // slots
	prefix   [16]byte // what stands for the pool in F
	shift    uint8    // 128 - length: a lease has 2^shift addresses
	excluded []slots  // in ascending order, apart, not adjacent
}

// slots is a run of slots, both ends included.
type slots struct{ first, last U128 }

// sparseSize is the number of slots from which on a pool is sparse.
var sparseSize = U128{Lo: 1 << 48}

// Errors of NewPool.
var (
	ErrLength  = errors.New("the length of a lease must be 1 to 128")
	ErrOrder   = errors.New("the range ends before it begins")
	ErrAligned = errors.New("the range must begin and end with a prefix of the pool's length, all further bits 0")
	ErrSize    = errors.New("the range must have fewer than 2^128 leases")
)

// NewPool returns the pool of all leases of the given length from first to last, which are leases themselves.
// The hashPrefix stands for the pool in F: all servers must use the same. It should be CommonPrefix(first, last).
// Whatever overlaps a range in excluded isn't usable; what of the range lies outside the pool doesn't matter.
func NewPool(first, last [16]byte, length uint8, hashPrefix [16]byte, excluded []Range) (Pool, error) {
	if length < 1 || length > 128 {
		return Pool{}, ErrLength
	}
	p := Pool{first: FromBytes(first), prefix: hashPrefix, shift: 128 - length}
	end := FromBytes(last)
	switch {
	case end.Less(p.first):
		return Pool{}, ErrOrder
	case !p.aligned(p.first) || !p.aligned(end):
		return Pool{}, ErrAligned
	}
	p.size = end.Sub(p.first).Rsh(uint(p.shift)).Add(U128{Lo: 1})
	if p.size.IsZero() {
		return Pool{}, ErrSize
	}
	for _, r := range excluded {
		if err := p.exclude(r); err != nil {
			return Pool{}, err
		}
	}
	p.excluded = joined(p.excluded)
	return p, nil
}

// exclude adds the slots that overlap the range.
func (p *Pool) exclude(r Range) error {
	from, to := FromBytes(r.First), FromBytes(r.Last)
	if to.Less(from) {
		return ErrOrder
	}
	if to.Less(p.first) || p.end().Less(from) {
		return nil
	}
	if from.Less(p.first) {
		from = p.first
	}
	if p.end().Less(to) {
		to = p.end()
	}
	p.excluded = append(p.excluded, slots{p.slotOf(from), p.slotOf(to)})
	return nil
}

// joined sorts the runs and makes one of those that overlap or touch.
func joined(runs []slots) (out []slots) {
	slices.SortFunc(runs, func(a, b slots) int { return a.first.Cmp(b.first) })
	for _, run := range runs {
		if n := len(out); n > 0 && !out[n-1].last.Add(U128{Lo: 1}).Less(run.first) {
			if out[n-1].last.Less(run.last) {
				out[n-1].last = run.last
			}
			continue
		}
		out = append(out, run)
	}
	return out
}

// CommonPrefix returns the longest common prefix of two addresses, all further bits 0. For a pool written as one
// prefix it is that prefix; a range from first to last has it too, however it is written.
func CommonPrefix(first, last [16]byte) [16]byte {
	a, b := FromBytes(first), FromBytes(last)
	for n := uint(0); ; n++ {
		if a.Rsh(n) == b.Rsh(n) {
			return a.Rsh(n).Lsh(n).Bytes()
		}
	}
}

// Size returns the number of slots, 1 to 2^128-1.
func (p *Pool) Size() U128 { return p.size }

// Length returns the length of the leases in bits: 128 for addresses.
func (p *Pool) Length() uint8 { return 128 - p.shift }

// Prefix returns what stands for the pool in F.
func (p *Pool) Prefix() [16]byte { return p.prefix }

// First returns the first lease.
func (p *Pool) First() [16]byte { return p.first.Bytes() }

// Last returns the last lease. Where leases are prefixes, further addresses follow it.
func (p *Pool) Last() [16]byte { return p.Lease(p.size.Sub(U128{Lo: 1})) }

// Sparse reports whether the pool has so many slots (2^48 or more) that a candidate is as good as always free.
func (p *Pool) Sparse() bool { return !p.size.Less(sparseSize) }

// Lease returns the lease that has the slot, which must be less than Size.
func (p *Pool) Lease(slot U128) [16]byte { return p.first.Add(slot.Lsh(uint(p.shift))).Bytes() }

// Slot returns the slot of a lease; false where no lease of the pool begins at the address.
func (p *Pool) Slot(lease [16]byte) (U128, bool) {
	a := FromBytes(lease)
	slot := p.slotOf(a)
	if a.Less(p.first) || !p.aligned(a) || !slot.Less(p.size) {
		return U128{}, false
	}
	return slot, true
}

// Contains reports whether the address lies in the pool, at the beginning of a lease or within one.
func (p *Pool) Contains(addr [16]byte) bool {
	a := FromBytes(addr)
	return !a.Less(p.first) && p.slotOf(a).Less(p.size)
}

// slotOf returns the slot that an address not below the first lease lies in.
func (p *Pool) slotOf(a U128) U128 { return a.Sub(p.first).Rsh(uint(p.shift)) }

// end returns the pool's last address.
func (p *Pool) end() U128 {
	inLease := U128{}.Sub(U128{Lo: 1}).Rsh(uint(128 - p.shift))
	return FromBytes(p.Last()).Add(inLease)
}

// aligned reports whether a lease could begin at the address.
func (p *Pool) aligned(a U128) bool { return a.Lsh(uint(128 - p.shift)).IsZero() }

// Usable reports whether the slot may be given to anybody: it isn't excluded and, in a pool of addresses, has no
// reserved interface identifier. The slot must be less than Size.
func (p *Pool) Usable(slot U128) bool {
	if p.shift == 0 && reserved(p.first.Add(slot).Lo) {
		return false
	}
	return !p.Excludes(slot)
}

// Excludes reports whether the slot is excluded by the configuration. The slot must be less than Size.
func (p *Pool) Excludes(slot U128) bool { return len(p.excluded) > 0 && p.isExcluded(slot) }

// Excluded yields the first and the last slot of each run of excluded slots, in ascending order.
func (p *Pool) Excluded() iter.Seq2[U128, U128] {
	return func(yield func(first, last U128) bool) {
		for _, run := range p.excluded {
			if !yield(run.first, run.last) {
				return
			}
		}
	}
}

func (p *Pool) isExcluded(slot U128) bool {
	low, high := 0, len(p.excluded) // runs before low end before the slot; runs from high on begin behind it
	for low < high {
		middle := int(uint(low+high) >> 1)
		switch run := &p.excluded[middle]; {
		case slot.Less(run.first):
			high = middle
		case run.last.Less(slot):
			low = middle + 1
		default:
			return true
		}
	}
	return false
}

// reserved reports whether the lower 64 bits of an address are in IANA's registry of reserved IPv6 interface
// identifiers (RFC 5453). They must never be assigned (RFC 9915, Section 13.1), whatever the prefix length
// of the link: the registry's identifiers are those of a 64-bit prefix.
func reserved(identifier uint64) bool {
	return identifier == 0 || // subnet-router anycast (RFC 4291)
		identifier >= anycast && identifier <= anycastEnd ||
		identifier&^ethernetRest == ethernet
}
