package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sort"

	"github.com/lockstep6/lockstep6/core/wire"
)

// An extent is a range of addresses that must not be in the way of another one: a pool or a reserved lease.
type extent struct {
	place
	first, last netip.Addr
	what        string

	// of a pool
	kind    wire.Kind
	link    int
	length  int
	exclude []block
}

// poolSpans are the blocks of all pools of all links and nodes, of addresses and prefixes alike, in order.
func (c *checker) poolSpans(links []rawLink, cfg *Config) (out []extent) {
	for i := range links {
		add := func(pool *rawPool, kind wire.Kind, length int, exclude []block) {
			for k := range pool.blocks {
				if b := &pool.blocks[k]; b.ok {
					out = append(out, extent{b.place, b.first, b.last, "pool " + b.String(), kind, i, length, exclude})
				}
			}
		}
		for k := range links[i].Addresses {
			p := &links[i].Addresses[k]
			add(&p.Pool, wire.IANA, 128, p.Exclude)
		}
		for k := range links[i].Prefixes {
			p := &links[i].Prefixes[k]
			add(&p.Pool, wire.IAPD, int(p.Length.value), p.Exclude)
		}
	}
	sortExtents(out)
	return out
}

// String is the block as a prefix, or as first-last.
func (b *block) String() string {
	if b.prefix.IsValid() {
		return b.prefix.String()
	}
	return b.first.String() + "-" + b.last.String()
}

func sortExtents(all []extent) {
	slices.SortFunc(all, func(a, b extent) int {
		return cmp.Or(a.first.Compare(b.first), b.last.Compare(a.last), cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
}

// overlaps reports what overlaps in a sorted list, each at the later place in the file.
func (c *checker) overlaps(all []extent, remedy string) {
	if len(all) == 0 {
		return
	}
	farthest := &all[0]
	for i := 1; i < len(all); i++ {
		this := &all[i]
		if !farthest.last.Less(this.first) {
			first, second := farthest, this
			if cmp.Or(cmp.Compare(second.line, first.line), cmp.Compare(second.column, first.column)) < 0 {
				first, second = second, first
			}
			problem := fmt.Sprintf("%s overlaps %s %s", second.what, first.what, lineText(first.line))
			if second.what == first.what {
				problem = fmt.Sprintf("%s stands %s already", second.what, lineText(first.line))
			}
			c.fail(second.place, problem, remedy)
		}
		if farthest.last.Less(this.last) {
			farthest = this
		}
	}
}

// reserved checks reserved leases against each other, and against the pools that others get leases from.
func (c *checker) reserved(links []rawLink, pools []extent) {
	var all []extent
	for i := range links {
		for k := range links[i].Reservations {
			r := &links[i].Reservations[k]
			for _, a := range r.Addresses {
				if a.ok {
					all = append(all, extent{place: a.place, first: a.value, last: a.value, what: a.value.String(), link: i, length: 128, kind: wire.IANA})
				}
			}
			for _, p := range r.Prefixes {
				if p.ok {
					all = append(all, extent{place: p.place, first: p.value.Addr(), last: lastOf(p.value), what: p.value.String(), link: i, length: p.value.Bits(), kind: wire.IAPD})
				}
			}
		}
	}
	for i := range all {
		c.againstPools(&all[i], pools)
	}
	sortExtents(all)
	c.overlaps(all, "what is reserved belongs to one client")
}

// againstPools checks that nobody else can be given what is reserved: where it lies in a pool, it must be a lease of
// a pool of its own link, or be excluded there.
func (c *checker) againstPools(r *extent, pools []extent) {
	at := sort.Search(len(pools), func(i int) bool { return !pools[i].last.Less(r.first) })
	for ; at < len(pools) && !r.last.Less(pools[at].first); at++ {
		pool := &pools[at]
		isLease := pool.kind == r.kind && pool.length == r.length && pool.link == r.link
		part := block{first: maxAddr(r.first, pool.first), last: minAddr(r.last, pool.last)}
		if isLease || covered(&part, pool.exclude) {
			continue
		}
		c.fail(r.place, fmt.Sprintf("%s overlaps %s in line %d, whose leases others get", r.what, pool.what, pool.line),
			"add it to that pool's exclude, or reserve one of the pool's leases on its link")
	}
}

func maxAddr(a, b netip.Addr) netip.Addr {
	if a.Less(b) {
		return b
	}
	return a
}

func minAddr(a, b netip.Addr) netip.Addr {
	if a.Less(b) {
		return a
	}
	return b
}
