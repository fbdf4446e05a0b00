package engine

import (
	"bytes"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// release answers a Release (RFC 9915, Section 18.3.7): leases that belong to the client's IA become free,
// others are ignored; an IA without binding is told NoBinding.
func (e *Engine) release() wire.Drop {
	return e.giveUp(func(e *Engine, ia *wire.IA, lease *wire.Lease, r *binding.Record) {
		e.retire(r, binding.Released, e.now)
	})
}

// decline answers a Decline (RFC 9915, Section 18.3.8): declined addresses are kept from everybody for a time.
// A client can put only so many aside; what it declines beyond that is free again. Prefixes can't be declined
// (Section 18.2.8), so an IA_PD loses nothing.
func (e *Engine) decline() wire.Drop {
	return e.giveUp(func(e *Engine, ia *wire.IA, lease *wire.Lease, r *binding.Record) {
		switch {
		case ia.Kind != wire.IANA:
		case e.declined() < e.policy.MaxDeclined:
			e.retire(r, binding.Declined, e.now.Add(e.policy.Quarantine))
		default:
			e.retire(r, binding.Released, e.now)
		}
	})
}

// giveUp calls end for each lease that the client names and that it holds, and answers.
func (e *Engine) giveUp(end func(*Engine, *wire.IA, *wire.Lease, *binding.Record)) wire.Drop {
	e.open(wire.Reply)
	for i := range e.message.IACount {
		ia := &e.message.IAs[i]
		e.find(i)
		known := false
		for _, r := range e.found {
			known = known || r.State() == binding.Bound || r.State() == binding.Superseded
		}
		if !known || e.excludesOther(ia) {
			e.appendRefusal(i, wire.StatusNoBinding, "this server has no such binding", false)
			continue
		}
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			key := binding.Key{Address: lease.Address, Length: lease.Length}
			for _, r := range e.found {
				if r.Key() == key && (r.State() == binding.Bound || r.State() == binding.Superseded) {
					end(e, ia, &lease, r)
				}
			}
		}
	}
	e.dst = wire.AppendStatus(e.dst, wire.StatusSuccess, "done")
	return wire.DropNone
}

// declined counts the addresses that the client IA at hand has declined and that are still put aside.
func (e *Engine) declined() int {
	n := 0
	for _, r := range e.found {
		if r.State() == binding.Declined && r.Taken(e.now) {
			n++
		}
	}
	return n
}

// excludesOther tells whether a Release names an excluded prefix that this server didn't give
// (RFC 6603, Section 6.2: such an IA_PD is told NoBinding).
func (e *Engine) excludesOther(ia *wire.IA) bool {
	if ia.Kind != wire.IAPD {
		return false
	}
	var room [32]byte
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		excluded, has := lease.Options.Find(wire.OptionPrefixExclude)
		if !has {
			continue
		}
		pool := e.link.OwnPool(wire.IAPD, &lease.Address, lease.Length)
		if pool == nil || pool.Cut == nil || !bytes.Equal(excluded, pool.ExcludeData(room[:0], &lease.Address)) {
			return true
		}
	}
	return false
}
