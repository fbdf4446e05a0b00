package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// links compiles all links, their pools and their reservations. Pools get their IDs in the file's order: link by
// link, addresses before prefixes, part by part or node by node. So a pool has the same ID on every node.
func (c *compiler) links() {
	p := c.p
	p.Links = make([]Link, len(c.cfg.Links))
	p.Stripes, p.OwnStripes = 1, []int{0}
	for i := range c.cfg.Links {
		c.link(&p.Links[i], i)
	}
	c.leaseTables()
}

// leaseTables makes the tables that find a lease's pool: those of each link, and those of all of them.
func (c *compiler) leaseTables() {
	p := c.p
	var all [2][]span
	perLink := make([][2][]span, len(p.Links))
	for _, pool := range p.Pools {
		first, last := address.FromBytes(pool.Range.First()), address.FromBytes(pool.Range.Last())
		s := span{first, endOf(last, pool.Range.Length()), int32(pool.ID)}
		kind := kindIndex(pool.Kind)
		all[kind] = append(all[kind], s)
		perLink[pool.Link][kind] = append(perLink[pool.Link][kind], s)
	}
	for kind := range all {
		var both *clash
		if p.leases[kind], both = newTable(all[kind], false); both != nil {
			a, b := p.Pools[both.first], p.Pools[both.second]
			c.fault(fmt.Sprintf("links[%d]", b.Link),
				fmt.Sprintf("pool %s overlaps pool %s of link %s", b.Name, a.Name, p.Links[a.Link].Name),
				"a lease may lie in one pool only")
		}
		for i := range p.Links {
			p.Links[i].pools = p.Pools
			p.Links[i].leases[kind], _ = newTable(perLink[i][kind], false)
		}
	}
}

func (c *compiler) link(l *Link, i int) {
	from := &c.cfg.Links[i]
	path := fmt.Sprintf("links[%d]", i)
	l.Index, l.Name = i, from.Name
	l.RapidCommit, l.Identity, l.Gate = from.Defaults.RapidCommit, from.Defaults.Identity, from.Gate
	l.PerClient, l.PrefixLength = from.PerClient, from.PrefixLength
	l.Terms = c.termsOf(from.Defaults.Lifetimes)
	c.longest(l)
	l.Naming = from.Naming
	l.Options = c.options(path+".options", from.Defaults.Options, Options{})
	l.Options.boot = bootLists(from.Defaults.Boot)
	l.registration(from.Registration)
	for _, prefix := range from.LinkAddress {
		// A bare address or a link-local one only names the link.
		if prefix.Bits() < 128 && !prefix.Addr().IsLinkLocalUnicast() {
			l.OnLink = append(l.OnLink, prefix)
		}
	}
	for k := range from.Addresses {
		c.pool(l, &from.Addresses[k], fmt.Sprintf("%s.addresses[%d]", path, k))
	}
	for k := range from.Prefixes {
		c.pool(l, &from.Prefixes[k], fmt.Sprintf("%s.prefixes[%d]", path, k))
	}
	c.reservations(l, from, path)
	l.OnLink, l.Delegable = disjoint(l.OnLink), disjoint(l.Delegable)
	l.onLink, l.delegable = prefixTable(l.OnLink), prefixTable(l.Delegable)
}

// prefixTable maps disjoint prefixes to their indexes.
func prefixTable(prefixes []netip.Prefix) table {
	spans := make([]span, len(prefixes))
	for i, p := range prefixes {
		spans[i] = spanOf(p, int32(i))
	}
	t, _ := newTable(spans, false)
	return t
}

// pool compiles a configured pool into this node's pools and its siblings'.
func (c *compiler) pool(l *Link, from *config.Pool, field string) {
	c.offers(l, from)
	own := c.poolOwn(l, from, field)
	owners := make(map[string]bool, len(from.Ranges))
	for i := range from.Ranges {
		r := &from.Ranges[i]
		owner := Everyone
		if r.Node != "" {
			owner = c.nodeByName(r.Node)
		}
		switch {
		case r.Node != "" && c.p.Model != config.Unique:
			c.fault(field, "a range per node is for `model: unique`", "give one range for all nodes")
			return
		case r.Node != "" && owner < 0:
			c.fault(field, "the cluster has no node "+r.Node, "name one of cluster.nodes")
			return
		case owners[r.Node] || owners[""] || r.Node == "" && i > 0:
			c.fault(field, "has several ranges for the same node", "give one range for all nodes, or one for each")
			return
		}
		owners[r.Node] = true
	}
	ranges := slices.Clone(from.Ranges)
	slices.SortFunc(ranges, func(a, b config.NodeRange) int {
		return cmp.Compare(c.nodeByName(a.Node), c.nodeByName(b.Node))
	})
	for i := range ranges {
		c.nodeRange(l, from, &ranges[i], &own, field)
	}
}

