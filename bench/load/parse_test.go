package load

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/lockstep6/lockstep6/core/wire"
)

const number = 0x01020304

var testScript = script{
	link: netip.MustParseAddr("2001:db8:1::1").As16(), wants: [2]bool{true, true}, anyPort: true, interfaceID: true, remoteID: true, faster: 10,
}

// TestMessagesMeanWhatTheyShould reads the messages with an independent library.
func TestMessagesMeanWhatTheyShould(t *testing.T) {
	serverID := []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}
	for _, test := range []struct {
		phase    phase
		serverID []byte
		want     dhcpv6.MessageType
		lease    string // in the IA_NA
	}{
		{soliciting, nil, dhcpv6.MessageTypeSolicit, ""},
		{requesting, serverID, dhcpv6.MessageTypeRequest, "2001:db8:1::2"},
		{renewing, serverID, dhcpv6.MessageTypeRenew, "2001:db8:1::1"},
		{rebinding, nil, dhcpv6.MessageTypeRebind, "2001:db8:1::1"},
		{releasing, serverID, dhcpv6.MessageTypeRelease, "2001:db8:1::1"},
		{declining, serverID, dhcpv6.MessageTypeDecline, "2001:db8:1::1"},
	} {
		c := &client{phase: test.phase, xid: [3]byte{1, 2, 3}, first: 1e9}
		c.leases[0] = lease{ok: true, address: netip.MustParseAddr("2001:db8:1::1").As16(), length: 128}
		c.offers[0] = lease{ok: true, address: netip.MustParseAddr("2001:db8:1::2").As16(), length: 128}
		c.leases[1] = lease{ok: true, address: netip.MustParseAddr("2001:db8:8000::").As16(), length: 56}
		c.offers[1] = c.leases[1]
		got, err := dhcpv6.FromBytes(testScript.append(nil, number, c, test.serverID, 3e9))
		if err != nil {
			t.Fatalf("%v: %v", test.want, err)
		}
		relay := got.(*dhcpv6.RelayMessage)
		if peer := (net.IP{0xfe, 0x80, 8: 0, 9: 0, 10: 1, 11: 0xff, 12: 0xfe, 13: 2, 14: 3, 15: 4}); !relay.PeerAddr.Equal(peer) {
			t.Errorf("peer-address %s, want %s", relay.PeerAddr, peer)
		}
		if id := string(relay.Options.InterfaceID()); id != "port 16909060" {
			t.Errorf("Interface-ID %q", id)
		}
		if remote := relay.Options.RemoteID(); remote.EnterpriseNumber != 32473 || string(remote.RemoteID) != "16909060" {
			t.Errorf("Remote-ID %v", remote)
		}
		if relay.GetOneOption(dhcpv6.OptionRelayPort) == nil {
			t.Error("no relay source port option")
		}
		m := relay.Options.RelayMessage().(*dhcpv6.Message)
		if m.MessageType != test.want || m.TransactionID != [3]byte{1, 2, 3} {
			t.Errorf("message %v %x, want %v 010203", m.MessageType, m.TransactionID, test.want)
		}
		if id := m.Options.ClientID(); id == nil || id.String() != (&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr{2, 0, 1, 2, 3, 4}}).String() {
			t.Errorf("Client Identifier %v", id)
		}
		if has := m.Options.ServerID() != nil; has != (test.serverID != nil) {
			t.Errorf("%v: Server Identifier %v", test.want, m.Options.ServerID())
		}
		if elapsed := m.Options.ElapsedTime(); elapsed.Seconds() != 20 { // two seconds, ten times faster
			t.Errorf("Elapsed Time %v, want 20 s", elapsed)
		}
		text := ""
		if a := m.Options.OneIANA().Options.OneAddress(); a != nil {
			text = a.IPv6Addr.String()
		}
		if text != test.lease {
			t.Errorf("%v names %q, want %q", test.want, text, test.lease)
		}
		if pd := m.Options.OneIAPD(); (len(pd.Options.Prefixes()) == 1) != (test.lease != "") {
			t.Errorf("%v names %d prefixes", test.want, len(pd.Options.Prefixes()))
		}
	}
}

