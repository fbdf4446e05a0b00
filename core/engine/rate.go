package engine

import (
	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/limit"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Limit gives the engine what it shares with the others: how many messages clients have sent. Without it they aren't limited.
func (e *Engine) Limit(rates *limit.Table) { e.rates = rates }

// withinRate counts a message of the client to this node or to all, and tells whether it may send that many. What it sends to a peer
// isn't counted: the peer counts that, and this node learns from it. A client is its DUID and the address that it sent from, as its relay
// saw it: else whoever knows a DUID could use up in its name what the client may send.
func (e *Engine) withinRate(source [16]byte) bool {
	if e.rates == nil {
		return true
	}
	rate := limit.Rate(e.policy.Config().Limits.OfClient)
	if !rate.Limited() || e.message.ClientID == nil {
		return true
	}
	client := &source
	if relay := e.packet.Innermost(); relay != nil {
		client = &relay.PeerAddress
	}
	var room [8 + 16 + wire.MaxDUID]byte
	b := append(room[:0], e.view.Salt[:]...)
	b = append(b, client[:]...)
	b = append(b, e.message.ClientID...)
	return e.rates.Admit(xxhash.Sum64(b), e.at.UnixMilli()*1e6, rate)
}
