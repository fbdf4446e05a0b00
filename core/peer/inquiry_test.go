package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/peer"
)

// TestInquiry: once all peers have told all they know of all links, nothing of an absence is left.
func TestInquiry(t *testing.T) {
	g := peer.NewGate([]uint32{1000, 500}, nil, 300)
	g.Returned(begin-5000, begin)
	q := g.Inquire()
	if open := q.End([]bool{true, true}, begin+7); open != 2 || !g.Open(0, begin+7) || !g.Open(1, begin+7) || g.BackSeat(begin+7) {
		t.Errorf("%d open; want both links open and no back seat", open)
	}
	if g.ExpiredUnheard(0, begin-10, begin+7) || len(g.Listening(begin+7)) != 0 {
		t.Error("slots that ended meanwhile are still kept apart, or a link listens")
	}
	if !g.Before(begin-5000) || g.Before(begin-4999) {
		t.Error("the end of the store that the node came back with is forgotten")
	}
}

// TestInquiryPart: a link of which a peer didn't tell goes on listening, and so does the back seat.
func TestInquiryPart(t *testing.T) {
	g := peer.NewGate([]uint32{1000, 500}, nil, 300)
	g.Returned(begin-5000, begin)
	if open := g.Inquire().End([]bool{true, false}, begin+7); open != 1 || !g.Open(0, begin+7) || g.Open(1, begin+499) {
		t.Errorf("%d open; want link 0 alone", open)
	}
	if !g.BackSeat(begin+999) || !g.ExpiredUnheard(0, begin-10, begin+999) {
		t.Error("the back seat is over before all links were told of")
	}
}

// TestInquiryGap: a gap that begins while the peers answer isn't filled by their answers, whether the gate was open or closed.
func TestInquiryGap(t *testing.T) {
	g := peer.NewGate([]uint32{1000, 1000, 1000}, nil, 300)
	g.Close(0, begin, peer.ReasonDrops)
	g.Close(2, begin, peer.ReasonDrops)
	q := g.Inquire()
	g.Close(0, begin+5, peer.ReasonDrops)
	g.Close(1, begin+5, peer.ReasonLink)
	if open := q.End([]bool{true, true, true}, begin+7); open != 1 {
		t.Errorf("%d open, want 1", open)
	}
	if g.Open(0, begin+1004) || g.Open(1, begin+1004) || !g.Open(2, begin+7) {
		t.Error("want links 0 and 1 closed for one T1 after the gap, and link 2 open")
	}
	if open := g.Inquire().End([]bool{true, true, true}, begin+9); open != 3 || !g.Open(0, begin+9) {
		t.Errorf("an inquiry after the gap leaves %d open, want 3", open)
	}
}

// TestInquiryEvidence: that there was a history is no new gap, so an inquiry makes it good. But a client that tells of still more,
// of which no peer knew, is believed again.
func TestInquiryEvidence(t *testing.T) {
	g := peer.NewGate([]uint32{1000}, nil, 300)
	g.Begun(begin)
	q := g.Inquire()
	g.Evidence(0, begin+3)
	if open := q.End([]bool{true}, begin+7); open != 1 || g.BackSeat(begin+7) || !g.Open(0, begin+7) {
		t.Errorf("%d open; want an open gate and no back seat", open)
	}
	if !g.Fresh(0, begin+8) || g.Fresh(0, begin+1000) {
		t.Error("want doubts for one T1 after the start")
	}
	g.Evidence(0, begin+9)
	if !g.BackSeat(begin+9) || g.Open(0, begin+9) {
		t.Error("evidence after an inquiry isn't believed")
	}
}
