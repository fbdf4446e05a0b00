package policy

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
)

// NewPlan compiles a configuration for all of its nodes. Clients is how many clients each link has.
// Input.Node is ignored.
func NewPlan(cfg *config.Config, in Input, clients int) (*Plan, error) {
	names := []string{""}
	if cfg.Cluster != nil {
		names = names[:0]
		for i := range cfg.Cluster.Nodes {
			names = append(names, cfg.Cluster.Nodes[i].Name)
		}
	}
	plan := &Plan{Clients: clients}
	for _, name := range names {
		in.Node = name
		p, err := Compile(cfg, in)
		if err != nil {
			return nil, err
		}
		plan.policies = append(plan.policies, p)
		plan.Nodes = append(plan.Nodes, p.planNode(clients))
	}
	p := plan.policies[0]
	plan.Model, plan.Hash, plan.Stripes = p.modelName(), p.Hasher.Algorithm().String(), p.Stripes
	plan.Fingerprint = fmt.Sprintf("%x", p.Fingerprint)
	return plan, nil
}

func (p *Policy) planNode(clients int) PlanNode {
	self := &p.Nodes[p.Self]
	node := PlanNode{
		Name:       self.Name,
		ServerID:   fmt.Sprintf("%x", self.ServerID),
		Preference: self.Preference,
		Parts:      self.Parts,
		Links:      make([]PlanLink, len(p.Links)),
	}
	for i := range p.Links {
		l := &p.Links[i]
		node.Links[i] = PlanLink{Name: l.Name, OnLink: l.OnLink, Reservations: len(l.reservations.list)}
		if l.Identity != config.IdentityDUIDIAID {
			node.Links[i].Identity = l.Identity.String()
		}
		if !l.Gate.Open() {
			node.Links[i].Classes = gateNames(p.source, &l.Gate)
		}
		for _, pools := range [][]*Pool{l.Addresses, l.Prefixes} {
			all := 0.0
			for _, pool := range pools {
				if !pool.Retiring {
					all += pool.Range.Size().Float64()
				}
			}
			for _, pool := range pools {
				share := 0.0
				if !pool.Retiring {
					share = float64(clients) * pool.Range.Size().Float64() / all
				}
				node.Links[i].Pools = append(node.Links[i].Pools, p.planPool(pool, share))
			}
		}
	}
	return node
}

func (p *Policy) planPool(pool *Pool, clients float64) PlanPool {
	out := PlanPool{
		ID:         pool.ID,
		Kind:       kindName(pool.Kind),
		Name:       pool.Name,
		First:      netip.AddrFrom16(pool.Range.First()),
		Last:       netip.AddrFrom16(pool.Range.Last()),
		Length:     pool.Range.Length(),
		Slots:      pool.Range.Size().String(),
		Sparse:     pool.Sparse,
		Dense:      denseName(pool.Dense),
		Retires:    pool.Retiring,
		Called:     pool.Called,
		Named:      pool.NamedOnly,
		Shared:     pool.Owner == Everyone,
		Clients:    clients,
		Collisions: address.ExpectedCollisions(uint64(math.Round(clients)), pool.Range.Size()),
	}
	if pool.Sequential {
		out.Allocation, out.Collisions = "sequential", 0
	}
	if !pool.Gate.Open() {
		out.Classes = gateNames(p.source, &pool.Gate)
	}
	if t := pool.Terms; t != nil {
		out.Lifetimes = &PlanLifetimes{t.Preferred, t.Valid, t.Renew, t.Rebind}
	}
	if out.Shared && !pool.Sparse {
		out.Stripes = pool.OwnStripes
	}
	return out
}
