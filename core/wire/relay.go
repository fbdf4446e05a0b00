package wire

import "encoding/binary"

// Bounds of what an Echo Request option makes the server do. What goes beyond isn't echoed: without them one datagram
// full of empty options and of codes would cost a hundred times what another does.
const (
	MaxEchoed    = 32      // codes that are honoured
	maxEchoSteps = 32 * 32 // options of the Relay-forward that are looked at for all of them
)

// RelayMarks remembers the Relay Message options that OpenRelays opened.
type RelayMarks struct {
	at    [MaxRelays]int32
	count int32
}

// OpenRelays appends the Relay-reply headers for every level of p, outermost first (RFC 9915, Sections 9.2 and 19.3),
// each with the options that its relay gets back and an open Relay Message option. The reply to the client follows,
// then CloseRelays. It appends nothing where the client spoke directly.
func OpenRelays(dst []byte, p *Packet) ([]byte, RelayMarks) {
	var marks RelayMarks
	for i := range p.Relays[:p.RelayCount] {
		dst = openRelay(dst, &p.Relays[i])
		marks.at[i] = int32(len(dst))
		dst = appendOptionHeader(dst, OptionRelayMessage, 0)
	}
	marks.count = int32(p.RelayCount)
	return dst, marks
}

// CloseRelays ends what OpenRelays opened.
func CloseRelays(dst []byte, marks RelayMarks) []byte {
	for i := marks.count - 1; i >= 0; i-- {
		dst = CloseOption(dst, int(marks.at[i]))
	}
	return dst
}

func openRelay(dst []byte, r *Relay) []byte {
	dst = append(dst, byte(RelayReply), r.HopCount)
	dst = append(dst, r.LinkAddress[:]...)
	dst = append(dst, r.PeerAddress[:]...)
	if r.InterfaceID != nil {
		// RFC 9915, Section 21.18: copied, at the level where it stood.
		dst = AppendOption(dst, OptionInterfaceID, r.InterfaceID)
	}
	if r.SourcePort != nil {
		// RFC 8357, Section 5.2: copied into the Relay-reply chain.
		dst = AppendOption(dst, OptionRelaySourcePort, r.SourcePort)
	}
	if len(r.ERO) != 0 {
		dst = appendEchoed(dst, r)
	}
	return dst
}

// appendEchoed does what an Echo Request option asks for, each code once (RFC 4994, Section 5):
// all instances that stand in the Relay-forward are copied verbatim, known to the server or not.
func appendEchoed(dst []byte, r *Relay) []byte {
	codes := r.ERO[:min(len(r.ERO), 2*MaxEchoed)]
	steps := maxEchoSteps
	for at := 0; at+2 <= len(codes); at += 2 {
		code := OptionCode(binary.BigEndian.Uint16(codes[at:]))
		if r.inReply(code, codes[:at]) {
			continue
		}
		for c, data, rest, ok := r.Options.Next(); ok; c, data, rest, ok = rest.Next() {
			if steps--; steps < 0 {
				return dst
			}
			if c == code {
				dst = AppendOption(dst, code, data)
			}
		}
	}
	return dst
}

// inReply tells whether the Relay-reply has the option already, or is going to have it: those that are copied unasked,
// the Relay Message, and the codes that the relay listed before.
func (r *Relay) inReply(code OptionCode, before []byte) bool {
	switch {
	case code == OptionRelayMessage,
		code == OptionInterfaceID && r.InterfaceID != nil,
		code == OptionRelaySourcePort && r.SourcePort != nil:
		return true
	}
	for ; len(before) >= 2; before = before[2:] {
		if OptionCode(binary.BigEndian.Uint16(before)) == code {
			return true
		}
	}
	return false
}

// ReplyPort is the UDP port that the answer to a packet goes to, which came from sourcePort: the client's (RFC 9915,
// Section 7.2), the relay's, or sourcePort where the relay that sent it says that it uses another (RFC 8357, Section 5.2).
func ReplyPort(p *Packet, sourcePort uint16) uint16 {
	switch {
	case p.RelayCount == 0:
		return ClientPort
	case p.Relays[0].SourcePort != nil:
		return sourcePort
	default:
		return ServerPort
	}
}

// AppendChain appends the Relay-forward of a packet, all its levels, without the client's message: the innermost one has no
// Relay Message option (RFC 5007, Section 4.1.2.4). It appends nothing where the client spoke directly.
func AppendChain(dst []byte, p *Packet) []byte {
	var marks RelayMarks
	for i := range p.Relays[:p.RelayCount] {
		r := &p.Relays[i]
		dst = append(dst, byte(RelayForward), r.HopCount)
		dst = append(dst, r.LinkAddress[:]...)
		dst = append(dst, r.PeerAddress[:]...)
		for code, data, rest, ok := r.Options.Next(); ok; code, data, rest, ok = rest.Next() {
			if code != OptionRelayMessage {
				dst = AppendOption(dst, code, data)
			}
		}
		if i < p.RelayCount-1 {
			marks.at[marks.count] = int32(len(dst))
			marks.count++
			dst = appendOptionHeader(dst, OptionRelayMessage, 0)
		}
	}
	return CloseRelays(dst, marks)
}
