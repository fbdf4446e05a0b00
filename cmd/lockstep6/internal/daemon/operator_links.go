package daemon

import (
	"net/netip"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// Links implements admin.Node.
func (o *operator) Links() []admin.Link {
	site := o.d.site.Load()
	p := site.Policy
	out := make([]admin.Link, len(p.Links))
	var gate []admin.Gate
	if !p.Single {
		gate = gates(p, site.View.Gate.Listening(worker.Time(o.d.clock())))
	}
	for i := range p.Links {
		l, times := &p.Links[i], p.Links[i].Lifetimes
		out[i] = admin.Link{
			Name: l.Name, Match: match(p, i), Prefixes: texts(l.OnLink), Delegable: texts(l.Delegable), Pools: []string{},
			Lifetimes:   admin.NewLifetimes(times.Preferred, times.Valid, times.Renew, times.Rebind),
			RapidCommit: [...]string{config.RapidCommitOff: "off", config.RapidCommitFavoured: "favoured", config.RapidCommitAll: "all"}[l.RapidCommit],
		}
		if gate != nil {
			out[i].Gate = &gate[i]
		}
	}
	for _, pool := range p.Pools {
		out[pool.Link].Pools = append(out[pool.Link].Pools, pool.Name)
	}
	return out
}

// match is how messages come to a link, with this node's names for its interfaces.
func match(p *policy.Policy, link int) admin.Match {
	l := &p.Config().Links[link]
	m := admin.Match{Interfaces: []string{}, LinkAddresses: texts(l.LinkAddress), InterfaceIDs: []string{}, RelayIDs: []string{},
		PoolNames: append([]string{}, l.PoolNames...)}
	for _, name := range l.Interfaces {
		if !p.Single {
			if mapped, ok := p.Config().Cluster.Nodes[p.Self].Interfaces[name]; ok {
				name = mapped
			}
		}
		m.Interfaces = append(m.Interfaces, name)
	}
	for _, id := range l.InterfaceIDs {
		m.InterfaceIDs = append(m.InterfaceIDs, admin.OctetsText(id))
	}
	for _, id := range l.RelayIDs {
		m.RelayIDs = append(m.RelayIDs, wire.FormatDUID(id))
	}
	return m
}

func texts(prefixes []netip.Prefix) []string {
	out := make([]string, len(prefixes))
	for i, p := range prefixes {
		out[i] = p.String()
	}
	return out
}

// Places tells of which link and pool a lease is. One outside of all pools, as a reservation may be, is of the link whose
// prefixes have it.
func Places(p *policy.Policy) admin.Places {
	return func(s *binding.Stored) (link, pool string) {
		if in := p.PoolOf(s.Kind, &s.Key.Address, s.Key.Length); in != nil {
			return p.Links[in.Link].Name, in.Name
		}
		if i := p.LinkOf(s.Kind, &s.Key.Address, s.Key.Length); i >= 0 {
			return p.Links[i].Name, ""
		}
		return "", ""
	}
}
