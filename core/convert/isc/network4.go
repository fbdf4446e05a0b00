package isc

import (
	"fmt"
	"net/netip"
	"strconv"
)

// subnet4 reads a subnet of DHCPv4, which dhcpd takes in a file for DHCPv6 and makes no use of.
func (p *parser) subnet4(t *token, s *scope) {
	addr, ok := p.address4()
	if !ok {
		return
	}
	if !p.takeWord("netmask") {
		p.bad(p.peek(), "the subnet has no netmask", "write subnet6 2001:db8:1::/64 { ... }; subnet is for DHCPv4")
		return
	}
	mask, ok := p.address4()
	if !ok {
		return
	}
	a, m := addr.As4(), mask.As4()
	bits := 0
	for i := range a {
		if a[i]&^m[i] != 0 {
			p.bad(t, fmt.Sprintf("the subnet %s has bits that its netmask %s hasn't", addr, mask), "mend the subnet, or remove it: it is for DHCPv4")
			return
		}
		for b := m[i]; b&0x80 != 0; b <<= 1 {
			bits++
		}
	}
	p.oneFamily(t)
	n := &scope{kind: scopeSubnet, at: t.at, parent: s, prefix: netip.PrefixFrom(addr, bits), ipv4: true}
	s.inner = append(s.inner, n)
	p.body(n)
}

// oneFamily checks that a file has subnets of one version of IP only: dhcpd stops where it compares two that aren't.
func (p *parser) oneFamily(t *token) {
	if p.family != "" && p.family != t.word() {
		p.fail(t, t.text+" and "+p.family+" stand in one configuration", "keep DHCPv4 and DHCPv6 in files of their own")
	}
	if p.family == "" {
		p.family = t.word()
	}
}

func (p *parser) pool4(t *token, s *scope) {
	pool := &scope{kind: scopePool, at: t.at, parent: s, ipv4: true}
	s.inner = append(s.inner, pool)
	if p.body(pool) && len(pool.ranges) == 0 {
		p.fail(t, "the pool has no range", "write pool6 with range6 inside of a subnet6; pool is for DHCPv4")
	}
}

// range4 reads a range of DHCPv4. dhcpd has no use for it, and stops where it stands in a subnet6.
func (p *parser) range4(t *token, s *scope) {
	if s.kind != scopeSubnet && s.kind != scopePool {
		p.bad(t, "range stands outside of a subnet", "write range6 inside of a subnet6; range is for DHCPv4")
		return
	}
	if n := s.network(); n == nil || !n.ipv4 && n.kind == scopeSubnet {
		p.bad(t, "range is for DHCPv4, and stands in a subnet6", "write range6 with IPv6 addresses")
		return
	}
	p.takeWord("dynamic-bootp")
	first, ok := p.address4()
	if !ok {
		return
	}
	last := first
	if !p.peek().is(";") {
		if last, ok = p.address4(); !ok {
			return
		}
	}
	n := s.network()
	if p.semi() && n.kind == scopeSubnet && !(n.prefix.Contains(first) && n.prefix.Contains(last)) {
		p.fail(t, "the range isn't in its subnet", "mend it, or remove it: it is for DHCPv4")
	}
	s.ranges = append(s.ranges, rangeOf{at: t.at})
}

// address4 reads four numbers with dots between them.
func (p *parser) address4() (netip.Addr, bool) {
	var a [4]byte
	for i := range a {
		if i > 0 && !p.take(".") {
			return netip.Addr{}, p.bad(p.peek(), fmt.Sprintf("%s stands in an IPv4 address", p.peek()), "write it as 192.0.2.1")
		}
		t := p.peek()
		n, err := strconv.ParseUint(t.text, 10, 8)
		if t.kind != kindNumber || err != nil {
			return netip.Addr{}, p.bad(t, fmt.Sprintf("%s stands in an IPv4 address", t), "write it as 192.0.2.1")
		}
		a[i] = byte(n)
		p.next()
	}
	return netip.AddrFrom4(a), true
}
