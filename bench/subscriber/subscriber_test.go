package subscriber

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestWrite: what a template writes parses, and says who asks for what.
func TestWrite(t *testing.T) {
	link, lease := netip.MustParseAddr("2001:db8:1::1").As16(), netip.MustParseAddr("2001:db8:1::5").As16()
	prefix := netip.MustParseAddr("2001:db8:8000:5::").As16()
	server := []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}
	for _, c := range []struct {
		message wire.MessageType
		kind    wire.Kind
		named   bool
		want    wire.Lease
	}{
		{wire.Solicit, wire.IANA, false, wire.Lease{}},
		{wire.Request, wire.IANA, true, wire.Lease{Address: lease, Length: 128}},
		{wire.Renew, wire.IAPD, true, wire.Lease{Address: prefix, Length: 64}},
	} {
		template := New(c.message, c.kind, link, server, c.named, 64)
		data := template.Write(make([]byte, template.Len()), 42, 0x123456, &c.want.Address)
		var p wire.Packet
		if drop := p.Parse(data); drop != wire.DropNone {
			t.Fatalf("%s: %s", c.message, drop)
		}
		var duid [DUIDLength]byte
		DUID(&duid, 42)
		m, relay := &p.Message, &p.Relays[0]
		if m.Type != c.message || !bytes.Equal(m.ClientID, duid[:]) || m.IACount != 1 || m.IAs[0].IAID != IAID || m.IAs[0].Kind != c.kind {
			t.Errorf("%s: %+v", c.message, m)
		}
		if relay.LinkAddress != link || len(relay.RemoteID) != RemoteIDLength || string(relay.InterfaceID) != "ge0000002a" ||
			string(relay.RemoteID[4:]) != "000000000000002a" || !bytes.Equal(relay.PeerAddress[13:], duid[11:]) {
			t.Errorf("%s: relay %+v", c.message, relay)
		}
		got, _, ok := m.IAs[0].NextLease(m.IAs[0].Options)
		if ok != c.named || got.Address != c.want.Address || got.Length != c.want.Length {
			t.Errorf("%s: lease %+v, want %+v", c.message, got, c.want)
		}
		reply := append([]byte{byte(wire.RelayReply)}, data[1:]...)
		if got := Transaction(reply); got != 0x123456 {
			t.Errorf("%s: transaction %x, want 123456", c.message, got)
		}
	}
	if Transaction(nil) != 0 || Transaction(make([]byte, 34)) != 0 {
		t.Error("a transaction in what has none")
	}
}

// TestDUID: no two of many subscribers share one.
func TestDUID(t *testing.T) {
	seen := map[[DUIDLength]byte]bool{}
	for n := range uint64(100_000) {
		var duid [DUIDLength]byte
		DUID(&duid, n)
		seen[duid] = true
	}
	if len(seen) != 100_000 {
		t.Errorf("%d DUIDs of 100000 subscribers", len(seen))
	}
}
