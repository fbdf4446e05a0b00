package daemon

import (
	"bytes"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/query"
)

// TestBeat: the store says when the node last knew of no gap, which a gap doesn't change.
func TestBeat(t *testing.T) {
	r := newReturned(t)
	for _, want := range []binding.Time{0, testNow, testNow} {
		if err := r.beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		whole, _ := r.store.Meta(metaWhole)
		if got := knewUntil(whole, r.p.Fingerprint[:]); got != want {
			t.Errorf("%x: knew all until %d, want %d", whole, got, want)
		}
		if want == 0 {
			r.gate.Inquire().End([]bool{true}, testNow)
		} else {
			r.gate.CloseAll(testNow, peer.ReasonDrops)
			r.clock = func() int64 { return (testNow + 10).Unix() * 1e9 }
		}
	}
	r.greet(r.p, r.site.Load().View)
	if r.knew != testNow || r.gate.Before(testNow+11) || !r.gate.Before(testNow+10) {
		t.Errorf("back, it knew all until %d, want %d", r.knew, testNow)
	}
}

// TestKnewUntil: a query may leave out what is old only where the node knew it, with the same configuration.
func TestKnewUntil(t *testing.T) {
	fingerprint := bytes.Repeat([]byte{7}, 32)
	for _, test := range []struct {
		whole []byte
		want  binding.Time
	}{
		{append([]byte{0, 0, 0, 5}, fingerprint[:8]...), 5},
		{append([]byte{0, 0, 0, 5}, make([]byte, 8)...), 0},
		{[]byte{0, 0, 0, 5}, 0},
		{nil, 0},
	} {
		if got := knewUntil(test.whole, fingerprint); got != test.want {
			t.Errorf("%x: %d, want %d", test.whole, got, test.want)
		}
	}
}

// TestWhole: a node that listens on a link, or hasn't asked yet what it missed, doesn't say that it tells all.
func TestWhole(t *testing.T) {
	r := newReturned(t)
	q, here := &queries{d: r.Daemon}, &query.Question{LinkAddress: keyOf(1).Address}
	elsewhere := &query.Question{LinkAddress: [16]byte{0xfd}}
	if q.Whole(here) || q.Whole(&query.Question{}) || !q.Whole(elsewhere) {
		t.Error("want a gap on the link that listens, and on it alone")
	}
	inquiry := r.gate.Inquire()
	inquiry.End([]bool{true}, testNow)
	r.asking.Store(true)
	if q.Whole(here) {
		t.Error("whole before the peers are asked")
	}
	r.asking.Store(false)
	if !q.Whole(here) || !q.Whole(&query.Question{}) {
		t.Error("not whole, and no gap is known")
	}
	if !bytes.Equal(q.Granter(peer.Self), r.p.ServerID) || !bytes.Equal(q.Granter(2), r.p.Nodes[2].ServerID) || q.Granter(peer.Unnamed) != nil {
		t.Error("owners have other servers' DUIDs")
	}
}
