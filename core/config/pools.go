package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/wire"
)

// pool checks one pool by itself. A length of 0 is one that couldn't be read.
func (c *checker) pool(raw *rawPool, exclude []block, kind wire.Kind, length int, cluster *Cluster) Pool {
	pool := Pool{Kind: kind, Length: uint8(length)}
	if raw.given && raw.perNode() {
		c.nodesOf(raw, cluster)
	}
	whole := true
	for i := range raw.blocks {
		b := &raw.blocks[i]
		if !b.ok {
			whole = false
			continue
		}
		if b.ok = c.assignable(b, length); b.ok && kind == wire.IAPD && length > 0 {
			b.ok = c.aligned(b, length)
		}
		if b.ok && cluster != nil && cluster.Model == Split && length > 0 && fewerSlots(b.first, b.last, length, uint64(cluster.Parts)) {
			c.fail(b.place, fmt.Sprintf("has too few leases to be cut into %d parts", cluster.Parts), "make it larger")
		}
		whole = whole && b.ok
		lastLease := netip.PrefixFrom(b.last, length).Masked().Addr()
		pool.Ranges = append(pool.Ranges, NodeRange{b.node, b.first.As16(), lastLease.As16(), b.prefix})
	}
	for i := range exclude {
		e := &exclude[i]
		if !e.ok {
			continue
		}
		if whole && !slices.ContainsFunc(raw.blocks, func(b rawNodeBlock) bool { return b.contains(e) }) {
			c.fail(e.place, "isn't inside of the pool", "the pool goes from "+extents(raw.blocks))
		}
		pool.Exclude = append(pool.Exclude, e.asRange())
	}
	for i := range raw.blocks {
		if b := &raw.blocks[i]; whole && covered(&b.block, exclude) {
			c.fail(b.place, "all of it is excluded", "leave something to assign, or remove the pool")
		}
	}
	return pool
}

func extents(blocks []rawNodeBlock) string {
	parts := make([]string, len(blocks))
	for i := range blocks {
		parts[i] = blocks[i].first.String() + " to " + blocks[i].last.String()
	}
	return strings.Join(parts, " and from ")
}

// nodesOf checks a map from nodes to their blocks.
func (c *checker) nodesOf(raw *rawPool, cluster *Cluster) {
	if cluster == nil || cluster.Model != Unique {
		c.fail(raw.place, "is a map of nodes, which is for cluster.model unique", "write one prefix, or first-last")
		return
	}
	known := make([]string, len(cluster.Nodes))
	for i := range cluster.Nodes {
		known[i] = cluster.Nodes[i].Name
	}
	for i := range raw.blocks {
		if b := &raw.blocks[i]; !slices.Contains(known, b.node) {
			c.fail(b.at, "the cluster has no node "+printable(b.node), suggest(b.node, known))
		}
	}
	for _, name := range known {
		if !slices.ContainsFunc(raw.blocks, func(b rawNodeBlock) bool { return b.node == name }) {
			c.fail(raw.place, "node "+printable(name)+" has no pool here", "give every node its own, or one pool to all")
		}
	}
}

// assignable checks that clients can use what is in a block.
func (c *checker) assignable(b *rawNodeBlock, length int) bool {
	if b.single {
		remedy := fmt.Sprintf("write a prefix such as %s", netip.PrefixFrom(b.first, 64).Masked())
		if length < 128 {
			remedy = fmt.Sprintf("write a prefix such as %s", netip.PrefixFrom(b.first, 40).Masked())
		}
		c.fail(b.place, "is one address and no pool", remedy+", or first-last")
		return false
	}
	if why := unassignable(b.first, b.last); why != "" {
		c.fail(b.place, why, "write a range of global or unique local addresses")
		return false
	}
	return true
}

// aligned checks that a block consists of whole prefixes of the delegated length. The last prefix of first-last
// may be given by its first or by its last address; the block ends with its last one.
func (c *checker) aligned(b *rawNodeBlock, length int) bool {
	if b.prefix.IsValid() {
		if length < b.prefix.Bits() {
			c.fail(b.place, fmt.Sprintf("%s is smaller than the delegated length %d", b.prefix, length),
				fmt.Sprintf("write a length from %d to 128, or a larger pool", b.prefix.Bits()))
			return false
		}
		return true
	}
	first := netip.PrefixFrom(b.first, length).Masked()
	last := netip.PrefixFrom(b.last, length).Masked()
	if first.Addr() != b.first || b.last != last.Addr() && b.last != lastOf(last) {
		c.fail(b.place, fmt.Sprintf("doesn't consist of whole prefixes of length %d", length),
			"write "+first.Addr().String()+"-"+last.Addr().String())
		return false
	}
	b.last = lastOf(last)
	return true
}

// cutout checks what is kept out of each delegated prefix (RFC 6603, Section 4.2).
func (c *checker) cutout(raw *rawCutout, delegated *number) *Cut {
	if raw == nil || !raw.Length.ok || !delegated.ok {
		return nil
	}
	more := int(raw.Length.value) - int(delegated.value)
	if more <= 0 {
		c.fail(raw.Length.place, fmt.Sprintf("is %d, and must be more than the delegated length %d", raw.Length.value, delegated.value),
			fmt.Sprintf("write a length from %d to 128", delegated.value+1))
		return nil
	}
	if more < 64 && raw.ID.value>>more != 0 {
		c.fail(raw.ID.place, fmt.Sprintf("there is no subprefix number %d", raw.ID.value),
			fmt.Sprintf("a /%d has /%ds number 0 to %d", delegated.value, raw.Length.value, uint64(1)<<more-1))
	}
	return &Cut{Length: uint8(raw.Length.value), ID: raw.ID.value}
}

// covered tells whether the exclusions leave nothing of a block.
func covered(b *block, exclude []block) bool {
	sorted := slices.Clone(exclude)
	slices.SortFunc(sorted, func(x, y block) int { return x.first.Compare(y.first) })
	next := b.first // the first address that isn't known to be excluded
	for i := range sorted {
		e := &sorted[i]
		if !e.ok || e.last.Less(next) {
			continue
		}
		if next.Less(e.first) {
			return false
		}
		if !e.last.Less(b.last) {
			return true
		}
		next = e.last.Next()
	}
	return false
}
