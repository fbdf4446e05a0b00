package promise

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/core/wire"
)

// told enters an address that a server told a client.
func told(l *Ledger, kind wire.MessageType, client, server int, address string) {
	l.Heard(&load.Answer{
		Client: client, Server: server, Type: kind, Kind: wire.IANA,
		Address: netip.MustParseAddr(address).As16(), Length: 128, Valid: 100,
	})
}

// listed is an entry of a node's list as it ought to be.
func listed(client int, address string) Listed {
	duid := load.DUID(client)
	return Listed{
		Lease: netip.PrefixFrom(netip.MustParseAddr(address), 128), DUID: wire.FormatDUID(duid[:]),
		IAID: load.IAID(client, wire.IANA), Bound: true,
	}
}

func counts(l *Ledger) map[string]int {
	got := make(map[string]int)
	for k := range kinds {
		if n := l.Broken(k); n > 0 {
			got[k.String()] = n
		}
	}
	return got
}

func wantBroken(t *testing.T, l *Ledger, want map[string]int, words string) {
	t.Helper()
	if diff := cmp.Diff(want, counts(l)); diff != "" {
		t.Errorf("broken promises (-want +got):\n%s", diff)
	}
	if l.Whole() != (len(want) == 0) {
		t.Errorf("whole: %t", l.Whole())
	}
	if text := strings.Join(l.Evidence(), "\n"); words == "" && text != "" || !strings.Contains(text, words) {
		t.Errorf("the evidence is\n%s\nwant %q in it", text, words)
	}
}

// TestWhole: what nodes that keep their promises do.
func TestWhole(t *testing.T) {
	l := New("a", "b")
	for client, address := range []string{"2001:db8::1", "2001:db8::2"} {
		for server := range 2 {
			told(l, wire.Advertise, client, server, address)
		}
		told(l, wire.Reply, client, 0, address)
		told(l, wire.Reply, client, 1, address) // rebound there
	}
	if got, want := l.Agreement(), (Agreement{Compared: 2, Agreed: 2}); got != want {
		t.Errorf("agreement %+v, want %+v", got, want)
	}
	l.NewRound()
	for server := range 2 {
		looked, lost := l.Inspect(server, []Listed{listed(0, "2001:db8::1"), listed(1, "2001:db8::2"), listed(9, "2001:db8::9")})
		if looked != 2 || lost != 0 {
			t.Errorf("node %d: %d looked up, %d lost, want 2 and 0", server, looked, lost)
		}
	}
	if all, different := l.Told(wire.IANA); all != 8 || different != 2 {
		t.Errorf("%d told, %d different, want 8 and 2", all, different)
	}
	if len(l.Confirmers(1)) != 2 || l.Confirmed(0) != 2 {
		t.Errorf("confirmers %v, confirmed %d", l.Confirmers(1), l.Confirmed(0))
	}
	wantBroken(t, l, map[string]int{}, "")
}

func TestDuplicateIsFound(t *testing.T) {
	l := New("a", "b")
	told(l, wire.Reply, 1, 0, "2001:db8::1")
	told(l, wire.Advertise, 2, 1, "2001:db8::1")
	told(l, wire.Reply, 2, 1, "2001:db8::1") // the same one again
	wantBroken(t, l, map[string]int{"duplicate": 1}, "2001:db8::1 was told to client 1 and, by node b, to client 2")
}

func TestDuplicateBetweenListsIsFound(t *testing.T) {
	l := New("a", "b")
	l.Inspect(0, []Listed{listed(1, "2001:db8::1")})
	l.Inspect(1, []Listed{listed(2, "2001:db8::1")})
	wantBroken(t, l, map[string]int{"duplicate": 1}, "at node b for 00:03:00:01:02:00:00:00:00:02")
}

func TestDisagreementIsFound(t *testing.T) {
	l := New("a", "b", "c")
	told(l, wire.Advertise, 1, 0, "2001:db8::1")
	told(l, wire.Advertise, 1, 1, "2001:db8::2")
	if got, want := l.Agreement(), (Agreement{Partial: 1}); got != want {
		t.Errorf("agreement %+v, want %+v", got, want)
	}
	told(l, wire.Advertise, 1, 2, "2001:db8::1")
	if got, want := l.NewRound(), (Agreement{Compared: 1}); got != want {
		t.Errorf("agreement %+v, want %+v", got, want)
	}
	wantBroken(t, l, map[string]int{"disagreement": 1}, "client 1 was told 2001:db8::1 by node a 2001:db8::2 by node b 2001:db8::1 by node c")
	if got := l.Agreement(); got != (Agreement{}) {
		t.Errorf("a new round begins with %+v", got)
	}
}

func TestAnotherOfferThanWhatIsHeldIsFound(t *testing.T) {
	l := New("a", "b")
	told(l, wire.Reply, 1, 0, "2001:db8::1")
	told(l, wire.Advertise, 1, 1, "2001:db8::2")
	wantBroken(t, l, map[string]int{"disagreement": 1}, "client 1 holds 2001:db8::1, and node b offers 2001:db8::2")
}

func TestMoveIsFound(t *testing.T) {
	l := New("a", "b")
	told(l, wire.Reply, 1, 0, "2001:db8::1")
	told(l, wire.Reply, 1, 1, "2001:db8::2")
	wantBroken(t, l, map[string]int{"moved": 1}, "client 1 had 2001:db8::1 and got 2001:db8::2 from node b")
}

