package binding

import "encoding/binary"

// An ExtensionKind names one piece of what is known of a lease beside its fixed fields.
// The numbers are part of the store's format: new ones are added, none is reused.
type ExtensionKind uint8

// Kinds of pieces. A kind may stand several times, one per relay, innermost relay first.
const (
	extDUID            ExtensionKind = 0  // a DUID too long for the record; in memory only, always first
	ExtRemoteID        ExtensionKind = 1  // enterprise number and remote-id (RFC 4649)
	ExtSubscriberID    ExtensionKind = 2  // RFC 4580
	ExtRelayID         ExtensionKind = 3  // the relay's DUID (RFC 5460)
	ExtInterfaceID     ExtensionKind = 4  // RFC 9915, Section 21.18
	ExtHardwareAddress ExtensionKind = 5  // hardware type, 2 octets, then the link-layer address, where the DUID doesn't hold them (RFC 6939)
	ExtPeerAddress     ExtensionKind = 6  // 16 octets; whom the innermost relay heard
	ExtLinkAddress     ExtensionKind = 7  // 16 octets; the link that the server chose by
	ExtFQDN            ExtensionKind = 8  // flags and name of the Client FQDN option (RFC 4704)
	ExtRelayChain      ExtensionKind = 9  // its sender's address, 16 octets, and the last Relay-forward without its innermost Relay Message (RFC 5007, Section 4.1.2.4)
	ExtClientOptions   ExtensionKind = 10 // other options of the client, as received
	ExtInterface       ExtensionKind = 11 // name of the interface by which a client without relay is heard, on a link that has several, or where it accepts Reconfigure
	ExtIdentity        ExtensionKind = 12 // what the client IA is known by instead of DUID and IAID: a number, 4 octets, and the identity (see FlagDerived)
	ExtReconfigure     ExtensionKind = 13 // the client accepts Reconfigure, and which key it was told (see reconfigure.Acceptance)
	ExtReturn          ExtensionKind = 14 // of such a client: the way back through its relays (see reconfigure.AppendReturn)
	ExtReturnInterface ExtensionKind = 15 // name of the interface by which its last relay is reached, where that one's address is link-local
)

const (
	// MaxExtension is how many octets of extension a record takes, headers of its pieces included.
	MaxExtension = 1912

	extensionHeader = 3 // octets in front of a piece: kind, and 2 of length
)

// An Extension is a sequence of pieces, as the store and a Draft have it. In memory it is packed (see pack.go).
type Extension []byte

// AppendExtension appends one piece to dst. Data longer than 65535 octets doesn't fit a piece and appends nothing.
func AppendExtension(dst []byte, kind ExtensionKind, data []byte) []byte {
	if len(data) > 0xffff {
		return dst
	}
	dst = append(dst, byte(kind), byte(len(data)>>8), byte(len(data)))
	return append(dst, data...)
}

// Next returns the first piece and what follows it. At the end, and where the rest is malformed, ok is false.
// Data is a view.
func (e Extension) Next() (kind ExtensionKind, data []byte, rest Extension, ok bool) {
	if len(e) < extensionHeader {
		return 0, nil, nil, false
	}
	end := extensionHeader + int(binary.BigEndian.Uint16(e[1:]))
	if end > len(e) {
		return 0, nil, nil, false
	}
	return ExtensionKind(e[0]), e[extensionHeader:end:end], e[end:], true
}

// Find returns a view of the first piece of this kind.
func (e Extension) Find(kind ExtensionKind) ([]byte, bool) {
	for {
		k, data, rest, ok := e.Next()
		if !ok {
			return nil, false
		}
		if k == kind {
			return data, true
		}
		e = rest
	}
}

// forReconfigure tells whether a piece is kept to make the client ask again, and says nothing of client or place.
func (k ExtensionKind) forReconfigure() bool { return k >= ExtReconfigure && k <= ExtReturnInterface }

// SamePlace tells whether both have the same pieces in the same order, but for those that are kept for Reconfigure.
func (e Extension) SamePlace(other Extension) bool {
	for {
		k, data, rest, ok := e.nextPlace()
		k2, data2, rest2, ok2 := other.nextPlace()
		if !ok || !ok2 {
			return ok == ok2
		}
		if k != k2 || string(data) != string(data2) {
			return false
		}
		e, other = rest, rest2
	}
}

// nextPlace is Next of the first piece that isn't kept for Reconfigure.
func (e Extension) nextPlace() (k ExtensionKind, data []byte, rest Extension, ok bool) {
	for k, data, rest, ok = e.Next(); ok && k.forReconfigure(); k, data, rest, ok = rest.Next() {
	}
	return k, data, rest, ok
}

// wellFormed tells whether e is a sequence of whole pieces and nothing else, short enough for a record.
func (e Extension) wellFormed() bool {
	if len(e) > MaxExtension {
		return false
	}
	for len(e) > 0 {
		kind, _, rest, ok := e.Next()
		if !ok || kind == extDUID || kind == ExtHistory {
			return false
		}
		e = rest
	}
	return true
}
