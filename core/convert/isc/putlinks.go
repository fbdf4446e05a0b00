package isc

import (
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// putLinks writes the links, each a shared network or a subnet6 of its own.
func (t *translator) putLinks() {
	t.listen(t.d.Root())
	list := t.d.Root().List("links").Open()
	t.divide()
	inherited := t.sentOptions(t.global)
	base := t.lifetimesOf(t.global)
	for _, l := range t.links {
		l.out = draft.Map().Open().From(l.at)
		l.out.Set("name", draft.Text(l.title))
		t.putMatch(l)
		if own := t.lifetimesOf(l.values); own != base {
			t.putLifetimes(l.out, l.at, own, t.lifetimeSettings(l.values.beyond(t.global)))
		}
		if s, ok := t.rapid(l.values); ok && t.d.Root().Get("rapid-commit") == nil {
			l.out.Set("rapid-commit", draft.Text("all"))
			t.took(s)
		}
		options := t.sentOptions(l.values)
		t.putOptions(l.out, without(options, inherited))
		t.linkDNS(l.out, l.values)
		t.putPools(l)
		t.putHosts(l, options)
		t.settled(l)
		for _, tell := range l.remarks {
			tell(l.out)
		}
		t.remarks(l.out, l.scope)
		if len(l.prefixes)+len(l.interfaces) == 0 {
			list.Comments(l.out)
			_, what := l.place()
			t.d.Lost(list, l.at, what, "no message ever comes from it")
			continue
		}
		list.Append(l.out)
	}
	if list.Len() == 0 {
		t.everywhere(list)
	}
}

// everywhere writes the one link of a configuration without subnets.
func (t *translator) everywhere(list *draft.Node) {
	n := list.Append(draft.Map()).Open()
	n.Set("name", draft.Text("everywhere"))
	n.Map("match").Set("link-addresses", draft.Texts("::/0"))
	t.d.Note(n, t.root.at, "subnet6", "there is none, and dhcpd wouldn't start so; nobody gets leases, and everybody the options")
}

func (t *translator) putMatch(l *link) {
	match := l.out.Map("match")
	if len(l.interfaces) > 0 {
		match.Set("interface", one(l.interfaces))
	}
	if len(l.prefixes) > 0 {
		list := draft.List()
		for _, p := range l.prefixes {
			list.Append(draft.Text(p.String()))
		}
		match.Set("link-addresses", list)
	}
	t.d.Took(len(l.subnets))
}

// settled tells which settings of subnets and pools differ from the link's.
func (t *translator) settled(l *link) {
	tell := func(s *scope) {
		t.remarks(l.out, s)
		for _, set := range s.settings {
			if won, ok := l.values.of[set.option]; ok && won.same(set) && set.fixed {
				continue
			}
			if set.option.space.name == "dhcp" || set.option.space.name == "server" && parameterWhy[set.option.name] == "" {
				continue
			}
			t.lost(l.out, set, t.why(set))
		}
	}
	for _, s := range l.subnets {
		if s != l.scope {
			tell(s)
		}
	}
	for i := range l.ponds {
		if l.ponds[i].pool != nil {
			tell(l.ponds[i].pool)
		}
	}
}

// putPools writes a link's pools.
func (t *translator) putPools(l *link) {
	for i := range l.ponds {
		p := &l.ponds[i]
		only, except, why := t.gates(p.pool)
		for _, r := range p.ranges {
			list := l.out.List("addresses")
			if r.length < 128 {
				list = l.out.List("prefixes")
			}
			switch {
			case r.temporary:
				t.d.Lost(list, r.at, "range6 temporary", "temporary addresses (IA_TA) are obsolete (RFC 9915)")
				continue
			case why != "":
				t.d.Lost(list, r.at, "pool6", why)
				continue
			}
			t.putRange(l, list, r, p, only, except)
		}
		if p.pool != nil {
			t.poolRemarks(l, p)
		}
	}
}

// poolRemarks tells what isn't the same of a pool6 with permissions.
func (t *translator) poolRemarks(l *link, p *pond) {
	if len(p.pool.allow)+len(p.pool.deny) > 0 && !t.tellsKeeps {
		t.tellsKeeps = true
		t.d.Note(l.out, p.pool.at, "pool6", "who has a lease of a pool keeps it at Renew and Rebind, though it weren't allowed any more")
	}
}

// divide says which part of each range is in its pool. No lease is in two pools here: the range that stands first in the file has what two have, and
// addresses come before prefixes, which dhcpd keeps apart. A prefix with addresses in it is on a link, and nobody can use it elsewhere.
func (t *translator) divide() {
	for _, prefixes := range []bool{false, true} {
		for _, l := range t.links {
			for i := range l.ponds {
				ranges := l.ponds[i].ranges
				_, _, why := t.gates(l.ponds[i].pool)
				for k := range ranges {
					if r := &ranges[k]; (r.length < 128) == prefixes && !r.temporary && why == "" {
						r.pieces = t.free(r.span(), r.length)
						t.spans = append(t.spans, r.pieces...)
					}
				}
			}
		}
	}
}

// span is all of a range.
func (r *rangeOf) span() span {
	if r.length < 128 {
		return span{r.first, lastOf(netip.PrefixFrom(r.last, r.length))}
	}
	return span{r.first, r.last}
}

// putRange writes a range's pools.
func (t *translator) putRange(l *link, list *draft.Node, r rangeOf, p *pond, only, except []string) {
	switch {
	case len(r.pieces) == 0:
		t.d.Lost(list, r.at, "the range "+r.span().String(), "all of it is in other pools already, and a lease is in one pool only")
		return
	case r.pieces[0] != r.span():
		t.d.Changed(list, r.at, "the range "+r.span().String(), "some of it is in another pool already, and a lease is in one pool only")
	}
	t.d.Took(1)
	for _, piece := range r.pieces {
		n := draft.Map().From(r.at)
		n.Set("pool", draft.Text(piece.String()))
		if r.length < 128 {
			n.Set("length", draft.Number(r.length))
		}
		if rest := t.excluded(l, p, piece, r.length); slices.Contains(rest, piece.text()) {
			t.d.Lost(list, r.at, "the range "+piece.String(), "all of it is reserved for a host")
			continue
		} else if len(rest) > 0 {
			n.Set("exclude", draft.Texts(rest...))
		}
		if len(only) > 0 {
			n.Set("classes", one(only))
		}
		if len(except) > 0 {
			n.Set("except-classes", one(except))
		}
		t.putTerms(n, l, p)
		list.Append(n)
	}
}

// excluded are reserved leases inside of a pool that aren't leases of the pool on its own link.
func (t *translator) excluded(l *link, pond *pond, piece span, length int) (out []string) {
	apart := t.ownTerms(l, pond)
	mine := func(p netip.Prefix) bool {
		return slices.ContainsFunc(l.hosts, func(r *reservation) bool {
			for _, a := range r.addresses {
				if length == 128 && !apart && p == netip.PrefixFrom(a, 128) {
					return true
				}
			}
			return length < 128 && slices.Contains(r.prefixes, p) && p.Bits() == length
		})
	}
	for _, p := range t.reserved {
		if overlaps(piece.first, piece.last, p) && !mine(p) {
			first, last := p.Addr(), lastOf(p)
			if first.Less(piece.first) {
				first = piece.first
			}
			if piece.last.Less(last) {
				last = piece.last
			}
			out = append(out, span{first, last}.text())
		}
	}
	return out
}
