package wire_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// rows joins the rows of a figure.
func rows(figure ...[]byte) []byte { return bytes.Join(figure, nil) }

func addr(text string) [16]byte { return netip.MustParseAddr(text).As16() }

// octets is an address as a row.
func octets(text string) []byte { a := addr(text); return a[:] }

// option is a whole option as a row, made without the encoder.
func option(code wire.OptionCode, data ...[]byte) []byte {
	all := rows(data...)
	out := binary.BigEndian.AppendUint16(nil, uint16(code))
	out = binary.BigEndian.AppendUint16(out, uint16(len(all)))
	return append(out, all...)
}

// forward is a Relay-forward around a message, made without the encoder.
func forward(hops byte, link, peer string, message []byte, options ...[]byte) []byte {
	return rows([]byte{12, hops}, octets(link), octets(peer), rows(options...), option(wire.OptionRelayMessage, message))
}

func mustParse(t testing.TB, b []byte) *wire.Packet {
	t.Helper()
	p := new(wire.Packet)
	if drop := p.Parse(b); drop != wire.DropNone {
		t.Fatalf("Parse(%x) = %v, want none", b, drop)
	}
	return p
}

// dump writes all that a packet holds, line by line.
func dump(p *wire.Packet) string {
	var w strings.Builder
	for i := range p.RelayCount {
		dumpRelay(&w, i, &p.Relays[i])
	}
	m := &p.Message
	fmt.Fprintf(&w, "%v %x\n", m.Type, m.TransactionID)
	line := func(name string, data []byte) {
		if data != nil {
			fmt.Fprintf(&w, "  %s %x\n", name, data)
		}
	}
	line("client-id", m.ClientID)
	line("server-id", m.ServerID)
	line("oro", m.ORO)
	if m.HasElapsedTime {
		fmt.Fprintf(&w, "  elapsed-time %d\n", m.ElapsedTime)
	}
	flag := func(name string, is bool) {
		if is {
			fmt.Fprintf(&w, "  %s\n", name)
		}
	}
	flag("rapid-commit", m.RapidCommit)
	flag("reconfigure-accept", m.ReconfigureAccept)
	flag("ia-ta", m.HasIATA)
	for i := range m.IACount {
		ia := &m.IAs[i]
		fmt.Fprintf(&w, "  %v %08x:%s\n", ia.Kind, ia.IAID, codes(ia.Options))
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			fmt.Fprintf(&w, "    %v/%d preferred %d valid %d:%s\n", netip.AddrFrom16(lease.Address), lease.Length,
				lease.Preferred, lease.Valid, codes(lease.Options))
		}
	}
	fmt.Fprintf(&w, "  options%s\n", codes(m.Options))
	return w.String()
}

func dumpRelay(w *strings.Builder, i int, r *wire.Relay) {
	fmt.Fprintf(w, "relay %d hop-count %d link-address %v peer-address %v\n", i, r.HopCount,
		netip.AddrFrom16(r.LinkAddress), netip.AddrFrom16(r.PeerAddress))
	for _, field := range []struct {
		name string
		data []byte
	}{
		{"interface-id", r.InterfaceID},
		{"remote-id", r.RemoteID},
		{"subscriber-id", r.SubscriberID},
		{"relay-id", r.RelayID},
		{"client-link-layer", r.ClientLinkLayer},
		{"ero", r.ERO},
		{"rsoo", r.RSOO},
		{"source-port", r.SourcePort},
	} {
		if field.data != nil {
			fmt.Fprintf(w, "  %s %x\n", field.name, field.data)
		}
	}
	fmt.Fprintf(w, "  options%s\n", codes(r.Options))
}

// codes lists the codes of an options block.
func codes(o wire.Options) string {
	var w strings.Builder
	for code, _, rest, ok := o.Next(); ok; code, _, rest, ok = rest.Next() {
		fmt.Fprintf(&w, " %d", code)
	}
	return w.String()
}

// asForward turns the Relay-reply levels that the encoder made into Relay-forward ones, so that Parse takes them.
func asForward(reply []byte) []byte {
	out := bytes.Clone(reply)
	for level := out; len(level) >= 34 && wire.MessageType(level[0]) == wire.RelayReply; {
		level[0] = byte(wire.RelayForward)
		inner, ok := wire.Options(level[34:]).Find(wire.OptionRelayMessage)
		if !ok {
			break
		}
		level = inner
	}
	return out
}