// poolOwn is what a pool has that else is the link's.
type poolOwn struct {
	terms   *Terms
	options *Options
}

func (c *compiler) poolOwn(l *Link, from *config.Pool, field string) (own poolOwn) {
	if from.Lifetimes != nil {
		terms := c.termsOf(*from.Lifetimes)
		own.terms, l.PoolTerms = &terms, true
		l.lasts(&terms)
	}
	if len(from.Options) > 0 {
		options := c.options(field+".options", from.Options, Options{})
		own.options, l.PoolOptions = &options, true
	}
	return own
}

// subnetLength is how long a link's prefix is where nothing says it (RFC 4291, Section 2.5.4).
const subnetLength = 64

// around is the link's prefix that an address pool shows: the pool as it is written; of a range that lies in one /64,
// that /64, for its neighbours are on the link as well, whoever assigns them.
func around(r *config.NodeRange) []netip.Prefix {
	first, last := netip.AddrFrom16(r.First), netip.AddrFrom16(r.Last)
	if subnet := netip.PrefixFrom(first, subnetLength).Masked(); !r.Prefix.IsValid() && subnet.Contains(last) {
		return []netip.Prefix{subnet}
	}
	return cover(address.FromBytes(r.First), address.FromBytes(r.Last))
}

func (c *compiler) nodeByName(name string) int {
	for i := range c.p.Nodes {
		if c.p.Nodes[i].Name == name {
			return i
		}
	}
	return Nobody
}

// nodeRange compiles one range of a pool: whole where one node owns it or all share it, else part by part.
func (c *compiler) nodeRange(l *Link, from *config.Pool, r *config.NodeRange, own *poolOwn, field string) {
	first, last := address.FromBytes(r.First), address.FromBytes(r.Last)
	if from.Kind == wire.IAPD {
		l.Delegable = append(l.Delegable, cover(first, endOf(last, from.Length))...)
	} else {
		l.OnLink = append(l.OnLink, around(r)...)
	}
	lastLease := startOf(last, from.Length).Bytes()
	whole, err := address.NewPool(r.First, lastLease, from.Length, hashPrefix(r), from.Exclude)
	if err != nil {
		c.fault(field, err.Error(), "")
		return
	}
	name := r.Prefix.String()
	if !r.Prefix.IsValid() {
		name = netip.AddrFrom16(r.First).String() + "-" + netip.AddrFrom16(r.Last).String()
	}
	pool := Pool{Kind: from.Kind, Range: whole, Owner: Everyone, Dense: from.Dense, Cut: from.Cut, Link: l.Index, Name: name, Gate: from.Gate,
		Sequential: from.Allocation == config.AllocateSequential,
		Called:     from.Name, NamedOnly: from.NamedOnly, group: c.group(from.Name), Retiring: from.Retiring, Terms: own.terms, Options: own.options}
	switch {
	case r.Node != "":
		pool.Owner = c.nodeByName(r.Node)
		c.add(l, pool)
	case c.p.Model != config.Split || c.p.Single:
		c.add(l, pool)
	default:
		for part, owner := range c.partOwner {
			cut, ok := whole.Part(part, c.parts)
			if !ok {
				c.fault(field, fmt.Sprintf("%s has too few slots to be cut into %d parts", name, c.parts), "make it larger")
				return
			}
			pool.Range, pool.Owner = cut, owner
			pool.Name = fmt.Sprintf("%s part %d of %d", name, part, c.parts)
			c.add(l, pool)
		}
	}
}

// hashPrefix is what stands for the pool in the hash.
func hashPrefix(r *config.NodeRange) [16]byte { return address.CommonPrefix(r.First, r.Last) }

// add takes a pool into the policy under the next ID.
func (c *compiler) add(l *Link, pool Pool) {
	p := c.p
	added := &pool
	added.ID = len(p.Pools)
	added.Sparse = pool.Range.Sparse()
	added.Own = pool.Owner == Everyone || pool.Owner == p.Self
	added.Stripes, added.OwnStripes = 1, []int{0}
	if pool.Owner == Everyone {
		p.Stripes, p.OwnStripes = c.parts, p.Nodes[p.Self].Parts
		added.Stripes, added.OwnStripes = p.Stripes, p.OwnStripes
	}
	p.Pools = append(p.Pools, added)
	kind := kindIndex(pool.Kind)
	l.inOrder[kind] = l.inOrder[kind] || pool.Sequential
	l.Retires = l.Retires || pool.Retiring
	if added.Own {
		l.ranges[kind] = append(l.ranges[kind], &added.Range)
	}
	switch {
	case !added.Own:
		l.Siblings = append(l.Siblings, added)
	case pool.Kind == wire.IAPD:
		l.Prefixes = append(l.Prefixes, added)
	default:
		l.Addresses = append(l.Addresses, added)
	}
}
