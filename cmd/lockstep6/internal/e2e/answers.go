package e2e

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// granted returns the addresses that a Reply grants.
func granted(p *Packet) []netip.Addr {
	return addressesOf(p, func(a *dhcpv6.OptIAAddress) bool { return a.ValidLifetime > 0 })
}

// named returns the addresses that a client's message names, with whatever lifetime.
func named(p *Packet) []netip.Addr {
	return addressesOf(p, func(*dhcpv6.OptIAAddress) bool { return true })
}

func addressesOf(p *Packet, counts func(*dhcpv6.OptIAAddress) bool) []netip.Addr {
	var all []netip.Addr
	for _, ia := range p.Inner.Options.IANA() {
		for _, a := range ia.Options.Addresses() {
			if counts(a) {
				all = append(all, netip.AddrFrom16([16]byte(a.IPv6Addr)))
			}
		}
	}
	return all
}

// delegations returns the prefixes that a Reply grants.
func delegations(p *Packet) []netip.Prefix {
	return prefixesOf(p, func(x *dhcpv6.OptIAPrefix) bool { return x.ValidLifetime > 0 })
}

// withdrawn returns the prefixes that a Reply takes back.
func withdrawn(p *Packet) []netip.Prefix {
	return prefixesOf(p, func(x *dhcpv6.OptIAPrefix) bool { return x.ValidLifetime == 0 })
}

func prefixesOf(p *Packet, counts func(*dhcpv6.OptIAPrefix) bool) []netip.Prefix {
	var all []netip.Prefix
	for _, ia := range p.Inner.Options.IAPD() {
		for _, x := range ia.Options.Prefixes() {
			if counts(x) {
				a, _ := netip.AddrFromSlice(x.Prefix.IP)
				ones, _ := x.Prefix.Mask.Size()
				all = append(all, netip.PrefixFrom(a, ones))
			}
		}
	}
	return all
}
