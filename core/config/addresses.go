package config

import (
	"fmt"
	"math/bits"
	"net/netip"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/address"
)

// ip is an IPv6 address.
type ip struct {
	leaf
	value netip.Addr
}

func (a *ip) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	a.place, a.given = at, true
	s, ok := c.scalar(n, at, "an IPv6 address", "write an address such as 2001:db8::1")
	if !ok {
		return
	}
	if s, _, ok = c.behind(s, at); ok {
		a.value, a.ok = c.parseAddr(s, at)
	}
}

// scalar is a scalar's text.
func (c *checker) scalar(n *yaml.Node, at place, what, remedy string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		c.fail(at, "is "+describe(n)+", not "+what, remedy)
		return "", false
	}
	return n.Value, true
}

// parseAddr reads an IPv6 address without a zone.
func (c *checker) parseAddr(s string, at place) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		c.fail(at, printable(s)+" isn't an IPv6 address", "write an address such as 2001:db8::1")
	case addr.Is4() || addr.Is4In6():
		c.fail(at, printable(s)+" is an IPv4 address", "DHCPv6 deals in IPv6 addresses such as 2001:db8::1")
	case addr.Zone() != "":
		c.fail(at, printable(s)+" has a zone", "leave out %"+printable(addr.Zone()))
	default:
		return addr, true
	}
	return netip.Addr{}, false
}

// subnet is an IPv6 prefix; a bare address is one of 128 bits.
type subnet struct {
	leaf
	value netip.Prefix
	from  offset
}

func (p *subnet) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	p.place, p.given = at, true
	s, ok := c.scalar(n, at, "a prefix", "write a prefix such as 2001:db8:1::/64")
	if !ok {
		return
	}
	if s, p.from, ok = c.behind(s, at); ok {
		p.parse(c, s, at)
	}
}

func (p *subnet) parse(c *checker, s string, at place) {
	if !strings.Contains(s, "/") {
		var addr netip.Addr
		if addr, p.ok = c.parseAddr(s, at); p.ok {
			p.value = netip.PrefixFrom(addr, 128)
		}
		return
	}
	p.value, p.ok = c.parsePrefix(s, at)
}

func (c *checker) parsePrefix(s string, at place) (netip.Prefix, bool) {
	front, _, _ := strings.Cut(s, "/")
	if _, err := netip.ParseAddr(front); err != nil {
		c.fail(at, printable(s)+" isn't an IPv6 prefix", "write a prefix such as 2001:db8:1::/64")
		return netip.Prefix{}, false
	}
	if _, ok := c.parseAddr(front, at); !ok {
		return netip.Prefix{}, false
	}
	prefix, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		c.fail(at, printable(s)+" has no proper length", "write a length from 0 to 128 behind the /")
	case prefix != prefix.Masked():
		c.fail(at, printable(s)+" has bits set behind its length", "write "+prefix.Masked().String())
	default:
		return prefix, true
	}
	return netip.Prefix{}, false
}

// block is a range of addresses: a prefix, first-last, or one address.
type block struct {
	leaf
	first, last netip.Addr
	prefix      netip.Prefix // as it was written; invalid where it wasn't a prefix
	single      bool         // it was written as one address
	from        offset
}

func (b *block) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	b.place, b.given = at, true
	s, ok := c.scalar(n, at, "a range", "write a prefix such as 2001:db8:1::/64, or first-last")
	if !ok {
		return
	}
	if s, b.from, ok = c.behind(s, at); ok {
		b.parse(c, s, at)
	}
}

func (b *block) parse(c *checker, s string, at place) {
	if strings.Contains(s, "/") {
		if b.prefix, b.ok = c.parsePrefix(s, at); b.ok {
			b.first, b.last = b.prefix.Addr(), lastOf(b.prefix)
		}
		return
	}
	from, to, isRange := strings.Cut(s, "-")
	if b.first, b.ok = c.parseAddr(strings.TrimSpace(from), at); !b.ok || !isRange {
		b.last, b.single = b.first, true
		return
	}
	if b.last, b.ok = c.parseAddr(strings.TrimSpace(to), at); !b.ok {
		return
	}
	if b.last.Less(b.first) {
		c.fail(at, "its last address is below its first", "write "+b.last.String()+"-"+b.first.String())
		b.ok = false
	}
}

// contains tells whether all of another block lies in this one.
func (b *block) contains(o *block) bool { return !o.first.Less(b.first) && !b.last.Less(o.last) }

func (b *block) asRange() address.Range {
	return address.Range{First: b.first.As16(), Last: b.last.As16()}
}

// lastOf is a prefix's last address.
func lastOf(p netip.Prefix) netip.Addr { return fill(p.Addr(), p.Bits()) }

// fill sets all bits of an address behind the first n.
func fill(a netip.Addr, n int) netip.Addr {
	octets := a.As16()
	for i := range octets {
		switch ahead := n - 8*i; {
		case ahead <= 0:
			octets[i] = 0xff
		case ahead < 8:
			octets[i] |= 0xff >> ahead
		}
	}
	return netip.AddrFrom16(octets)
}

// halves are an address as a number.
func halves(a netip.Addr) (high, low uint64) {
	octets := a.As16()
	for i := range 8 {
		high, low = high<<8|uint64(octets[i]), low<<8|uint64(octets[8+i])
	}
	return high, low
}

// fewerSlots tells whether a range has fewer than n leases of the length. Both its ends are aligned to it.
func fewerSlots(first, last netip.Addr, length int, n uint64) bool {
	firstHigh, firstLow := halves(first)
	lastHigh, lastLow := halves(last)
	low, borrow := bits.Sub64(lastLow, firstLow, 0)
	high, _ := bits.Sub64(lastHigh, firstHigh, borrow)
	if shift := 128 - length; shift >= 64 {
		low, high = high>>(shift-64), 0
	} else {
		low, high = low>>shift|high<<(64-shift), high>>shift
	}
	return high == 0 && low < n-1
}

// unassignable says why no lease may come from a range, or "".
func unassignable(first, last netip.Addr) string {
	for _, never := range []struct{ prefix, what string }{
		{"ff00::/8", "multicast addresses"},
		{"fe80::/10", "link-local addresses"},
		{"::/127", "the unspecified or the loopback address"},
		{"::ffff:0:0/96", "IPv4-mapped addresses"},
	} {
		p := netip.MustParsePrefix(never.prefix)
		if !last.Less(p.Addr()) && !lastOf(p).Less(first) {
			return fmt.Sprintf("contains %s (%s)", never.what, never.prefix)
		}
	}
	return ""
}
