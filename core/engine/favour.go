package engine

import "github.com/lockstep6/lockstep6/core/config"

// patience is how long a client looks for its first node before others answer, in hundredths of a second as Elapsed
// Time counts them (RFC 9915, Section 21.9): a little less than a Solicit's first retransmission.
const patience = 90

// favoured is the preference of the node that a client's own order of nodes puts first: the client requests at once.
const favoured = 255

// preference is what the Advertise says; 0 sends no option (RFC 9915, Section 18.3.9).
func (e *Engine) preference() uint8 {
	if e.policy.Single || e.policy.Favour != config.FavourRendezvous {
		return e.policy.Preference
	}
	if e.policy.Favoured(e.message.ClientID) {
		return favoured
	}
	return 0
}

// waits tells whether a Solicit is left to the client's first node for now. A client that doesn't say how long it has
// been looking is answered.
func (e *Engine) waits() bool {
	m := e.message
	return !e.policy.Single && e.policy.Favour == config.FavourDelay &&
		m.HasElapsedTime && m.ElapsedTime < patience && !e.policy.Favoured(m.ClientID)
}
