package address

import "iter"

// Runs yields the first and the last slot of each run of usable slots, in ascending order. In a pool of addresses that
// is wider than 64 bits there are up to three runs in each subnet, so who needs the first ones only stops then.
func (p *Pool) Runs() iter.Seq2[U128, U128] {
	return func(yield func(first, last U128) bool) {
		one := U128{Lo: 1}
		from := U128{}
		for _, run := range p.excluded {
			if from.Less(run.first) && !p.yieldRuns(from, run.first.Sub(one), yield) {
				return
			}
			from = run.last.Add(one)
		}
		if from.Less(p.size) {
			p.yieldRuns(from, p.size.Sub(one), yield)
		}
	}
}

// yieldRuns yields the runs between two slots, both included, of which none is excluded.
func (p *Pool) yieldRuns(from, last U128, yield func(first, last U128) bool) bool {
	if p.shift != 0 {
		return yield(from, last)
	}
	one := U128{Lo: 1}
	for from.Cmp(last) <= 0 {
		low, high, ok := nextReserved(p.first.Add(from))
		if !ok || p.first.Add(last).Less(low) {
			return yield(from, last)
		}
		if first := p.first.Add(from); first.Less(low) && !yield(from, low.Sub(one).Sub(p.first)) {
			return false
		}
		from = high.Add(one).Sub(p.first) // never behind the last address of all, which isn't reserved
	}
	return true
}

// nextReserved returns the first and the last address of the next block of reserved interface identifiers, which may have
// begun before the address. False: no more follows.
func nextReserved(a U128) (first, last U128, ok bool) {
	switch {
	case a.Lo == 0:
		return a, a, true
	case a.Lo <= ethernet|ethernetRest:
		return U128{Hi: a.Hi, Lo: ethernet}, U128{Hi: a.Hi, Lo: ethernet | ethernetRest}, true
	case a.Lo <= anycastEnd:
		return U128{Hi: a.Hi, Lo: anycast}, U128{Hi: a.Hi, Lo: anycastEnd}, true
	default: // the next subnet's first address
		next := U128{Hi: a.Hi + 1}
		return next, next, next.Hi != 0
	}
}

// Reserved interface identifiers.
const (
	anycast    = 0xfdff_ffff_ffff_ff80 // reserved subnet anycast addresses (RFC 2526), to ...ffff
	anycastEnd = 0xfdff_ffff_ffff_ffff
	// IANA's Ethernet block (RFC 4291), 0200:5eff:fe00:0000 to 0200:5eff:feff:ffff; in its midst
	// 0200:5eff:fe00:5213, Proxy Mobile IPv6 (RFC 6543).
	ethernet     = 0x0200_5eff_fe00_0000
	ethernetRest = 0xff_ffff
)
