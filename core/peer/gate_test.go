package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

const begin = binding.Time(800_000_000)

func newView(nodes int, listen ...uint32) *peer.View {
	o := peer.Options{Nodes: nodes, Listen: listen, After: 300, Pools: 2}
	for node := range nodes {
		o.Owners = append(o.Owners, uint8(node))
	}
	return peer.NewView(o)
}

// TestGateCloses: a gap closes a link's gate for one T1, and another gap begins the T1 anew.
func TestGateCloses(t *testing.T) {
	g := peer.NewGate([]uint32{1000, 0}, nil, 300)
	if !g.Open(0, begin) || len(g.Listening(begin)) != 0 {
		t.Fatal("a new gate is closed")
	}
	g.Close(0, begin, peer.ReasonDrops)
	if g.Open(0, begin+999) || !g.Open(0, begin+1000) || !g.Open(1, begin) {
		t.Error("want link 0 closed for 1000 s, and link 1 open")
	}
	g.Close(0, begin+500, peer.ReasonLink)
	if g.Open(0, begin+1499) || !g.Open(0, begin+1500) {
		t.Error("a second gap doesn't begin the T1 anew")
	}
	l := g.Listening(begin + 750)
	if len(l) != 1 || l[0].Progress != 0.25 || l[0].Reason != peer.ReasonDrops || l[0].Since != begin {
		t.Errorf("want 25 %% of T1 since the first gap, got %+v", l)
	}
	if g.Closed() != 1 {
		t.Errorf("want one closing, got %d", g.Closed())
	}
	g.Close(1, begin, peer.ReasonLink)
	if g.Open(1, begin+peer.MaxListen-1) || !g.Open(1, begin+peer.MaxListen) {
		t.Error("without T1 a day counts")
	}
}

// TestReturned: only a long absence leads to the back seat; slots that ended meanwhile stay apart for one T1 after any.
func TestReturned(t *testing.T) {
	g := peer.NewGate([]uint32{1000}, nil, 300)
	g.Returned(begin-299, begin)
	if g.BackSeat(begin) || g.Open(0, begin) {
		t.Error("after 299 s: want the gate closed and no back seat")
	}
	if !g.ExpiredUnheard(0, begin-299, begin+999) || g.ExpiredUnheard(0, begin-300, begin) || g.ExpiredUnheard(0, begin, begin+1000) {
		t.Error("want slots that ended in the last 299 s apart for one T1")
	}
	g.Returned(begin-300, begin)
	if !g.BackSeat(begin+999) || g.BackSeat(begin+1000) {
		t.Error("after 300 s: want the back seat for one T1")
	}
	for _, test := range []struct {
		expires binding.Time
		want    bool
	}{{begin - 301, false}, {begin - 300, true}, {begin + 10, true}} {
		if got := g.ExpiredUnheard(0, test.expires, begin+20); got != test.want {
			t.Errorf("ended at %d: want %v, got %v", int64(test.expires)-int64(begin), test.want, got)
		}
	}
}

// TestReturnedAgain: a node that went while it listened knows no more of the absence before than it did, however short the second one was.
func TestReturnedAgain(t *testing.T) {
	g := peer.NewGate([]uint32{1000}, nil, 300)
	g.Returned(begin-10, begin)
	g.ReturnedAgain(begin-5000, begin)
	if !g.BackSeat(begin) || !g.ExpiredUnheard(0, begin-5000, begin) || g.ExpiredUnheard(0, begin-5001, begin) {
		t.Error("want the back seat, and slots that ended in the first absence apart")
	}
	if g.Before(begin - 9) {
		t.Error("the store has what it wrote until it went")
	}
	g = peer.NewGate([]uint32{1000}, nil, 300)
	g.Returned(begin-10, begin)
	g.ReturnedAgain(begin-9, begin)
	if g.BackSeat(begin) || g.ExpiredUnheard(0, begin-11, begin) || !g.ExpiredUnheard(0, begin-10, begin) {
		t.Error("a node that knew of no gap until it went is away once")
	}
}

// TestRelearns: after an absence clients have one T1 to be heard again, unless peers tell before; what was heard in the second of the
// return is no older than that.
func TestRelearns(t *testing.T) {
	g := peer.NewGate([]uint32{1000, 500}, nil, 300)
	if g.Relearns(begin) || g.Older(begin) {
		t.Error("a node that was never away learns anew")
	}
	g.Returned(begin-10, begin)
	if !g.Relearns(begin+999) || g.Relearns(begin+1000) {
		t.Error("want one T1, the longest of all links")
	}
	if !g.Older(begin-1) || g.Older(begin) {
		t.Error("want what was heard before the return to be older than it, and nothing else")
	}
	g.Inquire().End([]bool{true, true}, begin+7)
	if g.Relearns(begin + 7) {
		t.Error("peers have told all, and it still learns")
	}
}

