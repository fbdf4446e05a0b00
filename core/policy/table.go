package policy

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
)

// startOf is the first address of the prefix of that length that p lies in.
func startOf(p address.U128, length uint8) address.U128 {
	behind := uint(128 - length)
	return p.Rsh(behind).Lsh(behind)
}

// endOf is the last address of the prefix of that length that p lies in.
func endOf(p address.U128, length uint8) address.U128 {
	ones := address.U128{}.Sub(address.U128{Lo: 1}).Rsh(uint(length))
	return address.U128{Hi: p.Hi | ones.Hi, Lo: p.Lo | ones.Lo}
}

// behind is the address behind p; ok is false behind the last one.
func behind(p address.U128) (next address.U128, ok bool) {
	next = p.Add(address.U128{Lo: 1})
	return next, !next.IsZero()
}

// A span maps the addresses from first to last, both included, to a value that is not negative.
type span struct {
	first, last address.U128
	value       int32
}

func spanOf(p netip.Prefix, value int32) span {
	first := address.FromBytes(p.Masked().Addr().As16())
	return span{first, endOf(first, uint8(p.Bits())), value}
}

// A table finds the innermost of nested spans that has an address, by binary search: it is the spans flattened,
// so that starts[i] up to starts[i+1] all have values[i], or nothing (-1). 10,000 spans make up to 20,000 starts.
type table struct {
	starts []address.U128
	values []int32
}

// A clash is the values of two spans that can't stand in one table.
type clash struct{ first, second int32 }

// newTable flattens the spans. Where nesting is allowed the inner one of two counts; spans that are equal, or that
// overlap without one being inside the other, clash. Where it isn't, all that overlap clash.
func newTable(spans []span, nesting bool) (table, *clash) {
	spans = slices.Clone(spans)
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(a.first.Cmp(b.first), b.last.Cmp(a.last))
	})
	var t table
	var open []span // each inside the one before
	for _, s := range spans {
		for len(open) > 0 && open[len(open)-1].last.Less(s.first) {
			open = t.close(open)
		}
		if len(open) > 0 {
			top := open[len(open)-1]
			if !nesting || top.first == s.first && top.last == s.last || top.last.Less(s.last) {
				return table{}, &clash{top.value, s.value}
			}
		}
		open = append(open, s)
		t.start(s.first, s.value)
	}
	for len(open) > 0 {
		open = t.close(open)
	}
	return t, nil
}

// close ends the innermost open span: behind it the one around it goes on.
func (t *table) close(open []span) []span {
	next, more := behind(open[len(open)-1].last)
	open = open[:len(open)-1]
	outer := int32(-1)
	if len(open) > 0 {
		outer = open[len(open)-1].value
	}
	if more {
		t.start(next, outer)
	}
	return open
}

// start begins a run of addresses with a value. A run of none before it goes away.
func (t *table) start(at address.U128, value int32) {
	if n := len(t.starts); n > 0 && t.starts[n-1] == at {
		t.values[n-1] = value
		return
	}
	t.starts = append(t.starts, at)
	t.values = append(t.values, value)
}

// find is the value of the innermost span that has the address, or -1.
func (t *table) find(p address.U128) int32 {
	low, high := 0, len(t.starts)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if p.Less(t.starts[middle]) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low == 0 {
		return -1
	}
	return t.values[low-1]
}

// disjoint sorts prefixes and drops those that lie inside another.
func disjoint(prefixes []netip.Prefix) []netip.Prefix {
	sorted := make([]netip.Prefix, len(prefixes))
	for i, p := range prefixes {
		sorted[i] = p.Masked()
	}
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	kept := sorted[:0]
	for _, p := range sorted {
		if len(kept) == 0 || !kept[len(kept)-1].Contains(p.Addr()) {
			kept = append(kept, p)
		}
	}
	return kept
}

// cover is the fewest prefixes that together are the range from first to last, both included.
func cover(first, last address.U128) (out []netip.Prefix) {
	for at, more := first, true; more && !last.Less(at); {
		length := uint8(128)
		for length > 0 && startOf(at, length-1) == at && !last.Less(endOf(at, length-1)) {
			length--
		}
		out = append(out, netip.PrefixFrom(netip.AddrFrom16(at.Bytes()), int(length)))
		at, more = behind(endOf(at, length))
	}
	return out
}
