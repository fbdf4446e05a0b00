package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

func reserving(t testing.TB, reservations ...config.Reservation) *Link {
	t.Helper()
	l := match("lan", "", "2001:db8:1::/64", "")
	l.Reservations = reservations
	return &selecting(t, nil, l).Links[0]
}

func TestReservation(t *testing.T) {
	const duidLL, other = "\x00\x03\x00\x01\x02\x00\x00\x00\x00\x01", "\x00\x03\x00\x01\x02\x00\x00\x00\x00\x02"
	l := reserving(t,
		config.Reservation{SubscriberID: []byte("smith")},
		config.Reservation{RemoteID: &config.RemoteID{Enterprise: 9, Value: []byte("line1")}},
		config.Reservation{RemoteID: &config.RemoteID{AnyEnterprise: true, Value: []byte("line1")}},
		config.Reservation{Hardware: []byte("\x02\x00\x00\x00\x00\x01")},
		config.Reservation{DUID: []byte(duidLL)},
		config.Reservation{Hardware: []byte("\x02\x00\x00\x00\x00\x02")},
	)
	const subscriber, remote, remoteAny, hardware1, duid, hardware2, none = 0, 1, 2, 3, 4, 5, -1
	seen := func(addr string) []byte { return append([]byte{0, 1}, addr...) }
	tests := []struct {
		name   string
		duid   string
		relays []wire.Relay
		want   int
	}{
		{"nobody", "\x00\x04zzzz", nil, none},
		{"no Client Identifier", "", nil, none},
		{"DUID", duidLL, nil, duid},
		{"hardware address in a DUID-LL", other, nil, hardware2},
		{"hardware address in a DUID-LLT", "\x00\x01\x00\x01\x11\x22\x33\x44\x02\x00\x00\x00\x00\x01", nil, hardware1},
		{"hardware address seen by the relay", "\x00\x04zzzz", []wire.Relay{{ClientLinkLayer: seen("\x02\x00\x00\x00\x00\x02")}}, hardware2},
		{"the relay knows better than the DUID", other, []wire.Relay{{ClientLinkLayer: seen("\x02\x00\x00\x00\x00\x01")}}, hardware1},
		{"the relay sees a stranger", other, []wire.Relay{{ClientLinkLayer: seen("\x02\x00\x00\x00\x00\x09")}}, none},
		{"the innermost relay sees", "", []wire.Relay{{ClientLinkLayer: seen("\x02\x00\x00\x00\x00\x01")}, {ClientLinkLayer: seen("\x02\x00\x00\x00\x00\x02")}}, hardware1},
		{"the outer relay sees", "", []wire.Relay{{}, {ClientLinkLayer: seen("\x02\x00\x00\x00\x00\x02")}}, hardware2},
		{"Remote-ID", "", []wire.Relay{{RemoteID: []byte("\x00\x00\x00\x09line1")}}, remote},
		{"Remote-ID of another enterprise", "", []wire.Relay{{RemoteID: []byte("\x00\x00\x00\x0aline1")}}, remoteAny},
		{"another Remote-ID", "", []wire.Relay{{RemoteID: []byte("\x00\x00\x00\x09line2")}}, none},
		{"short Remote-ID", "", []wire.Relay{{RemoteID: []byte("\x00\x00")}}, none},
		{"Remote-IDs of both relays", "", []wire.Relay{{RemoteID: []byte("\x00\x00\x00\x0aline1")}, {RemoteID: []byte("\x00\x00\x00\x09line1")}}, remoteAny},
		{"Remote-ID of the outer relay", "", []wire.Relay{{RemoteID: []byte("\x00\x00\x00\x09zzz")}, {RemoteID: []byte("\x00\x00\x00\x09line1")}}, remote},
		{"Subscriber-ID", "", []wire.Relay{{SubscriberID: []byte("smith")}}, subscriber},
		{"Subscriber-ID of the outer relay", "", []wire.Relay{{}, {SubscriberID: []byte("smith")}}, subscriber},
		{"DUID first", duidLL, []wire.Relay{{ClientLinkLayer: seen("\x02\x00\x00\x00\x00\x02"), SubscriberID: []byte("smith")}}, duid},
		{"hardware before Remote-ID", other, []wire.Relay{{RemoteID: []byte("\x00\x00\x00\x09line1")}}, hardware2},
		{"Remote-ID before Subscriber-ID", "", []wire.Relay{{SubscriberID: []byte("smith"), RemoteID: []byte("\x00\x00\x00\x09line1")}}, remote},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pkt := relayed(test.relays...)
			pkt.Message = wire.Message{ClientID: []byte(test.duid)}
			got := none
			if r := l.Reservation(pkt); r != nil {
				got = r.Index
			}
			if got != test.want {
				t.Errorf("got reservation %d, want %d", got, test.want)
			}
		})
	}
}

