package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// classify looks which classes' lifetimes the client's leases have: those of the first one that has some. Other classes are
// evaluated where something depends on them.
func (e *Engine) classify() {
	classes := &e.policy.Classes
	if classes.Set.Len() == 0 {
		return
	}
	e.classes.Begin(classes.Set, &e.packet, e.linkIndex(), e.reserved != nil)
	if e.link == nil {
		return
	}
	for _, class := range classes.Timed {
		if e.classes.Is(class) {
			e.terms, e.classed = classes.Terms(class), true
			return
		}
	}
}

// termsOf are the terms of a lease: those of the client's class, of the lease's pool, of the link.
func (e *Engine) termsOf(kind wire.Kind, key *binding.Key) *policy.Terms {
	if e.classed || !e.link.PoolTerms {
		return e.terms
	}
	if pool := e.poolWith(kind, key); pool != nil && pool.Terms != nil {
		return pool.Terms
	}
	return e.terms
}

// optionLayers are the options for the client: its reservation's, its classes', those of the pools that its leases are of, its link's.
func (e *Engine) optionLayers() policy.Layers {
	lowest, own := &e.policy.Global, (*policy.Options)(nil)
	if e.link != nil {
		lowest = &e.link.Options
	}
	if e.reserved != nil {
		own = e.reserved.Own
	}
	layers := e.layers[:0]
	for _, class := range e.policy.Classes.Optioned {
		if e.classes.Is(class) {
			if len(layers) == 0 && own != nil {
				layers = append(layers, own)
			}
			layers = append(layers, e.policy.Classes.Options(class))
		}
	}
	if e.link != nil && e.link.PoolOptions {
		layers = e.poolLayers(layers, own)
	}
	if len(layers) == 0 && e.reserved != nil && e.reserved.Options != nil {
		lowest = e.reserved.Options // made of its own and the link's
	}
	return append(layers, lowest)
}

// poolLayers appends the options of the pools that the reply's leases are of, in the order of the IAs, behind those of the reservation.
func (e *Engine) poolLayers(layers policy.Layers, own *policy.Options) policy.Layers {
	for i := range e.grants {
		g := &e.grants[i]
		pool := e.poolWith(e.message.IAs[g.ia].Kind, &g.key)
		if pool == nil || pool.Options == nil || slices.Contains(layers, pool.Options) {
			continue
		}
		if len(layers) == 0 && own != nil {
			layers = append(layers, own)
		}
		layers = append(layers, pool.Options)
	}
	return layers
}

// poolWith is the pool whose options and lifetimes a lease has: not one that excludes it, beside which it is reserved.
func (e *Engine) poolWith(kind wire.Kind, key *binding.Key) *policy.Pool {
	pool := e.poolOf(kind, key)
	if pool == nil {
		return nil
	}
	if slot, ok := pool.Range.Slot(key.Address); !ok || pool.Range.Excludes(slot) {
		return nil
	}
	return pool
}

// appoint reads which pools relays ask for.
func (e *Engine) appoint() {
	e.asked, e.pooled = e.policy.PoolRequest(&e.packet), policy.PoolChoice{}
	if e.link != nil {
		e.pooled = e.policy.PoolChoice(e.link, &e.asked)
	}
}

// takes tells whether the client's new leases may come from a pool: by its classes, and by what relays ask for.
func (e *Engine) takes(pool *policy.Pool) bool {
	return e.pooled.Allows(pool) && e.classes.Passes(&pool.Gate)
}

// passes tells whether the client's classes let it have something of these pools, or of what is reserved for it.
func (e *Engine) passes(pools []*policy.Pool, reserved bool) bool {
	if !e.classes.Passes(&e.link.Gate) {
		return false
	}
	for _, pool := range pools {
		if e.classes.Passes(&pool.Gate) {
			return true
		}
	}
	return reserved
}
