package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lockstep6/lockstep6/core/wire"
)

// maxLinkName is the most octets of a link's name.
const maxLinkName = 63

// links checks all links, and that no two of them are in each other's way.
func (c *checker) links(raw *rawConfig, cfg *Config) {
	if n, ok := c.positions["links"]; ok && len(raw.Links) == 0 {
		c.fail(place{n.Line, n.Column, "links"}, "has no link", "write at least one: - name: lan")
	}
	lines := make(map[string]int)
	for i := range raw.Links {
		l := &raw.Links[i]
		if !l.At.given() {
			continue
		}
		if line := lines[l.Name.value]; l.Name.ok && line > 0 {
			c.fail(l.Name.place, fmt.Sprintf("another link is called %s, in line %d", l.called(), line), "give each its own name")
		} else if l.Name.ok {
			lines[l.Name.value] = l.Name.line
			c.linkName(&l.Name)
		}
		c.former(l)
		link := c.link(l, cfg)
		link.Registration = c.registration(l, raw.Registration)
		cfg.Links = append(cfg.Links, link)
	}
	c.roomForClasses(raw.Classes, cfg)
	c.interfaces(raw, cfg)
	c.alike(raw.Links, cfg)
	c.nobodyNamed(raw.Relays, cfg)
	pools := c.poolSpans(raw.Links, cfg)
	c.overlaps(pools, "a lease may lie in one pool only")
	c.reserved(raw.Links, pools)
}

// given tells whether anything stands in the file there.
func (p place) given() bool { return p.line > 0 }

func (c *checker) linkName(t *text) {
	control := strings.ContainsFunc(t.value, func(r rune) bool { return !unicode.IsPrint(r) })
	if len(t.value) > maxLinkName || control || !utf8.ValidString(t.value) {
		c.fail(t.place, printable(t.value)+" can't be a link's name", fmt.Sprintf("write up to %d printable octets", maxLinkName))
	}
}

func (c *checker) link(raw *rawLink, cfg *Config) Link {
	l := Link{
		Name: raw.Name.value,
		Defaults: Defaults{
			Lifetimes:   c.lifetimes(raw.Lifetimes, cfg.Policy.Lifetimes),
			RapidCommit: rapidCommit(&raw.RapidCommit, cfg.Policy.RapidCommit),
			Identity:    clientIdentity(&raw.Identity, cfg.Policy.Identity),
			Options:     c.options(raw.Options, cfg.Policy.Options),
			Boot:        c.bootLists(raw.Boot, raw.Options, cfg.Policy.Boot),
		},
		PerClient: perClient(raw.Limits, cfg.Limits.PerClient),
	}
	l.Naming = c.linkNaming(raw, cfg.DNS)
	if raw.Match != nil {
		c.match(&l, raw.Match)
	}
	if !raw.reachable() {
		c.fail(raw.At.in("match"), "is missing, so that no message ever comes from the link",
			"write match: {interface: eth0} or match: {link-addresses: [...]}")
	}
	l.Gate = c.gate(&raw.Classes, &raw.Except, cfg.Classes)
	for i := range raw.Addresses {
		p := &raw.Addresses[i]
		pool := c.pool(&p.Pool, p.Exclude, wire.IANA, 128, cfg.Cluster)
		pool.Dense = Dense(wordIndex(&p.Dense, "agree|exclusive"))
		pool.Gate = c.gate(&p.Classes, &p.Except, cfg.Classes)
		c.sequence(&pool, &p.Pool, &p.Allocation, &p.Dense, cfg)
		pool.Retiring = p.Retires.value
		c.poolTerms(&pool, p.Lifetimes, p.Options, l.Defaults.Options)
		c.poolName(&pool, &p.Name, &p.Only, cfg.Relays.NamedPools)
		c.insideLink(&p.Pool, l.LinkAddress)
		if len(pool.Ranges) > 0 {
			l.Addresses = append(l.Addresses, pool)
		}
	}
	for i := range raw.Prefixes {
		p := &raw.Prefixes[i]
		pool := c.pool(&p.Pool, p.Exclude, wire.IAPD, int(p.Length.value), cfg.Cluster)
		pool.Dense = Dense(wordIndex(&p.Dense, "agree|exclusive"))
		pool.Gate = c.gate(&p.Classes, &p.Except, cfg.Classes)
		c.sequence(&pool, &p.Pool, &p.Allocation, &p.Dense, cfg)
		pool.Retiring = p.Retires.value
		c.poolTerms(&pool, p.Lifetimes, p.Options, l.Defaults.Options)
		c.poolName(&pool, &p.Name, &p.Only, cfg.Relays.NamedPools)
		pool.Cut = c.cutout(p.Excluded, &p.Length)
		if len(pool.Ranges) > 0 {
			l.Prefixes = append(l.Prefixes, pool)
		}
	}
	l.PrefixLength = c.prefixLength(&raw.PrefixLength, l.Prefixes)
	c.matchNames(&l, raw.Match, cfg.Relays.NamedPools)
	for i := range raw.Reservations {
		l.Reservations = append(l.Reservations, c.reservation(&raw.Reservations[i], &l))
	}
	c.sameClient(raw.Reservations, l.Reservations)
	return l
}

