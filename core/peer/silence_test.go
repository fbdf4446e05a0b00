package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

// apart tells which of some leases, by their ends, are kept apart at a time.
func apart(g *peer.Gate, link int, now binding.Time, ends ...binding.Time) (out []bool) {
	for _, end := range ends {
		out = append(out, g.ExpiredUnheard(link, end, now))
	}
	return out
}

func wantApart(t *testing.T, when string, got []bool, want ...bool) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: lease %d kept apart is %v, want %v", when, i, got[i], want[i])
		}
	}
}

// TestSilenceKeepsApart: what ended since a link fell silent stays apart while it is so, and for one T1 behind that, on this link alone.
func TestSilenceKeepsApart(t *testing.T) {
	g := peer.NewGate([]uint32{1000, 1000}, []uint32{3000, 3000}, 300)
	g.Silenced(0, begin-600, begin, peer.ReasonRelay)
	wantApart(t, "found", apart(g, 0, begin, begin-601, begin-600, begin), false, true, true)
	wantApart(t, "the other link", apart(g, 1, begin, begin-600, begin), false, false)
	wantApart(t, "no link", apart(g, -1, begin, begin-600, begin), false, false)
	g.Silent(0, begin-600, begin+990)
	g.Silent(0, begin-600, begin+1980)
	if !g.Open(0, begin+2000) {
		t.Error("want the gate closed once for a silence that goes on")
	}
	if !g.Whole(begin + 2000) {
		t.Error("not whole for a silence that may go on for ever")
	}
	wantApart(t, "the gate is open, the relay still silent", apart(g, 0, begin+2000, begin-600, begin+1900), true, true)
	g.Silenced(0, begin-600, begin+2100, peer.ReasonRelay)
	if g.Open(0, begin+3099) {
		t.Error("want the gate closed for the end of the silence")
	}
	wantApart(t, "heard again", apart(g, 0, begin+3099, begin-601, begin+100, begin+3000), false, true, true)
	wantApart(t, "all were heard", apart(g, 0, begin+3100, begin+3, begin+2900, begin+3100), false, false, false)
}

// TestSilenceEnds: where others are heard what is gone for good keeps leases apart for one valid lifetime and a T1, and what it did before is
// forgotten when the link falls silent anew. No lease is kept apart for longer than a valid lifetime.
func TestSilenceEnds(t *testing.T) {
	g := peer.NewGate([]uint32{1000}, []uint32{3000}, 300)
	g.Heard(0, begin-1)
	g.Silenced(0, begin-600, begin, peer.ReasonRelay)
	now := begin
	for ; now < begin+10_000 && g.ExpiredUnheard(0, now, now); now += 10 {
		g.Heard(0, now)
		g.Silent(0, begin-600, now)
	}
	if want := begin + 2390 + 1000; now != want {
		t.Errorf("kept apart for %d s, want %d", now-begin, want-begin)
	}
	wantApart(t, "it may be gone", apart(g, 0, now, begin, now-1), false, false)
	g.Silenced(0, now+500, now+1000, peer.ReasonRelay)
	wantApart(t, "silent anew", apart(g, 0, now+1000, now+499, now+500), false, true)
	for range 10 {
		now += 900
		g.Heard(0, now)
		g.Silenced(0, now-100, now, peer.ReasonRelay)
	}
	wantApart(t, "silent again and again", apart(g, 0, now, now-3000, now-2999), false, true)
}

// TestSilentLink: while nobody on a link is heard, all that has ended since stays apart, however long it takes, and for one T1 behind that.
func TestSilentLink(t *testing.T) {
	g := peer.NewGate([]uint32{1000}, []uint32{3000}, 300)
	g.Heard(0, begin-600)
	g.Silenced(0, begin-600, begin, peer.ReasonRelay)
	now := begin
	for ; now < begin+100_000; now += 500 {
		g.Silent(0, begin-600, now)
	}
	wantApart(t, "silent", apart(g, 0, now, begin-601, begin-600, now-1), false, true, true)
	g.Silenced(0, begin-600, now, peer.ReasonRelay)
	g.Heard(0, now)
	wantApart(t, "heard again", apart(g, 0, now+999, begin-600, now-1), true, true)
	wantApart(t, "all were heard", apart(g, 0, now+1000, begin-600, now-1), false, false)
}

// TestFlaps: interfaces that flap on a link where little is said keep no lease apart for longer than a valid lifetime.
func TestFlaps(t *testing.T) {
	g := peer.NewGate([]uint32{1000}, []uint32{3000}, 300)
	now := begin
	for ; now < begin+20_000; now += 500 {
		g.Heard(0, now)
		g.Silenced(0, now+1, now+1, peer.ReasonLink)
		g.Silent(0, now+1, now+2)
		g.Silenced(0, now+1, now+3, peer.ReasonLink)
	}
	wantApart(t, "flapping", apart(g, 0, now, begin+100, now-3001, now-2999, now-100), false, false, true, true)
}

