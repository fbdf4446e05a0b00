package wire

import "encoding/binary"

// Peek finds whose message a datagram is without reading the rest of it: the DUID, and the kind and IAID of its first IA. It is
// for hints: of a malformed datagram it may find something that Parse refuses. DUID is a view; ok is false where either
// is missing.
func Peek(b []byte) (duid []byte, kind Kind, iaid uint32, ok bool) {
	for range MaxRelays {
		if len(b) < relayHeader || MessageType(b[0]) != RelayForward {
			break
		}
		b, _ = Options(b[relayHeader:]).Find(OptionRelayMessage)
	}
	if len(b) < clientHeader || MessageType(b[0]) == RelayForward {
		return nil, 0, 0, false
	}
	for o := Options(b[clientHeader:]); ; {
		code, data, rest, more := o.Next()
		if !more {
			return nil, 0, 0, false
		}
		switch {
		case code == OptionClientID:
			duid = data
		case (code == OptionIANA || code == OptionIAPD) && kind == 0 && len(data) >= iaHeader:
			kind, iaid = IANA, binary.BigEndian.Uint32(data)
			if code == OptionIAPD {
				kind = IAPD
			}
		}
		if len(duid) > 0 && kind != 0 {
			return duid, kind, iaid, true
		}
		o = rest
	}
}

// ClientPeer returns the peer-address of a Relay-forward that no relay has passed on (hop-count 0): the client's address. Not ok: the octets are no
// such message, or begin with another relay's (RFC 9915, Section 9).
func ClientPeer(b []byte) (peer [16]byte, ok bool) {
	if len(b) < relayHeader || MessageType(b[0]) != RelayForward || b[1] != 0 {
		return peer, false
	}
	return [16]byte(b[relayHeader-len(peer) : relayHeader]), true
}
