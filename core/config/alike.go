package config

import (
	"fmt"
	"slices"
)

// alike finds links that can't be told apart: the first of two would get all messages.
// Links may share link-addresses where their Interface-IDs differ, and Interface-IDs where their link-addresses do:
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
				// Behind an Interface-ID the same link-address is common; then only twice in one list is wrong.
				key := "address " + p.value.String()
				if len(l.Match.InterfaceIDs) > 0 {
					key = fmt.Sprintf("%d %s", i, key)
				}
				claim(l, p.place, key, p.value.String())
			}
		}
		for k := range l.Match.InterfaceIDs {
			id := &l.Match.InterfaceIDs[k]
			if !id.ok {
				continue
			}
			key, what := "id "+string(id.value), "the Interface-ID "+printable(string(id.value))
			if len(l.Match.LinkAddresses) == 0 {
				claim(l, id.place, key, what)
			}
			for _, p := range l.Match.LinkAddresses {
				if p.ok {
					claim(l, id.place, key+" at "+p.value.String(), what+" at "+p.value.String())
				}
			}
		}
	}
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
