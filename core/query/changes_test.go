package query

import (
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
)

// change makes the journal's change of a client's lease as the engine does, with what it ends.
func (w *world) change(t *testing.T, n int, lease string, ends binding.Time) []byte {
	t.Helper()
	p := netip.MustParsePrefix(lease)
	key := binding.Key{Address: p.Addr().As16(), Length: uint8(p.Bits())}
	w.Handle.Enter()
	defer w.Handle.Leave()
	old := w.Handle.Find(&key)
	d := binding.Draft{Key: key, Kind: 1, IAID: 1, DUID: duidOf(n), State: binding.Bound, Valid: 200, LastTransaction: w.Now, Since: w.Now, Expires: ends}
	r, outcome := w.Handle.Publish(old, &d)
	if outcome != binding.Published {
		t.Fatal(outcome)
	}
	return binding.AppendNews(nil, r, &d, old)
}

func (w *world) remove(t *testing.T, lease string) []byte {
	t.Helper()
	key := binding.Key{Address: netip.MustParsePrefix(lease).Addr().As16(), Length: 128}
	w.Handle.Enter()
	defer w.Handle.Leave()
	r := w.Handle.Find(&key)
	if w.Handle.Remove(r) != binding.Published {
		t.Fatal("the lease can't be removed")
	}
	return binding.AppendEnd(nil, binding.RemovalVersion(r), r)
}

// follow gives, of what changes say, client and lease, and whether it has ended.
func (w *world) follow(t *testing.T, q Question, changes []byte) (out []string) {
	t.Helper()
	for found, err := range w.Follow(&q, changes) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range found.Client {
			s := &found.Client[i]
			text := string('0'+rune(s.DUID[7])) + " " + netip.AddrFrom16(s.Key.Address).String()
			if !Usable(s, w.Now) {
				text += " ended"
			}
			out = append(out, text)
		}
	}
	return out
}

func wantTexts(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
}

func TestFollow(t *testing.T) {
	w := newWorld(t)
	w.Index = nil
	e := Ended{Keep: 100, Most: 3, From: 900}
	all := Question{Type: Everything}
	step := func(changes []byte) []byte { e.Take(changes, w.Now); return changes }

	wantTexts(t, "a grant", w.follow(t, all, step(w.change(t, 1, "2001:db8:1::1/128", 1050))), "1 2001:db8:1::1")
	if gone, ok := e.Since(900); !ok || len(gone) != 0 {
		t.Errorf("after a grant %d leases have ended, known: %t", len(gone), ok)
	}
	w.Now = 1060
	wantTexts(t, "another client's grant", w.follow(t, all, step(w.change(t, 2, "2001:db8:1::1/128", 1100))),
		"1 2001:db8:1::1 ended", "2 2001:db8:1::1")
	w.Now = 1110
	removed := step(w.remove(t, "2001:db8:1::1/128"))
	wantTexts(t, "reclaimed", w.follow(t, all, removed), "2 2001:db8:1::1 ended")
	wantTexts(t, "not asked for", w.follow(t, Question{Type: ByClientID, DUID: duidOf(1)}, removed))
	wantTexts(t, "on another link", w.follow(t, Question{Type: ByLink, LinkAddress: addressOf("2001:db8:2::")}, removed))

	if gone, ok := e.Since(1061); !ok || len(gone) != 1 || gone[0].DUID[7] != 2 {
		t.Errorf("since 1061 %v, %t; want client 2's", gone, ok)
	}
	// What is older than it is kept isn't known any more, and that is said.
	w.Now = 1180
	step(w.change(t, 3, "2001:db8:1::3/128", 2000))
	if _, ok := e.Since(1050); ok {
		t.Error("what ended 120 s ago is said to be known, kept are 100 s")
	}
	if gone, ok := e.Since(1100); !ok || len(gone) != 1 {
		t.Errorf("since 1100: %d, %t", len(gone), ok)
	}
}

// At most so many are kept.
func TestEndedIsBounded(t *testing.T) {
	w := newWorld(t)
	e := Ended{Keep: 1000, Most: 3, From: 900}
	for n := range 9 {
		w.Now++
		lease := "2001:db8:1::" + string('1'+rune(n)) + "/128"
		w.change(t, n, lease, w.Now)
		e.Take(w.remove(t, lease), w.Now)
		if n := cap(e.leases); n > 4*e.Most {
			t.Errorf("room for %d leases is held, kept are %d", n, e.Most)
		}
	}
	if _, ok := e.Since(1003); ok {
		t.Error("more is said to be known than is kept")
	}
	if gone, ok := e.Since(w.Now - 2); !ok || len(gone) != 3 {
		t.Errorf("%d, %t; want the last three", len(gone), ok)
	}
}

// What is kept of a lease doesn't hold the write that told of its end.
func TestEndedKeepsNoView(t *testing.T) {
	w := newWorld(t)
	e := Ended{Keep: 1000, Most: 3, From: 900}
	w.change(t, 1, "2001:db8:1::1/128", w.Now)
	changes := w.remove(t, "2001:db8:1::1/128")
	e.Take(changes, w.Now)
	clear(changes)
	gone, ok := e.Since(w.Now)
	if !ok || len(gone) != 1 || string(gone[0].DUID) != string(duidOf(1)) || len(gone[0].Before) > 0 {
		t.Errorf("after the write's octets are gone: %v, %t", gone, ok)
	}
}

// Since tells of what changed, by the table and by what has ended.
func TestSince(t *testing.T) {
	w := newWorld(t)
	w.bind(t, 1, "2001:db8:1::1/128", 1, 2000) // heard at 900
	w.Now = 1000
	w.change(t, 2, "2001:db8:1::2/128", 2000)
	w.change(t, 3, "2001:db8:1::3/128", 2000)
	gone := binding.Stored{Key: binding.Key{Address: addressOf("2001:db8:1::4"), Length: 128}, Kind: 1, DUID: duidOf(4), State: binding.Released}
	got := make(map[byte]bool)
	for found, err := range w.Since(&Question{Start: 950, HasStart: true}, []binding.Stored{gone}) {
		if err != nil {
			t.Fatal(err)
		}
		got[found.Client.DUID()[7]] = true
	}
	if len(got) != 3 || got[1] {
		t.Errorf("changed since 950: %v, want 2, 3 and 4", got)
	}
}
