package wire_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// answer writes what a server might say: both identifiers, a lease in each IA, configuration, relay levels around it.
func answer(dst []byte, p *wire.Packet) []byte {
	m := &p.Message
	m.Validate(ourDUID)
	dst, marks := wire.OpenRelays(dst, p)
	dst = wire.AppendHeader(dst, wire.Reply, m.TransactionID)
	if m.ClientID != nil {
		dst = wire.AppendOption(dst, wire.OptionClientID, m.ClientID)
	}
	dst = wire.AppendOption(dst, wire.OptionServerID, ourDUID)
	for i := range m.IACount {
		ia := &m.IAs[i]
		given := [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}
		if lease, _, ok := ia.NextLease(ia.Options); ok {
			given = lease.Address
		}
		var mark int
		dst, mark = wire.OpenIA(dst, ia.Kind, ia.IAID)
		if ia.Kind == wire.IANA {
			dst = wire.AppendIAAddress(dst, &given, 3600, 7200)
		} else {
			dst = wire.AppendIAPrefix(dst, &given, 56, 3600, 7200, nil)
		}
		wire.SetTimes(dst, mark, 1800, 2880)
		dst = wire.CloseOption(dst, mark)
	}
	if m.Requests(wire.OptionDNSServers) {
		dst = wire.AppendOption(dst, wire.OptionDNSServers, ourDUID[2:])
	}
	return wire.CloseRelays(dst, marks)
}

// solicit is 56 octets: Client ID, Option Request, Elapsed Time and an IA_NA.
var solicit = rows(header, option(wire.OptionClientID, []byte{0, 1, 0, 1, 1, 2, 3, 4, 2, 0, 0, 0, 0, 7}),
	option(wire.OptionORO, []byte{0, 23, 0, 24}), elapsed, iana)

// relayedSolicit has an Interface-ID and a Remote-ID around a Solicit with IA_NA and IA_PD.
var relayedSolicit = forward(0, "2001:db8:7::1", "fe80::7", rows(solicit, option(wire.OptionIAPD, make([]byte, 12))),
	option(wire.OptionInterfaceID, []byte("ge-0/0/1.100")), option(wire.OptionRemoteID, []byte("\x00\x00\x0a\x4colt-7/3/12")))

var relayedTwice = forward(1, "::", "2001:db8:7::1", relayedSolicit,
	option(wire.OptionRelaySourcePort, []byte{0x20, 0x22}), option(wire.OptionERO, []byte{0, 37}))

func benchmarkParse(b *testing.B, octets []byte) {
	p := new(wire.Packet)
	b.ReportAllocs()
	b.SetBytes(int64(len(octets)))
	for b.Loop() {
		if drop := p.Parse(octets); drop != wire.DropNone {
			b.Fatal(drop)
		}
	}
}

func benchmarkReply(b *testing.B, octets []byte) {
	p := new(wire.Packet)
	out := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		if drop := p.Parse(octets); drop != wire.DropNone {
			b.Fatal(drop)
		}
		out = answer(out[:0], p)
	}
	b.SetBytes(int64(len(octets) + len(out)))
}

func BenchmarkParseDirect(b *testing.B)       { benchmarkParse(b, solicit) }
func BenchmarkParseRelayed(b *testing.B)      { benchmarkParse(b, relayedSolicit) }
func BenchmarkParseRelayedTwice(b *testing.B) { benchmarkParse(b, relayedTwice) }

// BenchmarkReply is parse and answer.
func BenchmarkReplyDirect(b *testing.B)       { benchmarkReply(b, solicit) }
func BenchmarkReplyRelayed(b *testing.B)      { benchmarkReply(b, relayedSolicit) }
func BenchmarkReplyRelayedTwice(b *testing.B) { benchmarkReply(b, relayedTwice) }

// BenchmarkWorstEcho is the dearest Relay-forward in one datagram: full of empty options, its Echo Request full of
// codes that aren't there.
func BenchmarkWorstEcho(b *testing.B) {
	ero := make([]byte, 2*wire.MaxEchoed)
	for i := range ero {
		ero[i] = 0xff - byte(i)
	}
	var fill []byte
	for range 2200 {
		fill = append(fill, option(60000)...)
	}
	benchmarkReply(b, forward(0, "2001:db8::1", "fe80::1", header, fill, option(wire.OptionERO, ero)))
}
