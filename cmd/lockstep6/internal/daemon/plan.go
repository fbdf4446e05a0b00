package daemon

import (
	"cmp"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// plan tells what a candidate changes. It walks through the whole binding table.
func (d *Daemon) plan(c *candidate) admin.Plan {
	before := d.inForce.policy
	p := admin.Plan{
		File: d.options.ConfigFile, Path: d.file, Content: Digest(c.text), Digest: c.digest(),
		Fingerprint: admin.Fingerprints{
			Before: hex.EncodeToString(before.Fingerprint[:]), After: hex.EncodeToString(c.policy.Fingerprint[:]),
		},
		Changes: []admin.PlanChange{}, Rest: []string{}, Warnings: []string{},
	}
	p.Changed = p.Digest != d.inForce.digest()
	comparison := policy.Compare(before, c.policy)
	p.Safe = comparison.Safe()
	for _, change := range comparison.Changes {
		p.Changes = append(p.Changes, admin.PlanChange(change))
	}
	p.Rest = append(p.Rest, comparison.Rest...)
	if !c.sameSecrets(d.inForce) {
		p.Rest = append(p.Rest, "secrets of DNS")
	}
	if c.pseudonyms != d.inForce.pseudonyms && c.config.Privacy == d.inForce.config.Privacy {
		p.Rest = append(p.Rest, "key of pseudonyms")
	}
	for _, warning := range c.config.Warnings {
		p.Warnings = append(p.Warnings, warning.Error())
	}
	p.Bindings, p.Pools = d.effects(before, c.policy)
	return p
}

// effects counts what becomes of the bindings that stand.
func (d *Daemon) effects(before, after *policy.Policy) (all admin.Effects, pools []admin.PoolEffect) {
	h := d.table.NewHandle()
	defer h.Close()
	now, prospects, pending := worker.Time(d.clock()), engine.NewProspects(before, after), engine.NewProspects(before, before)
	byPool := make(map[int]*admin.PoolEffect)
	for shard := range d.table.Shards() {
		h.Enter()
		h.Range(shard, func(r *binding.Record) bool {
			if r.State() != binding.Bound || !r.Live(now) || r.Registered() {
				return true
			}
			pool, fate := prospects.Of(r)
			moved := false
			if fate != engine.FateKept {
				_, already := pending.Of(r)
				moved = already != engine.FateKept
			}
			count(&all, r, fate, moved)
			count(&poolEffect(byPool, before, pool, r.Kind()).Effects, r, fate, moved)
			return true
		})
		h.Leave()
	}
	pools = []admin.PoolEffect{}
	for _, id := range slices.SortedFunc(maps.Keys(byPool), func(a, b int) int { return cmp.Compare(uint(a), uint(b)) }) {
		pools = append(pools, *byPool[id])
	}
	return all, pools
}

// poolEffect is the counts of a pool, or of a kind's leases that lie in none: those come last.
func poolEffect(all map[int]*admin.PoolEffect, p *policy.Policy, pool *policy.Pool, kind wire.Kind) *admin.PoolEffect {
	id := -1 - int(kind)
	if pool != nil {
		id = pool.ID
	}
	if all[id] == nil {
		all[id] = &admin.PoolEffect{Kind: kind.String()}
		if pool != nil {
			all[id].Pool, all[id].Link = pool.Name, p.Links[pool.Link].Name
		}
	}
	return all[id]
}

// count counts a binding by its fate. Pending: it gets another lease under the policy in force, too.
func count(e *admin.Effects, r *binding.Record, fate engine.Fate, pending bool) {
	of := &e.Own
	if engine.Observed(r) {
		of = &e.Observed
	}
	if pending {
		of.Pending++
	}
	switch fate {
	case engine.FateOutside:
		of.Renumbered++
	case engine.FateExcluded:
		of.Excluded++
	case engine.FateReserved:
		of.Reserved++
	case engine.FateMoves:
		of.ToReservation++
	case engine.FateRetires:
		of.Retiring++
	default:
		of.Kept++
	}
}