// reachable tells whether messages can come from the link.
func (l *rawLink) reachable() bool {
	m := l.Match
	return len(l.Addresses) > 0 || m != nil && m.tells()
}

// tells tells whether there is anything that messages can match.
func (m *rawMatch) tells() bool {
	return len(m.Interface.list)+len(m.LinkAddresses)+len(m.InterfaceIDs)+len(m.RelayIDs)+len(m.PoolNames.list) > 0
}

// called is the link's name, or its line where it has none.
func (l *rawLink) called() string {
	if l.Name.ok {
		return printable(l.Name.value)
	}
	return fmt.Sprintf("in line %d", l.At.line)
}

func (c *checker) match(l *Link, raw *rawMatch) {
	for i := range raw.Interface.list {
		if t := &raw.Interface.list[i]; t.ok {
			l.Interfaces = append(l.Interfaces, t.value)
		}
	}
	for i := range raw.LinkAddresses {
		p := &raw.LinkAddresses[i]
		switch {
		case !p.ok:
		case p.value.Addr().IsMulticast() || p.value.Addr().IsLoopback() || p.value == netip.PrefixFrom(netip.IPv6Unspecified(), 128):
			c.fail(p.place, p.value.String()+" can't be a relay's link-address", "write an address or a prefix of the link")
		default:
			l.LinkAddress = append(l.LinkAddress, p.value)
		}
	}
	for i := range raw.InterfaceIDs {
		if id := &raw.InterfaceIDs[i]; id.ok {
			l.InterfaceIDs = append(l.InterfaceIDs, id.value)
		}
	}
	for i := range raw.RelayIDs {
		if id := &raw.RelayIDs[i]; id.ok {
			l.RelayIDs = append(l.RelayIDs, id.value)
		}
	}
}

// onLink are the prefixes among link-addresses: a bare address, or a link-local one, only names the link.
func onLink(linkAddresses []netip.Prefix) (out []netip.Prefix) {
	for _, p := range linkAddresses {
		if p.Bits() < 128 && !p.Addr().IsLinkLocalUnicast() {
			out = append(out, p)
		}
	}
	return out
}

// insideLink checks that an address pool lies in one of its link's prefixes, where these are known.
func (c *checker) insideLink(pool *rawPool, linkAddresses []netip.Prefix) {
	prefixes := onLink(linkAddresses)
	for i := range pool.blocks {
		b := &pool.blocks[i]
		inside := func(p netip.Prefix) bool { return p.Contains(b.first) && p.Contains(b.last) }
		if b.ok && len(prefixes) > 0 && !slices.ContainsFunc(prefixes, inside) {
			c.fail(b.place, "lies in none of the link's prefixes", "add its prefix to the link's match.link-addresses")
		}
	}
}