// TestMessagesOfOtherScripts: Rapid Commit, a prefix only, and relays at port 547.
func TestMessagesOfOtherScripts(t *testing.T) {
	s := script{link: testScript.link, wants: [2]bool{false, true}, faster: 1}
	c := &client{phase: soliciting, task: Rapid}
	got, err := dhcpv6.FromBytes(s.append(nil, number, c, nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	relay := got.(*dhcpv6.RelayMessage)
	if relay.GetOneOption(dhcpv6.OptionRelayPort) != nil {
		t.Error("there is a relay source port option, though the port is 547")
	}
	m := relay.Options.RelayMessage().(*dhcpv6.Message)
	if m.GetOneOption(dhcpv6.OptionRapidCommit) == nil || m.Options.OneIANA() != nil || m.Options.OneIAPD() == nil {
		t.Errorf("%v: want Rapid Commit and an IA_PD", m)
	}
}

// relayed is what a server sends client n: kind, its options behind the two identifiers.
func relayed(n int, kind wire.MessageType, duid []byte, options []byte) []byte {
	peer := peerAddress(n)
	b := append([]byte{byte(wire.RelayReply), 0}, make([]byte, 16)...)
	b = append(b, peer[:]...)
	b, mark := wire.OpenOption(b, wire.OptionRelayMessage)
	b = wire.AppendHeader(b, kind, [3]byte{7, 8, 9})
	b = wire.AppendOption(b, wire.OptionClientID, duid)
	b = wire.AppendOption(b, wire.OptionServerID, []byte{0, 4, 1})
	return wire.CloseOption(append(b, options...), mark)
}

func TestParse(t *testing.T) {
	duid := DUID(number)
	address, old := netip.MustParseAddr("2001:db8:1::5").As16(), netip.MustParseAddr("2001:db8:1::6").As16()
	prefix := netip.MustParseAddr("2001:db8:8000::").As16()
	o := wire.AppendOption(nil, wire.OptionPreference, []byte{255})
	o, mark := wire.OpenIA(o, wire.IANA, IAID(number, wire.IANA))
	o = wire.AppendIAAddress(o, &old, 0, 0)
	o = wire.AppendIAAddress(o, &address, 100, 200)
	o = wire.CloseOption(o, mark)
	o, mark = wire.OpenIA(o, wire.IAPD, IAID(number, wire.IAPD))
	o = wire.AppendIAPrefix(o, &prefix, 56, 100, 300, nil)
	o = wire.CloseOption(o, mark)
	o, mark = wire.OpenIA(o, wire.IANA, 99) // of nobody
	o = wire.AppendIAAddress(o, &old, 100, 200)
	o = wire.CloseOption(o, mark)

	var r reply
	if !r.parse(relayed(number, wire.Advertise, duid[:], o)) {
		t.Fatal("a good Advertise isn't read")
	}
	want := []Answer{
		{Client: number, Type: wire.Advertise, Kind: wire.IANA, Address: old, Length: 128},
		{Client: number, Type: wire.Advertise, Kind: wire.IANA, Address: address, Length: 128, Valid: 200},
		{Client: number, Type: wire.Advertise, Kind: wire.IAPD, Address: prefix, Length: 56, Valid: 300},
	}
	if diff := cmp.Diff(want, r.answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if r.preference != 255 || r.xid != [3]byte{7, 8, 9} || r.leases[0].address != address || r.leases[1].length != 56 {
		t.Errorf("read as %+v", r)
	}
	for name, b := range map[string][]byte{
		"nothing":              nil,
		"another's DUID":       relayed(number, wire.Reply, []byte{0, 3, 0, 1, 9}, nil),
		"a client's message":   relayed(number, wire.Solicit, duid[:], nil),
		"no relay message":     relayed(number, wire.Reply, duid[:], nil)[:relayHeader],
		"cut in the middle":    relayed(number, wire.Reply, duid[:], o)[:60],
		"not from a relay":     {7, 1, 2, 3},
		"no Server Identifier": append(relayed(number, wire.Reply, duid[:], nil)[:relayHeader], 0, 9, 0, 4, 7, 7, 8, 9),
	} {
		if r.parse(b) {
			t.Errorf("%s was taken for an answer", name)
		}
	}
}

func TestIdentities(t *testing.T) {
	seen := make(map[[16]byte]bool)
	for _, n := range []int{0, 1, 255, 256, 65536, MaxClients - 1} {
		peer := peerAddress(n)
		if got := clientOf(peer[:]); got != n {
			t.Errorf("client %d's link-local address says %d", n, got)
		}
		if seen[peer] {
			t.Errorf("client %d has another's address", n)
		}
		seen[peer] = true
		if IAID(n, wire.IANA) == IAID(n, wire.IAPD) {
			t.Errorf("client %d's IAIDs are the same", n)
		}
	}
}
