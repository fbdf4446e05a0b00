package wire_test

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lockstep6/lockstep6/core/wire"
)

func addPackets(f *testing.F) {
	for _, name := range packets(f) {
		octets, _, _ := readPacket(f, name)
		f.Add(octets)
	}
	for _, b := range [][]byte{nil, {1}, {12}, header, {13, 0, 0, 0}, forward(0, "::", "::", nil)} {
		f.Add(b)
	}
}

// inside tells whether view lies in b; nil lies everywhere.
func inside(b, view []byte) bool {
	if view == nil {
		return true
	}
	start, end := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))
	at := uintptr(unsafe.Pointer(unsafe.SliceData(view))) - start
	return at <= end && at+uintptr(cap(view)) <= end
}

// Whatever arrives, Parse ends without a panic, and all that a packet then shows lies inside the datagram;
// so does all that can be walked to from there, and the answer's relay levels mirror the packet's.
func FuzzParse(f *testing.F) {
	addPackets(f)
	p := new(wire.Packet)
	f.Fuzz(func(t *testing.T, b []byte) {
		// Octets behind the datagram, as in a buffer that is used again: none of them may be seen.
		buffer := append(bytes.Clone(b), bytes.Repeat([]byte{0, 1, 0, 4}, 20)...)
		b = buffer[:len(b)]
		drop := p.Parse(b)
		if drop >= wire.DropCount {
			t.Fatalf("reason %d", drop)
		}
		if drop != wire.DropNone {
			return
		}
		for _, view := range views(p) {
			if !inside(b, view) {
				t.Fatalf("a view of %d octets lies outside of the datagram", len(view))
			}
		}
		if p.Message.Validate(ourDUID) >= wire.DropCount || wire.ReplyPort(p, 1) > wire.ServerPort {
			t.Fatal("no such reason, or no such port")
		}
		checkMirror(t, p)
	})
}

func views(p *wire.Packet) [][]byte {
	m := &p.Message
	all := [][]byte{m.Options, m.ClientID, m.ServerID, m.ORO}
	add := func(o wire.Options) {
		all = append(all, o)
		for _, data, rest, ok := o.Next(); ok; _, data, rest, ok = rest.Next() {
			all = append(all, data, rest)
		}
	}
	add(m.Options)
	for i := range m.IACount {
		ia := &m.IAs[i]
		add(ia.Options)
		for l, rest, ok := ia.NextLease(ia.Options); ok; l, rest, ok = ia.NextLease(rest) {
			add(l.Options)
		}
	}
	for i := range p.RelayCount {
		r := &p.Relays[i]
		add(r.Options)
		all = append(all, r.InterfaceID, r.RemoteID, r.SubscriberID, r.RelayID, r.ClientLinkLayer, r.ERO, r.RSOO, r.SourcePort)
	}
	return all
}

// checkMirror answers a packet and reads the answer's levels.
func checkMirror(t *testing.T, p *wire.Packet) {
	out, marks := wire.OpenRelays(nil, p)
	out = wire.CloseRelays(wire.AppendHeader(out, wire.Reply, p.Message.TransactionID), marks)
	if len(out) > 65535 {
		return
	}
	var back wire.Packet
	if drop := back.Parse(asForward(out)); drop != wire.DropNone {
		t.Fatalf("the answer %x: %v", out, drop)
	}
	if back.RelayCount != p.RelayCount || back.Message.Type != wire.Reply || back.Message.TransactionID != p.Message.TransactionID {
		t.Fatalf("the answer %x isn't one to this packet", out)
	}
	for i := range p.RelayCount {
		asked, got := &p.Relays[i], &back.Relays[i]
		if asked.HopCount != got.HopCount || asked.LinkAddress != got.LinkAddress || asked.PeerAddress != got.PeerAddress {
			t.Fatalf("level %d: another header", i)
		}
		if !same(asked.InterfaceID, got.InterfaceID) || !same(asked.SourcePort, got.SourcePort) {
			t.Fatalf("level %d: Interface-ID %x, port %x; want %x, %x", i, got.InterfaceID, got.SourcePort,
				asked.InterfaceID, asked.SourcePort)
		}
	}
}

// same tells absent from empty.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// What the encoder builds is parsed as what it was built from, and built from that as the same octets again.
func FuzzBuild(f *testing.F) {
	addPackets(f)
	for _, seed := range [][]byte{
		bytes.Repeat([]byte{1}, 400), bytes.Repeat([]byte{0xff}, 900), bytes.Repeat([]byte{3, 129, 7}, 300),
	} {
		f.Add(seed)
	}
	p := new(wire.Packet)
	f.Fuzz(func(t *testing.T, seed []byte) {
		from := source(seed)
		want := makeOne(&from)
		b := want.build()
		forwarded := asForward(b)
		if drop := p.Parse(forwarded); drop != wire.DropNone {
			t.Fatalf("%x: %v", b, drop)
		}
		got := meaning(p)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-made +parsed):\n%s", diff)
		}
		if again := got.build(); !bytes.Equal(again, b) {
			t.Fatalf("built %x, parsed and built again %x", b, again)
		}
	})
}