// A listener is a node as links see it: which of their interfaces it listens on, and what it calls them.
type listener struct {
	name   string
	listen *Listen
	labels map[string]string
}

func listeners(cfg *Config) (out []listener) {
	if cfg.Cluster == nil {
		return []listener{{"", &cfg.Listen, nil}}
	}
	for i := range cfg.Cluster.Nodes {
		n := &cfg.Cluster.Nodes[i]
		l := listener{n.Name, &cfg.Listen, n.Interfaces}
		if n.Listen != nil {
			l.listen = n.Listen
		}
		out = append(out, l)
	}
	return out
}

// interfaces checks that somebody listens on the links' interfaces, and that the nodes' labels are used.
func (c *checker) interfaces(raw *rawConfig, cfg *Config) {
	heard := make(map[string]bool)
	known := false
	for _, node := range listeners(cfg) {
		known = known || len(node.listen.Interfaces)+len(node.listen.Addresses) > 0
		for _, name := range interfacesOf(node.listen, node.labels) {
			heard[name] = true
		}
	}
	used := make(map[string]bool)
	for i := range raw.Links {
		if raw.Links[i].Match == nil {
			continue
		}
		for _, t := range raw.Links[i].Match.Interface.list {
			used[t.value] = true
			if t.ok && known && !heard[t.value] {
				remedy := "add it to listen.interfaces"
				if best, ok := nearest(t.value, slices.Sorted(maps.Keys(heard))); ok {
					remedy += ", or did you mean " + best + "?"
				}
				c.fail(t.place, "nobody listens on "+printable(t.value), remedy)
			}
		}
	}
	if raw.Cluster == nil {
		return
	}
	for i, node := range listeners(cfg) {
		for _, e := range raw.Cluster.Nodes[i].Interfaces.entries {
			switch {
			case !used[e.key]:
				c.fail(e.at, "no link's match.interface is "+printable(e.key), suggest(e.key, slices.Sorted(maps.Keys(used))))
			case e.name.ok && !slices.Contains(node.listen.Interfaces, e.name.value):
				c.fail(e.name.place, "the node doesn't listen on "+printable(e.name.value), "add it to the node's listen.interfaces")
			}
		}
	}
}

// perClient is what one client may have on a link, in what it doesn't say itself as limits has it.
func perClient(raw *rawLinkLimits, inherited PerClient) PerClient {
	if raw == nil {
		return inherited
	}
	return PerClient{int(raw.Addresses.or(uint64(inherited.Addresses))), int(raw.Prefixes.or(uint64(inherited.Prefixes)))}
}

// prefixLength checks that a pool of the link has prefixes of the length that comes first.
func (c *checker) prefixLength(raw *number, pools []Pool) uint8 {
	if !raw.ok {
		return 0
	}
	length := uint8(raw.value)
	if !slices.ContainsFunc(pools, func(p Pool) bool { return p.Length == length }) {
		c.fail(raw.place, fmt.Sprintf("no pool of the link has prefixes of length %d", length), "write the length of one of its prefixes, or leave it out")
	}
	return length
}

// poolTerms are a pool's own lifetimes and options, for which a reply must have room beside the link's.
func (c *checker) poolTerms(pool *Pool, lifetimes *rawLifetimes, options *rawOptions, link []Option) {
	if lifetimes != nil {
		own := c.lifetimes(lifetimes, Lifetimes{})
		pool.Lifetimes = &own
	}
	if options == nil {
		return
	}
	pool.Options = c.classOptions(options)
	all := make(map[wire.OptionCode]Option)
	overlay(all, link)
	overlay(all, pool.Options)
	c.sized(options.place, all)
}
