package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A poolRange is one range of a configured pool, of all nodes or of one.
type poolRange struct {
	pair  linkPair
	pool  *config.Pool
	span  *config.NodeRange
	owner int // as nodeNumber counts, or Everyone
}

// A poolKey tells which pools are the same one: of one kind and owner, with the same first and last address.
type poolKey struct {
	pair        linkPair
	kind        wire.Kind
	owner       int
	first, last [16]byte
}

func (r *poolRange) key() poolKey {
	return poolKey{r.pair, r.pool.Kind, r.owner, r.span.First, r.last().Bytes()}
}

// last is the last address of the range.
func (r *poolRange) last() address.U128 {
	return endOf(address.FromBytes(r.span.Last), r.pool.Length)
}

func (r *poolRange) overlaps(s *poolRange) bool {
	return !r.last().Less(address.FromBytes(s.span.First)) && !s.last().Less(address.FromBytes(r.span.First))
}

// dense tells whether the range, or a part of it, has so few leases that two clients may compute the same one.
func (r *poolRange) dense(p *Policy) bool {
	first := r.span.First
	pool := p.PoolOf(r.pool.Kind, &first, r.pool.Length)
	return pool == nil || !pool.Sparse
}

// String is the range as it is written.
func (r *poolRange) String() string {
	if r.span.Prefix.IsValid() {
		return r.span.Prefix.String()
	}
	return rangeText(r.span.First, r.span.Last)
}

// called is the range with what it is, and where.
func (r *poolRange) called(d *differ) string {
	text := fmt.Sprintf("pool %s of link %s", r, d.linkName(r.pair))
	if r.pool.Kind == wire.IAPD {
		text = fmt.Sprintf("pool %s of prefixes of length %d of link %s", r, r.pool.Length, d.linkName(r.pair))
	}
	if r.owner >= 0 {
		text += ", node " + d.nodeName(r.owner)
	}
	return text
}

// ranges are all ranges of a configuration.
func (d *differ) ranges(after bool) (all []poolRange) {
	p := d.before
	if after {
		p = d.after
	}
	for _, pair := range d.links {
		i := pair.before
		if after {
			i = pair.after
		}
		if i < 0 {
			continue
		}
		link := &p.source.Links[i]
		for _, pools := range [][]config.Pool{link.Addresses, link.Prefixes} {
			for k := range pools {
				for n := range pools[k].Ranges {
					r := poolRange{pair, &pools[k], &pools[k].Ranges[n], Everyone}
					if r.span.Node != "" {
						r.owner = d.owner(p, r.span.Node)
					}
					all = append(all, r)
				}
			}
		}
	}
	return all
}

// owner numbers a node by its name in one of the configurations.
func (d *differ) owner(p *Policy, name string) int {
	node := slices.IndexFunc(p.Nodes, func(n Node) bool { return n.Name == name })
	if p == d.after {
		return d.nodeNumber(node)
	}
	return node
}

// onLink tells whether a node with this link leaves leases of the range to clients that hold them.
func (d *differ) onLink(l *Link, r *poolRange) bool {
	prefixes := l.OnLink
	if r.pool.Kind == wire.IAPD {
		prefixes = l.Delegable
	}
	if len(prefixes) == 0 {
		return true // the link leaves such leases to others
	}
	for _, part := range cover(address.FromBytes(r.span.First), r.last()) {
		if !slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Bits() <= part.Bits() && p.Contains(part.Addr()) }) {
			return false
		}
	}
	return true
}

// nobodysDUID stands for a client that doesn't exist.
var nobodysDUID = []byte{0, 2, 0, 0, 0, 0, 0}

// putOnLink says how a range is on a link that has no pool for it. For delegated prefixes only a reservation does it.
func (d *differ) putOnLink(r *poolRange) string {
	parts := cover(address.FromBytes(r.span.First), r.last())
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = fmt.Sprintf("%q", part)
	}
	list := strings.Join(texts, ", ")
	if r.pool.Kind == wire.IAPD {
		return fmt.Sprintf("a reservation of link %s for a client that doesn't exist, by which it counts as the link's: `{duid: %q, prefixes: [%s]}`", d.linkName(r.pair), wire.FormatDUID(nobodysDUID), list)
	}
	return fmt.Sprintf("%s in match.link-addresses of link %s (where it has none, with those of its pools)", list, d.linkName(r.pair))
}

// withoutPool is the old file without a pool whose leases stay on the link, so that no node takes them from clients.
func (d *differ) withoutPool(r *poolRange) string {
	text := "the old file without this pool, but with another one for its clients"
	if r.owner >= 0 {
		text = "the old file with another range for node " + d.nodeName(r.owner) + " in its place"
	}
	if r.pool.Kind == wire.IANA {
		listed := Link{OnLink: d.before.source.Links[r.pair.before].LinkAddress}
		if len(listed.OnLink) > 0 && d.onLink(&listed, r) {
			return text
		}
	}
	return text + ", and still " + d.putOnLink(r)
}
