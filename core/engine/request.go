package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// request answers a Request (RFC 9915, Section 18.3.2).
func (e *Engine) request() wire.Drop {
	if !e.policy.Single {
		e.view.Relays.Requested(e.client, true, e.now)
		e.assured = e.view.Gate.Relearns(e.now) && e.view.Firsts.Seen(e.assurance(), e.at)
	}
	return e.bind(false)
}

// bind creates or extends a binding for each IA and answers by a Reply. It serves the Request and the
// Solicit with Rapid Commit (RFC 9915, Sections 18.3.1 and 18.3.2).
func (e *Engine) bind(rapid bool) wire.Drop {
	e.open(wire.Reply)
	e.rapid = rapid
	if rapid {
		e.dst = wire.AppendOption(e.dst, wire.OptionRapidCommit, nil)
	}
	for i := range e.message.IACount {
		if e.offLink(i) {
			e.appendRefusal(i, wire.StatusNotOnLink, "an address doesn't belong to this link", withdrawNothing)
			continue
		}
		// Nothing that isn't assigned may stand in this Reply, so no other lease is withdrawn here.
		if drop := e.serve(i, withdrawNothing); drop != wire.DropNone {
			return drop
		}
	}
	e.close()
	return wire.DropNone
}

// serve assigns a lease to IA number i and appends the IA: with the lease, or with the status that there is none.
// A Drop says why the message gets no answer.
func (e *Engine) serve(i int, w withdrawal) wire.Drop {
	g, ok := e.assign(i, true)
	if e.trouble != wire.DropNone {
		return e.trouble
	}
	if !ok {
		e.appendUnavailable(i, w)
		return wire.DropNone
	}
	e.supersede(&g.key)
	e.appendGrant(&g, w)
	return wire.DropNone
}

// offLink tells whether an IA_NA names an address that isn't appropriate for the link, as far as its prefixes are
// known. There is no such test for an IA_PD (RFC 9915, Section 18.3.2).
func (e *Engine) offLink(i int) bool {
	ia := &e.message.IAs[i]
	if ia.Kind != wire.IANA {
		return false
	}
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: 128}
		if lease.Address != [16]byte{} && e.foreign(wire.IANA, &key) {
			return true
		}
	}
	return false
}
