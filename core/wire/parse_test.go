package wire_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/wire"
)

var (
	header   = []byte{1, 0x12, 0x34, 0x56} // Solicit
	duidLL   = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 7}
	clientID = option(wire.OptionClientID, duidLL)
	serverID = option(wire.OptionServerID, []byte{0, 4}, bytes.Repeat([]byte{0xab}, 16))
	iana     = option(wire.OptionIANA, []byte{0, 0, 0, 1}, make([]byte, 8))
	elapsed  = option(wire.OptionElapsedTime, []byte{0, 100})
)

func TestParseDirect(t *testing.T) {
	p := mustParse(t, rows(
		[]byte{3, 0xab, 0xcd, 0xef},                               // msg-type Request | transaction-id
		[]byte{0, 1, 0, 10}, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 7}, // OPTION_CLIENTID | 10 | DUID-LL
		[]byte{0, 2, 0, 4}, []byte{0, 2, 0, 9}, // OPTION_SERVERID | 4 | DUID
		[]byte{0, 6, 0, 4}, []byte{0, 23, 0, 24}, // OPTION_ORO | 4 | DNS servers, search list
		[]byte{0, 8, 0, 2}, []byte{0x01, 0x2c}, // OPTION_ELAPSED_TIME | 2 | 3 s
		[]byte{0, 14, 0, 0},                    // OPTION_RAPID_COMMIT
		[]byte{0, 20, 0, 0},                    // OPTION_RECONF_ACCEPT
		[]byte{0, 4, 0, 4}, []byte{0, 0, 0, 9}, // OPTION_IA_TA | 4 | IAID
		[]byte{0, 3, 0, 40},                        // OPTION_IA_NA | 40
		[]byte{0, 0, 0, 1},                         // IAID
		[]byte{0, 0, 0, 2},                         // T1
		[]byte{0, 0, 0, 3},                         // T2
		[]byte{0, 5, 0, 24}, octets("2001:db8::1"), // OPTION_IAADDR | 24 | IPv6-address
		[]byte{0, 0, 0, 4}, []byte{0xff, 255, 255, 255}, // preferred-lifetime | valid-lifetime
		[]byte{0, 25, 0, 47},               // OPTION_IA_PD | 47
		[]byte{0, 0, 0, 1},                 // IAID: the numbers of IA_PD are others than those of IA_NA
		make([]byte, 8),                    // T1 | T2
		[]byte{0, 26, 0, 31},               // OPTION_IAPREFIX | 31
		[]byte{0, 0, 0, 5},                 // preferred-lifetime
		[]byte{0, 0, 0, 6},                 // valid-lifetime
		[]byte{56},                         // prefix-length
		octets("2001:db8:1::"),             // IPv6-prefix
		[]byte{0, 67, 0, 2}, []byte{64, 1}, // OPTION_PD_EXCLUDE | 2
		[]byte{0xff, 0xfe, 0, 1}, []byte{1}, // an option that nobody knows
	))
	want := `Request abcdef
  client-id 00030001020000000007
  server-id 00020009
  oro 00170018
  elapsed-time 300
  rapid-commit
  reconfigure-accept
  ia-ta
  IA_NA 00000001: 5
    2001:db8::1/128 preferred 4 valid 4294967295:
  IA_PD 00000001: 26
    2001:db8:1::/56 preferred 5 valid 6: 67
  options 1 2 6 8 14 20 4 3 25 65534
`
	if diff := cmp.Diff(want, dump(p)); diff != "" {
		t.Errorf("packet (-want +got):\n%s", diff)
	}
	if p.Innermost() != nil {
		t.Error("Innermost() of a direct message isn't nil")
	}
	if a, ok := p.LinkAddress(); ok {
		t.Errorf("LinkAddress() = %x, want none", a)
	}
	for code, want := range map[wire.OptionCode]bool{23: true, 24: true, 25: false, 0: false} {
		if got := p.Message.Requests(code); got != want {
			t.Errorf("Requests(%d) = %v, want %v", code, got, want)
		}
	}
}

func TestParseRelayed(t *testing.T) {
	inner := forward(0, "2001:db8:7::1", "fe80::7", rows(header, clientID),
		option(wire.OptionInterfaceID, []byte("eth0")),
		option(wire.OptionInterfaceID, []byte("the second one doesn't count")),
		option(wire.OptionRemoteID, []byte{0, 0, 0, 9}, []byte("line")),
		option(wire.OptionSubscriberID),
		option(wire.OptionRelayID, duidLL),
		option(wire.OptionClientLinkLayer, []byte{0, 1, 2, 0, 0, 0, 0, 7}),
		option(wire.OptionERO, []byte{0, 37}),
		option(wire.OptionRSOO, option(65, []byte{0})))
	p := mustParse(t, forward(200, "::", "2001:db8:7::1", inner,
		option(wire.OptionRelaySourcePort, []byte{0x1f, 0x90}),
		option(9999, []byte{1})))
	want := `relay 0 hop-count 200 link-address :: peer-address 2001:db8:7::1
  source-port 1f90
  options 135 9999 9
relay 1 hop-count 0 link-address 2001:db8:7::1 peer-address fe80::7
  interface-id 65746830
  remote-id 000000096c696e65
  subscriber-id 
  relay-id 00030001020000000007
  client-link-layer 0001020000000007
  ero 0025
  rsoo 0041000100
  options 18 18 37 38 53 79 43 66 9
Solicit 123456
  client-id 00030001020000000007
  options 1
`
	if diff := cmp.Diff(want, dump(p)); diff != "" {
		t.Errorf("packet (-want +got):\n%s", diff)
	}
	if a, ok := p.LinkAddress(); !ok || a != addr("2001:db8:7::1") {
		t.Errorf("LinkAddress() = %x, %v", a, ok)
	}
	if p.Innermost() != &p.Relays[1] {
		t.Error("Innermost() isn't the relay closest to the client")
	}
}

