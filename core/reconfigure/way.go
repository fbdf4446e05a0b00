package reconfigure

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Way is how a message gets to a client.
type Way struct {
	Destination [16]byte // the client's address, or its last relay's
	Port        uint16   // UDP
	Interface   string   // by which the destination is reached, where its address doesn't say that; empty: a link's only one
}

const (
	addressSize = 16
	returnHead  = addressSize + 2 // and the port
)

// LinkLocal tells whether an address is only good together with an interface (RFC 4291, Section 2.5.6).
func LinkLocal(address *[16]byte) bool { return address[0] == 0xfe && address[1]&0xc0 == 0x80 }

// AppendReturn appends what is kept (binding.ExtReturn) of the relays that a message came through, so that another message finds the
// way back: the last relay's address. Nothing where the client spoke directly. Where there is one relay, everything else that its
// Relay-reply needs is kept already for other reasons. Else its port and the whole chain follow, Relay-reply headers without a message
// (RFC 9915, Section 19.3), with what relays want echoed.
func AppendReturn(dst []byte, source *[16]byte, port uint16, p *wire.Packet, kept binding.Extension) []byte {
	if p.RelayCount == 0 {
		return dst
	}
	dst = append(dst, source[:]...)
	if plain(&p.Relays[0], p.RelayCount, kept) {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, wire.ReplyPort(p, port))
	dst, marks := wire.OpenRelays(dst, p)
	return wire.CloseRelays(dst, marks)
}

// plain tells whether a single relay's Relay-reply can be made of what is kept anyway.
func plain(r *wire.Relay, count int, kept binding.Extension) bool {
	id, _ := kept.Find(binding.ExtInterfaceID)
	return count == 1 && r.HopCount == 0 && r.SourcePort == nil && len(r.ERO) == 0 && string(id) == string(r.InterfaceID) &&
		(len(id) > 0) == (r.InterfaceID != nil)
}

// WayTo makes the datagram that takes a message to the client of a binding, by what is kept with that, and tells where it is to be sent.
// False: what is kept doesn't tell the way. The datagram is appended to dst.
func WayTo(dst []byte, kept binding.Extension, message []byte) (Way, []byte, bool) {
	peer, _ := kept.Find(binding.ExtPeerAddress)
	if len(peer) != addressSize {
		return Way{}, dst, false
	}
	way := Way{Destination: [16]byte(peer), Port: wire.ClientPort}
	back, relayed := kept.Find(binding.ExtReturn)
	for _, by := range [...]binding.ExtensionKind{binding.ExtInterface, binding.ExtReturnInterface} {
		if name, ok := kept.Find(by); ok {
			way.Interface = string(name)
		}
	}
	link, hasLink := kept.Find(binding.ExtLinkAddress)
	switch {
	case !relayed && hasLink: // through relays that weren't kept
		return Way{}, dst, false
	case !relayed:
		return way, append(dst, message...), true
	case len(back) == addressSize && len(link) == addressSize:
		way.Destination, way.Port = [16]byte(back), wire.ServerPort
		id, _ := kept.Find(binding.ExtInterfaceID)
		return way, wire.AppendRelayed(dst, appendReply(nil, link, peer, id), message), true
	case len(back) > returnHead:
		way.Destination, way.Port = [16]byte(back), binary.BigEndian.Uint16(back[addressSize:])
		return way, wire.AppendRelayed(dst, back[returnHead:], message), true
	}
	return Way{}, dst, false
}

// appendReply appends the Relay-reply of a single relay, without a message.
func appendReply(dst, link, peer, id []byte) []byte {
	dst = append(dst, byte(wire.RelayReply), 0)
	dst = append(append(dst, link...), peer...)
	if len(id) > 0 {
		dst = wire.AppendOption(dst, wire.OptionInterfaceID, id)
	}
	return wire.AppendOption(dst, wire.OptionRelayMessage, nil)
}