func TestReserved(t *testing.T) {
	l := reserving(t,
		config.Reservation{DUID: []byte("a"), Addresses: []netip.Addr{netip.MustParseAddr("2001:db8:1::10"), netip.MustParseAddr("2001:db8:9::10")}},
		config.Reservation{DUID: []byte("b"), Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/56"), netip.MustParsePrefix("2001:db8:8001::/48")}},
		config.Reservation{DUID: []byte("c"), Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:8000:200::/56")}},
	)
	tests := []struct {
		lease string
		want  int
	}{
		{"2001:db8:1::10/128", 0},
		{"2001:db8:9::10/128", 0},
		{"2001:db8:1::11/128", -1},
		{"2001:db8:8000::/128", -1}, // an address isn't a prefix
		{"2001:db8:8000::/56", 1},
		{"2001:db8:8000:100::/56", -1},
		{"2001:db8:8000:200::/56", 2},
		{"2001:db8:8000:201::/64", 2}, // lies in a reserved one
		{"2001:db8:8001:ff00::/56", 1},
		{"2001:db8:8000::/48", 2}, // contains two; one of them
		{"2001:db8:7fff::/48", -1},
		{"2001:db8:8002::/48", -1},
		{"::/0", 1},
	}
	for _, test := range tests {
		p := netip.MustParsePrefix(test.lease)
		a := p.Addr().As16()
		got := -1
		if r := l.Reserved(&a, uint8(p.Bits())); r != nil {
			got = r.Index
		}
		if got != test.want {
			t.Errorf("%s: got %d, want %d", test.lease, got, test.want)
		}
	}
	// What is reserved is on the link, though neither a pool nor a link-address has it.
	outside, elsewhere := at("2001:db8:9::10"), at("2001:db8:9::11")
	if !l.Appropriate(&outside) || l.Appropriate(&elsewhere) {
		t.Error("Appropriate: want the reserved address, and only it")
	}
	prefix, unknown := at("2001:db8:8000:200::"), at("2001:db8:8000:300::")
	if !l.AppropriatePrefix(&prefix, 56) || l.AppropriatePrefix(&prefix, 48) || l.AppropriatePrefix(&unknown, 56) {
		t.Error("AppropriatePrefix: want the reserved prefix, and only it")
	}
	got := map[string]wire.Kind{}
	for lease, kind := range l.ReservedLeases() {
		got[fmt.Sprintf("%v/%d", netip.AddrFrom16(lease.Address), lease.Length)] = kind
	}
	want := map[string]wire.Kind{
		"2001:db8:1::10/128": wire.IANA, "2001:db8:9::10/128": wire.IANA,
		"2001:db8:8000::/56": wire.IAPD, "2001:db8:8001::/48": wire.IAPD, "2001:db8:8000:200::/56": wire.IAPD,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReservedLeases (-want +got):\n%s", diff)
	}
}

func TestReservationOptions(t *testing.T) {
	l := match("lan", "", "2001:db8:1::/64", "")
	l.Defaults.Options = []config.Option{opt(23, true, 1), opt(24, true, 1)}
	l.Reservations = []config.Reservation{
		{DUID: []byte("a"), Options: []config.Option{opt(24, true, 2)}},
		{DUID: []byte("b")},
	}
	link := &selecting(t, nil, l).Links[0]
	pkt := &wire.Packet{}
	pkt.Message.Type = wire.Solicit
	pkt.Message.ClientID = []byte("a")
	if got := sent(t, link.Reservation(pkt).Options.Append(nil, &pkt.Message)); got != "17:01 18:02" {
		t.Errorf("got %s, want the reservation's own over the link's", got)
	}
	pkt.Message.ClientID = []byte("b")
	if link.Reservation(pkt).Options != nil {
		t.Error("a reservation without options has some")
	}
}

func TestReservationFaults(t *testing.T) {
	address := []netip.Addr{netip.MustParseAddr("2001:db8:1::10")}
	tests := []struct {
		name         string
		reservations []config.Reservation
		want         string
	}{
		{"same DUID", []config.Reservation{{DUID: []byte("a")}, {DUID: []byte("a")}}, "links[0].reservations[1]: the same client"},
		{"same Remote-ID", []config.Reservation{
			{RemoteID: &config.RemoteID{Enterprise: 1, Value: []byte("x")}}, {RemoteID: &config.RemoteID{Enterprise: 1, Value: []byte("x")}},
		}, "the same client"},
		{"same address", []config.Reservation{{DUID: []byte("a"), Addresses: address}, {DUID: []byte("b"), Addresses: address}},
			"2001:db8:1::10 belongs to reservation 0"},
		{"prefix inside another", []config.Reservation{
			{DUID: []byte("a"), Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/48")}},
			{DUID: []byte("b"), Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:8000:100::/56")}},
		}, "2001:db8:8000:100::/56 overlaps a prefix of reservation 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := match("lan", "", "2001:db8:1::/64", "")
			l.Reservations = test.reservations
			_, err := Compile(&config.Config{Links: []config.Link{l}}, Input{SingleDUID: []byte{0, 4, 1}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// BenchmarkReservation looks for one of 100,000 clients that come with all that a relay can add.
func BenchmarkReservation(b *testing.B) {
	reservations := make([]config.Reservation, 100_000)
	for i := range reservations {
		reservations[i] = config.Reservation{RemoteID: &config.RemoteID{AnyEnterprise: true, Value: fmt.Appendf(nil, "line-%d", i)}}
	}
	l := reserving(b, reservations...)
	pkt := relayed(wire.Relay{RemoteID: []byte("\x00\x00\x00\x09line-77777"), SubscriberID: []byte("smith"), ClientLinkLayer: []byte("\x00\x01abcdef")})
	pkt.Message.ClientID = []byte("\x00\x03\x00\x01\x02\x00\x00\x00\x00\x01")
	b.ReportAllocs()
	for b.Loop() {
		if l.Reservation(pkt) == nil {
			b.Fatal("no reservation")
		}
	}
}
