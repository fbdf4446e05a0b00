package engine

import (
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
)

// Memory is what a node remembers of its peers over restarts. The zero value is that of a new node.
type Memory struct {
	Owners  []uint8           // by node: its number as a binding's owner, 1 to 254; nil: the node's index and 1
	Longest map[string]uint32 // by link's name: the longest T1 ever granted there, in seconds
	Salt    [8]byte           // random
}

// NewView makes the view that the engines of a policy share. Capacity is how many bindings the table takes.
func NewView(p *policy.Policy, m Memory, capacity int) *peer.View {
	o := peer.Options{
		Nodes: len(p.Nodes), Self: p.Self, Pools: len(p.Pools), After: p.ListenAfter, Owners: m.Owners, Salt: m.Salt,
	}
	if o.Owners == nil {
		for node := range p.Nodes {
			o.Owners = append(o.Owners, uint8(node)+1)
		}
	}
	for i := range p.Links {
		o.Listen = append(o.Listen, max(p.Links[i].Lifetimes.Renew, m.Longest[p.Links[i].Name]))
	}
	if p.LeasesPerPort > 0 || p.WeakPerPort > 0 && !p.Single {
		o.Ports = capacity
	}
	return peer.NewView(o)
}
