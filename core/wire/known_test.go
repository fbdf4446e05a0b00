package wire_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Each option's length, at its bounds and outside of them, in a Solicit.
func TestOptionLengths(t *testing.T) {
	n := func(octets int) []byte { return make([]byte, octets) }
	ia := func(code wire.OptionCode, options ...[]byte) []byte { return option(code, n(12), rows(options...)) }
	prefix := func(length byte, more ...[]byte) []byte {
		return option(wire.OptionIAPrefix, n(8), []byte{length}, n(16), rows(more...))
	}
	for _, test := range []struct {
		name   string
		option []byte
		want   wire.Drop
	}{
		{"Client ID 2", option(wire.OptionClientID, n(2)), wire.DropBadClientID},
		{"Client ID 3", option(wire.OptionClientID, n(3)), wire.DropNone},
		{"Client ID 130", option(wire.OptionClientID, n(130)), wire.DropNone},
		{"Client ID 131", option(wire.OptionClientID, n(131)), wire.DropBadClientID},
		{"Server ID 0", option(wire.OptionServerID), wire.DropMalformedOption},
		{"Server ID 2", option(wire.OptionServerID, n(2)), wire.DropMalformedOption},
		{"Server ID 3", option(wire.OptionServerID, n(3)), wire.DropNone},
		{"Server ID 131", option(wire.OptionServerID, n(131)), wire.DropMalformedOption},
		{"IA_NA 11", option(wire.OptionIANA, n(11)), wire.DropMalformedOption},
		{"IA_NA 12", option(wire.OptionIANA, n(12)), wire.DropNone},
		{"IA_NA, stray octets", option(wire.OptionIANA, n(12), n(3)), wire.DropTruncated},
		{"IA_NA, option runs past the end", ia(wire.OptionIANA, []byte{0, 5, 0, 24, 1}), wire.DropTruncated},
		{"IA_PD 11", option(wire.OptionIAPD, n(11)), wire.DropMalformedOption},
		{"IA_PD 12", option(wire.OptionIAPD, n(12)), wire.DropNone},
		{"IA Address 23", ia(wire.OptionIANA, option(wire.OptionIAAddress, n(23))), wire.DropMalformedOption},
		{"IA Address 24", ia(wire.OptionIANA, option(wire.OptionIAAddress, n(24))), wire.DropNone},
		{"IA Address, stray octets", ia(wire.OptionIANA, option(wire.OptionIAAddress, n(26))), wire.DropTruncated},
		{"IA Address with options", ia(wire.OptionIANA, option(wire.OptionIAAddress, n(24), option(99))), wire.DropNone},
		{"IA Address in IA_PD", ia(wire.OptionIAPD, option(wire.OptionIAAddress, n(3))), wire.DropNone},
		{"IA Address outside", option(wire.OptionIAAddress, n(3)), wire.DropNone},
		{"IA Prefix 24", ia(wire.OptionIAPD, option(wire.OptionIAPrefix, n(24))), wire.DropMalformedOption},
		{"IA Prefix ::/0", ia(wire.OptionIAPD, prefix(0)), wire.DropNone},
		{"IA Prefix /128", ia(wire.OptionIAPD, prefix(128)), wire.DropNone},
		{"IA Prefix /129", ia(wire.OptionIAPD, prefix(129)), wire.DropMalformedOption},
		{"IA Prefix, stray octet", ia(wire.OptionIAPD, prefix(56, n(1))), wire.DropTruncated},
		{"IA Prefix in IA_NA", ia(wire.OptionIANA, option(wire.OptionIAPrefix, n(3))), wire.DropNone},
		{"Status Code 1 in IA", ia(wire.OptionIANA, option(wire.OptionStatusCode, n(1))), wire.DropMalformedOption},
		{"Status Code 2 in IA", ia(wire.OptionIANA, option(wire.OptionStatusCode, n(2))), wire.DropNone},
		{"ORO 0", option(wire.OptionORO), wire.DropNone},
		{"ORO 3", option(wire.OptionORO, n(3)), wire.DropMalformedOption},
		{"Preference 0", option(wire.OptionPreference), wire.DropMalformedOption},
		{"Preference 1", option(wire.OptionPreference, n(1)), wire.DropNone},
		{"Elapsed Time 1", option(wire.OptionElapsedTime, n(1)), wire.DropMalformedOption},
		{"Elapsed Time 2", option(wire.OptionElapsedTime, n(2)), wire.DropNone},
		{"Elapsed Time 4", option(wire.OptionElapsedTime, n(4)), wire.DropMalformedOption},
		{"Authentication 10", option(wire.OptionAuthentication, n(10)), wire.DropMalformedOption},
		{"Authentication 11", option(wire.OptionAuthentication, n(11)), wire.DropNone},
		{"Status Code 1", option(wire.OptionStatusCode, n(1)), wire.DropMalformedOption},
		{"Status Code 2", option(wire.OptionStatusCode, n(2)), wire.DropNone},
		{"Rapid Commit 0", option(wire.OptionRapidCommit), wire.DropNone},
		{"Rapid Commit 1", option(wire.OptionRapidCommit, n(1)), wire.DropMalformedOption},
		{"Reconfigure Accept 1", option(wire.OptionReconfigureAccept, n(1)), wire.DropMalformedOption},
		{"User Class, no class", option(wire.OptionUserClass), wire.DropMalformedOption},
		{"User Class, half a length", option(wire.OptionUserClass, n(1)), wire.DropMalformedOption},
		{"User Class, an empty class", option(wire.OptionUserClass, n(2)), wire.DropNone},
		{"User Class, two", option(wire.OptionUserClass, []byte("\x00\x02ab\x00\x01c")), wire.DropNone},
		{"User Class, class runs past the end", option(wire.OptionUserClass, []byte("\x00\x05abc")), wire.DropMalformedOption},
		{"User Class, stray octet", option(wire.OptionUserClass, []byte("\x00\x01a\x00")), wire.DropMalformedOption},
		{"Vendor Class 3", option(wire.OptionVendorClass, n(3)), wire.DropMalformedOption},
		{"Vendor Class of any form", option(wire.OptionVendorClass, []byte{0, 0, 0, 9, 1, 2, 3}), wire.DropNone},
		{"Vendor Information 3", option(wire.OptionVendorInformation, n(3)), wire.DropMalformedOption},
		{"Vendor Information of any form", option(wire.OptionVendorInformation, []byte{0, 0, 0, 9, 1}), wire.DropNone},
		{"IA_TA of any length", option(wire.OptionIATA, n(1)), wire.DropNone},
		{"Server Unicast of any length", option(wire.OptionServerUnicast, n(1)), wire.DropNone},
		{"Client Link-Layer Address", option(wire.OptionClientLinkLayer), wire.DropNone},
		{"Relay Message", option(wire.OptionRelayMessage, n(3)), wire.DropNone},
		{"Interface-ID", option(wire.OptionInterfaceID), wire.DropNone},
		{"Client FQDN", option(wire.OptionClientFQDN), wire.DropNone},
		{"unknown", option(65000, n(7)), wire.DropNone},
		{"code 0", option(0), wire.DropNone},
	} {
		var p wire.Packet
		if got := p.Parse(rows(header, test.option)); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestRepeatedOptions(t *testing.T) {
	for _, test := range []struct {
		name    string
		message []byte
		want    wire.Drop
	}{
		{"Client ID", rows(header, clientID, clientID), wire.DropRepeatedOption},
		{"Server ID", rows(header, serverID, serverID), wire.DropRepeatedOption},
		{"ORO", rows(header, option(wire.OptionORO), elapsed, option(wire.OptionORO)), wire.DropRepeatedOption},
		{"Elapsed Time", rows(header, elapsed, elapsed), wire.DropRepeatedOption},
		{"Rapid Commit", rows(header, option(wire.OptionRapidCommit), option(wire.OptionRapidCommit)), wire.DropRepeatedOption},
		{"Relay Message", forward(0, "::", "::", header, option(wire.OptionRelayMessage, header)), wire.DropRepeatedOption},
		{"Vendor Class", rows(header, option(16, make([]byte, 4)), option(16, make([]byte, 4))), wire.DropNone},
		{"unknown", rows(header, option(65000), option(65000)), wire.DropNone},
	} {
		var p wire.Packet
		if got := p.Parse(test.message); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func iaNumbered(code wire.OptionCode, iaid uint32, options ...[]byte) []byte {
	return option(code, binary.BigEndian.AppendUint32(nil, iaid), make([]byte, 8), rows(options...))
}

// IAIDs are unique per kind; of two IAs with the same one the first counts.
func TestRepeatedIAID(t *testing.T) {
	first := option(wire.OptionIAAddress, octets("2001:db8::1"), make([]byte, 8))
	second := option(wire.OptionIAAddress, octets("2001:db8::2"), make([]byte, 8))
	p := mustParse(t, rows(header,
		iaNumbered(wire.OptionIANA, 7, first),
		iaNumbered(wire.OptionIAPD, 7),
		iaNumbered(wire.OptionIANA, 7, second),
		iaNumbered(wire.OptionIAPD, 7),
		iaNumbered(wire.OptionIANA, 8)))
	type key struct {
		Kind wire.Kind
		IAID uint32
	}
	var got []key
	for _, ia := range p.Message.IAs[:p.Message.IACount] {
		got = append(got, key{ia.Kind, ia.IAID})
	}
	want := []key{{wire.IANA, 7}, {wire.IAPD, 7}, {wire.IANA, 8}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Fatalf("IAs = %v, want %v", got, want)
	}
	ia := &p.Message.IAs[0]
	if lease, _, ok := ia.NextLease(ia.Options); !ok || lease.Address != addr("2001:db8::1") {
		t.Errorf("the second IA with IAID 7 was kept: %x", lease.Address)
	}
}

func TestLimits(t *testing.T) {
	build := func(ias, leases int) []byte {
		b := bytes.Clone(header)
		for i := range ias {
			b = append(b, iaNumbered(wire.OptionIAPD, uint32(i),
				bytes.Repeat(option(wire.OptionIAPrefix, make([]byte, 25)), leases))...)
		}
		return b
	}
	for _, test := range []struct {
		name        string
		ias, leases int
		want        wire.Drop
	}{
		{"the most IAs", wire.MaxIAs, 1, wire.DropNone},
		{"one IA more", wire.MaxIAs + 1, 0, wire.DropTooManyIAs},
		{"the most leases", 1, wire.MaxLeasesPerIA, wire.DropNone},
		{"one lease more", 1, wire.MaxLeasesPerIA + 1, wire.DropTooManyLeases},
	} {
		var p wire.Packet
		if got := p.Parse(build(test.ias, test.leases)); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		if test.want == wire.DropNone && p.Message.IACount != test.ias {
			t.Errorf("%s: IACount = %d, want %d", test.name, p.Message.IACount, test.ias)
		}
	}
}

func TestNextLeaseOfUncheckedOptions(t *testing.T) {
	for _, kind := range []wire.Kind{wire.IANA, wire.IAPD} {
		for _, options := range [][]byte{
			nil,
			{0},
			{0, 5, 0, 24, 1},
			option(wire.OptionIAAddress, make([]byte, 23)),
			option(wire.OptionIAPrefix, make([]byte, 24)), option(wire.OptionIAPrefix, make([]byte, 8), []byte{129}, make([]byte, 16)),
		} {
			ia := wire.IA{Kind: kind, Options: options}
			if lease, _, ok := ia.NextLease(ia.Options); ok {
				t.Errorf("%v with options %x has lease %v", kind, options, lease)
			}
		}
	}
}
