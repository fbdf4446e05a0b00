package admin

import (
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// A timed answer notes the deadlines that it is given.
type timed struct {
	httptest.ResponseRecorder
	deadlines int
	last      time.Time
}

// SetWriteDeadline is what http.ResponseController looks for.
func (w *timed) SetWriteDeadline(t time.Time) error {
	w.deadlines++
	w.last = t
	return nil
}

// TestPatience: a reader is waited for as long as is left to him, whenever an answer goes on, and earns himself the whole time
// by each 64 KiB.
func TestPatience(t *testing.T) {
	w := &timed{}
	p := newPatient(w)
	goesOn := func(octets int, want time.Duration) {
		t.Helper()
		before := time.Now()
		if n, err := p.Write(make([]byte, octets)); n != octets || err != nil {
			t.Fatal(n, err)
		}
		if w.last.Before(before.Add(want-time.Second)) || w.last.After(time.Now().Add(want)) {
			t.Errorf("the deadline %v is not %v after %v", w.last, want, before)
		}
	}
	goesOn(1, patienceTime)
	p.left = 10 * time.Second // he has been waited for
	goesOn(patienceOctets-2, 10*time.Second)
	w.last = time.Time{}
	if err := p.FlushError(); err != nil || w.last.IsZero() || p.left > 10*time.Second {
		t.Errorf("flushed: %v, deadline %v, %v left", err, w.last, p.left)
	}
	goesOn(1, 10*time.Second)
	goesOn(1, patienceTime)
	w.deadlines = 0
	if goesOn(3*patienceOctets, patienceTime); w.deadlines != 4 {
		t.Errorf("%d deadlines for 192 KiB at once", w.deadlines)
	}
	p.left = 0
	if p.extend(); w.last.After(time.Now()) {
		t.Errorf("the deadline of a reader who takes nothing is %v", w.last)
	}
}

// FuzzQuery: no query and no cursor makes the node fall over, and a filter is read as it is sent.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "duid=00:04:01&iaid=7", "remote_id=9:0xff&interface_id=port 7", "lease=2001:db8::/56&within=::/0&state=bound", "link=lan&pool=x&live=1"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, query, cursor string) {
		if p, err := parseCursor(1, cursor); err == nil && cursorText(1, p) != cursor {
			t.Errorf("cursor %q is %+v", cursor, p)
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		filter, err := ParseFilter(values)
		if err != nil {
			return
		}
		again, err := ParseFilter(filter.Query())
		if err != nil || filter.Query().Encode() != again.Query().Encode() {
			t.Errorf("%q is sent as %v and read as %v, %v", query, filter.Query(), again.Query(), err)
		}
		stored := testLeases()
		for i := range stored {
			if filter.Match(&stored[i], testNow, testPlaces) != again.Match(&stored[i], testNow, testPlaces) {
				t.Errorf("%q chooses other leases when it is sent", query)
			}
		}
	})
}
