package policy

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
)

// A Plan tells what each node of a configuration would do: plain data to print.
type Plan struct {
	Model       string     `json:"model"` // identical, split, unique or single
	Hash        string     `json:"hash"`
	Stripes     int        `json:"stripes"` // how many stripes dense pools that all nodes share are dealt into
	Fingerprint string     `json:"fingerprint"`
	Clients     int        `json:"clients"` // of each link, for Collisions
	Nodes       []PlanNode `json:"nodes"`

	policies []*Policy // by node
}

// A PlanNode is a node's share.
type PlanNode struct {
	Name       string     `json:"name"`
	ServerID   string     `json:"duid"` // in hex
	Preference uint8      `json:"preference"`
	Parts      []int      `json:"parts"`
	Links      []PlanLink `json:"links"`
}

// A PlanLink is what a node assigns on a link.
type PlanLink struct {
	Name         string         `json:"name"`
	OnLink       []netip.Prefix `json:"on_link"`
	Reservations int            `json:"reservations"`
	Classes      string         `json:"classes,omitempty"`  // whose members get leases; empty: everybody
	Identity     string         `json:"identity,omitempty"` // by what clients are known; empty: by DUID and IAID
	Pools        []PlanPool     `json:"pools"`              // the node's own
}

// A PlanPool is a pool that a node assigns from.
type PlanPool struct {
	ID         int        `json:"id"`
	Kind       string     `json:"kind"` // addresses or prefixes
	Name       string     `json:"name"`
	First      netip.Addr `json:"first"` // the first lease
	Last       netip.Addr `json:"last"`  // the last lease
	Length     uint8      `json:"length"`
	Slots      string     `json:"slots"`                 // decimal; the excluded ones count
	Sparse     bool       `json:"sparse"`                // so many slots that a candidate is as good as always free
	Dense      string     `json:"dense"`                 // agree or exclusive: what counts where not sparse
	Allocation string     `json:"allocation,omitempty"`  // sequential; empty: hash
	Classes    string     `json:"classes,omitempty"`     // whose members get new leases; empty: everybody
	Retires    bool       `json:"retiring,omitempty"`    // nobody gets new leases from it
	Called     string     `json:"called,omitempty"`      // what relays call it; empty: nothing
	Named      bool       `json:"named_only,omitempty"`  // new leases only where a relay names it
	Shared     bool       `json:"shared"`                // all nodes assign from it
	Stripes    []int      `json:"own_stripes,omitempty"` // the node's, in a dense pool that is shared

	// Clients of the link that get a lease from this pool where all ask this node: its share by slots of its kind.
	// Collisions is how many of them are expected to find their primary candidate taken by another one; in a sequential pool there
	// is no such thing.
	Clients    float64 `json:"clients"`
	Collisions float64 `json:"collisions"`
}

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
	if out.Shared && !pool.Sparse {
		out.Stripes = pool.OwnStripes
	}
	return out
}
