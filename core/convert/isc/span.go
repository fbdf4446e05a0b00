package isc

import (
	"net/netip"
	"slices"
)

// A span is a range of addresses, both ends included.
type span struct{ first, last netip.Addr }

// String is the span as a prefix where it is one of several addresses, else first-last.
func (s span) String() string {
	if p, ok := asPrefix(s.first, s.last); ok && p.Bits() < 128 {
		return p.String()
	}
	return s.first.String() + "-" + s.last.String()
}

// text is the span as an exclusion: one address can stand alone.
func (s span) text() string {
	if s.first == s.last {
		return s.first.String()
	}
	return s.String()
}

// free are the parts of a span that are in no pool yet, in whole prefixes of a length.
func (t *translator) free(s span, length int) []span {
	parts := []span{s}
	for _, other := range t.spans {
		var rest []span
		for _, p := range parts {
			if p.last.Less(other.first) || other.last.Less(p.first) {
				rest = append(rest, p)
				continue
			}
			if p.first.Less(other.first) {
				rest = append(rest, span{p.first, other.first.Prev()})
			}
			if other.last.Less(p.last) {
				rest = append(rest, span{other.last.Next(), p.last})
			}
		}
		parts = rest
	}
	var out []span
	for _, p := range parts {
		if p, ok := p.whole(length); ok {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b span) int { return a.first.Compare(b.first) })
	return out
}

// whole is the part of a span that consists of whole prefixes of a length.
func (s span) whole(length int) (span, bool) {
	if p := netip.PrefixFrom(s.first, length).Masked(); p.Addr() != s.first {
		if s.first = lastOf(p).Next(); !s.first.IsValid() {
			return s, false
		}
	}
	if p := netip.PrefixFrom(s.last, length).Masked(); lastOf(p) != s.last {
		if s.last = p.Addr().Prev(); !s.last.IsValid() {
			return s, false
		}
	}
	return s, !s.last.Less(s.first)
}
