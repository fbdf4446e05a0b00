package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// reservation checks one reservation of a link whose pools are known.
func (c *checker) reservation(raw *rawReservation, l *Link) Reservation {
	r := Reservation{
		DUID:         raw.DUID.value,
		Hardware:     raw.Hardware.value,
		SubscriberID: raw.SubscriberID.value,
		InterfaceID:  raw.InterfaceID.value,
		Stored:       raw.stored,
		Options:      c.ownOptions(raw.Options, l.Defaults.Options),
		Boot:         c.bootLists(raw.Boot, raw.Options, nil),
		Hostname:     c.hostname(&raw.Hostname, l.Naming),
	}
	given := 0
	for _, is := range []bool{raw.DUID.given, raw.Hardware.given, raw.RemoteID != nil, raw.SubscriberID.given, raw.InterfaceID.given} {
		if is {
			given++
		}
	}
	if given != 1 && raw.At.given() {
		problem := "names no client"
		if given > 1 {
			problem = fmt.Sprintf("names its client in %d ways", given)
		}
		c.fail(raw.At, problem, "write exactly one of duid, hardware, remote-id, subscriber-id and interface-id")
	}
	if raw.RemoteID != nil {
		r.RemoteID = &RemoteID{
			Enterprise:    uint32(raw.RemoteID.enterprise.value),
			AnyEnterprise: !raw.RemoteID.enterprise.given,
			Value:         raw.RemoteID.id.value,
		}
	}
	c.reservedLeases(raw, &r, l)
	if len(raw.Addresses)+len(raw.Prefixes) == 0 && raw.Options == nil && raw.Boot == nil && !raw.Hostname.given && raw.At.given() {
		c.fail(raw.At, "reserves nothing", "write addresses, prefixes, hostname, options or boot")
	}
	return r
}

func (c *checker) reservedLeases(raw *rawReservation, r *Reservation, l *Link) {
	for i := range raw.Addresses {
		a := &raw.Addresses[i]
		if !a.ok {
			continue
		}
		switch why := unassignable(a.value, a.value); {
		case why != "":
			c.fail(a.place, why, "write a global or unique local address")
			a.ok = false
		case !l.mayHold(a.value):
			c.fail(a.place, a.value.String()+" isn't on the link", "write an address of its pools or link-addresses, or add its prefix to match.link-addresses")
		}
		r.Addresses = append(r.Addresses, a.value)
	}
	for i := range raw.Prefixes {
		p := &raw.Prefixes[i]
		if !p.ok {
			continue
		}
		if why := unassignable(p.value.Addr(), lastOf(p.value)); why != "" || p.value.Bits() == 0 {
			c.fail(p.place, printable(p.value.String())+" can't be delegated", "write a prefix of global or unique local addresses")
			p.ok = false
		}
		r.Prefixes = append(r.Prefixes, p.value)
	}
}

// subnetLength is how long the prefix of a link usually is: RFC 4291 gives interface identifiers 64 bits.
const subnetLength = 64

// mayHold tells whether an address is on the link: in a prefix among its link-addresses, in an address pool,
// or in the /64 that a pool takes a range of.
func (l *Link) mayHold(a netip.Addr) bool {
	if slices.ContainsFunc(onLink(l.LinkAddress), func(p netip.Prefix) bool { return p.Contains(a) }) {
		return true
	}
	for i := range l.Addresses {
		for _, r := range l.Addresses[i].Ranges {
			first, last := netip.AddrFrom16(r.First), netip.AddrFrom16(r.Last)
			around := netip.PrefixFrom(first, subnetLength).Masked()
			if !a.Less(first) && !last.Less(a) || around.Contains(last) && around.Contains(a) {
				return true
			}
		}
	}
	return false
}

// sameClient finds clients with two reservations on a link.
func (c *checker) sameClient(raw []rawReservation, reservations []Reservation) {
	lines := make(map[string]int, len(raw))
	for i := range raw {
		key, at := identity(&raw[i], &reservations[i])
		if key == "" {
			continue
		}
		if line := lines[key]; line > 0 {
			c.fail(at, "the client has a reservation on this link already, "+lineText(line), "join the two")
			continue
		}
		lines[key] = at.line
	}
}

// identity is whom a reservation is for, and where it says so; "" where that couldn't be read.
func identity(raw *rawReservation, r *Reservation) (string, place) {
	switch {
	case raw.DUID.ok:
		return "duid " + string(r.DUID), raw.DUID.place
	case raw.Hardware.ok:
		return "hardware " + string(r.Hardware), raw.Hardware.place
	case raw.RemoteID != nil && raw.RemoteID.id.ok:
		return fmt.Sprintf("remote-id %t %d %s", r.RemoteID.AnyEnterprise, r.RemoteID.Enterprise, r.RemoteID.Value), raw.RemoteID.place
	case raw.SubscriberID.ok:
		return "subscriber-id " + string(r.SubscriberID), raw.SubscriberID.place
	case raw.InterfaceID.ok:
		return "interface-id " + string(r.InterfaceID), raw.InterfaceID.place
	default:
		return "", place{}
	}
}
