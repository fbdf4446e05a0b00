package policy

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A selection finds a client's link.
type selection struct {
	listening  []int32          // links by index into Policy.Interfaces; -1: none
	addresses  table            // links by the link-addresses of their relays
	interfaces map[string]ports // by Interface-ID
}

// Ports are the links of all relay ports with one Interface-ID: it is unique only within a relay
// (RFC 7969, Section 3.2), so that a link may ask for a link-address as well.
type ports struct {
	addresses table // links that do, by it
	anywhere  int32 // the link that doesn't; -1: none
}

// SelectLink finds the link that the client is on (RFC 9915, Section 13.1), or nil.
// Listen is 1 + the index into Interfaces of the one that the datagram came in by; 0: none of them.
//
// Of a relayed message the Interface-ID of the innermost relay that has one comes first, where a link lists it.
// A link that lists Interface-IDs and link-addresses wants both to match, and a link that lists Interface-IDs is
// never selected by a link-address alone: it is one port of the relay, and who is behind the others isn't on it.
//
// Else the innermost link-address that is not zero decides, by its longest configured prefix. Zeros are a lightweight
// relay's and ignored (RFC 6221, Section 4). A link-address that no link has, or a link-local one that isn't
// configured (RFC 9915, Section 19.1.1), selects nothing: the next relay's link-address would name a link nearer to
// the server, and the client would get an address that doesn't work where it is.
//
// A direct message, or one that only lightweight relays passed on, is from the receiving interface's link.
func (p *Policy) SelectLink(pkt *wire.Packet, listen uint16) *Link {
	link := int32(-1)
	addr, relayed := pkt.LinkAddress()
	if pkt.RelayCount > 0 && len(p.selection.interfaces) > 0 {
		link = p.selection.port(pkt, &addr, relayed)
	}
	switch {
	case link >= 0:
	case relayed:
		link = p.selection.addresses.find(address.FromBytes(addr))
	case listen > 0 && int(listen) <= len(p.selection.listening):
		link = p.selection.listening[listen-1]
	}
	if link < 0 {
		return nil
	}
	return &p.Links[link]
}

// port finds the link by the Interface-ID, or -1.
func (s *selection) port(pkt *wire.Packet, addr *[16]byte, relayed bool) int32 {
	for i := range pkt.RelayCount {
		id := inward(pkt, i).InterfaceID
		if len(id) == 0 {
			continue
		}
		found, ok := s.interfaces[string(id)]
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
	ids := make(map[string][]span)
	s.interfaces = make(map[string]ports)
	for i := range c.cfg.Links {
		l := &c.cfg.Links[i]
		reachable := c.listening(l, i) || len(l.LinkAddress) > 0 || len(l.InterfaceIDs) > 0
		own := c.linkAddresses(l, int32(i))
		if len(l.InterfaceIDs) == 0 {
			reachable = reachable || len(own) > 0
			addresses = append(addresses, own...)
		}
		for k, id := range l.InterfaceIDs {
			if !slices.ContainsFunc(l.InterfaceIDs[:k], func(b []byte) bool { return bytes.Equal(b, id) }) {
				c.interfaceID(string(id), i, own, ids)
			}
		}
		if !reachable && len(c.p.Interfaces) > 0 {
			c.fault(fmt.Sprintf("links[%d].match", i),
				"no message can come from this link: listen.interfaces has none of its interfaces",
				"add the interface there, or give the link-addresses of its relays here")
		}
	}
	for id, spans := range ids {
		own := s.interfaces[id]
		own.addresses = c.addressTable(spans)
		s.interfaces[id] = own
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
		}
	}
	return some
}

// linkAddresses are the link's spans of link-addresses: those configured, else the prefixes of its address pools.
func (c *compiler) linkAddresses(l *config.Link, i int32) (out []span) {
	prefixes := l.LinkAddress
	if len(prefixes) == 0 && len(l.InterfaceIDs) == 0 {
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

// interfaceID notes a link's claim to an Interface-ID: for some link-addresses only, or anywhere.
func (c *compiler) interfaceID(id string, i int, own []span, ids map[string][]span) {
	s := &c.p.selection
	found, ok := s.interfaces[id]
	if !ok {
		found.anywhere = -1
	}
	if len(own) > 0 {
		ids[id] = append(ids[id], own...)
	} else if found.anywhere >= 0 && found.anywhere != int32(i) {
		c.fault(fmt.Sprintf("links[%d].match.interface-ids", i),
			fmt.Sprintf("link %s has the Interface-ID %x too", c.cfg.Links[found.anywhere].Name, id),
			"add link-addresses to tell the two apart")
	} else {
		found.anywhere = int32(i)
	}
	s.interfaces[id] = found
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
