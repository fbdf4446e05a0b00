package wire

import "encoding/binary"

// Parse reads a datagram into p: the framing of everything, and the lengths of the options that a server reads.
// All that p then holds are views over b. What p holds after another outcome than DropNone has no meaning.
// Parse doesn't tell which messages a server may receive: that is Validate's.
func (p *Packet) Parse(b []byte) Drop {
	p.RelayCount = 0
	p.Message.reset()
	for len(b) > 0 && MessageType(b[0]) == RelayForward {
		if p.RelayCount == MaxRelays {
			return DropRelayDepth
		}
		inner, drop := p.Relays[p.RelayCount].parse(b)
		if drop != DropNone {
			return drop
		}
		p.RelayCount++
		b = inner
	}
	return p.Message.parse(b)
}

// parse reads one level and returns the message that it relays.
func (r *Relay) parse(b []byte) (inner []byte, drop Drop) {
	if len(b) < relayHeader {
		return nil, DropTruncated
	}
	*r = Relay{} // in one go; a literal with values is built elsewhere and copied here
	r.HopCount = b[1]
	r.LinkAddress = [16]byte(b[2:18])
	r.PeerAddress = [16]byte(b[18:34])
	r.Options = Options(b[relayHeader:len(b):len(b)])
	for at := relayHeader; at < len(b); {
		if len(b)-at < optionHeader {
			return nil, DropTruncated
		}
		code := OptionCode(binary.BigEndian.Uint16(b[at:]))
		end := at + optionHeader + int(binary.BigEndian.Uint16(b[at+2:]))
		if end > len(b) {
			return nil, DropTruncated
		}
		data := b[at+optionHeader : end : end]
		at = end
		if code == OptionRelayMessage {
			// Two messages in one envelope: there is no telling which of them the relay meant.
			if inner != nil {
				return nil, DropRepeatedOption
			}
			inner = data
			continue
		}
		r.take(code, data)
	}
	if inner == nil {
		return nil, DropNoRelayMessage
	}
	return inner, DropNone
}

// take keeps an option's data, unless the option stood before. What a relay gets wrong in an option that the reply
// can do without isn't the client's fault, so nothing here leads to a drop.
func (r *Relay) take(code OptionCode, data []byte) {
	var field *[]byte
	switch code {
	case OptionInterfaceID:
		field = &r.InterfaceID
	case OptionRemoteID:
		field = &r.RemoteID
	case OptionSubscriberID:
		field = &r.SubscriberID
	case OptionERO:
		field = &r.ERO
	case OptionRelayID:
		field = &r.RelayID
	case OptionRSOO:
		field = &r.RSOO
	case OptionClientLinkLayer:
		field = &r.ClientLinkLayer
	case OptionRelaySourcePort:
		// RFC 8357, Section 4.2: the length is 2.
		if len(data) != 2 {
			return
		}
		field = &r.SourcePort
	default:
		return
	}
	if *field == nil {
		*field = data
	}
}

// reset forgets the message before. It leaves the IAs as they are: IACount tells which count.
func (m *Message) reset() {
	m.Type, m.TransactionID, m.Options = 0, [3]byte{}, nil
	m.ClientID, m.ServerID, m.ORO = nil, nil, nil
	m.ElapsedTime, m.HasElapsedTime = 0, false
	m.RapidCommit, m.ReconfigureAccept, m.HasIATA = false, false, false
	m.IACount = 0
}

func (m *Message) parse(b []byte) Drop {
	if len(b) < clientHeader {
		return DropTruncated
	}
	m.Type = MessageType(b[0])
	if drop := layout(m.Type); drop != DropNone {
		return drop
	}
	m.TransactionID = [3]byte(b[1:4])
	m.Options = Options(b[clientHeader:len(b):len(b)])
	if m.Type == ReconfigureRequest {
		return DropNone // it names several clients, and a malformed one is answered (RFC 6977): whoever serves it reads its options
	}
	for at := clientHeader; at < len(b); {
		if len(b)-at < optionHeader {
			return DropTruncated
		}
		code := OptionCode(binary.BigEndian.Uint16(b[at:]))
		end := at + optionHeader + int(binary.BigEndian.Uint16(b[at+2:]))
		if end > len(b) {
			return DropTruncated
		}
		if drop := m.take(code, b[at+optionHeader:end:end]); drop != DropNone {
			return drop
		}
		at = end
	}
	return DropNone
}

// layout refuses types whose options don't stand behind four octets, or of which that isn't known.
func layout(t MessageType) Drop {
	switch {
	case t == RelayReply:
		return DropServerMessage // RFC 9915, Section 16.14
	case t >= Solicit && t <= StartTLS, t == AddrRegInform, t == AddrRegReply:
		return DropNone
	default:
		return DropUnknownType // RFC 9915, Section 16
	}
}
