package config

import (
	"fmt"
	"slices"
	"strings"
)

// alike finds links that can't be told apart: the first of two would get all messages.
// Links may share link-addresses where their Interface-IDs or Relay-IDs differ, and these where their link-addresses do:
// an Interface-ID is unique only within its relay (RFC 7969, Section 3.2).
func (c *checker) alike(links []rawLink, cfg *Config) {
	seen := make(map[string]*rawLink)
	claim := func(l *rawLink, at place, key, what string) {
		other := seen[key]
		switch {
		case other == nil:
			seen[key] = l
		case other == l:
			c.fail(at, what+" stands here twice", "keep one of the two")
		default:
			c.fail(at, fmt.Sprintf("%s belongs to link %s already", what, other.called()), "say what tells the two apart")
		}
	}
	for i := range links {
		l := &links[i]
		if l.Match == nil {
			continue
		}
		c.alikeInterfaces(l, cfg, seen)
		for k := range l.Match.LinkAddresses {
			if p := &l.Match.LinkAddresses[k]; p.ok {
				// Behind an ID the same link-address is common; then only twice in one list is wrong.
				key := "address " + p.value.String()
				if len(l.Match.InterfaceIDs)+len(l.Match.RelayIDs) > 0 {
					key = fmt.Sprintf("%d %s", i, key)
				}
				claim(l, p.place, key, p.value.String())
			}
		}
		for _, id := range l.Match.ids() {
			if len(l.Match.LinkAddresses) == 0 {
				claim(l, id.place, id.key, id.what)
			}
			for _, p := range l.Match.LinkAddresses {
				if p.ok {
					claim(l, id.place, id.key+" at "+p.value.String(), id.what+" at "+p.value.String())
				}
			}
		}
		for k := range l.Match.PoolNames.list {
			if t := &l.Match.PoolNames.list[k]; t.ok {
				claim(l, t.place, "pool "+t.value, "the pools' name "+printable(t.value))
			}
		}
	}
}

// A matchedID is what relays must give for a link: an Interface-ID, a Relay-ID, or one of each.
type matchedID struct {
	place
	key, what string
}

// ids are the IDs of relays in a link's match. Of a link that lists both kinds any one goes with any of the other.
func (m *rawMatch) ids() (out []matchedID) {
	add := func(at place, port *octets, relay *hexadecimal) {
		id := matchedID{place: at, key: "id"}
		var words []string
		if port != nil {
			id.key += fmt.Sprintf(" port %x", port.value)
			words = append(words, "the Interface-ID "+printable(string(port.value)))
		}
		if relay != nil {
			id.key += fmt.Sprintf(" relay %x", relay.value)
			words = append(words, fmt.Sprintf("the Relay-ID %x", relay.value))
		}
		id.what = strings.Join(words, " with ")
		out = append(out, id)
	}
	for i := range m.InterfaceIDs {
		port := &m.InterfaceIDs[i]
		for k := range m.RelayIDs {
			if relay := &m.RelayIDs[k]; port.ok && relay.ok {
				add(port.place, port, relay)
			}
		}
		if port.ok && len(m.RelayIDs) == 0 {
			add(port.place, port, nil)
		}
	}
	for k := range m.RelayIDs {
		if relay := &m.RelayIDs[k]; relay.ok && len(m.InterfaceIDs) == 0 {
			add(relay.place, nil, relay)
		}
	}
	return out
}

// alikeInterfaces finds interfaces of a node that two links are on. Nodes can call the same interface differently.
func (c *checker) alikeInterfaces(l *rawLink, cfg *Config, seen map[string]*rawLink) {
	nodes := listeners(cfg)
	for k := range l.Match.Interface.list {
		t := &l.Match.Interface.list[k]
		if !t.ok {
			continue
		}
		for _, node := range nodes {
			name := t.value
			if mapped, ok := node.labels[name]; ok {
				name = mapped
			}
			if !slices.Contains(node.listen.Interfaces, name) {
				continue
			}
			key := "interface " + name + " of " + node.name
			if other := seen[key]; other != nil && other != l {
				where := ""
				if node.name != "" {
					where = " of node " + node.name
				}
				c.fail(t.place, fmt.Sprintf("interface %s%s belongs to link %s already", name, where, other.called()),
					"an interface is on one link; put the pools of both into one")
				break
			}
			seen[key] = l
		}
	}
}
