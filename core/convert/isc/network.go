package isc

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// network reads declarations of networks and of what is in them.
func (p *parser) network(t *token, s *scope) {
	p.next()
	switch t.word() {
	case "shared-network":
		if !p.misplaced(t, s, scopeShared, scopeHost, scopeSubnet, scopeClass) {
			p.sharedNetwork(t, s)
		}
	case "subnet6":
		if !p.misplaced(t, s, scopeHost, scopeSubnet, scopeClass) {
			p.subnet6(t, s)
		}
	case "subnet":
		if !p.misplaced(t, s, scopeHost, scopeSubnet, scopeClass) {
			p.subnet4(t, s)
		}
	case "pool6":
		if s.kind != scopeSubnet || s.ipv4 {
			p.bad(t, "pool6 stands outside of a subnet6", "move it into the subnet6 whose addresses it has")
			return
		}
		p.pool6(t, s)
	case "pool":
		if s.kind != scopeSubnet && s.kind != scopeShared {
			p.bad(t, "pool stands outside of a network", "write pool6 inside of a subnet6; pool is for DHCPv4")
			return
		}
		p.pool4(t, s)
	case "range":
		p.range4(t, s)
	case "range6", "prefix6":
		if s.kind != scopeSubnet && s.kind != scopePool || s.ipv4 {
			p.bad(t, t.text+" stands outside of a subnet6", "move it into a subnet6, or into a pool6 inside of one")
			return
		}
		p.range6(t, s)
	case "interface":
		p.onInterface(t, s)
	}
}

func (p *parser) sharedNetwork(t *token, s *scope) {
	n := &scope{kind: scopeShared, at: t.at, parent: s}
	switch name := p.peek(); {
	case name.kind == kindText:
		p.next()
		if n.name = name.text; n.name == "" {
			p.fail(name, "the shared-network's name is empty", "give it a name")
		}
	default:
		if n.name = p.hostName(); n.name == "" {
			p.bad(name, "the shared-network has no name", "write shared-network NAME { ... }")
			return
		}
	}
	s.inner = append(s.inner, n)
	if p.body(n) && !n.hasSubnet() {
		p.fail(t, "the shared-network has no subnet6", "add one, or remove the shared-network")
	}
}

// hasSubnet tells whether a subnet is declared in the scope itself. One in a group is a network of its own.
func (s *scope) hasSubnet() bool {
	return slices.ContainsFunc(s.inner, func(in *scope) bool { return in.kind == scopeSubnet })
}

func (p *parser) subnet6(t *token, s *scope) {
	addr, ok := p.address6()
	if !ok {
		return
	}
	if !p.take("/") {
		p.bad(p.peek(), "the subnet6 has no length", "write it as 2001:db8:1::/64")
		return
	}
	number := p.peek()
	bits, err := strconv.Atoi(number.text)
	if number.kind != kindNumber || err != nil || bits < 0 || bits > 128 {
		p.bad(number, fmt.Sprintf("the subnet6's length is %s", number), "write a number from 0 to 128")
		return
	}
	p.next()
	prefix := netip.PrefixFrom(addr, bits)
	if prefix.Masked() != prefix {
		p.bad(number, fmt.Sprintf("%s has bits behind its length", prefix), "write "+prefix.Masked().String())
		return
	}
	p.oneFamily(t)
	n := &scope{kind: scopeSubnet, at: t.at, parent: s, prefix: prefix}
	s.inner = append(s.inner, n)
	p.body(n)
}

// range6 reads range6 and prefix6.
func (p *parser) range6(t *token, s *scope) {
	first, ok := p.address6()
	if !ok {
		return
	}
	r := rangeOf{at: t.at, first: first, last: first, length: 128}
	switch {
	case t.word() == "prefix6":
		ok = p.prefixes(&r)
	case p.peek().is("/"):
		ok = p.block(&r)
	case p.takeWord("temporary"):
		r.temporary = true
		ok = p.masked(p.peek(), first, 64)
	default:
		r.last, ok = p.address6()
	}
	if !ok || !p.semi() {
		return
	}
	if r.last.Less(r.first) {
		r.first, r.last = r.last, r.first
	}
	if r.length == 128 {
		for _, end := range []struct {
			which string
			addr  netip.Addr
		}{{"begins", r.first}, {"ends", r.last}} {
			if !s.network().prefix.Contains(end.addr) {
				p.fail(t, fmt.Sprintf("the range6 %s with %s, outside of the subnet6 %s", end.which, end.addr, s.network().prefix),
					"write addresses of the subnet6")
				return
			}
		}
	}
	s.ranges = append(s.ranges, r)
}

// block reads /LENGTH, and whether the range is for temporary addresses.
func (p *parser) block(r *rangeOf) bool {
	p.next()
	number := p.next()
	bits, err := strconv.Atoi(number.text)
	if number.kind != kindNumber || err != nil || bits < 0 || bits > 128 {
		return p.bad(number, fmt.Sprintf("the range6's length is %s", number), "write a number from 0 to 128")
	}
	if !p.masked(number, r.first, bits) {
		return false
	}
	r.last = lastOf(netip.PrefixFrom(r.first, bits))
	if r.temporary = p.takeWord("temporary"); r.temporary && (bits < 64 || bits == 128) {
		p.fail(number, fmt.Sprintf("a /%d can't be for temporary addresses", bits), "write a length from 64 to 127")
	}
	return true
}

