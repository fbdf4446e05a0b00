package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const dnsPort = 53

// dnsKeys checks the keys. One whose name can't be read stands among them all the same, so that indexes fit.
func (c *checker) dnsKeys(d *DNS, raw *rawDNS) {
	lines := make(map[string]int)
	for i := range raw.Keys {
		k := &raw.Keys[i]
		name := k.Name.name()
		if line := lines[string(name)]; k.Name.ok && line > 0 {
			c.fail(k.Name.place, fmt.Sprintf("another key is called %s, in line %d", plainName(name), line), "keep one of the two")
		} else if k.Name.ok {
			lines[string(name)] = k.Name.line
		}
		key := DNSKey{Name: name, Algorithm: k.Algorithm.or("hmac-sha256")}
		if k.Secret.ok {
			if key.Secret = elsewhere(k.Secret.value); key.Secret == "" {
				c.fail(k.Secret.place, "isn't where a secret comes from", "write file:NAME or env:NAME; BIND's tsig-keygen makes such a file")
			}
		}
		d.Keys = append(d.Keys, key)
	}
}

func (c *checker) dnsZones(d *DNS, raw *rawDNS) {
	lines, used := make(map[string]int), make(map[int]bool)
	for i := range raw.Zones {
		z := &raw.Zones[i]
		zone := DNSZone{Name: z.Zone.value, Reverse: z.Zone.value.Under(reverseRoot), Key: -1}
		if line := lines[string(zone.Name)]; z.Zone.ok && line > 0 {
			c.fail(z.Zone.place, fmt.Sprintf("the zone %s stands here already, in line %d", plainName(zone.Name), line), "join the two")
		} else if z.Zone.ok {
			lines[string(zone.Name)] = z.Zone.line
		}
		c.dnsServers(&zone, z)
		if z.Key.ok {
			name := z.Key.name()
			zone.Key = slices.IndexFunc(d.Keys, func(k DNSKey) bool { return string(k.Name) == string(name) })
			used[zone.Key] = true
			if zone.Key < 0 {
				c.fail(z.Key.place, "dns.keys has no key "+plainName(name), "name one of those that are there, or add it")
			}
		}
		if z.Zone.ok {
			d.Zones = append(d.Zones, zone)
		}
	}
	for i := range raw.Keys {
		if raw.Keys[i].Name.ok && !used[i] {
			c.warn(raw.Keys[i].Name.place, "no zone names the key", "name it as the key of a zone, or leave it out")
		}
	}
}

// dnsServers checks who takes a zone's updates.
func (c *checker) dnsServers(zone *DNSZone, raw *rawDNSZone) {
	if raw.At.given() && raw.Servers != nil && len(raw.Servers) == 0 {
		c.fail(raw.At.in("servers"), "names nobody", "name the zone's primary server")
	}
	near := true
	for i := range raw.Servers {
		t := &raw.Servers[i]
		at, ok := c.dnsServer(t)
		switch {
		case !ok:
		case slices.Contains(zone.Servers, at):
			c.fail(t.place, at.String()+" stands here twice", "keep one of the two")
		default:
			zone.Servers = append(zone.Servers, at)
			near = near && at.Addr().Unmap().IsLoopback()
		}
	}
	if !near && !raw.Key.given && raw.Zone.ok {
		c.warn(raw.Zone.place, "updates of the zone aren't signed, so its servers can't tell who sent them", "name a key (RFC 4704, Section 10)")
	}
}

func (c *checker) dnsServer(t *text) (netip.AddrPort, bool) {
	if !t.ok {
		return netip.AddrPort{}, false
	}
	at, err := netip.ParseAddrPort(t.value)
	if err != nil {
		addr, err := netip.ParseAddr(strings.Trim(t.value, "[]"))
		if err != nil {
			c.fail(t.place, printable(t.value)+" isn't an address with a port", "write [2001:db8::53]:53, or an address alone")
			return netip.AddrPort{}, false
		}
		at = netip.AddrPortFrom(addr, dnsPort)
	}
	if at.Port() == 0 || at.Addr().IsMulticast() || at.Addr().IsUnspecified() {
		c.fail(t.place, printable(t.value)+" is no server's address", "write [2001:db8::53]:53, or an address alone")
		return netip.AddrPort{}, false
	}
	return at, true
}
