package isc

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// A link is a shared network of dhcpd, or a subnet6 that stands in none.
type link struct {
	*scope
	title      string // its name here
	subnets    []*scope
	prefixes   []netip.Prefix // its subnets, without those that another link has
	interfaces []string
	ponds      []pond
	values     *values // in effect for all its clients
	hosts      []*reservation
	out        *draft.Node
	remarks    []func(*draft.Node) // to be told at the link
}

// A pond are ranges that the same clients may use: those of a pool6, or those that stand in a subnet6 itself.
type pond struct {
	subnet *scope
	pool   *scope // nil: in the subnet itself
	ranges []rangeOf
}

// holder is the innermost scope of a pond.
func (p *pond) holder() *scope {
	if p.pool != nil {
		return p.pool
	}
	return p.subnet
}

// gather finds the links, what is in effect on each, and whose reservations are on it.
func (t *translator) gather() {
	for _, s := range t.nets {
		l := &link{scope: s, subnets: []*scope{s}}
		if s.kind == scopeShared {
			l.subnets = nil
			for _, in := range s.inner {
				if in.kind == scopeSubnet && !in.ipv4 {
					l.subnets = append(l.subnets, in)
				}
			}
		}
		if len(l.subnets) == 0 {
			t.d.Lost(t.d.Root(), s.at, "shared-network "+s.name, "it has no subnet6")
			continue
		}
		l.title = s.name
		if s.kind == scopeSubnet {
			l.title = s.prefix.String()
		}
		l.title = t.linkName(l.title)
		t.gatherPonds(l)
		l.values = t.common(l)
		t.matches(l)
		t.links = append(t.links, l)
	}
	for _, h := range t.declared {
		t.placeHost(h)
	}
}

func (t *translator) gatherPonds(l *link) {
	for _, s := range l.subnets {
		if len(s.ranges) > 0 {
			l.ponds = append(l.ponds, pond{s, nil, s.ranges})
		}
		for _, in := range s.inner {
			if in.kind == scopePool && len(in.ranges) > 0 {
				l.ponds = append(l.ponds, pond{s, in, in.ranges})
			}
		}
	}
}

// common are the settings that are in effect for all clients of a link: those that all its ponds have alike, and for the others those of the
// link's own scope. dhcpd executes a pool's settings last; this server has one set for the link.
func (t *translator) common(l *link) *values {
	own := inEffect(l.chain()...)
	var leaves []*values
	for i := range l.ponds {
		leaves = append(leaves, inEffect(l.ponds[i].holder().chain()...))
	}
	if len(leaves) == 0 {
		for _, s := range l.subnets {
			leaves = append(leaves, inEffect(s.chain()...))
		}
	}
	first := leaves[0]
	for _, o := range first.order {
		alike := true
		for _, leaf := range leaves[1:] {
			other, ok := leaf.of[o]
			alike = alike && ok && other.same(first.of[o])
		}
		if !alike {
			continue
		}
		if _, ok := own.of[o]; !ok {
			own.order = append(own.order, o)
		}
		own.of[o] = first.of[o]
		for _, leaf := range leaves[1:] {
			t.twin(first.of[o], leaf.of[o])
		}
	}
	return own
}

// twin counts a setting as taken over that another place says too.
func (t *translator) twin(a, b setting) {
	if a.at != b.at {
		t.done[b.at] = true
	}
}

// matches finds which messages come from a link: from relays in its subnets, and on the interface that it is on. dhcpd looks for an interface
// with an address in one of the subnets, where the file names none.
func (t *translator) matches(l *link) {
	for _, s := range l.subnets {
		what := "subnet6 " + s.prefix.String()
		if a := s.prefix.Addr(); a.IsMulticast() || a.IsLoopback() || a.Is4In6() || s.prefix.Bits() == 128 && a.IsUnspecified() {
			l.remarks = append(l.remarks, func(n *draft.Node) { t.d.Lost(n, s.at, what, "no link has such addresses") })
			continue
		}
		if t.prefixes[s.prefix] {
			l.remarks = append(l.remarks, func(n *draft.Node) {
				t.d.Changed(n, s.at, what, "it stands in the file before, and there dhcpd takes relays' messages to be from")
			})
			continue
		}
		t.prefixes[s.prefix] = true
		l.prefixes = append(l.prefixes, s.prefix)
	}
	claim := func(name string, at draft.Place) {
		if slices.Contains(l.interfaces, name) {
			return
		}
		if slices.Contains(t.heard, name) {
			l.remarks = append(l.remarks, func(n *draft.Node) {
				t.d.Changed(n, at, "interface "+name, "another network has it already; an interface is on one link")
			})
			return
		}
		t.heard = append(t.heard, name)
		l.interfaces = append(l.interfaces, name)
	}
	if l.onInterface != "" {
		claim(l.onInterface, l.at)
		return
	}
	for _, i := range t.interfaces {
		if slices.ContainsFunc(i.Addresses, func(a netip.Addr) bool { return !a.IsLinkLocalUnicast() && l.contains(a) }) {
			claim(i.Name, l.at)
		}
	}
}