// prefixes reads the rest of prefix6: the last prefix, and the length of all.
func (p *parser) prefixes(r *rangeOf) (ok bool) {
	if r.last, ok = p.address6(); !ok {
		return false
	}
	if !p.take("/") {
		return p.bad(p.peek(), "prefix6 has no length", "write it as prefix6 2001:db8:8000:: 2001:db8:80ff:ff00:: /56;")
	}
	number := p.next()
	bits, err := strconv.Atoi(number.text)
	if number.kind != kindNumber || err != nil || bits <= 0 || bits >= 128 {
		return p.bad(number, fmt.Sprintf("the prefixes' length is %s", number), "write a number from 1 to 127")
	}
	r.length = bits
	return p.masked(number, r.first, bits) && p.masked(number, r.last, bits)
}

// masked checks that an address has no bits behind a length.
func (p *parser) masked(t *token, a netip.Addr, bits int) bool {
	prefix := netip.PrefixFrom(a, bits)
	if prefix.Masked() == prefix {
		return true
	}
	return p.bad(t, fmt.Sprintf("%s has bits behind its length", prefix), "write "+prefix.Masked().String())
}

func (p *parser) pool6(t *token, s *scope) {
	pool := &scope{kind: scopePool, at: t.at, parent: s}
	s.inner = append(s.inner, pool)
	if p.body(pool) && len(pool.ranges) == 0 {
		p.fail(t, "the pool6 has neither range6 nor prefix6", "give it one, or remove it")
	}
}

func (p *parser) onInterface(t *token, s *scope) {
	if s.kind != scopeShared && s.kind != scopeSubnet {
		p.bad(t, "interface stands outside of a network", "move it into the subnet6 or shared-network that is on it")
		return
	}
	name := p.next()
	if name.kind == kindEnd {
		p.bad(name, "interface has no name", `write interface "eth0";`)
		return
	}
	link := s.link()
	if link.onInterface != "" {
		p.fail(t, "the network is on interface "+link.onInterface+" already", "say so once; a network can be on one interface only")
	}
	if p.semi() {
		link.onInterface = name.text
	}
}

// link is the shared network of a subnet or shared network: the one that it stands in, or itself.
func (s *scope) link() *scope {
	if s.kind == scopeSubnet && s.parent.kind == scopeShared {
		return s.parent
	}
	return s
}

// permission reads what allow and deny say of a pool's clients.
func (p *parser) permission(t *token, s *scope) {
	perm := permission{at: t.at}
	first := p.next()
	perm.what = first.word()
	ok := true
	switch perm.what {
	case "unknown", "known", "authenticated", "unauthenticated", "all":
		if ok = p.takeWord("clients"); !ok {
			p.bad(p.peek(), first.text+" stands without clients", "write "+first.text+" clients")
		}
	case "unknown-clients", "known-clients":
		perm.what = perm.what[:len(perm.what)-len("-clients")]
	case "dynamic":
		if ok = p.takeWord("bootp") && p.takeWord("clients"); !ok {
			p.bad(p.peek(), "dynamic stands without bootp clients", "write dynamic bootp clients")
		}
	case "members":
		perm.class, ok = p.members()
	case "after":
		if ok = p.date(); ok {
			s.odd(t.at, t.text+" after", "permissions have no time; a pool can be retiring: true")
		}
	default:
		p.bad(first, fmt.Sprintf("%s %s isn't known in a pool6", t.text, first), `write known clients, unknown clients, all clients, or members of "CLASS"`)
		return
	}
	if !ok || !p.semi() {
		return
	}
	if t.word() == "allow" {
		s.allow = append(s.allow, perm)
	} else {
		s.deny = append(s.deny, perm)
	}
}

func (p *parser) members() (*scope, bool) {
	if !p.takeWord("of") {
		return nil, p.bad(p.peek(), "members stands without of", `write members of "CLASS"`)
	}
	name := p.next()
	if name.kind != kindText {
		return nil, p.bad(name, "members of stands without a class's name in quotes", `write members of "CLASS"`)
	}
	class := p.classes[name.text]
	if class == nil {
		return nil, p.bad(name, fmt.Sprintf("there is no class %q", name.text), "declare it before this line")
	}
	return class, true
}

// date reads the rest of `after`: a day of the week, a date and a time; seconds since 1970 behind epoch; or never.
func (p *parser) date() bool {
	parts := []string{"0", "0", "/", "0", "/", "0", "0", ":", "0", ":", "0"}
	switch {
	case p.takeWord("never"):
		return true
	case p.takeWord("epoch"):
		parts = []string{"0"}
	}
	for _, part := range parts {
		t := p.peek()
		if part == "0" && t.kind != kindNumber || part != "0" && !t.is(part) {
			return p.bad(t, fmt.Sprintf("%s stands in a date", t), "write after 4 2026/12/31 00:00:00;")
		}
		p.next()
	}
	if len(parts) > 1 && p.peek().kind == kindNumber {
		p.next() // how far from UTC
	}
	return true
}

// address6 reads an address, whose parts no space may stand between.
func (p *parser) address6() (netip.Addr, bool) {
	first := p.peek()
	text := ""
	for t := first; ; t = p.peek() {
		if t != first && !t.glue || !(t.digits() || t.is(".") || t.is(":")) {
			break
		}
		text += t.text
		p.next()
	}
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is6() {
		if text == "" {
			text = first.String()
		}
		return netip.Addr{}, p.bad(first, text+" isn't an IPv6 address", "write it as 2001:db8::1")
	}
	return a, true
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As16()
	for i := p.Bits(); i < 128; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom16(b)
}

// place is where a scope is declared, with what it is, for comments.
func (s *scope) place() (draft.Place, string) {
	switch s.kind {
	case scopeSubnet:
		return s.at, "subnet6 " + s.prefix.String()
	case scopeShared:
		return s.at, "shared-network " + s.name
	default:
		return s.at, s.kind.String() + " " + s.name
	}
}