func TestLossIsFound(t *testing.T) {
	stranger, other, ended := listed(2, "2001:db8::1"), listed(1, "2001:db8::1"), listed(1, "2001:db8::1")
	other.IAID++
	ended.Bound = false
	for name, list := range map[string][]Listed{
		"nothing is listed":        nil,
		"another address":          {listed(1, "2001:db8::2")},
		"another client's":         {stranger},
		"another IA of the client": {other},
		"it has ended":             {ended},
	} {
		t.Run(name, func(t *testing.T) {
			l := New("a")
			told(l, wire.Reply, 1, 0, "2001:db8::1")
			if looked, lost := l.Inspect(0, list); looked != 1 || lost != 1 {
				t.Errorf("%d looked up, %d lost, want 1 and 1", looked, lost)
			}
			wantBroken(t, l, map[string]int{"lost": 1}, "node a confirmed 2001:db8::1 to client 1")
		})
	}
}

func TestSilenceIsALoss(t *testing.T) {
	l := New("a")
	l.Silent(0, 7)
	wantBroken(t, l, map[string]int{"lost": 1}, "client 7's lease was not confirmed again by node a")
}

func TestEvidenceIsBounded(t *testing.T) {
	l := New("a")
	for n := range 100 {
		l.Silent(0, n)
	}
	if lines := l.Evidence(); len(lines) != maxEvidence+1 || lines[maxEvidence] != "lost: and 95 more" {
		t.Errorf("evidence:\n%s", strings.Join(lines, "\n"))
	}
}

// delegated enters a prefix that a server told a client, which had named it or not.
func delegated(l *Ledger, kind wire.MessageType, client, server int, prefix string, named bool) {
	p := netip.MustParsePrefix(prefix)
	l.Heard(&load.Answer{
		Client: client, Server: server, Type: kind, Kind: wire.IAPD, Named: named,
		Address: p.Addr().As16(), Length: uint8(p.Bits()), Valid: 100,
	})
}

// TestOffersOfPrefixesBindNothing: what nodes offer may differ and meet; what they confirm may not meet.
func TestOffersOfPrefixesBindNothing(t *testing.T) {
	l := New("a", "b")
	delegated(l, wire.Advertise, 1, 0, "2001:db8:100::/56", false)
	delegated(l, wire.Advertise, 1, 1, "2001:db8:200::/56", false)
	delegated(l, wire.Advertise, 2, 0, "2001:db8:100::/56", false)
	if a := l.NewRound(); a != (Agreement{}) {
		t.Errorf("agreement about prefixes: %+v", a)
	}
	delegated(l, wire.Reply, 1, 0, "2001:db8:100::/56", true)
	delegated(l, wire.Advertise, 1, 1, "2001:db8:300::/56", false)
	if all, different := l.Told(wire.IAPD); all != 1 || different != 1 {
		t.Errorf("%d told, %d different, want 1 and 1", all, different)
	}
	wantBroken(t, l, map[string]int{}, "")
	delegated(l, wire.Reply, 2, 1, "2001:db8:100::/56", true)
	wantBroken(t, l, map[string]int{"duplicate": 1}, "2001:db8:100::/56 was told to client 1 and, by node b, to client 2")
}

// TestMovedPrefix: a client keeps the prefix that it has named. One that it never named, nobody could save.
func TestMovedPrefix(t *testing.T) {
	l := New("a", "b")
	delegated(l, wire.Reply, 1, 0, "2001:db8:100::/56", false)
	delegated(l, wire.Reply, 1, 1, "2001:db8:200::/56", true)
	if l.Hidden() != 1 {
		t.Errorf("%d hidden prefixes were lost, want 1", l.Hidden())
	}
	wantBroken(t, l, map[string]int{}, "")
	delegated(l, wire.Reply, 1, 0, "2001:db8:300::/56", true)
	delegated(l, wire.Reply, 2, 0, "2001:db8:400::/56", false)
	delegated(l, wire.Reply, 2, 0, "2001:db8:400::/56", true) // renewed
	delegated(l, wire.Reply, 2, 1, "2001:db8:500::/56", true)
	wantBroken(t, l, map[string]int{"moved": 2}, "client 2 had 2001:db8:400::/56 and got 2001:db8:500::/56 from node b")
}

// TestPrefixes: a prefix and an address of one client are different things.
func TestPrefixes(t *testing.T) {
	l := New("a")
	prefix := netip.MustParsePrefix("2001:db8:100::/56")
	l.Heard(&load.Answer{Client: 1, Type: wire.Reply, Kind: wire.IAPD, Address: prefix.Addr().As16(), Length: 56, Valid: 1})
	told(l, wire.Reply, 1, 0, "2001:db8:100::")
	l.Heard(&load.Answer{Client: 1, Type: wire.Reply, Kind: wire.IAPD, Address: [16]byte{1}, Length: 56}) // given up: says nothing
	entry := listed(1, "2001:db8:100::")
	pd := entry
	pd.Lease, pd.IAID = prefix, load.IAID(1, wire.IAPD)
	if looked, lost := l.Inspect(0, []Listed{entry, pd}); looked != 2 || lost != 0 {
		t.Errorf("%d looked up, %d lost, want 2 and 0", looked, lost)
	}
	wantBroken(t, l, map[string]int{}, "")
}
