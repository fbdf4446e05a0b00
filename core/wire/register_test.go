package wire_test

import (
	"bytes"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// RFC 9686, Section 4.2.1: which address a message registers, and which messages register none.
func TestRegistration(t *testing.T) {
	address, other := [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}, [16]byte{0x20, 1, 0xd, 0xb8, 15: 2}
	said := wire.AppendIAAddress(nil, &address, 100, 200)
	data := said[4:]
	for _, test := range []struct {
		name    string
		options []byte
		relays  [][16]byte // their peer-addresses, the innermost first
		source  [16]byte
		want    wire.Drop
	}{
		{"direct", said, nil, address, wire.DropNone},
		{"direct, from another", said, nil, other, wire.DropForeignAddress},
		{"relayed", said, [][16]byte{address}, other, wire.DropNone},
		{"relayed, for another", said, [][16]byte{other}, address, wire.DropForeignAddress},
		{"the innermost relay counts", said, [][16]byte{address, other}, other, wire.DropNone},
		{"the outermost doesn't", said, [][16]byte{other, address}, other, wire.DropForeignAddress},
		{"no address", nil, nil, address, wire.DropNoAddresses},
		{"two", append(said[:len(said):len(said)], said...), nil, address, wire.DropRepeatedOption},
		{"too short", wire.AppendOption(nil, wire.OptionIAAddress, data[:23]), nil, address, wire.DropMalformedOption},
		{"options cut short", wire.AppendOption(nil, wire.OptionIAAddress, append(data[:24:24], 0, 13, 0)), nil, address, wire.DropMalformedOption},
		{"in an IA_NA", wire.AppendOption(nil, wire.OptionIANA, append(make([]byte, 12), said...)), nil, address, wire.DropNoAddresses},
	} {
		b := append(wire.AppendHeader(nil, wire.AddrRegInform, [3]byte{1, 2, 3}), clientID...)
		b = append(b, test.options...)
		for _, peer := range test.relays {
			relay := append([]byte{byte(wire.RelayForward), 0}, make([]byte, 16)...)
			b = wire.AppendOption(append(relay, peer[:]...), wire.OptionRelayMessage, b)
		}
		var p wire.Packet
		if drop := p.Parse(b); drop != wire.DropNone {
			t.Fatalf("%s: %v", test.name, drop)
		}
		if drop := p.Message.Validate(ourDUID); drop != wire.DropNone {
			t.Fatalf("%s: %v", test.name, drop)
		}
		r, drop := p.Registration(&test.source)
		if drop != test.want {
			t.Errorf("%s: %v, want %v", test.name, drop, test.want)
		}
		if drop == wire.DropNone && (r.Address != address || r.Length != 128 || r.Preferred != 100 || r.Valid != 200 || !bytes.Equal(r.Data, data)) {
			t.Errorf("%s: %+v", test.name, r)
		}
	}
}
