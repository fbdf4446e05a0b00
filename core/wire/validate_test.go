package wire_test

import (
	"bytes"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// What a message carries in the table below.
const (
	none = 0
	cid  = 1 << iota
	ours
	foreign
	na
	pd
	ta
	strange // an unknown option and a vendor option of an unknown enterprise-number
)

var (
	ourDUID     = append([]byte{0, 4}, bytes.Repeat([]byte{0xaa}, 16)...)
	foreignDUID = append([]byte{0, 4}, bytes.Repeat([]byte{0xbb}, 16)...)
)

func messageWith(t wire.MessageType, has int) []byte {
	b := wire.AppendHeader(nil, t, [3]byte{1, 2, 3})
	for _, part := range []struct {
		bit    int
		option []byte
	}{
		{cid, clientID},
		{ours, option(wire.OptionServerID, ourDUID)},
		{foreign, option(wire.OptionServerID, foreignDUID)},
		{na, iana},
		{pd, option(wire.OptionIAPD, make([]byte, 12))},
		{ta, option(wire.OptionIATA, make([]byte, 4))},
		{strange, rows(option(54321, []byte("?")), option(wire.OptionVendorInformation, []byte{9, 9, 9, 9, 1}))},
	} {
		if has&part.bit != 0 {
			b = append(b, part.option...)
		}
	}
	return b
}

// RFC 9915, Section 16, line by line: what a server does with each kind of message.
func TestValidate(t *testing.T) {
	for _, test := range []struct {
		section string
		message wire.MessageType
		has     int
		want    wire.Drop
	}{
		{"16: unknown options are ignored", wire.Solicit, cid | na | strange, wire.DropNone},
		{"16: unknown options are ignored", wire.Request, cid | ours | na | strange, wire.DropNone},
		{"16: unknown type", 0, cid, wire.DropUnknownType},
		{"16: unknown type", 24, cid, wire.DropUnknownType},
		{"16: unknown type", 255, none, wire.DropUnknownType},
		{"16: a type that this server doesn't serve", wire.Leasequery, cid, wire.DropUnknownType},
		{"9686 4.2.1: no Client Identifier", wire.AddrRegInform, none, wire.DropNoClientID},
		{"9686 4.2.1: a Server Identifier", wire.AddrRegInform, cid | ours, wire.DropUnexpectedServerID},
		{"9686 4.2.1: a Server Identifier", wire.AddrRegInform, cid | foreign, wire.DropUnexpectedServerID},
		{"9686 4.2.1: the address is looked at later", wire.AddrRegInform, cid, wire.DropNone},
		{"9686 4.3: servers ignore it", wire.AddrRegReply, cid | ours, wire.DropServerMessage},
		{"16: a type that this server doesn't serve", wire.LeasequeryReply, cid | ours, wire.DropUnknownType},
		{"16: a type that this server doesn't serve", wire.ReconfigureRequest, cid, wire.DropUnknownType},
		{"16: a type that this server doesn't serve", wire.ReconfigureReply, cid | ours, wire.DropUnknownType},
		{"16: a type that this server doesn't serve", wire.DHCPv4Query, none, wire.DropUnknownType},
		{"16.2 Solicit", wire.Solicit, cid, wire.DropNone},
		{"16.2 Solicit", wire.Solicit, cid | na | pd | ta, wire.DropNone},
		{"16.2 Solicit", wire.Solicit, na, wire.DropNoClientID},
		{"16.2 Solicit", wire.Solicit, cid | ours, wire.DropUnexpectedServerID},
		{"16.2 Solicit", wire.Solicit, cid | foreign, wire.DropUnexpectedServerID},
		{"16.3 Advertise", wire.Advertise, cid | ours, wire.DropServerMessage},
		{"16.4 Request", wire.Request, cid | ours | na, wire.DropNone},
		{"16.4 Request", wire.Request, cid | na, wire.DropNoServerID},
		{"16.4 Request", wire.Request, cid | foreign | na, wire.DropForeignServer},
		{"16.4 Request", wire.Request, ours | na, wire.DropNoClientID},
		{"16.4 Request", wire.Request, foreign | na, wire.DropNoClientID},
		{"16.5 Confirm", wire.Confirm, cid | na, wire.DropNone},
		{"16.5 Confirm", wire.Confirm, na, wire.DropNoClientID},
		{"16.5 Confirm", wire.Confirm, cid | ours | na, wire.DropUnexpectedServerID},
		{"16.6 Renew", wire.Renew, cid | ours | na, wire.DropNone},
		{"16.6 Renew", wire.Renew, cid | na, wire.DropNoServerID},
		{"16.6 Renew", wire.Renew, cid | foreign | na, wire.DropForeignServer},
		{"16.6 Renew", wire.Renew, ours | na, wire.DropNoClientID},
		{"16.7 Rebind", wire.Rebind, cid | na, wire.DropNone},
		{"16.7 Rebind", wire.Rebind, na, wire.DropNoClientID},
		{"16.7 Rebind", wire.Rebind, cid | ours | na, wire.DropUnexpectedServerID},
		{"16.8 Decline", wire.Decline, cid | ours | na, wire.DropNone},
		{"16.8 Decline", wire.Decline, cid | na, wire.DropNoServerID},
		{"16.8 Decline", wire.Decline, cid | foreign | na, wire.DropForeignServer},
		{"16.8 Decline", wire.Decline, ours | na, wire.DropNoClientID},
		{"16.9 Release", wire.Release, cid | ours | na, wire.DropNone},
		{"16.9 Release", wire.Release, cid | na, wire.DropNoServerID},
		{"16.9 Release", wire.Release, cid | foreign | na, wire.DropForeignServer},
		{"16.9 Release", wire.Release, ours | na, wire.DropNoClientID},
		{"16.10 Reply", wire.Reply, cid | ours, wire.DropServerMessage},
		{"16.11 Reconfigure", wire.Reconfigure, cid | ours, wire.DropServerMessage},
		{"16.12 Information-request", wire.InformationRequest, none, wire.DropNone},
		{"16.12 Information-request", wire.InformationRequest, cid, wire.DropNone},
		{"16.12 Information-request", wire.InformationRequest, ours, wire.DropNone},
		{"16.12 Information-request", wire.InformationRequest, cid | foreign, wire.DropForeignServer},
		{"16.12 Information-request", wire.InformationRequest, cid | na, wire.DropUnexpectedIA},
		{"16.12 Information-request", wire.InformationRequest, cid | pd, wire.DropUnexpectedIA},
		{"16.12 Information-request", wire.InformationRequest, cid | ta, wire.DropUnexpectedIA},
		{"16.14 Relay-reply", wire.RelayReply, cid, wire.DropServerMessage},
	} {
		b := messageWith(test.message, test.has)
		for _, b := range [][]byte{b, forward(0, "2001:db8::1", "fe80::1", b)} {
			var p wire.Packet
			got := p.Parse(b)
			if got == wire.DropNone {
				got = p.Message.Validate(ourDUID)
			}
			if got != test.want {
				t.Errorf("%s, %v with %#x, %d relays: %v, want %v", test.section, test.message, test.has, p.RelayCount, got, test.want)
			}
		}
	}
}

// RFC 9915, Section 9.1: a Relay-forward must carry a message; a Relay-forward around nothing, or around half a
// message, is no better.
func TestRelayForwardWithoutMessage(t *testing.T) {
	head := rows([]byte{12, 0}, make([]byte, 32))
	for _, test := range []struct {
		name string
		b    []byte
		want wire.Drop
	}{
		{"no options", head, wire.DropNoRelayMessage},
		{"others only", rows(head, option(wire.OptionInterfaceID, []byte("eth0"))), wire.DropNoRelayMessage},
		{"empty", rows(head, option(wire.OptionRelayMessage)), wire.DropTruncated},
		{"half a message", rows(head, option(wire.OptionRelayMessage, []byte{1, 2, 3})), wire.DropTruncated},
		{"inner without", rows(head, option(wire.OptionRelayMessage, head)), wire.DropNoRelayMessage},
		{"half a header", head[:33], wire.DropTruncated},
	} {
		var p wire.Packet
		if got := p.Parse(test.b); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// Clients must send Option Request and Elapsed Time (RFC 9915, Sections 21.7 and 21.9), but no rule of a server asks
// for them; and what they say of T1, T2 and lifetimes is nothing to judge them by (Sections 21.4, 21.6, 21.21, 21.22).
func TestValidateAsksForNoMore(t *testing.T) {
	full := bytes.Repeat([]byte{0xff}, 8)
	p := mustParse(t, rows([]byte{5, 0, 0, 1}, clientID, option(wire.OptionServerID, ourDUID),
		option(wire.OptionIANA, []byte{0, 0, 0, 1}, full, option(wire.OptionIAAddress, octets("2001:db8::1"), full))))
	if got := p.Message.Validate(ourDUID); got != wire.DropNone {
		t.Errorf("Validate = %v, want none", got)
	}
}
