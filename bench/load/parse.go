package load

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	relayHeader  = 34 // octets of a relay message before its options (RFC 9915, Section 9)
	clientHeader = 4  // octets of any other message before them (Section 8)
	iaHeader     = 12 // octets of an IA before its options (Section 21.4)
)

// A reply is a server's message to one client, as views over the datagram.
type reply struct {
	client     int              // as its DUID and its link-local address say
	kind       wire.MessageType // Advertise or Reply
	xid        [3]byte
	serverID   []byte
	preference int
	rapid      bool     // with Rapid Commit
	leases     [2]lease // by wire.Kind-1: what the client may use from now on
	answers    []Answer // every lease in the client's IAs, those to give up too, and every status in place of one
}

// A lease is an address or prefix with a valid lifetime above 0.
type lease struct {
	ok      bool
	address [16]byte
	length  uint8
}

// parse reads a Relay-reply. False: it isn't one of ours, or broken.
func (r *reply) parse(b []byte) bool {
	if len(b) < relayHeader || wire.MessageType(b[0]) != wire.RelayReply {
		return false
	}
	peer := b[18:34]
	inner, ok := wire.Options(b[relayHeader:]).Find(wire.OptionRelayMessage)
	if !ok || len(inner) < clientHeader {
		return false
	}
	*r = reply{client: clientOf(peer), kind: wire.MessageType(inner[0]), xid: [3]byte(inner[1:4]), answers: r.answers[:0]}
	if r.kind != wire.Advertise && r.kind != wire.Reply {
		return false
	}
	duid := DUID(r.client)
	mine := false
	options := wire.Options(inner[clientHeader:])
	for code, data, rest, ok := options.Next(); ok; code, data, rest, ok = rest.Next() {
		switch code {
		case wire.OptionClientID:
			mine = bytes.Equal(data, duid[:])
		case wire.OptionServerID:
			r.serverID = data
		case wire.OptionPreference:
			if len(data) == 1 {
				r.preference = int(data[0])
			}
		case wire.OptionRapidCommit:
			r.rapid = true
		case wire.OptionIANA:
			r.ia(wire.IANA, data)
		case wire.OptionIAPD:
			r.ia(wire.IAPD, data)
		}
	}
	return mine && r.serverID != nil
}

func (r *reply) ia(kind wire.Kind, data []byte) {
	if len(data) < iaHeader || binary.BigEndian.Uint32(data) != IAID(r.client, kind) {
		return
	}
	options := wire.Options(data[iaHeader:])
	for code, data, rest, ok := options.Next(); ok; code, data, rest, ok = rest.Next() {
		a := Answer{Client: r.client, Type: r.kind, Kind: kind}
		switch {
		case code == wire.OptionIAAddress && kind == wire.IANA && len(data) >= 24:
			a.Address, a.Length = [16]byte(data[:16]), 128
			a.Valid = binary.BigEndian.Uint32(data[20:])
		case code == wire.OptionIAPrefix && kind == wire.IAPD && len(data) >= 25:
			a.Address, a.Length = [16]byte(data[9:25]), data[8]
			a.Valid = binary.BigEndian.Uint32(data[4:])
		case code == wire.OptionStatusCode && len(data) >= 2:
			a.Status = wire.StatusCode(binary.BigEndian.Uint16(data))
		default:
			continue
		}
		if a.Valid > 0 {
			r.leases[kind-1] = lease{ok: true, address: a.Address, length: a.Length}
		}
		r.answers = append(r.answers, a)
	}
}

// says tells whether the reply says anything of the client's IA of a kind.
func (r *reply) says(kind wire.Kind) bool {
	return slices.ContainsFunc(r.answers, func(a Answer) bool { return a.Kind == kind })
}

// An Answer is what a server told a client about one lease.
type Answer struct {
	Client  int
	Server  int              // index into Config.Servers
	Type    wire.MessageType // Advertise or Reply
	Asked   wire.MessageType // what the client waits to be answered; 0: nothing
	Kind    wire.Kind
	Address [16]byte
	Length  uint8           // of a prefix; 128 for an address
	Valid   uint32          // valid lifetime in seconds; 0: the client shall give the lease up, or there is none
	Status  wire.StatusCode // where there is no lease
	Named   bool            // the message that is answered names the lease
	Stray   bool            // the client waits for no such answer, and discards it (RFC 9915, Section 16.10)
}