// TestLinkFallsSilent: where one after the other falls silent the link does, and what ended since the first of them stays apart for as long as nobody
// is heard, by the relays' own table.
func TestLinkFallsSilent(t *testing.T) {
	for _, speaks := range []bool{false, true} {
		v := peer.NewView(peer.Options{Nodes: 2, Listen: []uint32{1000, 1000}, Lasts: []uint32{3000, 3000}, Pools: 2, Owners: []uint8{0, 1}})
		last := heardFor(v, 121)
		v.Relays.Heard(relayAt(2), 1, last+5)
		now := last + 400
		for ; now < last+40_000; now += 100 {
			v.Tick(now.Moment())
			if speaks {
				v.Relays.Heard(relayAt(2), 1, now)
			}
		}
		wantApart(t, "silent", apart(v.Gate, 1, now, last-1, last+3, last+30_000), false, !speaks, !speaks)
		v.Relays.Heard(relayAt(1), 1, now)
		wantApart(t, "heard", apart(v.Gate, 1, now+999, last+3), !speaks)
		wantApart(t, "all were heard", apart(v.Gate, 1, now+1000, last+3), false)
	}
}

// TestHeardSinceTick: a message that is newer than the time of the tick that looks at its relay is no silence.
func TestHeardSinceTick(t *testing.T) {
	v := newView(2, 1000, 1000)
	now := heardFor(v, 121)
	v.Tick((now - 1).Moment())
	if v.Relays.States()[0].Silent || !v.Gate.Open(1, now) {
		t.Error("silent, and just heard")
	}
}

// TestSilencesOverlap: of several silences of a link the first one's beginning counts, and the last one's end.
func TestSilencesOverlap(t *testing.T) {
	g := peer.NewGate([]uint32{1000}, []uint32{3000}, 300)
	g.Silenced(0, begin, begin+60, peer.ReasonRelay)
	g.Silenced(0, begin-500, begin+70, peer.ReasonRelay)
	g.Silenced(0, begin+900, begin+960, peer.ReasonRelay)
	wantApart(t, "three are silent", apart(g, 0, begin+1000, begin-501, begin-500, begin+10), false, true, true)
	wantApart(t, "late", apart(g, 0, begin+1959, begin-500, begin+900), true, true)
	wantApart(t, "over", apart(g, 0, begin+1960, begin-500, begin+900), false, false)
}

// TestSilentRelayKeepsApart: the silence of a relay, for one link or several, begins with its last message, whenever it is found, and lasts until
// it is heard.
func TestSilentRelayKeepsApart(t *testing.T) {
	for _, several := range []bool{false, true} {
		v := newView(2, 1000, 1000)
		last := heardFor(v, 121)
		if several {
			v.Relays.Heard(relayAt(1), 0, last)
		}
		now := last + 301
		v.Tick(now.Moment())
		wantApart(t, "found", apart(v.Gate, 1, now, last-1, last, now), false, true, true)
		wantApart(t, "its other link", apart(v.Gate, 0, now, last), several)
		for end := now + 50_000; now < end; now += 500 {
			v.Tick(now.Moment())
		}
		wantApart(t, "still silent", apart(v.Gate, 1, now, last, now-1), true, true)
		wantApart(t, "its other link", apart(v.Gate, 0, now, last, now-1), several, several)
		v.Relays.Heard(relayAt(1), 1, now)
		wantApart(t, "back", apart(v.Gate, 1, now+999, last, now), true, true)
		wantApart(t, "all were heard", apart(v.Gate, 1, now+1000, last, now), false, false)
	}
}

// TestSilenceTold: what peers tell of all that was missed makes silences good as well.
func TestSilenceTold(t *testing.T) {
	g := peer.NewGate([]uint32{1000}, []uint32{3000}, 300)
	g.SilencedAll(begin, begin, peer.ReasonLink)
	inquiry := g.Inquire()
	wantApart(t, "asked", apart(g, 0, begin+5, begin), true)
	inquiry.End([]bool{true}, begin+7)
	wantApart(t, "told", apart(g, 0, begin+7, begin, begin+6), false, false)
	if !g.Whole(begin + 7) {
		t.Error("not whole, and no gap is known")
	}
	inquiry = g.Inquire()
	g.SilencedAll(begin+8, begin+8, peer.ReasonLink)
	inquiry.End([]bool{true}, begin+9)
	wantApart(t, "silent while they told", apart(g, 0, begin+9, begin+8), true)
}