// RFC 9915, Section 13.1: the link-address closest to the client counts, and zeros don't.
func TestLinkAddress(t *testing.T) {
	message := rows(header, clientID)
	for _, test := range []struct {
		name  string
		links []string // innermost first
		want  string   // empty: none
	}{
		{"one", []string{"2001:db8::1"}, "2001:db8::1"},
		{"innermost", []string{"2001:db8::1", "2001:db8::2"}, "2001:db8::1"},
		{"zero inside", []string{"::", "2001:db8::2", "2001:db8::3"}, "2001:db8::2"},
		{"all zero", []string{"::", "::"}, ""},
	} {
		b := message
		for i, link := range test.links {
			b = forward(byte(i), link, "fe80::1", b)
		}
		a, ok := mustParse(t, b).LinkAddress()
		if ok != (test.want != "") || ok && a != addr(test.want) {
			t.Errorf("%s: LinkAddress() = %x, %v, want %q", test.name, a, ok, test.want)
		}
	}
}

func TestParseDepth(t *testing.T) {
	b := rows(header, clientID)
	for depth := range 400 {
		want := wire.DropNone
		if depth > wire.MaxRelays {
			want = wire.DropRelayDepth
		}
		var p wire.Packet
		if got := p.Parse(b); got != want {
			t.Fatalf("%d levels: %v, want %v", depth, got, want)
		}
		if want == wire.DropNone && p.RelayCount != depth {
			t.Fatalf("%d levels: RelayCount = %d", depth, p.RelayCount)
		}
		b = forward(byte(depth), "2001:db8::1", "fe80::1", b)
	}
}

// A packet is used again and again: nothing of the message before may shine through.
func TestParseReuse(t *testing.T) {
	full := forward(3, "2001:db8::1", "fe80::1",
		rows(header, clientID, serverID, iana, elapsed, option(wire.OptionORO, []byte{0, 23}),
			option(wire.OptionRapidCommit), option(wire.OptionReconfigureAccept), option(wire.OptionIATA)),
		option(wire.OptionInterfaceID, []byte("eth0")), option(wire.OptionRelaySourcePort, []byte{1, 2}))
	var p wire.Packet
	for _, b := range [][]byte{
		{11, 0, 0, 1},
		forward(0, "::", "::", []byte{11, 0, 0, 1}),
	} {
		want := dump(mustParse(t, b))
		if drop := p.Parse(full); drop != wire.DropNone {
			t.Fatal(drop)
		}
		if drop := p.Parse(b); drop != wire.DropNone {
			t.Fatal(drop)
		}
		if diff := cmp.Diff(want, dump(&p)); diff != "" {
			t.Errorf("after another packet (-fresh +reused):\n%s", diff)
		}
	}
}

// The views end where the option ends: who appends to one doesn't write into the datagram.
func TestViewsHaveNoRoom(t *testing.T) {
	b := forward(0, "2001:db8::1", "fe80::1", rows(header, clientID, iana, elapsed),
		option(wire.OptionInterfaceID, []byte("eth0")))
	before := bytes.Clone(b)
	p := mustParse(t, append(b, make([]byte, 0, 64)...))
	for name, view := range map[string][]byte{
		"client-id": p.Message.ClientID, "interface-id": p.Relays[0].InterfaceID, "IA": p.Message.IAs[0].Options,
		"message": p.Message.Options, "relay": p.Relays[0].Options,
	} {
		if cap(view) != len(view) {
			t.Errorf("%s: length %d, capacity %d", name, len(view), cap(view))
		}
	}
	if !bytes.Equal(b, before) {
		t.Error("Parse changed the datagram")
	}
}

// Cut anywhere, a packet is truncated, or it ends between two options of the outermost level and is whole.
func TestParseTruncated(t *testing.T) {
	direct := rows(header, clientID, elapsed, iana)
	relayed := forward(0, "2001:db8::1", "fe80::1", direct)
	var p wire.Packet
	for cut := range relayed {
		want := wire.DropTruncated
		if cut == 34 {
			want = wire.DropNoRelayMessage
		}
		if got := p.Parse(relayed[:cut]); got != want {
			t.Errorf("relayed, cut at %d: %v, want %v", cut, got, want)
		}
	}
	whole := map[int]bool{4: true, 4 + len(clientID): true, 4 + len(clientID) + len(elapsed): true}
	for cut := range direct {
		want := wire.DropTruncated
		if whole[cut] {
			want = wire.DropNone
		}
		if got := p.Parse(direct[:cut]); got != want {
			t.Errorf("direct, cut at %d: %v, want %v", cut, got, want)
		}
	}
}