// TestEvidence: within one T1 of its start with an empty store, and once, a node believes that there was a history.
func TestEvidence(t *testing.T) {
	g := peer.NewGate([]uint32{1000}, nil, 300)
	g.Evidence(0, begin)
	if g.BackSeat(begin) {
		t.Error("a node that wasn't new believes evidence")
	}
	g.Begun(begin)
	if !g.Open(0, begin) || g.BackSeat(begin) || !g.Fresh(0, begin+999) || g.Fresh(0, begin+1000) {
		t.Error("want an open gate and one T1 of freshness")
	}
	g.Evidence(0, begin+10)
	if !g.BackSeat(begin+10) || g.Open(0, begin+10) || g.Fresh(0, begin+11) {
		t.Error("want the back seat and a closed gate after evidence")
	}
	if g.ExpiredUnheard(0, begin, begin+20) {
		t.Error("an empty store has no slots that ended unheard")
	}
}

// TestQuiet: the back seat ends after a minute in which nobody named a peer; each message that does puts that off.
func TestQuiet(t *testing.T) {
	v := newView(2, 1000)
	v.Gate.Returned(begin-5000, begin)
	v.Heard(1, 3, begin+30)
	v.Tick((begin + 89).Moment())
	if !v.Gate.BackSeat(begin + 89) {
		t.Error("over after 59 quiet seconds")
	}
	v.Tick((begin + 90).Moment())
	if v.Gate.BackSeat(begin + 90) {
		t.Error("not over after 60 quiet seconds")
	}
}

// TestGateYields: who is told to yield sits back until he is told otherwise, whoever is heard or not.
func TestGateYields(t *testing.T) {
	view := newView(2, 1000)
	view.Gate.Yield(true)
	view.Tick((begin + 5000).Moment())
	if !view.Gate.BackSeat(begin + 5000) {
		t.Error("the quiet of the others ended what was told")
	}
	view.Gate.Returned(begin+5000, begin+6000) // away for longer than After
	view.Gate.Yield(false)
	if !view.Gate.BackSeat(begin + 6000) {
		t.Error("the back seat after an absence ended with what was told")
	}
	view.Tick((begin + 6060).Moment())
	if view.Gate.BackSeat(begin + 6060) {
		t.Error("the back seat doesn't end when nobody names a peer")
	}
}

// TestForgot: a node doesn't know what it granted itself after a long absence, or where its empty store turned out not to be the
// beginning, whatever other gaps there were before; and it does once it has listened for one T1. Other gaps take nothing of that from it.
func TestForgot(t *testing.T) {
	forgot := func(name string, g *peer.Gate, link int, now binding.Time, want bool) {
		t.Helper()
		if got := g.Forgot(link, now); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	g := peer.NewGate([]uint32{1000, 500}, nil, 300)
	g.Close(0, begin, peer.ReasonDrops)
	forgot("dropped datagrams", g, 0, begin, false)

	g = peer.NewGate([]uint32{1000, 500}, nil, 300)
	g.Returned(begin-299, begin)
	forgot("a short absence", g, 0, begin, false)
	g.ReturnedAgain(begin-300, begin)
	forgot("a second start after a long absence", g, 0, begin, true)

	g = peer.NewGate([]uint32{1000, 500}, nil, 300)
	g.Returned(begin-300, begin)
	forgot("a long absence", g, 0, begin+999, true)
	forgot("a long absence, T1 ago", g, 0, begin+1000, false)
	forgot("a long absence, T1 of the other link ago", g, 1, begin+500, false)
	g.Close(1, begin+600, peer.ReasonDrops)
	forgot("dropped datagrams after that", g, 1, begin+600, false)

	g = peer.NewGate([]uint32{1000, 500}, nil, 300)
	g.Begun(begin)
	forgot("an empty store", g, 0, begin, false)
	g.Close(0, begin+10, peer.ReasonDrops)
	g.Evidence(1, begin+20)
	for link, until := range []binding.Time{begin + 1020, begin + 520} {
		forgot("a history", g, link, until-1, true)
		forgot("a history, T1 ago", g, link, until, false)
	}

	g = peer.NewGate([]uint32{1000, 500}, nil, 300)
	g.BegunLink(1, begin)
	g.Close(1, begin+10, peer.ReasonDrops)
	forgot("a new link", g, 1, begin+10, false)
	g.Evidence(1, begin+20)
	forgot("a new link with a history", g, 1, begin+519, true)
	forgot("a new link with a history, T1 ago", g, 1, begin+520, false)
	forgot("another link", g, 0, begin+20, false)
	if l := g.Listening(begin + 20); len(l) != 1 || l[0].Since != begin+10 {
		t.Errorf("want one gap since the first one, got %+v", l)
	}
}
