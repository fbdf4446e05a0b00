package policy

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

func octets(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestIdentify(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 300)
	link := [16]byte{0x20, 1}
	for _, test := range []struct {
		name   string
		by     config.Identity
		duid   string
		relays []wire.Relay
		want   string // empty: by DUID and IAID; a method followed by dots: any digest
	}{
		{"default", config.IdentityDUIDIAID, "00030001020000000061", nil, ""},
		{"rank", config.IdentityDUIDRank, "00030001020000000061", nil, "ffff0100030001020000000061"},
		{"rank of a long DUID", config.IdentityDUIDRank, "0002" + strings.Repeat("61", 19), nil, "ffff81.."},
		{"no DUID", config.IdentityDUIDRank, "", nil, ""},
		{"DUID-LL", config.IdentityHardwareAddress, "00030001020000000042", nil, "ffff02020000000042"},
		{"DUID-LLT", config.IdentityHardwareAddress, "000100012b000000020000000042", nil, "ffff02020000000042"},
		{"relay before DUID", config.IdentityHardwareAddress, "00030001020000000041", []wire.Relay{{}, {ClientLinkLayer: []byte{0, 1, 2, 0, 0, 0, 0, 0x42}}, {}}, "ffff02020000000042"},
		{"no hardware address", config.IdentityHardwareAddress, "000401", []wire.Relay{{ClientLinkLayer: []byte{0, 1}}}, ""},
		{"Remote-ID", config.IdentityRelayPort, "000401", []wire.Relay{{SubscriberID: long}, {RemoteID: []byte("\x00\x00\x00\x09line"), SubscriberID: long}}, "ffff037208000000096c696e65"},
		{"the innermost that says something", config.IdentityRelayPort, "000401", []wire.Relay{{RemoteID: []byte("\x00\x00\x00\x09line")}, {}}, "ffff037208000000096c696e65"},
		{"Remote-ID without one", config.IdentityRelayPort, "000401", []wire.Relay{{RemoteID: []byte{0, 0, 0, 9}}}, ""},
		{"Subscriber-ID", config.IdentityRelayPort, "000401", []wire.Relay{{SubscriberID: []byte("a")}}, "ffff03730161"},
		{"long Subscriber-ID", config.IdentityRelayPort, "000401", []wire.Relay{{SubscriberID: long}}, "ffff83.."},
		{"Interface-ID alone", config.IdentityRelayPort, "000401", []wire.Relay{{InterfaceID: []byte{1}}}, ""},
		{"Interface-ID and Relay-ID", config.IdentityRelayPort, "000401", []wire.Relay{{}, {InterfaceID: []byte{1}, RelayID: []byte{0, 4, 7}, LinkAddress: link}}, "ffff0369010152" + "03000407"},
		{"Interface-ID and link-address", config.IdentityRelayPort, "000401", []wire.Relay{{InterfaceID: []byte{1}, LinkAddress: link}}, "ffff83.."},
		{"lightweight relay", config.IdentityRelayPort, "000401", []wire.Relay{{InterfaceID: []byte{2}, RelayID: []byte{0, 4, 7}}, {InterfaceID: []byte{1}}}, "ffff03690101010252" + "03000407"},
		{"direct", config.IdentityRelayPort, "000401", nil, ""},
	} {
		pkt := wire.Packet{RelayCount: len(test.relays)}
		copy(pkt.Relays[:], test.relays)
		pkt.Message.ClientID = octets(t, test.duid)
		l := Link{Identity: test.by}
		var room IdentityRoom
		got := hex.EncodeToString(l.Identify(&pkt, &room))
		want, digest := strings.CutSuffix(test.want, "..")
		if digest && (len(got) != 46 || !strings.HasPrefix(got, want)) || !digest && got != want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if b := octets(t, got); len(b) > 0 && DerivedBy(b) != test.by {
			t.Errorf("%s: derived by %s", test.name, DerivedBy(b))
		}
	}
}

// Values don't run into one another, however long they are, and all relays that a message can have find room.
func TestIdentifyTellsPortsApart(t *testing.T) {
	l := Link{Identity: config.IdentityRelayPort}
	seen := make(map[string]int)
	for n, ids := range [][]string{{"a", "bc"}, {"ab", "c"}, {"abc"}, {"a", "b", "c"}, {"a", "R", "bc"}, {strings.Repeat("a", 32)}, {strings.Repeat("a", 33)}, {strings.Repeat("a", 32), "a"}} {
		var pkt wire.Packet
		pkt.RelayCount = wire.MaxRelays
		for i, id := range ids {
			pkt.Relays[wire.MaxRelays-1-i].InterfaceID = []byte(id)
		}
		for i := range wire.MaxRelays - len(ids) {
			pkt.Relays[i].InterfaceID = bytes.Repeat([]byte{byte(i)}, 1000)
		}
		pkt.Relays[0].RelayID = bytes.Repeat([]byte{4}, 130)
		var room IdentityRoom
		got := string(l.Identify(&pkt, &room))
		if other, double := seen[got]; double || got == "" {
			t.Errorf("%v and number %d are one port", ids, other)
		}
		seen[got] = n
	}
}

func TestFingerprintOfIdentity(t *testing.T) {
	const text = `
listen: {interfaces: [eth0]}
identity: %
links:
  - {name: lan, match: {interface: eth0}, addresses: [{pool: "2001:db8:1::/64"}]}
  - {name: wan, identity: duid-iaid, match: {link-addresses: ["2001:db8:2::/64"]}, addresses: [{pool: "2001:db8:2::/64"}]}
`
	with := func(identity string) string {
		return compile(t, strings.Replace(text, "%", identity, 1), "").FingerprintText()
	}
	plain := with("duid-iaid")
	if strings.Contains(plain, "identity") {
		t.Errorf("the default is in the fingerprint:\n%s", plain)
	}
	for _, identity := range []string{"duid-rank", "hardware-address", "relay-port"} {
		// Blocks are in the order of their text.
		got := with(identity)
		if strings.Count(got, " identity "+identity+"\n") != 1 || len(got) != len(plain)+len(" identity "+identity+"\n") {
			t.Errorf("%s:\n%s", identity, got)
		}
	}
}
