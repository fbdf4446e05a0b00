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

// TestPatience: a reader earns himself more time by what he takes: at the first octet, and once for each 64 KiB.
func TestPatience(t *testing.T) {
	w := &timed{}
	p := newPatient(w)
	for sent, want := range []int{1, 1, 1, 1, 2, 2, 2, 2, 3} {
		if _, err := p.Write(make([]byte, patienceOctets/4)); err != nil {
			t.Fatal(err)
		}
		if w.deadlines != want {
			t.Errorf("after %d quarters of 64 KiB: %d deadlines, want %d", sent+1, w.deadlines, want)
		}
	}
	if !w.last.After(time.Now()) {
		t.Errorf("the deadline %v isn't ahead", w.last)
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
