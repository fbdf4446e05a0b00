package wire

import "bytes"

// Validate says whether a server whose DUID is serverID has to discard the message, and why (RFC 9915, Section 16).
// DropForeignServer means that the message is in order and meant for another server: whose it is, the engine finds out.
// Nothing else is asked for: the standard names no rule to discard a message without Option Request or Elapsed Time.
func (m *Message) Validate(serverID []byte) Drop {
	switch m.Type {
	case Solicit, Confirm, Rebind:
		// RFC 9915, Sections 16.2, 16.5 and 16.7.
		if m.ClientID == nil {
			return DropNoClientID
		}
		if m.ServerID != nil {
			return DropUnexpectedServerID
		}
	case Request, Renew, Decline, Release:
		// RFC 9915, Sections 16.4, 16.6, 16.8 and 16.9. What a server overhears of another's clients is of use
		// only with their identifiers, so a message without one is told apart first.
		if m.ServerID == nil {
			return DropNoServerID
		}
		if m.ClientID == nil {
			return DropNoClientID
		}
		if !bytes.Equal(m.ServerID, serverID) {
			return DropForeignServer
		}
	case InformationRequest:
		// RFC 9915, Section 16.12. A client may stay anonymous here, and may name this server.
		if m.IACount > 0 || m.HasIATA {
			return DropUnexpectedIA
		}
		if m.ServerID != nil && !bytes.Equal(m.ServerID, serverID) {
			return DropForeignServer
		}
	case AddrRegInform:
		// RFC 9686, Section 4.2.1. What it says of the address needs the packet: see Registration.
		switch {
		case m.ClientID == nil:
			return DropNoClientID
		case m.ServerID != nil:
			return DropUnexpectedServerID
		case m.ORO != nil:
			return DropUnexpectedORO
		}
	case Advertise, Reply, Reconfigure, RelayReply, AddrRegReply:
		// RFC 9915, Sections 16.3, 16.10, 16.11 and 16.14; RFC 9686, Section 4.3.
		return DropServerMessage
	default:
		// RFC 9915, Section 16. A Relay-forward can't stand here: Parse takes it apart.
		return DropUnknownType
	}
	return DropNone
}
