package policy

import (
	"crypto/sha256"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A derived identity is what stands in a client's DUID's place, in the rule of agreement too:
//
//	ff ff | method | up to 20 octets of what the method looks at     (method + 0x80: the first 20 octets of their SHA-256, where they are more)
//
// No DUID type is 0xffff. The methods are those of config.Identity: 1 the DUID, 2 the hardware address, 3 the relay port:
//
//	'r' | Remote-ID with its enterprise number
//	's' | Subscriber-ID
//	'i' | Interface-ID | those of relays further out, down to the first one with a Relay-ID or a link-address | 'R' Relay-ID, or 'L' link-address
//
// Each of these values has its length in front, one octet; one longer than 32 octets is 0xff and its SHA-256 instead.
const (
	identityPrefix = 0xff // twice
	identityDigest = 0x80 // added to the method
	identityMost   = 20   // octets behind the method

	valueMost = 32
)

// IdentityRoom is room for what Identify returns.
type IdentityRoom [3 + identityMost]byte

// Identify derives what the client of a message is known by on the link, but for the rank of its IA. Nil: it is known by DUID and IAID,
// because the link's clients are or because the message doesn't show what they are known by. The result is a view over room.
func (l *Link) Identify(pkt *wire.Packet, room *IdentityRoom) []byte {
	switch l.Identity {
	case config.IdentityDUIDRank:
		return l.derived(pkt.Message.ClientID, room)
	case config.IdentityHardwareAddress:
		return l.derived(pkt.HardwareAddress(), room)
	case config.IdentityRelayPort:
		var port [1 + (1+valueMost+1)*wire.MaxRelays + 2 + valueMost]byte
		return l.derived(appendPort(port[:0], pkt), room)
	}
	return nil
}

func (l *Link) derived(value []byte, room *IdentityRoom) []byte {
	if len(value) == 0 {
		return nil
	}
	method := byte(l.Identity)
	if len(value) > identityMost {
		sum := sha256.Sum256(value)
		method, value = method+identityDigest, sum[:identityMost]
	}
	return append(append(room[:0], identityPrefix, identityPrefix, method), value...)
}

// DerivedBy tells by which method a derived identity was made.
func DerivedBy(identity []byte) config.Identity {
	if len(identity) < 3 {
		return config.IdentityDUIDIAID
	}
	return config.Identity(identity[2] &^ identityDigest)
}

// appendPort appends what the relay closest to the client that says something of the port says of it. An Interface-ID is
// unique at its relay only (RFC 9915, Section 21.18), and a lightweight relay has no address (RFC 6221, Section 5.3.1); so it counts with
// what tells that relay. Nil: nobody says enough.
func appendPort(b []byte, pkt *wire.Packet) []byte {
	for level := pkt.RelayCount - 1; level >= 0; level-- {
		relay := &pkt.Relays[level]
		switch {
		case len(relay.RemoteID) > 4:
			return appendValue(append(b, 'r'), relay.RemoteID)
		case len(relay.SubscriberID) > 0:
			return appendValue(append(b, 's'), relay.SubscriberID)
		case len(relay.InterfaceID) > 0:
			return appendInterfaces(append(b, 'i'), pkt.Relays[:level+1])
		}
	}
	return nil
}

// appendInterfaces appends the Interface-ID of the last of some relays, with what tells that relay.
func appendInterfaces(b []byte, relays []wire.Relay) []byte {
	for level := len(relays) - 1; level >= 0; level-- {
		relay := &relays[level]
		if len(relay.InterfaceID) > 0 {
			b = appendValue(b, relay.InterfaceID)
		}
		switch {
		case len(relay.RelayID) > 0:
			return appendValue(append(b, 'R'), relay.RelayID)
		case relay.LinkAddress != [16]byte{}:
			return appendValue(append(b, 'L'), relay.LinkAddress[:])
		}
	}
	return nil
}

func appendValue(b, value []byte) []byte {
	if len(value) > valueMost {
		sum := sha256.Sum256(value)
		return append(append(b, 0xff), sum[:]...)
	}
	return append(append(b, byte(len(value))), value...)
}
