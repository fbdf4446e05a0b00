package reconfigure

import (
	"bytes"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A Request is a Reconfigure-request: a relay wants clients to be asked (RFC 6977, Section 6.3). What it holds are views.
type Request struct {
	Clients [][]byte         // DUIDs, each once
	Link    [16]byte         // an address of the link that the clients are on
	Ask     wire.MessageType // what they are to be asked for; 0: the relay doesn't say

	named   map[string]struct{} // Clients
	hasLink bool
	foreign bool // it is for another server
}

// ReadRequest reads a Reconfigure-request for a server. Drop is why it must be discarded (RFC 6977, Section 6.2.1); fault is what is
// malformed in it, of which the relay is told (Section 6.5), or empty. Options that it may have beside these don't matter: what a relay
// supplies counts when the client's next message brings it.
func ReadRequest(m *wire.Message, server []byte) (r Request, drop wire.Drop, fault string) {
	r.named = make(map[string]struct{})
	rest := m.Options
	for {
		code, data, after, ok := rest.Next()
		if !ok {
			break
		}
		rest = after
		if said := r.take(code, data, server); fault == "" {
			fault = said
		}
	}
	if len(rest) > 0 && fault == "" {
		fault = "an option runs past the message's end"
	}
	switch {
	case r.foreign:
		drop = wire.DropForeignServer
	case len(r.Clients) == 0:
		drop = wire.DropNoClientID
	case !r.hasLink:
		drop = wire.DropNoLink
	}
	return r, drop, fault
}

// take takes an option, and tells what is wrong with it; empty: nothing is.
func (r *Request) take(code wire.OptionCode, data, server []byte) (fault string) {
	switch code {
	case wire.OptionServerID:
		r.foreign = r.foreign || !bytes.Equal(data, server)
	case wire.OptionClientID:
		if _, twice := r.named[string(data)]; !twice {
			r.named[string(data)] = struct{}{}
			r.Clients = append(r.Clients, data)
		}
		if len(data) < wire.MinDUID || len(data) > wire.MaxDUID {
			return "a Client Identifier is no DUID"
		}
	case wire.OptionLinkAddress:
		if r.hasLink {
			return "the Link Address option stands twice"
		}
		r.hasLink = true
		if len(data) != len(r.Link) {
			return "the Link Address option isn't of 16 octets"
		}
		r.Link = [16]byte(data)
	case wire.OptionReconfigureMessage:
		if len(data) != 1 || !Asks(wire.MessageType(data[0])) {
			return "the Reconfigure Message option asks for no message that a client can be asked for"
		}
		r.Ask = wire.MessageType(data[0])
	}
	return ""
}

// AppendAnswer appends the Reconfigure-reply to a Reconfigure-request (RFC 6977, Section 6.5). NotAsked are the clients that no Reconfigure
// is sent to; they stand beside a status of Success only.
func AppendAnswer(dst []byte, xid [3]byte, server []byte, status wire.StatusCode, text string, notAsked [][]byte) []byte {
	dst = wire.AppendHeader(dst, wire.ReconfigureReply, xid)
	dst = wire.AppendOption(dst, wire.OptionServerID, server)
	dst = wire.AppendStatus(dst, status, text)
	for _, client := range notAsked {
		dst = wire.AppendOption(dst, wire.OptionClientID, client)
	}
	return dst
}
