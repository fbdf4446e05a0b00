package privacy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	noon     = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	duid     = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}
	leased   = netip.MustParseAddr("2001:db8:1::10")
	somebody = KeyOf([]byte("a cluster's key"))
)

// TestPseudonym: the same identifier has one pseudonym all day, in any time zone; another day, another key, another kind and another
// identifier have others.
func TestPseudonym(t *testing.T) {
	day := somebody.On(noon)
	got := day.Pseudonym(DUID(duid))
	// HMAC-SHA-256 by another implementation (Python's hmac).
	if want := "duid~3093cd1cb1938d53"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	late := time.Date(2026, 11, 27, 1, 30, 0, 0, time.FixedZone("", 2*3600))
	if again := somebody.On(late).Pseudonym(DUID(duid)); again != got || !day.Holds(late) || day.Holds(noon.AddDate(0, 0, 1)) {
		t.Errorf("at %v it is %s, at %v %s", noon, got, late, again)
	}
	other := KeyOf([]byte("another cluster's key"))
	seen := map[string]bool{got: true}
	for _, p := range []string{
		somebody.On(noon.AddDate(0, 0, 1)).Pseudonym(DUID(duid)), other.On(noon).Pseudonym(DUID(duid)), day.Pseudonym(DUID(duid[1:])), day.Pseudonym(Hardware(duid)),
		day.Pseudonym(Address(leased)), day.Pseudonym(Prefix(netip.PrefixFrom(leased, 64))), day.Pseudonym(Prefix(netip.PrefixFrom(leased, 56))), day.Pseudonym(IAID(1)),
	} {
		if digits := p[strings.Index(p, "~")+1:]; seen[p] || len(digits) != 16 || strings.HasSuffix(got, digits) {
			t.Errorf("%s has been there before", p)
		}
		seen[p] = true
	}
}

// TestSpellings: an identifier has one pseudonym, however it is written.
func TestSpellings(t *testing.T) {
	day := somebody.On(noon)
	for _, same := range [][]Identifier{
		{Address(leased), Lease(leased.As16(), 128), LeaseText("2001:0db8:0001::10"), Prefix(netip.PrefixFrom(leased, 128)), Address(leased.WithZone("eth0"))},
		{Prefix(netip.MustParsePrefix("2001:db8:1::/56")), LeaseText("2001:db8:1::10/56"), Lease(leased.As16(), 56)},
		{Name("Printer.Example.net"), Name("printer.example.net.")},
		{Relay(netip.MustParseAddr("fe80::1")), Address(netip.MustParseAddr("fe80::1")), Sender(netip.MustParseAddr("fe80::1"), true)},
		{Sender(leased, false), Address(leased)},
	} {
		for _, i := range same[1:] {
			if got, want := day.Pseudonym(i), day.Pseudonym(same[0]); got != want {
				t.Errorf("%v is %s, and %v is %s", i, got, same[0], want)
			}
		}
	}
	for _, i := range []Identifier{Relay(netip.MustParseAddr("2001:db8::1")), Sender(netip.MustParseAddr("2001:db8::1"), true), LeaseText(""), Public("uplink")} {
		if i.kind != "" {
			t.Errorf("%v is taken for a client's", i)
		}
	}
}

// lines logs through a Keeper.
func lines(k *Keeper, log func(*slog.Logger)) string {
	var out bytes.Buffer
	log(slog.New(k.Handler(slog.NewTextHandler(&out, nil))))
	return out.String()
}

// TestHandler: typed values are shown as it is set, harmless ones always, texts are searched, and what nobody classed is left out.
func TestHandler(t *testing.T) {
	failure := fmt.Errorf("the hook: %w", &ForeignError{errors.New("exit status 1"), "no route for alice"})
	fault := errors.New(`lockstep6.yaml:7:9: links[0].reservations[0].hostname: alice is there twice; keep one`)
	log := func(l *slog.Logger) {
		l.With("id", "some-line").Info("text", "duid", DUID(duid), "iaid", IAID(77), "lease", LeaseText("2001:db8:1::10"), "node", "a", "leases",
			slog.GroupValue(slog.Int("new", 3), slog.Any("lease", Address(leased))), "newfangled", "alice", "client", "alice", "error", failure, "fault", fault)
	}
	var k Keeper
	inClear := lines(&k, log)
	for _, want := range []string{"id=some-line", "duid=00:03:00:01:02:00:00:00:00:01", "iaid=77", "lease=2001:db8:1::10", "newfangled=alice", "no route for alice", "alice is there"} {
		if !strings.Contains(inClear, want) {
			t.Errorf("in clear: no %s in %s", want, inClear)
		}
	}
	for _, mode := range []Mode{Pseudonyms, Hidden} {
		k.Set(Settings{Mode: mode, Key: somebody})
		text := lines(&k, log)
		for _, never := range []string{"alice", "00:01", "77", "2001:"} {
			if strings.Contains(text, never) {
				t.Errorf("mode %d: %s in %s", mode, never, text)
			}
		}
		for _, want := range []string{"id=some-line", "duid=duid~", "lease=address~", "node=a", "leases.new=3", "leases.lease=address~", `newfangled="not shown"`, "lockstep6.yaml:7:9: ", "exit status 1"} {
			if !strings.Contains(text, want) {
				t.Errorf("mode %d: no %s in %s", mode, want, text)
			}
		}
	}
}

