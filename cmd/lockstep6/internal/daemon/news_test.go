package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestNewsOfConflicts: the log names each lease that two clients claim, and who lost one to whom, once; of very many it
// gives the number.
func TestNewsOfConflicts(t *testing.T) {
	d, _ := nodeB(t)
	var out bytes.Buffer
	d.log = slog.New(slog.NewTextHandler(&out, nil))
	n := newNews(d)
	view := d.site.Load().View
	one := peer.Claim{Node: 0, Kind: wire.IAPD, IAID: 7, DUID: []byte{0, 4, 1}, Since: testNow, Expires: testNow + 900}
	two := peer.Claim{Node: 2, Kind: wire.IAPD, IAID: 8, DUID: []byte{0, 4, 2}, Since: testNow, Expires: testNow + 900}
	for i := range byte(20) {
		key := binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, 0, i}, Length: 56}
		view.Conflicts.Note(&key, two, true, testNow)
		view.Conflicts.Decided(peer.Decision{Lease: key, Winner: one, Loser: two})
	}
	n.tell(testNow)
	for text, want := range map[string]int{
		`msg="two clients claim one lease" id=lease-claimed-twice `:                                                         16,
		`msg="two clients claim one lease: more of them; lockstep6 peers has all" id=leases-claimed-twice-more leases=4`:    1,
		`lease=2001:db8:8000:700::/56 loser=00:04:02 loser_iaid=8 loser_node=c winner=00:04:01 winner_iaid=7 winner_node=a`: 1,
		`msg="of two clients with one lease one lost it: more of them" id=leases-lost-more leases=4`:                        1,
	} {
		if got := strings.Count(out.String(), text); got != want {
			t.Errorf("want %d times %s, got %d in\n%s", want, text, got, out.String())
		}
	}
	out.Reset()
	n.tell(testNow)
	if out.Len() > 0 {
		t.Errorf("told again: %s", out.String())
	}
}

// TestNewsOnceComeOnceGone: what holds for a while is told once, with its identifier and what it is about, and once when it
// is over.
func TestNewsOnceComeOnceGone(t *testing.T) {
	d, _ := nodeB(t)
	var out bytes.Buffer
	d.log = slog.New(slog.NewTextHandler(&out, nil))
	n := newNews(d)
	d.site.Load().View.Gate.Close(0, testNow, peer.ReasonAbsent)
	for _, step := range []struct {
		now  binding.Time
		want string
	}{
		{testNow, `level=WARN msg="` + linkListening.text + `" id=link-listening link=lan reason="the node was away" until=`},
		{testNow + 1, ""},
		{testNow + 1<<20, `level=INFO msg="over: ` + linkListening.text + `" id=link-listening over=true link=lan`},
		{testNow + 1<<20 + 1, ""},
	} {
		out.Reset()
		n.tell(step.now)
		if got := out.String(); !strings.Contains(got, step.want) || strings.Count(got, "\n") != min(1, len(step.want)) {
			t.Errorf("at %d it tells %q, want one line with %q", step.now-testNow, got, step.want)
		}
	}
}

// TestNewsOfForgottenLeases: a node that lost its store tells that exclusive pools stand still, where it has any.
func TestNewsOfForgottenLeases(t *testing.T) {
	d, _ := nodeB(t)
	var out bytes.Buffer
	d.log = slog.New(slog.NewTextHandler(&out, nil))
	n, site := newNews(d), d.site.Load()
	site.View.Gate.Begun(testNow)
	site.View.Gate.Lose(testNow)
	n.tell(testNow)
	if strings.Contains(out.String(), leasesGone.id) {
		t.Errorf("without exclusive pools it tells %q", out.String())
	}
	site.Policy.Pools[0].Sparse, site.Policy.Pools[0].Dense = false, config.DenseExclusive
	n.tell(testNow)
	if want := "id=leases-forgotten until="; !strings.Contains(out.String(), want) {
		t.Errorf("it tells %q, want %q", out.String(), want)
	}
	out.Reset()
	n.tell(testNow + 1<<20)
	if want := `over: ` + leasesGone.text; !strings.Contains(out.String(), want) {
		t.Errorf("afterwards it tells %q, want %q", out.String(), want)
	}
}

// TestNewsOfFullPools: a pool that fills is told of twice, and none of its changes by two lines.
func TestNewsOfFullPools(t *testing.T) {
	d, _ := nodeB(t)
	var out bytes.Buffer
	d.log = slog.New(slog.NewTextHandler(&out, nil))
	n := newNews(d)
	site := d.site.Load()
	slots := func(from, to int, note func(*binding.Key, wire.Kind)) {
		for i := from; i < to; i++ {
			note(&binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, byte(i >> 8), byte(i)}, Length: 56}, wire.IAPD)
		}
	}
	const all = 1 << 16
	for _, step := range []struct {
		what     string
		from, to int
		note     func(*binding.Key, wire.Kind)
		want     string
	}{
		{"half of it taken", 0, all / 2, site.Take, ""},
		{"nearly all", all / 2, all - 5000, site.Take, `level=WARN msg="` + poolNearlyFull.text + `" id=pool-nearly-full link=lan `},
		{"all", all - 5000, all, site.Take, `level=WARN msg="` + poolFull.text + `" id=pool-full link=lan `},
		{"some given back", all - 1000, all, site.Put, `level=INFO msg="over: ` + poolFull.text + `" id=pool-full over=true link=lan `},
		{"most given back", 0, all, site.Put, `level=INFO msg="over: ` + poolNearlyFull.text + `" id=pool-nearly-full over=true link=lan `},
	} {
		slots(step.from, step.to, step.note)
		out.Reset()
		n.tell(testNow)
		if got := out.String(); !strings.Contains(got, step.want) || strings.Count(got, "\n") != min(1, len(step.want)) {
			t.Errorf("%s: it tells %q, want one line with %q", step.what, got, step.want)
		}
	}
}

// TestSingleNodeTellsOfFullPools: a node without peers says so too, while it runs.
func TestSingleNodeTellsOfFullPools(t *testing.T) {
	r := serveNode(t, `
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    prefixes: [{pool: "2001:db8:8000::/52", length: 56}]
listen: {workers: 1, addresses: ["[::1]:10547"]}
`, "")
	for i := range byte(16) {
		r.site.Load().Take(&binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, 0, i}, Length: 56}, wire.IAPD)
	}
	for seen := uint64(0); ; {
		lines, more := r.events.after(seen)
		for _, e := range lines {
			seen = e.Sequence
			if e.ID != poolFull.id {
				continue
			}
			if e.Level != "WARN" || e.Message != poolFull.text || e.Attributes["link"] != "lan" || e.Attributes["pool"] != "2001:db8:8000::/52" {
				t.Errorf("it tells %+v", e)
			}
			return
		}
		select {
		case <-more:
		case <-t.Context().Done():
			t.Fatal("the node ended without a word")
		}
	}
}
