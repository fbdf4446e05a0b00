package isc

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// Terms are what a pond, or a subnet6, has otherwise than its link.
type terms struct {
	options  []sent
	life     lifetimes
	settings []setting // that the lifetimes follow from, where they aren't the link's
}

// termsOf compares the settings in effect in a scope with those of its link.
func (t *translator) termsOf(l *link, s *scope) terms {
	v := inEffect(s.chain()...)
	out := terms{options: without(t.sentOptions(v), t.sentOptions(l.values)), life: t.lifetimesOf(v)}
	if out.life != t.lifetimesOf(l.values) {
		out.settings = t.lifetimeSettings(v.beyond(l.values))
	}
	return out
}

// putTerms writes what a pond has otherwise than its link.
func (t *translator) putTerms(n *draft.Node, l *link, p *pond) {
	terms := t.termsOf(l, p.holder())
	if len(terms.settings) > 0 {
		t.putLifetimes(n, p.holder().at, terms.life, terms.settings)
	}
	t.putOptions(n, terms.options)
}

// ownTerms tells whether a pool6 has something otherwise than its subnet6. dhcpd executes the subnet6's statements for a fixed address, so that
// one in such a pool is excluded from it here.
func (t *translator) ownTerms(l *link, p *pond) bool {
	if p.pool == nil {
		return false
	}
	a, b := t.termsOf(l, p.pool), t.termsOf(l, p.subnet)
	return a.life != b.life || !slices.EqualFunc(a.options, b.options, func(x, y sent) bool { return x.same(&y) })
}

// outside is the subnet6 of a reserved address that is of no pond here; nil: it is of one, or nothing is reserved.
func (t *translator) outside(l *link, r *reservation) *scope {
	if len(r.addresses) == 0 {
		return nil
	}
	a := r.addresses[0]
	if slices.ContainsFunc(l.ponds, func(p pond) bool {
		return !t.ownTerms(l, &p) && slices.ContainsFunc(p.ranges, func(r rangeOf) bool { return r.length == 128 && r.span().contains(a) })
	}) {
		return nil
	}
	i := slices.IndexFunc(l.subnets, func(s *scope) bool { return s.prefix.Contains(a) })
	if i < 0 {
		return nil
	}
	return l.subnets[i]
}

// contains tells whether an address is in a span.
func (s span) contains(a netip.Addr) bool { return !a.Less(s.first) && !s.last.Less(a) }

// hostOptions are the options of a reservation: the host's, and where no pool has what is reserved what its subnet6 has otherwise than the link.
func (t *translator) hostOptions(l *link, r *reservation, inherited []sent) []sent {
	own := without(t.sentOptions(inEffect(r.chain()...)), t.sentOptions(t.global))
	if s := t.outside(l, r); s != nil {
		own = without(t.sentOptions(inEffect(append(s.chain(), r.chain()[1:]...)...)), inherited)
	}
	return without(own, inherited)
}

// hostLifetimes makes classes of single clients whose hosts have lifetimes of their own. They come before the other classes, as dhcpd executes a
// host's statements last.
func (t *translator) hostLifetimes(list *draft.Node) {
	for _, h := range t.declared {
		settings := t.lifetimeSettings(inEffect(h))
		key, _ := h.host.identity()
		kind, _, _ := strings.Cut(key, " ")
		field := map[string]string{"duid": "duid", "hardware": "hardware-address"}[kind]
		on := t.linksOf(h)
		if len(settings) == 0 || field == "" || len(on) == 0 {
			continue
		}
		scopes := h.chain()
		if len(on) == 1 {
			scopes = append(on[0].chain(), scopes[1:]...)
		}
		n := list.Append(draft.Map()).From(h.at)
		n.Set("name", draft.Text(t.className("host-"+h.name)))
		id := draft.Hex(h.host.value)
		if kind == "hardware" {
			id = draft.Hex(h.host.hardware)
		}
		n.Map("match").Set(field, id)
		t.putLifetimes(n, h.at, t.lifetimesOf(inEffect(scopes...)), settings)
	}
}

// linksOf are the links that a host is on.
func (t *translator) linksOf(h *scope) (out []*link) {
	for _, l := range t.links {
		if slices.ContainsFunc(l.hosts, func(r *reservation) bool { return r.scope == h }) {
			out = append(out, l)
		}
	}
	return out
}