func (l *link) contains(a netip.Addr) bool {
	return slices.ContainsFunc(l.subnets, func(s *scope) bool { return s.prefix.Contains(a) })
}

// A reservation is what a host has on a link.
type reservation struct {
	*scope
	key       string // whom it is for
	addresses []netip.Addr
	prefixes  []netip.Prefix
}

// placeHost puts a host onto links: with a fixed address onto the one that the address is on, else onto all, as dhcpd finds it anywhere.
// A prefix is given out once, so it goes onto the first link of several, best one that delegates prefixes.
func (t *translator) placeHost(h *scope) {
	key, why := h.host.identity()
	if key == "" {
		t.d.Lost(t.d.Root(), h.at, "host "+h.name, why)
		return
	}
	if h.host.ipv4 && len(h.host.addresses) == 0 {
		t.d.Lost(t.d.Root(), h.at, "host "+h.name, "its fixed address is of DHCPv4, and dhcpd takes it for no client of DHCPv6")
		return
	}
	links := t.links
	if len(h.host.addresses) > 0 {
		a := h.host.addresses[0]
		i := slices.IndexFunc(t.links, func(l *link) bool { return l.contains(a) })
		if i < 0 {
			t.d.Lost(t.d.Root(), h.at, "host "+h.name, fmt.Sprintf("its address %s is in no subnet6, so dhcpd never takes it for a client", a))
			return
		}
		links = t.links[i : i+1]
	}
	r := reservation{scope: h, key: key}
	first := t.forPrefixes(h, links)
	for _, l := range links {
		on := r
		if len(h.host.addresses) > 0 {
			on.addresses = t.reserve(l, h, h.host.addresses[:1])
		}
		if l == first {
			on.prefixes = t.reservePrefixes(l, h)
		}
		l.hosts = append(l.hosts, &on)
	}
}

// forPrefixes is the link that a host's prefixes are reserved on.
func (t *translator) forPrefixes(h *scope, links []*link) *link {
	if len(links) == 0 {
		return nil
	}
	for _, p := range h.host.prefixes {
		for _, l := range links {
			for i := range l.ponds {
				for _, r := range l.ponds[i].ranges {
					if r.length < 128 && overlaps(r.first, lastOf(netip.PrefixFrom(r.last, r.length)), p) {
						return l
					}
				}
			}
		}
	}
	if len(h.host.prefixes) > 0 && len(links) > 1 {
		l := links[0]
		l.remarks = append(l.remarks, func(n *draft.Node) {
			t.d.Changed(n, h.at, "host "+h.name, "dhcpd delegates its fixed-prefix6 on every link; here it is reserved on this one, so move it where the client is")
		})
	}
	return links[0]
}

func (t *translator) reserve(l *link, h *scope, all []netip.Addr) (out []netip.Addr) {
	for _, a := range all {
		p := netip.PrefixFrom(a, 128)
		if t.taken(p) {
			t.twice(l, h, a.String())
			continue
		}
		t.reserved = append(t.reserved, p)
		out = append(out, a)
	}
	return out
}

func (t *translator) reservePrefixes(l *link, h *scope) (out []netip.Prefix) {
	for _, p := range h.host.prefixes {
		if t.taken(p) {
			t.twice(l, h, p.String())
			continue
		}
		t.reserved = append(t.reserved, p)
		out = append(out, p)
	}
	return out
}

func (t *translator) twice(l *link, h *scope, what string) {
	l.remarks = append(l.remarks, func(n *draft.Node) {
		t.d.Lost(n, h.at, "host "+h.name, what+" is another host's already")
	})
}
