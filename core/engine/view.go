package engine

import (
	"bytes"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
)

// Memory is what a node remembers of its peers over restarts. The zero value is that of a new node.
type Memory struct {
	Owners  []uint8           // by node: its number as a binding's owner, 1 to 254; nil: the node's index and 1
	Longest map[string]uint32 // by link's name: the longest T1 ever granted there, in seconds
	Served  []bool            // by link: it was in an earlier configuration; nil: none was. Only NextView asks
	Salt    [8]byte           // random
}

// NewView makes the view that the engines of a policy share. Capacity is how many bindings the table takes.
func NewView(p *policy.Policy, m Memory, capacity int) *peer.View {
	o := viewOptions(p, m)
	if CountsPorts(p) {
		o.Ports = capacity
	}
	return peer.NewView(o)
}

// CountsPorts tells whether the policy limits what one relay port takes, so that bindings are counted by port.
func CountsPorts(p *policy.Policy) bool { return p.LeasesPerPort > 0 || p.WeakPerPort > 0 && !p.Single }

func viewOptions(p *policy.Policy, m Memory) peer.Options {
	o := peer.Options{
		Nodes: len(p.Nodes), Self: p.Self, Pools: len(p.Pools), After: p.ListenAfter, Owners: m.Owners, Salt: m.Salt,
	}
	if o.Owners == nil {
		for node := range p.Nodes {
			o.Owners = append(o.Owners, uint8(node)+1)
		}
	}
	for i := range p.Links {
		o.Listen = append(o.Listen, max(p.Links[i].LongestRenew, m.Longest[p.Links[i].Name]))
		o.Lasts = append(o.Lasts, p.Links[i].LongestValid)
	}
	return o
}

// NextView is the view for a policy that follows another one while the node serves: see peer.View.Successor, whose lineage
// it returns too. A link that was in the configuration before, and then wasn't, has clients of which the node heard nothing
// meanwhile: its gate closes. Counting by port can't begin here: where the view counts nothing, no limit holds.
func NextView(view *peer.View, before, after *policy.Policy, m Memory, now binding.Time) (*peer.View, peer.Lineage) {
	from := lineage(before, after)
	next := view.Successor(viewOptions(after, m), from, now)
	for link, was := range from.Links {
		if was == peer.Nobody && m.Served != nil && m.Served[link] {
			next.Gate.Close(link, now, peer.ReasonAgain)
		}
	}
	settle(next.Settled, before, after, from, now)
	return next, from
}

// settle notes which pools a policy begins to retire, and what it reserves for somebody, in place of the one before.
func settle(s *peer.Settled, before, after *policy.Policy, from peer.Lineage, now binding.Time) {
	for i, pool := range after.Pools {
		if was := from.Pools[i]; pool.Retiring && (was == peer.Nobody || !before.Pools[was].Retiring) {
			s.Retire(i, now)
		}
	}
	var keys []binding.Key
	for lease := range policy.NewlyReserved(before, after) {
		keys = append(keys, binding.Key{Address: lease.Address, Length: lease.Length})
	}
	longest := uint32(0)
	for i := range after.Links {
		longest = max(longest, after.Links[i].LongestValid)
	}
	s.Reserve(keys, now, now-min(now, binding.Time(longest)))
}

// lineage finds nodes again by their DUIDs, links by their names, and pools by their leases.
func lineage(before, after *policy.Policy) (from peer.Lineage) {
	from.Nodes = make([]int, len(after.Nodes))
	for i := range after.Nodes {
		from.Nodes[i] = slices.IndexFunc(before.Nodes, func(n policy.Node) bool {
			return bytes.Equal(n.ServerID, after.Nodes[i].ServerID)
		})
	}
	from.Links = make([]int, len(after.Links))
	names := make(map[string]int, len(before.Links))
	for i := range before.Links {
		names[before.Links[i].Name] = i
	}
	for i := range after.Links {
		from.Links[i] = peer.Nobody
		if was, ok := names[after.Links[i].Name]; ok {
			from.Links[i] = was
		}
	}
	from.Pools = make([]int, len(after.Pools))
	ranges := make(map[poolRange]int, len(before.Pools))
	for i, pool := range before.Pools {
		ranges[rangeOf(pool)] = i
	}
	for i, pool := range after.Pools {
		from.Pools[i] = peer.Nobody
		if was, ok := ranges[rangeOf(pool)]; ok {
			from.Pools[i] = was
		}
	}
	return from
}

// A poolRange is the leases of a pool, of which no two pools have any in common.
type poolRange struct {
	first, last [16]byte
	length      uint8
}

func rangeOf(p *policy.Pool) poolRange {
	return poolRange{p.Range.First(), p.Range.Last(), p.Range.Length()}
}
