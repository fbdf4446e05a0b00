package admin

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestPages: pages follow one another, and what goes or comes in between neither hides nor doubles others.
func TestPages(t *testing.T) {
	node := &fake{stored: testLeases()}
	addr, _ := serve(t, node)
	get := func(query string) (page bindingPage) {
		status, body := ask(t, "GET", addr, "/v1/bindings?whose=all&"+query)
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != 200 {
			t.Fatalf("%d %s: %v", status, body, err)
		}
		return page
	}
	first := get("limit=2")
	if len(first.Bindings) != 2 || first.Next == "" {
		t.Fatalf("first page %+v", first)
	}
	rest := get("limit=2&cursor=" + first.Next)
	if len(rest.Bindings) != 1 || rest.Next != "" || rest.Bindings[0].Lease != "2001:db8:1::6" {
		t.Errorf("second page %+v", rest)
	}
	if whole := get("limit=3"); len(whole.Bindings) != 3 || whole.Next != "" {
		t.Errorf("a page of all %+v", whole)
	}
	node.stored[1].Key.Length = 57 // behind the cursor's place in the order: it was deleted, another one came
	if rest := get("limit=2&cursor=" + first.Next); len(rest.Bindings) != 2 || rest.Bindings[1].Lease != "2001:db8:1::6" {
		t.Errorf("second page after a change %+v", rest)
	}
}

// TestCursors: a cursor that no page gave is refused, one of another run of the node in its own way.
func TestCursors(t *testing.T) {
	p := Position{Shard: 70_000, Key: binding.Key{Address: [16]byte{0x20, 1}, Length: 56}}
	text := cursorText(5, p)
	if got, err := parseCursor(5, text); err != nil || got != p {
		t.Errorf("%+v became %+v, %v", p, got, err)
	}
	if _, err := parseCursor(6, text); statusOfCursor(err) != http.StatusGone {
		t.Errorf("a cursor of another run: %v", err)
	}
	for _, bad := range []string{"", "x", text[1:], text + "AAAA", base64.RawURLEncoding.EncodeToString(make([]byte, cursorSize))} {
		if _, err := parseCursor(5, bad); err == nil || statusOfCursor(err) != http.StatusBadRequest {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestFilters: each parameter chooses what it says, whatever form it is given in.
func TestFilters(t *testing.T) {
	stored := testLeases()
	e := binding.AppendExtension(nil, binding.ExtSubscriberID, []byte("home 5"))
	e = binding.AppendExtension(e, binding.ExtRelayID, []byte{0, 4, 7})
	e = binding.AppendExtension(e, binding.ExtLinkAddress, stored[0].Key.Address[:])
	e = binding.AppendExtension(e, binding.ExtInterfaceID, []byte("inner"))
	e = binding.AppendExtension(e, binding.ExtInterfaceID, []byte("outer"))
	stored[1].Extension, stored[2].State = e, binding.Superseded
	stored = append(stored, binding.Stored{
		Key: binding.Key{Address: stored[0].Key.Address, Length: 64}, Kind: wire.IAPD, DUID: []byte{0, 4, 3}, State: binding.Bound, Owner: 1,
		Flags: engine.FlagAnonymous, Expires: testNow + 10,
	})
	for query, want := range map[string]string{
		"":                                    "0 1",
		"whose=all":                           "0 1 2 3",
		"lease=2001:db8:1::5":                 "0",
		"lease=2001:db8:8000::/56":            "1",
		"lease=2001:db8:8000::/57":            "",
		"within=2001:db8:8000::/40":           "1",
		"duid=00:04:02&whose=all":             "2",
		"iaid=8":                              "1",
		"duid=000401&iaid=9":                  "",
		"state=expired":                       "1",
		"state=bound":                         "0",
		"state=superseded&whose=all":          "2",
		"live=true&whose=all":                 "0 3",
		"iaid=0&whose=all":                    "", // an IAID that isn't known is none
		"hardware_address=02-00-00-00-00-01":  "0",
		"hardware_address=0200.0000.0001":     "0",
		"remote_id=0xff":                      "0",
		"remote_id=9:0xFF":                    "0",
		"remote_id=8:0xff":                    "",
		"interface_id=port 7":                 "0",
		"interface_id=0x706f72742037":         "0",
		"interface_id=outer":                  "1",
		"subscriber_id=home 5":                "1",
		"relay_id=00:04:07":                   "1",
		"link_address=2001:0db8:1:0::5":       "1",
		"link=lan&whose=all":                  "0 2",
		"pool=2001:db8:1::/64":                "0",
		"pool=2001:db8:1::/64&link=elsewhere": "",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		f, err := ParseFilter(values)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		again, err := ParseFilter(f.Query())
		if err != nil || !cmp.Equal(f.Query(), again.Query()) {
			t.Errorf("%s is sent as %v, and read as %v, %v", query, f.Query(), again.Query(), err)
		}
		var got []string
		for i := range stored {
			if again.Match(&stored[i], testNow, testPlaces) {
				got = append(got, string(rune('0'+i)))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s chooses %v, want %s", query, got, want)
		}
	}
}

func TestFiltersRefuse(t *testing.T) {
	for query, want := range map[string]string{
		"iaid=-1": "32 bits", "iaid=4294967296": "32 bits", "state=lost": "none of bound", "hardware_address=x": "hardware address",
		"hardware_address=": "hardware address", "link_address=192.0.2.1": "IPv6", "link_address=fe80::1%25lo": "IPv6", "relay_id=x": "DUID",
		"remote_id=": "octets", "remote_id=9:0xz": "octets", "interface_id=0x": "octets", "link=": "name is empty", "nothing=1": "no parameter",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseFilter(values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
}

// TestCSV: a header, then a row for each lease, in columns that have the fields' names.
func TestCSV(t *testing.T) {
	addr, _ := serve(t, &fake{stored: testLeases()})
	_, body := ask(t, "GET", addr, "/v1/bindings/export?format=csv&whose=all")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v, of\n%s", len(rows), err, body)
	}
	if rows[1][0] != "2001:db8:1::5" || rows[3][slices.Index(rows[0], "owner")] != testOwner {
		t.Errorf("rows\n%s", body)
	}
	if _, body := ask(t, "GET", addr, "/v1/bindings/export?format=csv&lease=2001:db8::"); strings.Count(body, "\n") != 1 {
		t.Errorf("without leases the header alone, not\n%s", body)
	}
}

// TestAtOnce: what is too much at a time is refused, with the word to come again.
func TestAtOnce(t *testing.T) {
	begun, go2 := make(chan struct{}), make(chan struct{})
	handle := atOnce(1, func(http.ResponseWriter, *http.Request, Node) { begun <- struct{}{}; <-go2 })
	done := make(chan struct{})
	go func() { handle(httptest.NewRecorder(), nil, nil); close(done) }()
	<-begun
	w := httptest.NewRecorder()
	handle(w, nil, nil)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	close(go2)
	<-done
	go func() { <-begun }()
	w = httptest.NewRecorder()
	if handle(w, nil, nil); w.Code != http.StatusOK {
		t.Errorf("after the first is done: %d", w.Code)
	}
}
