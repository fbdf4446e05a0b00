package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// kept is what is stored with each binding of the message beside the lease itself: where the client is
// (Interface-ID, Remote-ID, Subscriber-ID, Relay-ID, peer-address, link-address) and its hardware address.
// Of several relays' values the one closest to the client counts. Built once per message.
func (e *Engine) kept() []byte {
	if e.hasExt {
		return e.extension
	}
	e.hasExt = true
	b := e.extension[:0]
	hardware := false
	for level := e.packet.RelayCount - 1; level >= 0; level-- {
		relay := &e.packet.Relays[level]
		b = keep(b, binding.ExtInterfaceID, relay.InterfaceID)
		b = keep(b, binding.ExtRemoteID, relay.RemoteID)
		b = keep(b, binding.ExtSubscriberID, relay.SubscriberID)
		b = keep(b, binding.ExtRelayID, relay.RelayID)
		if !hardware && len(relay.ClientLinkLayer) > 2 {
			// RFC 6939, Section 6: the option in the Relay-forward closest to the client.
			b = keep(b, binding.ExtHardwareAddress, relay.ClientLinkLayer)
			hardware = true
		}
	}
	if !hardware {
		// DUID-LL and DUID-LLT hold a link-layer type and address behind their own type and time.
		if _, addr, ok := wire.HardwareAddress(e.message.ClientID); ok && len(addr) > 0 {
			var room [2 + wire.MaxDUID]byte
			value := append(append(room[:0], e.message.ClientID[2:4]...), addr...)
			b = keep(b, binding.ExtHardwareAddress, value)
		}
	}
	b = e.keepAddresses(b)
	e.extension = b
	return b
}

func (e *Engine) keepAddresses(b []byte) []byte {
	relay := e.packet.Innermost()
	if relay == nil {
		return keep(b, binding.ExtPeerAddress, e.source[:])
	}
	b = keep(b, binding.ExtPeerAddress, relay.PeerAddress[:])
	return keep(b, binding.ExtLinkAddress, relay.LinkAddress[:])
}

// keep appends a value unless there is none, or a relay closer to the client gave one already.
func keep(b []byte, kind binding.ExtensionKind, value []byte) []byte {
	if len(value) == 0 {
		return b
	}
	if _, ok := binding.Extension(b).Find(kind); ok {
		return b
	}
	return binding.AppendExtension(b, kind, value)
}
