package admin

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/history"
)

func testPeriods() []history.Period {
	leases := testLeases()
	return []history.Period{
		{Stored: leases[0], From: testNow - 500, Until: binding.Never, Lasts: true},
		{Stored: leases[1], From: testNow - 900, Until: testNow - 600, End: history.Released},
		{Stored: leases[2], From: testNow - 400, Until: testNow - 300, End: history.Expired},
	}
}

func TestHistoryEndpoint(t *testing.T) {
	node := &fake{periods: testPeriods()}
	addr, socket := serve(t, node)
	at := unix(testNow - 450).Format(time.RFC3339)
	status, body := ask(t, http.MethodGet, addr, "/v1/history?at="+at)
	want := `{"lease":"2001:db8:1::5","kind":"IA_NA","since":"` + unix(testNow-500).Format(time.RFC3339) + `","until":"never","lasts":true,"ended":"",` +
		`"state":"bound","duid":"00:03:00:01:02:00:00:00:00:01","iaid":7,"node":"a","observed":false,"confirmed":false,` +
		`"last_transaction":"` + unix(testNow).Format(time.RFC3339) + `","hardware_address":"02:00:00:00:00:01","interface_id":"port 7","remote_id":"9:0xff"}` + "\n"
	if diff := cmp.Diff(want, body); status != http.StatusOK || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	for query, want := range map[string]string{
		"at=2026-11-25":   "is a whole day",
		"from=now&to=-1h": "before it begins",
		"at=now&to=now":   "give one of them",
		"lease=10.0.0.1":  "isn't an IPv6 address",
		"duid=zz":         "isn't a DUID",
		"since=now":       `there is no parameter \"since\"`,
		"from=tomorrow":   "isn't a time",
		"from=2026-11-25T14%3A00%3A00Z&to=yesterday+25": "no time of day",
	} {
		status, body := ask(t, http.MethodGet, addr, "/v1/history?"+query)
		if status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, want %q", query, status, body, want)
		}
	}
	client, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	checkHistoryClient(t, client, node)
}

func checkHistoryClient(t *testing.T, client *Client, node *fake) {
	t.Helper()
	for name, c := range map[string]struct {
		q    HistoryQuery
		want string
	}{
		"all":         {HistoryQuery{}, "2001:db8:1::5 2001:db8:8000::/56 2001:db8:1::6"},
		"span":        {HistoryQuery{From: unix(testNow - 700), To: unix(testNow - 600)}, "2001:db8:8000::/56"},
		"duid":        {HistoryQuery{DUID: "00:04:02"}, "2001:db8:1::6"},
		"remote-id":   {HistoryQuery{RemoteID: "0xff"}, "2001:db8:1::5"},
		"enterprise":  {HistoryQuery{RemoteID: "9:0xff"}, "2001:db8:1::5"},
		"other":       {HistoryQuery{RemoteID: "8:0xff"}, ""},
		"with prefix": {HistoryQuery{Lease: netip.MustParsePrefix("2001:db8::/32"), From: unix(testNow - 350)}, "2001:db8:1::5 2001:db8:1::6"},
	} {
		state, periods, err := client.History(t.Context(), c.q)
		if err != nil || !state.On || !state.Since.Equal(unix(testNow-1000)) {
			t.Fatalf("%s: %+v, %v", name, state, err)
		}
		var got []string
		for p, err := range periods {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, p.Lease)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	// An answer that ends early is no whole one.
	node.torn = errors.New("the disk is gone")
	_, periods, err := client.History(t.Context(), HistoryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	n := 0
	for _, err := range periods {
		last = err
		n++
	}
	if n != 4 || last == nil || last.Error() != "the disk is gone" {
		t.Errorf("%d periods and then %v", n, last)
	}
	node.noPast = true
	if _, _, err := client.History(t.Context(), HistoryQuery{}); !errors.Is(err, ErrNoHistory) {
		t.Errorf("without history: %v", err)
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 26, 15, 4, 5, 999, time.FixedZone("", 3600))
	for text, want := range map[string]string{
		"2026-11-25T14:00:00Z":      "2026-11-25T14:00:00Z",
		"2026-11-25T14:00:00+01:00": "2026-11-25T13:00:00Z",
		"2026-11-25 14:00:00+01:00": "2026-11-25T13:00:00Z",
		"2026-11-25 14:00":          "2026-11-25T14:00:00Z",
		"2026-11-25T14:00:07":       "2026-11-25T14:00:07Z",
		"yesterday 14:00":           "2026-11-25T14:00:00Z",
		"today 0:30":                "2026-11-26T00:30:00Z",
		"now":                       "2026-11-26T14:04:05Z",
		"-3h":                       "2026-11-26T11:04:05Z",
		"-1h30m":                    "2026-11-26T12:34:05Z",
		"-2d":                       "2026-11-24T14:04:05Z",
	} {
		got, err := ParseTime(text, now, Moment)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: got %v, %v, want %s", text, got, err, want)
		}
	}
	for rule, want := range map[DayRule]string{DayBegin: "2026-11-25T00:00:00Z", DayEnd: "2026-11-25T23:59:59Z"} {
		for _, text := range []string{"2026-11-25", "yesterday"} {
			if got, err := ParseTime(text, now, rule); err != nil || got.Format(time.RFC3339) != want {
				t.Errorf("%s: got %v, %v, want %s", text, got, err, want)
			}
		}
	}
	for _, text := range []string{"", "soon", "2026-11-25", "2026-13-25 14:00", "2026-11-25 25:00", "--3h", "-d", "14:00", "-3"} {
		if got, err := ParseTime(text, now, Moment); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
