package policy

import (
	"fmt"
	"net/netip"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A selection finds a client's link.
type selection struct {
	listening []int32 // links by index into Policy.Interfaces; -1: none
	addresses table   // links by the link-addresses of their relays
	ports     map[portKey]ports
	names     map[string]int32 // links by names of pools; nil: none is found so
}

// Ports are the links of all relay ports with one portKey: an Interface-ID is unique only within a relay
// (RFC 7969, Section 3.2), so that a link may ask for a link-address as well.
type ports struct {
	addresses table // links that do, by it
	anywhere  int32 // the link that doesn't; -1: none
}

// SelectLink finds the link that the client is on (RFC 9915, Section 13.1), or nil.
// Listen is 1 + the index into Interfaces of the one that the datagram came in by; 0: none of them.
//
// Of a relayed message the Interface-ID of the innermost relay that has one and the Relay-ID of the innermost that has
// one come first, where a link lists them: both together before the Interface-ID alone, and that before the Relay-ID alone.
// A link that lists several of Interface-IDs, Relay-IDs and link-addresses wants all of them to match, and a link that lists IDs is
// never selected by a link-address alone: it is one port of the relay, and who is behind the others isn't on it.
//
// Else the innermost link-address that is not zero decides, by its longest configured prefix. Zeros are a lightweight
// relay's and ignored (RFC 6221, Section 4). A link-address that no link has, or a link-local one that isn't
// configured (RFC 9915, Section 19.1.1), selects nothing: the next relay's link-address would name a link nearer to
// the server, and the client would get an address that doesn't work where it is. Only where it selects nothing, or there is
// none, a pool that a relay names does, of addresses before one of prefixes, where a link lists the name.
//
// A direct message, or one that only lightweight relays passed on, is from the receiving interface's link.
func (p *Policy) SelectLink(pkt *wire.Packet, listen uint16) *Link {
	link := int32(-1)
	addr, relayed := pkt.LinkAddress()
	if pkt.RelayCount > 0 && len(p.selection.ports) > 0 {
		link = p.selection.port(pkt, &addr, relayed)
	}
	if link < 0 && relayed {
		link = p.selection.addresses.find(address.FromBytes(addr))
	}
	if link < 0 && len(p.selection.names) > 0 {
		link = p.linkNamed(pkt)
	}
	switch {
	case link >= 0 || relayed:
	case listen > 0 && int(listen) <= len(p.selection.listening):
		link = p.selection.listening[listen-1]
	}
	if link < 0 {
		return nil
	}
	return &p.Links[link]
}

// port finds the link by Interface-ID and Relay-ID, or -1.
func (s *selection) port(pkt *wire.Packet, addr *[16]byte, relayed bool) int32 {
	var relay, id []byte
	for i := range pkt.RelayCount {
		r := inward(pkt, i)
		if len(id) == 0 {
			id = r.InterfaceID
		}
		if len(relay) == 0 {
			relay = r.RelayID
		}
	}
	return s.nearest(relay, id, addr, relayed)
}

// nearest is the link of what relays say of a port, or -1: by both IDs, else by one of them.
func (s *selection) nearest(relay, id []byte, addr *[16]byte, relayed bool) (link int32) {
	link = -1
	if len(relay) > 0 && len(id) > 0 {
		link = s.at(relay, id, addr, relayed)
	}
	if link < 0 && len(id) > 0 {
		link = s.at(nil, id, addr, relayed)
	}
	if link < 0 && len(relay) > 0 {
		link = s.at(relay, nil, addr, relayed)
	}
	return link
}

// at is the link of a port, or -1.
func (s *selection) at(relay, id []byte, addr *[16]byte, relayed bool) int32 {
	found, ok := s.ports[portKey{string(relay), string(id)}]
	if !ok {
		return -1
	}
	if relayed {
		if link := found.addresses.find(address.FromBytes(*addr)); link >= 0 {
			return link
		}
	}
	return found.anywhere
}

// linkNamed finds the link by the pools that relays name, or -1.
func (p *Policy) linkNamed(pkt *wire.Packet) int32 {
	request := p.PoolRequest(pkt)
	for _, name := range request.Names {
		if link, ok := p.selection.names[string(name)]; ok {
			return link
		}
	}
	return -1
}

// selection compiles how links are found; what would leave the choice to chance is a fault.
func (c *compiler) selection() {
	s := &c.p.selection
	s.listening = make([]int32, len(c.p.Interfaces))
	for i := range s.listening {
		s.listening[i] = -1
	}
	var addresses []span
	ids := make(map[portKey][]span)
	s.ports = make(map[portKey]ports)
	for i := range c.cfg.Links {
		l := &c.cfg.Links[i]
		reachable := c.listening(l, i) || len(l.LinkAddress)+len(l.InterfaceIDs)+len(l.RelayIDs)+len(l.PoolNames) > 0
		own := c.linkAddresses(l, int32(i))
		keys := portKeys(l)
		if len(keys) == 0 {
			reachable = reachable || len(own) > 0
			addresses = append(addresses, own...)
		}
		for _, key := range keys {
			c.portOf(key, i, own, ids)
		}
		c.named(l, i)
		if !reachable && len(c.p.Interfaces) > 0 {
			c.fault(fmt.Sprintf("links[%d].match", i),
				"no message can come from this link: listen.interfaces has none of its interfaces",
				"add the interface there, or give the link-addresses of its relays here")
		}
	}
	for key, spans := range ids {
		own := s.ports[key]
		own.addresses = c.addressTable(spans)
		s.ports[key] = own
	}
	s.addresses = c.addressTable(addresses)
}

// listening notes the interfaces that a link is on; false: this node listens on none of them.
func (c *compiler) listening(l *config.Link, i int) (some bool) {
	s := &c.p.selection
	for _, name := range l.Interfaces {
		if mapped, ok := c.interfaces[name]; ok {
			name = mapped
		}
		for k, listening := range c.p.Interfaces {
			if listening != name {
				continue
			}
			some = true
			if other := s.listening[k]; other >= 0 && other != int32(i) {
				c.fault(fmt.Sprintf("links[%d].match.interface", i),
					fmt.Sprintf("interface %s belongs to link %s already", name, c.cfg.Links[other].Name),
					"give each link interfaces of its own")
				continue
			}
			s.listening[k] = int32(i)
			c.p.Links[i].Interfaces = append(c.p.Links[i].Interfaces, name)
		}
	}
	return some
}

// linkAddresses are the link's spans of link-addresses: those configured, else the prefixes of its address pools.
func (c *compiler) linkAddresses(l *config.Link, i int32) (out []span) {
	prefixes := l.LinkAddress
	if len(prefixes) == 0 && len(l.InterfaceIDs)+len(l.RelayIDs) == 0 {
		for k := range l.Addresses {
			for _, r := range l.Addresses[k].Ranges {
				prefixes = append(prefixes, cover(address.FromBytes(r.First), address.FromBytes(r.Last))...)
			}
		}
	}
	for _, prefix := range disjoint(prefixes) {
		out = append(out, spanOf(prefix, i))
	}
	return out
}

// addressTable maps link-addresses to links. Link-local ones match only where they are configured as such:
// a wider prefix doesn't take them in.
func (c *compiler) addressTable(spans []span) table {
	if len(spans) == 0 {
		return table{}
	}
	linkLocal := spanOf(netip.MustParsePrefix("fe80::/10"), -1)
	configured := false
	for _, s := range spans {
		configured = configured || s.first == linkLocal.first && s.last == linkLocal.last
	}
	if !configured {
		spans = append(spans[:len(spans):len(spans)], linkLocal)
	}
	t, both := newTable(spans, true)
	if both != nil {
		c.fault(fmt.Sprintf("links[%d].match.link-addresses", both.second),
			fmt.Sprintf("link %s has the same link-address", c.cfg.Links[both.first].Name),
			"make one of them more specific, or tell them apart by interface-ids")
	}
	return t
}
