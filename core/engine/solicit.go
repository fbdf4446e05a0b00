package engine

import (
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// solicit answers a Solicit (RFC 9915, Section 18.3.1): by an Advertise, which is a computation that writes and
// reserves nothing, or with Rapid Commit by a Reply as for a Request.
func (e *Engine) solicit() wire.Drop {
	if drop := e.forbears(); drop != wire.DropNone {
		return drop
	}
	if e.commits() {
		return e.bind(true)
	}
	e.open(wire.Advertise)
	missing := 0
	for i := range e.message.IACount {
		e.find(i)
		g, ok := e.choose(i, true)
		if !ok || g.old == nil && e.handle.Full() {
			e.appendUnavailable(i, withdrawNothing)
			missing++
			continue
		}
		if e.termsOf(e.message.IAs[i].Kind, &g.key).RenewCache > 0 || e.link.Naming != nil {
			draft := e.draft(&g)
			e.spared(&g, &draft) // the Advertise says what the Reply will
		}
		e.grants = append(e.grants, g)
		e.appendGrant(&g, withdrawNothing)
	}
	// A node that has nothing to give is silent as long as a peer may have (RFC 6853, Section 6.1, on preference alone).
	if missing > 0 && missing == e.message.IACount && !e.policy.Single && !e.waited(yielding) {
		return wire.DropExhausted
	}
	// A server that can't give all must not win by its preference (RFC 9915, Section 18.2.1), and in the back seat none does.
	if p := e.preference(); p != 0 && missing == 0 && e.message.IACount > 0 && !e.backSeat() {
		e.dst = wire.AppendUint8Option(e.dst, wire.OptionPreference, p)
	}
	e.close()
	if !e.policy.Single {
		e.view.Relays.Offered(e.relay, e.client, e.now)
	}
	return wire.DropNone
}

// commits tells whether the Solicit is answered by a Reply: the client wants it and so does the policy.
func (e *Engine) commits() bool {
	if e.message.Type != wire.Solicit || !e.message.RapidCommit || e.link == nil || e.backSeat() {
		return false
	}
	switch e.link.RapidCommit {
	case config.RapidCommitAll:
		return true
	case config.RapidCommitFavoured:
		return e.policy.Favoured(e.message.ClientID)
	default:
		return false
	}
}
