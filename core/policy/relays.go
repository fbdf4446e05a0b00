package policy

import (
	"net/netip"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

// inward is the i-th relay level counted from the client's: number 0 is the innermost one.
func inward(pkt *wire.Packet, i int) *wire.Relay { return &pkt.Relays[pkt.RelayCount-1-i] }

// Allows tells whether a datagram from source, which pkt was in, comes from relays that may be listened to: whoever sent it, and
// each further one that the outer one heard. A relay passes on what a client sends, too (RFC 9915, Section 19.1.2), so that
// the outermost alone vouches for nothing of what the others say. What no relay sent passes.
func (p *Policy) Allows(pkt *wire.Packet, source *[16]byte) bool {
	if p.allowed == nil || pkt.RelayCount == 0 {
		return true
	}
	if p.allowed.find(address.FromBytes(*source)) < 0 {
		return false
	}
	for i := range pkt.RelayCount - 1 {
		if p.allowed.find(address.FromBytes(pkt.Relays[i].PeerAddress)) < 0 {
			return false
		}
	}
	return true
}

// allowedTable is the table of the prefixes from which relays may send; nil: from anywhere.
func allowedTable(prefixes []netip.Prefix) *table {
	if len(prefixes) == 0 {
		return nil
	}
	var spans []span
	for _, prefix := range disjoint(prefixes) {
		spans = append(spans, spanOf(prefix, 0))
	}
	t, _ := newTable(spans, false) // disjoint ones don't clash
	return &t
}
