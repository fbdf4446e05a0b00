package address

// maxPieces bounds into how many parts or stripes a pool is cut; products of two such numbers fit 64 bits.
const maxPieces = 1 << 31

// Part returns the i-th of n contiguous parts, i from 0: the slots from floor(i*size/n) to floor((i+1)*size/n)-1.
// So two parts of a /64 are its two /65. The part keeps the whole's prefix in F, and its share of the
// exclusions. It returns false where the part would be empty, or where i or n is out of range.
func (p *Pool) Part(i, n int) (Pool, bool) {
	if n < 1 || n > maxPieces || i < 0 || i >= n {
		return Pool{}, false
	}
	from, to := p.bound(i, n), p.bound(i+1, n)
	if from == to {
		return Pool{}, false
	}
	part := *p
	part.first, part.size, part.excluded = FromBytes(p.Lease(from)), to.Sub(from), nil
	last := to.Sub(U128{Lo: 1})
	for _, run := range p.excluded {
		if run.last.Less(from) || last.Less(run.first) {
			continue
		}
		if run.first.Less(from) {
			run.first = from
		}
		if last.Less(run.last) {
			run.last = last
		}
		part.excluded = append(part.excluded, slots{run.first.Sub(from), run.last.Sub(from)})
	}
	return part, true
}

// bound returns floor(i*size/n) without the product, which may have more than 128 bits:
// with size = q*n + r it is i*q + floor(i*r/n).
func (p *Pool) bound(i, n int) U128 {
	q, r := p.size.DivMod64(uint64(n))
	return q.Mul64(uint64(i)).Add(U128{Lo: uint64(i) * r / uint64(n)})
}

// StripeOf returns the stripe, 0 to n-1, that the slot is dealt to: slot mod n. The stripes of a pool are
// interleaved, so that neighbours belong to different nodes; n is 1 to 2^31.
func StripeOf(slot U128, n int) int {
	_, stripe := slot.DivMod64(uint64(n))
	return int(stripe)
}

// StripeIndex returns the slot's number within its stripe, from 0: floor(slot/n).
func StripeIndex(slot U128, n int) U128 {
	index, _ := slot.DivMod64(uint64(n))
	return index
}

// StripeSlot returns the slot with the given number within a stripe: index*n + stripe.
// It is the inverse of StripeOf and StripeIndex; the index must be less than StripeSize.
func StripeSlot(index U128, stripe, n int) U128 {
	return index.Mul64(uint64(n)).Add(U128{Lo: uint64(stripe)})
}

// StripeSize returns how many slots a stripe has; 0 where the pool has too few for all n stripes.
func (p *Pool) StripeSize(stripe, n int) U128 {
	q, r := p.size.DivMod64(uint64(n))
	if uint64(stripe) < r {
		return q.Add(U128{Lo: 1})
	}
	return q
}
