package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/wire"
)

// reply answers a datagram with a Reply that holds nothing, inside its relay levels.
func reply(t testing.TB, b []byte) []byte {
	t.Helper()
	p := mustParse(t, b)
	out, marks := wire.OpenRelays(nil, p)
	out = wire.AppendHeader(out, wire.Reply, p.Message.TransactionID)
	return wire.CloseRelays(out, marks)
}

// RFC 9915, Section 19.3: the message through two relays, the outer one first.
func TestRelayReply(t *testing.T) {
	inner := forward(0, "2001:db8:7::1", "fe80::7", header, option(wire.OptionInterfaceID, []byte("eth0")))
	outer := forward(1, "::", "2001:db8:7::1", inner, option(wire.OptionRelaySourcePort, []byte{0x20, 0x22}))
	want := rows(
		[]byte{13, 1},                       // Relay-reply | hop-count
		octets("::"),                        // link-address
		octets("2001:db8:7::1"),             // peer-address
		[]byte{0, 135, 0, 2, 0x20, 0x22},    // OPTION_RELAY_PORT
		[]byte{0, 9, 0, 50},                 // OPTION_RELAY_MSG
		[]byte{13, 0},                       // Relay-reply | hop-count
		octets("2001:db8:7::1"),             // link-address
		octets("fe80::7"),                   // peer-address
		[]byte{0, 18, 0, 4}, []byte("eth0"), // OPTION_INTERFACE_ID
		[]byte{0, 9, 0, 4}, // OPTION_RELAY_MSG
		[]byte{7, 0x12, 0x34, 0x56},
	)
	if diff := cmp.Diff(hex.EncodeToString(want), hex.EncodeToString(reply(t, outer))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRelayReplyDirect(t *testing.T) {
	if got, want := reply(t, header), []byte{7, 0x12, 0x34, 0x56}; !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// The levels stand where dst ended, whatever stood there before.
func TestRelayReplyBehind(t *testing.T) {
	b := forward(0, "2001:db8:7::1", "fe80::7", header, option(wire.OptionERO, []byte{0, 37}), option(37, []byte("abcd")))
	p := mustParse(t, b)
	dst := []byte("what stood there")
	out, marks := wire.OpenRelays(dst, p)
	out = wire.CloseRelays(wire.AppendHeader(out, wire.Reply, p.Message.TransactionID), marks)
	if want := append(dst, reply(t, b)...); !bytes.Equal(out, want) {
		t.Errorf("%x, want %x", out, want)
	}
}

// RFC 4994, Section 5, and the options that a reply echoes unasked.
func TestEcho(t *testing.T) {
	ero := func(codes ...uint16) []byte {
		var data []byte
		for _, code := range codes {
			data = binary.BigEndian.AppendUint16(data, code)
		}
		return option(wire.OptionERO, data)
	}
	a, b := option(37, []byte("\x00\x00\x00\x09line")), option(53, duidLL)
	unknown := option(54321, []byte{1, 2, 3})
	port, name, empty := option(135, []byte{1, 2}), option(18, []byte("eth0")), option(18)
	for _, test := range []struct {
		name    string
		options []byte
		want    []byte
	}{
		{"nothing asked, nothing sent", rows(a, b), nil},
		{"Interface-ID unasked", name, name},
		{"an empty Interface-ID", empty, empty},
		{"Relay Source Port unasked", port, port},
		{"a Relay Source Port of another length", option(135, []byte{1}), nil},
		{"asked", rows(a, b, ero(37)), a},
		{"in the order asked", rows(a, b, ero(53, 37)), rows(b, a)},
		{"unknown to the server", rows(unknown, ero(54321)), unknown},
		{"already in the Relay-reply", rows(name, port, ero(135, 18)), rows(name, port)},
		{"asked twice", rows(a, ero(37, 37)), a},
		{"not in the Relay-forward", rows(a, ero(99, 37)), a},
		{"two instances", rows(a, option(37), ero(37)), rows(a, option(37))},
		{"the Relay Message", rows(a, ero(9, 37)), a},
		{"the Echo Request itself", ero(43), ero(43)},
		{"half a code", rows(a, option(wire.OptionERO, []byte{0, 37, 0})), a},
		{"none asked", rows(a, ero()), nil},
	} {
		out := reply(t, forward(0, "2001:db8::1", "fe80::1", header, test.options))
		got := out[34 : len(out)-8] // between the level's header and its Relay Message
		if !bytes.Equal(got, test.want) {
			t.Errorf("%s: %x, want %x", test.name, got, test.want)
		}
	}
}

// Each level gets its own options back and none of another's.
func TestEchoPerLevel(t *testing.T) {
	inner := forward(0, "2001:db8::1", "fe80::1", header, option(37, []byte("inner")), option(18, []byte("in")))
	outer := forward(1, "2001:db8::2", "fe80::2", inner, option(37, []byte("outer")), option(18, []byte("out")),
		option(wire.OptionERO, []byte{0, 37}))
	p := mustParse(t, asForward(reply(t, outer)))
	type level struct{ InterfaceID, RemoteID string }
	var got []level
	for _, r := range p.Relays[:p.RelayCount] {
		got = append(got, level{string(r.InterfaceID), string(r.RemoteID)})
	}
	if diff := cmp.Diff([]level{{"out", "outer"}, {"in", ""}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A relay that asks for more codes than MaxEchoed gets the first ones.
func TestEchoLimit(t *testing.T) {
	var ero, all []byte
	for code := range 2 * wire.MaxEchoed {
		ero = binary.BigEndian.AppendUint16(ero, uint16(1000+code))
	}
	for code := range wire.MaxEchoed - 10 {
		all = append(all, option(wire.OptionCode(1000+2*code))...) // the even ones of the first codes, and later ones
	}
	want := all[:4*wire.MaxEchoed/2]
	out := reply(t, forward(0, "2001:db8::1", "fe80::1", header, all, option(wire.OptionERO, ero)))
	if got := out[34 : len(out)-8]; !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// However many options a relay sends, looking for what it wants back ends.
func TestEchoEnds(t *testing.T) {
	fill := bytes.Repeat(option(60000), 2000)
	out := reply(t, forward(0, "2001:db8::1", "fe80::1", header, fill, option(wire.OptionERO, []byte{0xea, 0x60, 0, 37}),
		option(37, []byte("behind them"))))
	got := out[34 : len(out)-8]
	if len(got) == 0 || len(got) >= len(fill) || !bytes.HasPrefix(fill, got) {
		t.Errorf("%d octets echoed of %d", len(got), len(fill))
	}
}

func TestReplyAtFullDepth(t *testing.T) {
	b := rows(header, clientID)
	for hop := range wire.MaxRelays {
		b = forward(byte(hop), "2001:db8::1", "fe80::1", b, option(wire.OptionInterfaceID, []byte{byte(hop)}))
	}
	p := mustParse(t, asForward(reply(t, b)))
	if p.RelayCount != wire.MaxRelays {
		t.Fatalf("RelayCount = %d, want %d", p.RelayCount, wire.MaxRelays)
	}
	for i, r := range p.Relays {
		if want := byte(wire.MaxRelays - 1 - i); r.HopCount != want || !bytes.Equal(r.InterfaceID, []byte{want}) {
			t.Errorf("level %d: hop-count %d, Interface-ID %x, want %d", i, r.HopCount, r.InterfaceID, want)
		}
	}
}

func TestReplyPort(t *testing.T) {
	port := option(wire.OptionRelaySourcePort, []byte{0, 0})
	relayed := forward(0, "2001:db8::1", "fe80::1", header)
	for _, test := range []struct {
		name string
		b    []byte
		want uint16
	}{
		{"direct", header, 546},
		{"relayed", relayed, 547},
		{"relay with a port of its own", forward(0, "2001:db8::1", "fe80::1", header, port), 4567},
		{"inner relay with a port of its own", forward(1, "2001:db8::1", "fe80::1",
			forward(0, "2001:db8::1", "fe80::1", header, port)), 547},
		{"option in the client's message", rows(header, port), 546},
	} {
		if got := wire.ReplyPort(mustParse(t, test.b), 4567); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

// RFC 5007, Section 4.1.2.4: the Relay-forward as it came, without the client's message.
func TestChain(t *testing.T) {
	inner := forward(0, "2001:db8:7::1", "fe80::7", header, option(wire.OptionInterfaceID, []byte("eth0")))
	outer := forward(1, "::", "2001:db8:7::1", inner, option(wire.OptionRemoteID, []byte{0, 0, 0, 9, 'x'}))
	want := rows(
		[]byte{12, 1}, octets("::"), octets("2001:db8:7::1"), // Relay-forward
		[]byte{0, 37, 0, 5, 0, 0, 0, 9, 'x'},                      // OPTION_REMOTE_ID
		[]byte{0, 9, 0, 42},                                       // OPTION_RELAY_MSG
		[]byte{12, 0}, octets("2001:db8:7::1"), octets("fe80::7"), // Relay-forward
		[]byte{0, 18, 0, 4}, []byte("eth0"), // OPTION_INTERFACE_ID, and no OPTION_RELAY_MSG
	)
	if diff := cmp.Diff(hex.EncodeToString(want), hex.EncodeToString(wire.AppendChain(nil, mustParse(t, outer)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := wire.AppendChain(nil, mustParse(t, header)); len(got) != 0 {
		t.Errorf("of a client that spoke directly: %x", got)
	}
}
