package wire

import "encoding/binary"

// take reads one option of the client's message and checks its length. A server ignores what isn't named here:
// unknown options (RFC 9915, Section 16), obsolete ones like IA_TA and Server Unicast (Sections 21.5 and 21.12), and
// those that only relays or servers send; among the latter the Client Link-Layer Address option (RFC 6939, Section 6).
func (m *Message) take(code OptionCode, data []byte) Drop {
	switch code {
	case OptionClientID:
		if m.ClientID != nil {
			return DropRepeatedOption // Section 21.2
		}
		if len(data) < MinDUID || len(data) > MaxDUID {
			return DropBadClientID // Section 11.1
		}
		m.ClientID = data
	case OptionServerID:
		if m.ServerID != nil {
			return DropRepeatedOption // Section 21.3
		}
		m.ServerID = data
		return malformed(len(data) < MinDUID || len(data) > MaxDUID) // Section 11.1
	case OptionIANA:
		return m.takeIA(IANA, data)
	case OptionIAPD:
		return m.takeIA(IAPD, data)
	case OptionIATA:
		m.HasIATA = true
	case OptionORO:
		if m.ORO != nil {
			return DropRepeatedOption // Section 21.7
		}
		m.ORO = data
		return malformed(len(data)%2 != 0)
	case OptionElapsedTime:
		if m.HasElapsedTime {
			return DropRepeatedOption // Section 21.9
		}
		if len(data) != 2 {
			return DropMalformedOption
		}
		m.ElapsedTime, m.HasElapsedTime = binary.BigEndian.Uint16(data), true
	case OptionRapidCommit:
		if m.RapidCommit {
			return DropRepeatedOption // Section 21.14
		}
		m.RapidCommit = true
		return malformed(len(data) != 0)
	case OptionReconfigureAccept:
		m.ReconfigureAccept = true
		return malformed(len(data) != 0) // Section 21.20
	default:
		return checkUnread(code, data)
	}
	return DropNone
}

// checkUnread checks standard options that clients send and this package doesn't read: whoever reads them later
// can rely on their form.
func checkUnread(code OptionCode, data []byte) Drop {
	switch code {
	case OptionPreference:
		return malformed(len(data) != 1) // Section 21.8
	case OptionAuthentication:
		return malformed(len(data) < 11) // Section 21.11
	case OptionStatusCode:
		return malformed(len(data) < 2) // Section 21.13
	case OptionUserClass:
		return malformed(!wellItemed(data)) // Section 21.15
	case OptionVendorClass, OptionVendorInformation:
		// Sections 21.16 and 21.17. What stands behind the enterprise-number is the vendor's affair, and a server
		// must not discard a message for that of a vendor that it doesn't know (Section 16).
		return malformed(len(data) < 4)
	default:
		return DropNone
	}
}

func malformed(is bool) Drop {
	if is {
		return DropMalformedOption
	}
	return DropNone
}

// takeIA keeps an IA. IAIDs of a kind must be unique in a message (RFC 9915, Sections 21.4 and 21.21);
// of two with the same one the first counts and the second is as if it weren't there.
func (m *Message) takeIA(kind Kind, data []byte) Drop {
	if len(data) < iaHeader {
		return DropMalformedOption
	}
	options := data[iaHeader:]
	if drop := checkIA(kind, options); drop != DropNone {
		return drop
	}
	iaid := binary.BigEndian.Uint32(data)
	for i := range m.IAs[:m.IACount] {
		if m.IAs[i].IAID == iaid && m.IAs[i].Kind == kind {
			return DropNone
		}
	}
	if m.IACount == MaxIAs {
		return DropTooManyIAs
	}
	m.IAs[m.IACount] = IA{Kind: kind, IAID: iaid, Options: options}
	m.IACount++
	return DropNone
}

// checkIA checks the options of an IA, and those of its leases.
func checkIA(kind Kind, b []byte) Drop {
	leases := 0
	for len(b) > 0 {
		if len(b) < optionHeader {
			return DropTruncated
		}
		code := OptionCode(binary.BigEndian.Uint16(b))
		end := optionHeader + int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < end {
			return DropTruncated
		}
		data := b[optionHeader:end]
		b = b[end:]
		fixed := 0
		switch {
		case code == OptionIAAddress && kind == IANA:
			fixed = iaAddress // RFC 9915, Section 21.6
		case code == OptionIAPrefix && kind == IAPD:
			fixed = iaPrefix // RFC 9915, Section 21.22
		case code == OptionStatusCode && len(data) < 2:
			return DropMalformedOption // RFC 9915, Section 21.13
		default:
			continue
		}
		if len(data) < fixed || fixed == iaPrefix && data[prefixLengthAt] > 128 {
			return DropMalformedOption
		}
		if !WellFramed(data[fixed:]) {
			return DropTruncated
		}
		if leases++; leases > MaxLeasesPerIA {
			return DropTooManyLeases
		}
	}
	return DropNone
}