// TestHandlerInAGroup: what a logger was given before a group is replaced too, and the line's own day counts.
func TestHandlerInAGroup(t *testing.T) {
	var k Keeper
	k.Set(Settings{Mode: Pseudonyms, Key: somebody})
	var out bytes.Buffer
	h := k.Handler(slog.NewTextHandler(&out, nil))
	r := slog.NewRecord(noon, slog.LevelInfo, "text", 0)
	r.AddAttrs(slog.Any("duid", DUID(duid)))
	begun := somebody.On(time.Now()).Pseudonym(DUID(duid))
	if err := h.WithAttrs([]slog.Attr{slog.Any("client", DUID(duid))}).WithGroup("").WithGroup("g").Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	today := somebody.On(time.Now()).Pseudonym(DUID(duid))
	if !strings.Contains(out.String(), " client="+today) && !strings.Contains(out.String(), " client="+begun) { // a day may end meanwhile
		t.Errorf("no client=%s in %s", today, out.String())
	}
	if want := "g.duid=" + somebody.On(noon).Pseudonym(DUID(duid)); !strings.Contains(out.String(), want) {
		t.Errorf("no %s in %s", want, out.String())
	}
}

// TestSearch: in texts identifiers are found in all their spellings, and other words stay.
func TestSearch(t *testing.T) {
	day := somebody.On(noon)
	d, a, h, n := day.Pseudonym(DUID(duid)), day.Pseudonym(Address(leased)), day.Pseudonym(Hardware(duid[4:])), day.Pseudonym(Name("pc.example.net"))
	whole := day.Pseudonym(Prefix(netip.MustParsePrefix("2001:db8:1::/64")))
	ends := day.Pseudonym(Address(netip.MustParseAddr("2001:db8:1::")))
	l := line{inForce: &inForce{Settings: Settings{Mode: Pseudonyms, Key: somebody, Domains: []string{"example.net."}}}, at: noon, named: []Identifier{Name("a host"), IAID(7)}}
	for text, want := range map[string]string{
		"client 00:03:00:01:02:00:00:00:00:01":                      "client " + d,
		"0x00030001020000000001, 00-03-00-01-02-00-00-00-00-01: no": d + ", " + d + ": no",
		"from 02:00:00:00:00:01.":                                   "from " + h + ".",
		"dial tcp [2001:db8:1::10]:547: refused":                    "dial tcp [" + a + "]:547: refused",
		"route 2001:DB8:1:0::10: no; 2001:db8:1::/64":               "route " + a + ": no; " + whole,
		"it ends so: 2001:db8:1::.":                                 "it ends so: " + ends + ".",
		"update of PC.example.net.: REFUSED":                        "update of " + n + ": REFUSED",
		"zone example.net.: the server answers 1 of 7":              "zone example.net.: the server answers 1 of 7",
		"of a host": "of " + day.Pseudonym(Name("a host")),
		"at 12:30:45 on [::1]:53, 2026-11-26T12:00:00Z in /var/lib/x.yaml:3:4": "at 12:30:45 on [::1]:53, 2026-11-26T12:00:00Z in /var/lib/x.yaml:3:4",
	} {
		if got := l.search(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// TestShow: what metrics ask for.
func TestShow(t *testing.T) {
	var k Keeper
	id := Address(leased)
	if text, ok := k.Show(id, noon); text != "2001:db8:1::10" || !ok {
		t.Errorf("in clear: %q, %v", text, ok)
	}
	for _, word := range strings.Split(Words, "|") {
		k.Set(Settings{Mode: ModeOf(word), Key: somebody})
		text, ok := k.Show(id, noon)
		if want := map[string]string{"clear": "2001:db8:1::10", "pseudonyms": somebody.On(noon).Pseudonym(id)}[word]; text != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", word, text, ok)
		}
		if text, ok := k.Show(Public("::"), noon); text != "::" || !ok {
			t.Errorf("%s: what names nobody is %q, %v", word, text, ok)
		}
	}
	if ModeOf("else") != Hidden {
		t.Error("a mode that isn't known shows something")
	}
}
