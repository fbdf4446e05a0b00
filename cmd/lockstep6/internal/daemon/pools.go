package daemon

import (
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/io/admin"
)

// Pools implements admin.Node. It takes no walk through the table.
func (o *operator) Pools() []admin.Pool {
	site := o.d.site.Load()
	stripes := make(map[*policy.Pool][]admin.Stripe)
	for _, f := range site.Fills() {
		stripes[f.Pool] = append(stripes[f.Pool], admin.Stripe{
			Stripe: f.Stripe, Node: stripeOwner(site.Policy, &f), Own: f.Own, Used: f.Used, Size: f.Size,
		})
	}
	out := []admin.Pool{}
	for _, c := range site.Counts() {
		p := admin.Pool{
			Link: site.Policy.Links[c.Pool.Link].Name, Pool: c.Pool.Name, Kind: c.Pool.Kind.String(), Length: c.Pool.Range.Length(),
			Retiring: c.Pool.Retiring, Slots: c.Pool.Range.Size().String(), Own: c.Own, Observed: c.Observed, Stripes: stripes[c.Pool],
		}
		if c.Pool.Owner >= 0 && len(site.Policy.Nodes) > 1 {
			p.Node = site.Policy.Nodes[c.Pool.Owner].Name
		}
		if p.Stripes == nil {
			p.Stripes = []admin.Stripe{}
		}
		p.Used = used(&c, p.Stripes)
		out = append(out, p)
	}
	return out
}

// stripeOwner is the node that gives new leases from a stripe before others do; empty: none, or this is the only node.
func stripeOwner(p *policy.Policy, f *engine.Fill) string {
	if p.Single {
		return ""
	}
	for node := range p.Nodes {
		if p.OwnsStripe(node, f.Pool, f.Stripe) {
			return p.Nodes[node].Name
		}
	}
	return ""
}

// used is the share of a pool's slots that are in use: by the maps of its free slots where it has one for each stripe, which
// know what is excluded, reserved or put aside, else by its bindings.
func used(c *engine.Count, stripes []admin.Stripe) float64 {
	taken, slots := float64(c.Own+c.Observed), c.Pool.Range.Size().Float64()
	if len(stripes) > 0 && len(stripes) == c.Pool.Stripes {
		taken, slots = 0, 0
		for i := range stripes {
			taken += float64(stripes[i].Used)
			slots += float64(stripes[i].Size)
		}
	}
	return min(1, taken/slots)
}
