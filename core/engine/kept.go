package engine

import (
	"bytes"
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// pieceHeader is how many octets stand in front of a piece of an extension.
const pieceHeader = 3

// kept is what is stored with each binding of the message beside the lease itself: where the client is
// (peer-address, link-address, Interface-ID, Remote-ID, Subscriber-ID, Relay-ID) and its hardware address where the DUID
// doesn't tell that.
// Of several relays' values the one closest to the client counts. Built once per message.
//
// A record takes MaxExtension octets, a name's and an identity's among them (see keptWith). What doesn't fit is left out rather than the client:
// relays' IDs are short, and what is fixed in length comes first.
func (e *Engine) kept() []byte {
	if e.hasExt {
		return e.extension
	}
	e.hasExt = true
	e.says()
	b := e.keepHardware(e.keepAddresses(e.extension[:0]))
	for level := e.packet.RelayCount - 1; level >= 0; level-- {
		relay := &e.packet.Relays[level]
		b = e.keep(b, binding.ExtRemoteID, relay.RemoteID)
		b = e.keep(b, binding.ExtSubscriberID, relay.SubscriberID)
		b = e.keep(b, binding.ExtRelayID, relay.RelayID)
		b = e.keep(b, binding.ExtInterfaceID, relay.InterfaceID)
	}
	e.extension = e.keepChain(b)
	return e.extension
}

// keepChain keeps what the relays wrapped around the message, where requestors may want that: the address of the last one,
// and its Relay-forward without the message (RFC 5007, Section 4.1.2.4).
func (e *Engine) keepChain(b []byte) []byte {
	if !e.policy.RelayData || e.packet.RelayCount == 0 {
		return b
	}
	e.chain = wire.AppendChain(append(e.chain[:0], e.source[:]...), &e.packet)
	return e.keep(b, binding.ExtRelayChain, e.chain)
}

// keepHardware keeps the type and address of the client's link layer, as the relay closest to the client saw them (RFC 6939,
// Section 6), unless its DUID says the same: what a DUID-LL or DUID-LLT holds is read there (see wire.HardwareAddress).
func (e *Engine) keepHardware(b []byte) []byte {
	for level := e.packet.RelayCount - 1; level >= 0; level-- {
		if seen := e.packet.Relays[level].ClientLinkLayer; len(seen) > 2 {
			hwtype, addr, ok := wire.HardwareAddress(e.message.ClientID)
			if ok && binary.BigEndian.Uint16(seen) == hwtype && bytes.Equal(seen[2:], addr) {
				return b
			}
			return e.keep(b, binding.ExtHardwareAddress, seen)
		}
	}
	return b
}

func (e *Engine) keepAddresses(b []byte) []byte {
	relay := e.packet.Innermost()
	if relay == nil {
		return e.keepInterface(e.keep(b, binding.ExtPeerAddress, e.source[:]))
	}
	b = e.keep(b, binding.ExtPeerAddress, relay.PeerAddress[:])
	return e.keepInterface(e.keep(b, binding.ExtLinkAddress, relay.LinkAddress[:]))
}

// keepInterface keeps by which of its link's interfaces a client was heard that has no relay, or lightweight ones only: its link-local
// address says nothing without it. Of a link with one interface it is known anyway.
func (e *Engine) keepInterface(b []byte) []byte {
	if e.link == nil || len(e.link.Interfaces) < 2 {
		return b
	}
	return e.keepHeard(b)
}

// keepHeard is keepInterface whatever the link has.
func (e *Engine) keepHeard(b []byte) []byte {
	if _, relayed := e.packet.LinkAddress(); relayed {
		return b
	}
	return e.keep(b, binding.ExtInterface, e.heardBy())
}

// heardBy is the name of the interface by which the datagram came; nil: it isn't one that the node listens on by name.
func (e *Engine) heardBy() []byte {
	if e.listen == 0 || int(e.listen) > len(e.policy.Interfaces) {
		return nil
	}
	return []byte(e.policy.Interfaces[e.listen-1])
}

// keep appends a value unless there is none, or no room, or a relay closer to the client gave one already.
func (e *Engine) keep(b []byte, kind binding.ExtensionKind, value []byte) []byte {
	if len(value) == 0 || len(b)+pieceHeader+len(value) > binding.MaxExtension-e.forName()-e.forIdentity() {
		return b
	}
	if _, ok := binding.Extension(b).Find(kind); ok {
		return b
	}
	return binding.AppendExtension(b, kind, value)
}
