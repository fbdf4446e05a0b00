package engine

import (
	"bytes"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// release answers a Release (RFC 9915, Section 18.3.7): leases that belong to the client's IA become free,
// others are ignored; an IA without binding is told NoBinding.
func (e *Engine) release() wire.Drop { return e.giveUp(binding.Released) }

// decline answers a Decline (RFC 9915, Section 18.3.8): declined addresses are kept from everybody for a time.
// A client IA can put only so many aside; what it declines beyond that is free again. Prefixes can't be declined
// (Section 18.2.8), so an IA_PD loses nothing.
func (e *Engine) decline() wire.Drop { return e.giveUp(binding.Declined) }

// giveUp ends each lease that the client names and that it holds, and answers.
func (e *Engine) giveUp(state binding.State) wire.Drop {
	e.open(wire.Reply)
	for i := range e.message.IACount {
		ia := &e.message.IAs[i]
		e.find(i)
		other := state == binding.Released && e.excludesOther(ia)
		if other || !e.hasBinding(ia) {
			e.appendRefusal(i, wire.StatusNoBinding, "this server has no such binding", withdrawNothing)
		}
		if other {
			continue
		}
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			key := binding.Key{Address: lease.Address, Length: lease.Length}
			if drop := e.endLease(i, &key, state); drop != wire.DropNone {
				return drop
			}
		}
	}
	e.dst = wire.AppendStatus(e.dst, wire.StatusSuccess, "done")
	return wire.DropNone
}

// hasBinding tells whether the client IA has a lease that it could give up.
func (e *Engine) hasBinding(ia *wire.IA) bool {
	for _, r := range e.found {
		if holds(r) && e.lastSaid(r, ia) {
			return true
		}
	}
	return false
}

func holds(r *binding.Record) bool {
	return r.State() == binding.Bound || r.State() == binding.Superseded
}

// endLease ends one lease of the client IA; one that isn't the IA's is ignored. Where another worker changes it at the
// same time there is no answer, for that would say that the lease is given up. And there is no second try: what the
// client got in the meantime isn't what this message gives up.
func (e *Engine) endLease(i int, key *binding.Key, state binding.State) wire.Drop {
	e.find(i)
	r := e.held(key)
	if r == nil || !e.lastSaid(r, &e.message.IAs[i]) {
		return wire.DropNone
	}
	if e.interfere != nil {
		e.interfere()
	}
	switch e.end(r, state) {
	case binding.Published:
		return wire.DropNone
	case binding.Full:
		return wire.DropTableFull
	default:
		return wire.DropContended
	}
}

// end gives a record of the client IA the state Released or Declined. Where it has ended already and that isn't yet
// on stable storage, it is written once more: the reply to a retransmission must not overtake the first write.
func (e *Engine) end(r *binding.Record, state binding.State) binding.Outcome {
	if !holds(r) {
		if e.marks.Durable(r.Mark()) {
			return binding.Published
		}
		draft := DraftOf(r)
		draft.Mark = e.mark
		return e.publish(r, &draft)
	}
	if state == binding.Declined {
		switch {
		case r.Kind() != wire.IANA:
			return binding.Published
		case e.declined() < e.policy.MaxDeclined:
			return e.retire(r, binding.Declined, e.now.Add(e.policy.Quarantine))
		}
	}
	return e.retire(r, binding.Released, e.now)
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
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		pool := e.poolOf(wire.IAPD, &key)
		if pool == nil || pool.Cut == nil || !bytes.Equal(excluded, pool.ExcludeData(room[:0], &lease.Address)) {
			return true
		}
	}
	return false
}
