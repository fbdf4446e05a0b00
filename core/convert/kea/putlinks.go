package kea

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// putLinks writes the links.
func (t *translator) putLinks() {
	t.interfaces()
	t.listen()
	list := t.d.Root().List("links").Open()
	for _, l := range t.links {
		t.remarks(list, l.head())
		if l.net == nil && len(l.subnets) > 1 {
			t.d.Note(list, l.subnets[0].at, "interface "+l.found[0], "Kea chooses among its subnets by class; here they are pools of one link")
		}
		l.out = draft.Map().Open().From(l.head().at)
		t.putLink(list, l)
		list.Append(l.out)
	}
	if len(t.links) == 0 {
		t.everywhere(list)
	}
}

// everywhere writes the one link of a configuration without subnets: Kea tells everybody the global options there.
func (t *translator) everywhere(list *draft.Node) {
	n := list.Append(draft.Map()).Open()
	n.Set("name", draft.Text("everywhere"))
	match := n.Map("match")
	if len(t.listening) > 0 {
		match.Set("interface", textOrList(t.listening))
	}
	match.Set("link-addresses", draft.Texts("::/0"))
	t.d.Note(n, t.kea.at, "subnet6", "there is none: nobody gets leases, and everybody the options")
}

// interfaces says for each link on which interfaces its clients are heard. Of several subnets on one interface Kea takes for clients on it the
// first one whose classes they are in. A link can't share its interface, so such subnets become one link.
func (t *translator) interfaces() {
	owner := make(map[string]*link)
	var links []*link
	for _, l := range t.links {
		joined := false
		for _, v := range append([]*value{l.net}, values(l.subnets)...) {
			name := v.str("interface")
			first := owner[name]
			switch {
			case name == "":
			case first == nil:
				owner[name] = l
				l.found = append(l.found, name)
			case first != l && first.net == nil && l.net == nil && first.allGuarded():
				first.subnets = append(first.subnets, l.subnets...)
				joined = true
			}
		}
		if !joined {
			links = append(links, l)
		}
	}
	t.links = links
}

// allGuarded tells whether each subnet of a link is for certain classes only.
func (l *link) allGuarded() bool {
	return !slices.ContainsFunc(l.subnets, func(s *subnet) bool { return len(guards(s.value)) == 0 })
}

func values(subnets []*subnet) (out []*value) {
	for _, s := range subnets {
		out = append(out, s.value)
	}
	return out
}

func (t *translator) putLink(list *draft.Node, l *link) {
	n := l.out
	n.Set("name", draft.Text(l.name))
	if f := l.net.get("name"); f != nil && f.text != l.name {
		t.d.Changed(n, f.at, "name", "a link's name has up to 63 printable octets, and no other link has it")
	}
	t.putMatch(list, l)
	t.linkLifetimes(l)
	t.linkRapid(l)
	t.linkGate(l)
	t.linkOptions(l)
	t.linkNames(l)
	for _, s := range l.subnets {
		t.require(l, s.value)
		if l.net != nil {
			t.require(l, l.net)
			t.remarks(n, s.value)
		}
		for _, p := range s.pools {
			t.putPool(l, s, p)
		}
	}
	t.putHosts(l)
}

// putMatch writes which messages come from the link: by interface, the relays' link-address in a subnet or one of the relay addresses, or
// by Interface-ID.
func (t *translator) putMatch(list *draft.Node, l *link) {
	match := l.out.Map("match")
	var heard []string
	for _, name := range l.found {
		if !t.anywhere && !slices.Contains(t.listening, name) {
			t.d.Changed(match, l.head().at, "interface "+name, "Kea doesn't listen on it (interfaces-config), and so no client on it comes here")
			continue
		}
		heard = append(heard, name)
	}
	for _, v := range append([]*value{l.net}, values(l.subnets)...) {
		if name := v.str("interface"); name != "" && !slices.Contains(l.found, name) {
			t.d.Changed(match, v.at, "interface "+name, "an earlier subnet has it, and Kea takes the first one for clients on the interface, so that only relays come here")
		}
	}
	if len(heard) > 0 {
		match.Set("interface", textOrList(heard))
	}
	if ids := t.interfaceIDs(l); len(ids) > 0 {
		match.Set("interface-ids", draft.List(ids...))
		t.d.Changed(match, l.head().at, "interface-id", "a relay without it, whose link-address is in the subnet, finds the subnet in Kea, and here no link")
		return
	}
	addresses := match.List("link-addresses")
	seen := make(map[string]bool)
	add := func(s string) {
		if !seen[s] {
			seen[s] = true
			addresses.Append(draft.Text(s))
		}
	}
	for _, s := range l.subnets {
		add(s.prefix.String())
	}
	for _, v := range append([]*value{l.net}, values(l.subnets)...) {
		relay := v.get("relay").valueOf()
		for _, text := range append(relay.texts("ip-addresses"), relay.one("ip-address")...) {
			a, _ := parseAddr(text)
			if a.IsUnspecified() {
				continue
			}
			add(a.String())
		}
	}
}

func (t *translator) interfaceIDs(l *link) (out []*draft.Node) {
	for _, v := range append([]*value{l.net}, values(l.subnets)...) {
		if id := v.str("interface-id"); id != "" {
			if !slices.ContainsFunc(out, func(n *draft.Node) bool { return n.String() == octetsNode([]byte(id)).String() }) {
				out = append(out, octetsNode([]byte(id)))
			}
		}
	}
	return out
}

// cache says what becomes of cached renewals.
func (t *translator) cache(n *draft.Node, v *value) {
	for _, name := range []string{"cache-threshold", "cache-max-age"} {
		if f := v.get(name); f != nil {
			t.lost(n, f.value, name, "store.renew-cache holds for all links")
		}
	}
	skip(v, "store-extended-info", "reservations-out-of-pool")
}
