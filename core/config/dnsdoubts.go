package config

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/naming"
)

// leastTTL is how short a TTL of its own needn't be (RFC 4704, Section 7).
const leastTTL = 600

// dnsDoubts looks at links and dns together: names that can't be made, and what is seldom meant.
func (c *checker) dnsDoubts(raw *rawConfig, cfg *Config) {
	if cfg.DNS == nil {
		return
	}
	named := make(map[string]namedClient)
	homeless, slow, k := false, false, 0
	for i := range raw.Links {
		from := &raw.Links[i]
		if !from.At.given() {
			continue
		}
		l := &cfg.Links[k]
		k++
		if l.Naming == nil {
			continue
		}
		if l.Naming.Generate != naming.GenerateNever && l.Naming.Domain == nil {
			at := raw.DNS.At
			if from.DNS != nil {
				at = from.DNS.At
			}
			if from.DNS != nil || !homeless {
				c.fail(at.in("domain"), "is missing, and names are to be made from addresses", "add domain: clients.example.net, or say generate: never")
			}
			homeless = homeless || from.DNS == nil
		}
		if most := max(l.Defaults.Lifetimes.Valid/3, leastTTL); raw.DNS.TTL.ok && cfg.DNS.TTL > most && l.Naming.Updates && !slow {
			slow = true
			c.warn(raw.DNS.TTL.place, "is more than a third of the valid lifetime on link "+from.called(),
				"leave it out, or write "+FormatSpan(most)+" at most (RFC 4704, Section 7)")
		}
		c.reverseDoubts(from, l, cfg.DNS)
		c.sameName(from, l, named)
	}
}

// reverseDoubts warns of pools whose leases get no PTR record though there are reverse zones.
func (c *checker) reverseDoubts(raw *rawLink, l *Link, d *DNS) {
	if !l.Naming.Updates || !slices.ContainsFunc(d.Zones, func(z DNSZone) bool { return z.Reverse }) {
		return
	}
	doubt := func(pool *rawPool) {
		for i := range pool.blocks {
			if b := &pool.blocks[i]; b.ok && !(d.reverses(b.first) && d.reverses(b.last)) {
				c.warn(b.place, "lies in no reverse zone, so its leases get no PTR record", "add its zone to dns.zones")
			}
		}
	}
	for i := range raw.Addresses {
		doubt(&raw.Addresses[i].Pool)
	}
	for i := range raw.Prefixes {
		if d.Prefixes {
			doubt(&raw.Prefixes[i].Pool)
		}
	}
}

// reverses tells whether a zone has the address' PTR record.
func (d *DNS) reverses(a netip.Addr) bool {
	addr := a.As16()
	name := naming.AppendReverse(nil, &addr)
	return slices.ContainsFunc(d.Zones, func(z DNSZone) bool { return z.Reverse && name.Under(z.Name) })
}

type namedClient struct {
	identity string
	line     int
}

// sameName warns of clients that have one name: DNS keeps only one of them. A client may have it on several links.
func (c *checker) sameName(raw *rawLink, l *Link, named map[string]namedClient) {
	for i := range l.Reservations {
		r, from := &l.Reservations[i], &raw.Reservations[i]
		who, _ := identity(from, r)
		if r.Hostname == nil || from.stored || who == "" {
			continue
		}
		if other, ok := named[string(r.Hostname)]; !ok {
			named[string(r.Hostname)] = namedClient{who, from.Hostname.line}
		} else if other.identity != who {
			c.warn(from.Hostname.place, fmt.Sprintf("another client has this name, in line %d; DNS keeps that of one of them", other.line), "give each its own name")
		}
	}
}
