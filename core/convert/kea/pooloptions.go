package kea

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// poolTerms writes a pool's options and lifetimes: its own, and what its subnet has otherwise than the link.
func (t *translator) poolTerms(n, list *draft.Node, s *subnet, p *pool) {
	options := s.beside(t.readOptions(p.value))
	for _, d := range options {
		if c := t.classWith(d); c != nil && !d.never {
			t.d.Changed(list, d.at, d.name()+" of pool "+p.shown, "class "+c.name+" sets it too; Kea sends the pool's, and here a class comes first")
		}
	}
	if s.life != nil {
		t.putLifetimes(n.Map("lifetimes"), *s.life)
	}
	if d := t.putOptions(n, options); d != nil {
		t.lost(list, d.field, d.name()+" of pool "+p.shown, "one pool's preference; server.preference is everybody's")
	}
	putNever(n, s.never, options)
}

// beside are options with those that a subnet has otherwise than its link. Parts of an option come from one place.
func (s *subnet) beside(own []*datum) []*datum {
	out := slices.Clip(own)
	for _, d := range s.extra {
		if !slices.ContainsFunc(own, func(o *datum) bool { return o.twin(d) || d.inside() && o.space == d.space }) {
			out = append(out, d)
		}
	}
	return out
}

// putNever writes which options of the link aren't sent, but for those that stand in the table itself.
func putNever(n *draft.Node, codes []uint16, set []*datum) {
	var never []*draft.Node
	for _, code := range codes {
		if !slices.ContainsFunc(set, func(d *datum) bool { return d.space == "dhcp6" && d.code == code || code == 17 && d.ofVendor() }) {
			never = append(never, reference(code))
		}
	}
	if len(never) > 0 {
		n.Map("options").Set("never", draft.List(unique(never)...))
	}
}

// hostTerms are the options of a reservation with those of its subnet where none of the subnet's pools has what is reserved, and the
// link's that aren't sent then.
func (t *translator) hostTerms(list *draft.Node, h *host, s *subnet) (options []*datum, never []uint16) {
	options = t.readOptions(h.value)
	if s.pooled(h) {
		return options, nil
	}
	if s.life != nil {
		t.d.Changed(list, h.at, "reservation", "what it reserves is in no pool, so that its lifetimes are the link's and not those of "+s.prefix.String())
	}
	return s.beside(options), s.never
}

// pooled tells whether the subnet's pools say what its options are for a client with this reservation.
func (s *subnet) pooled(h *host) bool {
	for _, a := range h.addresses {
		if s.prefix.Contains(a) && !slices.ContainsFunc(s.pools, func(p *pool) bool { return p.delegated == 0 && !a.Less(p.first) && !p.last.Less(a) }) {
			return false
		}
	}
	for _, r := range h.prefixes {
		if !slices.ContainsFunc(s.pools, func(p *pool) bool {
			return p.delegated == r.Bits() && !r.Addr().Less(p.first) && !p.last.Less(r.Addr())
		}) {
			return false
		}
	}
	return true
}
