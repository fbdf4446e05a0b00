package policy

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/class"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
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

// A Prospect is the lease that a node would give a client that it knows nothing of, on an empty link.
type Prospect struct {
	Node     string       `json:"node"`
	Link     string       `json:"link"`
	Pool     string       `json:"pool"` // empty: a reservation outside all pools
	Lease    netip.Prefix `json:"lease"`
	Reserved bool         `json:"reserved"`
	Chosen   bool         `json:"chosen"`            // what the client gets on the link; the others are its candidates in other pools
	Counted  bool         `json:"counted,omitempty"` // the lowest lease of a sequential pool, which whoever comes first gets
}

// WouldGet tells what the client would get from every node on every link: its reservations by DUID or hardware
// address, then its candidate in each pool of the node that takes clients of its classes, as far as these follow from its DUID,
// and for whom no relay names a pool. On a link whose clients are known by something that its DUID doesn't tell it has no
// candidates; where an IA has a rank it is the first.
func (plan *Plan) WouldGet(duid []byte, iaid uint32, kind wire.Kind) (out []Prospect) {
	var pkt wire.Packet
	var room IdentityRoom
	var classes class.Evaluator
	pkt.Message.ClientID = duid
	for _, p := range plan.policies {
		for i := range p.Links {
			from := len(out)
			l := &p.Links[i]
			r := l.Reservation(&pkt)
			if classes.Begin(p.Classes.Set, &pkt, i, r != nil); !classes.Passes(&l.Gate) {
				continue
			}
			if r != nil {
				out = append(out, p.reservedProspects(l, r, kind)...)
			}
			id := address.Identity{DUID: duid, Kind: kind, IAID: iaid}
			pools := l.Addresses
			if kind == wire.IAPD {
				pools = l.Prefixes
			}
			if l.Identity != config.IdentityDUIDIAID {
				if id = (address.Identity{DUID: l.Identify(&pkt, &room), Kind: kind, Derived: true}); id.DUID == nil {
					pools = nil
				}
			}
			order := l.Choose(p.Hasher, &id, nil)[:len(pools)]
			if kind == wire.IAPD && l.PrefixLength != 0 {
				slices.SortStableFunc(order, func(a, b int) int {
					return cmp.Compare(LengthDistance(pools[a].Range.Length(), l.PrefixLength), LengthDistance(pools[b].Range.Length(), l.PrefixLength))
				})
			}
			for _, at := range order {
				pool := pools[at]
				if !classes.Passes(&pool.Gate) || pool.NamedOnly || pool.Retiring {
					continue
				}
				if slot, ok := p.firstSlot(l, pool, &id); ok {
					lease := netip.AddrFrom16(pool.Range.Lease(slot))
					out = append(out, Prospect{Pool: pool.Name, Lease: netip.PrefixFrom(lease, int(pool.Range.Length())), Counted: pool.Sequential})
				}
			}
			for k := from; k < len(out); k++ {
				out[k].Node, out[k].Link, out[k].Chosen = p.Nodes[p.Self].Name, l.Name, k == from
			}
		}
	}
	return out
}

func (p *Policy) reservedProspects(l *Link, r *Reservation, kind wire.Kind) (out []Prospect) {
	var leases []netip.Prefix
	if kind == wire.IAPD {
		leases = r.Prefixes
	} else {
		for _, a := range r.Addresses {
			leases = append(leases, netip.PrefixFrom(netip.AddrFrom16(a), 128))
		}
	}
	for _, lease := range leases {
		prospect := Prospect{Lease: lease, Reserved: true}
		addr := lease.Addr().As16()
		if pool := l.OwnPool(kind, &addr, uint8(lease.Bits())); pool != nil {
			prospect.Pool = pool.Name
		}
		out = append(out, prospect)
	}
	return out
}

// spillTries bounds the search for a slot that is neither excluded nor reserved.
const spillTries = 1 << 16

// firstSlot is the first slot in the order in which a node looks for a free one: the shared candidates that aren't
// reserved for others, of a dense pool only the primary, then the own stripe. Of a sequential pool it is the lowest one.
func (p *Policy) firstSlot(l *Link, pool *Pool, id *address.Identity) (address.U128, bool) {
	if pool.Sequential {
		return lowestSlot(l, pool)
	}
	if pool.Sparse || pool.Dense == config.DenseAgree {
		for counter := uint32(0); ; {
			slot, next, ok := p.Hasher.NextUsable(&pool.Range, id, counter)
			if !ok {
				break
			}
			lease := pool.Range.Lease(slot)
			if l.Reserved(&lease, pool.Range.Length()) == nil {
				return slot, true
			}
			if counter = next; !pool.Sparse {
				break
			}
		}
	}
	if pool.Sparse || len(pool.OwnStripes) == 0 {
		return address.U128{}, false
	}
	return p.spillSlot(l, pool, id)
}

// lowestSlot is the first usable slot that is reserved for nobody.
func lowestSlot(l *Link, pool *Pool) (address.U128, bool) {
	for first, last := range pool.Range.Runs() {
		for slot := first; !last.Less(slot); slot = slot.Add(address.U128{Lo: 1}) {
			lease := pool.Range.Lease(slot)
			if l.Reserved(&lease, pool.Range.Length()) == nil {
				return slot, true
			}
		}
	}
	return address.U128{}, false
}

// spillSlot is the first slot, in the order of the search, that isn't excluded or reserved in the node's stripes.
func (p *Policy) spillSlot(l *Link, pool *Pool, id *address.Identity) (address.U128, bool) {
	for _, stripe := range pool.OwnStripes {
		size := pool.Range.StripeSize(stripe, pool.Stripes)
		if size.IsZero() {
			continue
		}
		at := p.Hasher.Spill(&pool.Range, id, stripe, pool.Stripes)
		for range spillTries {
			slot := address.StripeSlot(at, stripe, pool.Stripes)
			lease := pool.Range.Lease(slot)
			if pool.Range.Usable(slot) && l.Reserved(&lease, pool.Range.Length()) == nil {
				return slot, true
			}
			if at = at.Add(address.U128{Lo: 1}); !at.Less(size) {
				at = address.U128{}
			}
		}
	}
	return address.U128{}, false
}
