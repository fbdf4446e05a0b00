package engine

import (
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// solicit answers a Solicit (RFC 9915, Section 18.3.1): by an Advertise, which is a computation that writes and
// reserves nothing, or with Rapid Commit by a Reply as for a Request.
func (e *Engine) solicit() wire.Drop {
	if e.waits() {
		return wire.DropPolicy
	}
	if e.commits() {
		return e.bind(true)
	}
	e.open(wire.Advertise)
	missing := false
	for i := range e.message.IACount {
		e.find(i)
		g, ok := e.choose(i, true)
		if !ok || g.old == nil && e.handle.Full() {
			e.appendUnavailable(i, withdrawNothing)
			missing = true
			continue
		}
		e.grants = append(e.grants, g)
		e.appendGrant(&g, withdrawNothing)
	}
	// A server that can't give all must not win by its preference (RFC 9915, Section 18.2.1).
	if p := e.preference(); p != 0 && !missing && e.message.IACount > 0 {
		e.dst = wire.AppendUint8Option(e.dst, wire.OptionPreference, p)
	}
	e.close()
	return wire.DropNone
}

// commits tells whether the Solicit is answered by a Reply: the client wants it and so does the policy.
func (e *Engine) commits() bool {
	if e.message.Type != wire.Solicit || !e.message.RapidCommit || e.link == nil {
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
