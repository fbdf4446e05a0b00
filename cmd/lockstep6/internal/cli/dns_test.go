package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/io/admin"
)

// A fakeKeeper answers as a running node would.
type fakeKeeper struct {
	state admin.DNSState
	audit admin.DNSAudit
	asked admin.DNSAuditRequest
	err   error
}

func (f *fakeKeeper) DNS(context.Context) (admin.DNSState, error) { return f.state, f.err }

func (f *fakeKeeper) AuditDNS(_ context.Context, r admin.DNSAuditRequest) (admin.DNSAudit, error) {
	f.asked = r
	return f.audit, f.err
}

var dnsNow = time.Date(2026, 3, 1, 9, 14, 40, 0, time.UTC)

func calmDNS() admin.DNSState {
	return admin.DNSState{
		Updates: true, Queue: admin.DNSQueue{Most: 100000, Done: 1, Dropped: map[string]uint64{"full": 0}},
		Zones: []admin.DNSZone{
			{Name: "example.net", Servers: []string{"[2001:db8::53]:53"}, Server: "[2001:db8::53]:53", Up: true, Since: dnsNow, Updates: map[string]uint64{"done": 2, "conflict": 0}},
		},
	}
}

func troubledDNS() admin.DNSState {
	s := calmDNS()
	s.Updates = false
	s.Queue = admin.DNSQueue{Waiting: 1203, Most: 100000, OldestSeconds: 754.4, Done: 90, Dropped: map[string]uint64{"given-up": 3, "full": 40, "unreadable": 0}}
	s.Zones[0].Updates["conflict"] = 7
	s.Zones = append(s.Zones, admin.DNSZone{
		Name: "8.b.d.0.1.0.0.2.ip6.arpa", Servers: []string{"[2001:db8::53]:53", "192.0.2.1:53"}, Since: dnsNow, LastError: "[2001:db8::53]:53: nobody answers",
		Updates: map[string]uint64{"no_answer": 12},
	})
	last := differing()
	last.List = nil
	s.Audit = &last
	return s
}

// differing is an audit that found something.
func differing() admin.DNSAudit {
	return admin.DNSAudit{
		At: dnsNow, Seconds: 1.2345, Checked: 120, Mendable: 3,
		Zones: []admin.DNSAuditZone{
			{Name: "example.net", Read: admin.DNSReadTransfer, Records: 1}, {Name: "example.org", Read: admin.DNSReadPerName, Records: 40},
			{Name: "8.b.d.0.1.0.0.2.ip6.arpa", Error: "[2001:db8::53]:53: REFUSED"},
		},
		Differences: map[string]uint64{"abandoned": 2, "missing": 1, "foreign": 4, "wrong": 0},
		List: []admin.DNSDifference{
			{Kind: "missing", Name: "pc.example.net", Type: "AAAA", Lease: "2001:db8:1::5", Expected: "2001:db8:1::5", Repair: "added"},
			{Kind: "abandoned", Name: "old.example.net", Type: "AAAA", Data: "2001:db8:1::6", Lease: "2001:db8:1::6", Repair: "removed"},
			{Kind: "foreign", Name: "www.example.net", Type: "AAAA", Data: "2001:db8:1::80", Lease: "2001:db8:1::80"},
		},
	}
}

// TestDNSText holds the texts against files that a person has read.
func TestDNSText(t *testing.T) {
	calm, troubled, found, mended := calmDNS(), troubledDNS(), differing(), differing()
	mended.Repair, mended.Repaired = true, 3
	for name, text := range map[string]string{
		"dns-calm": dnsText(&calm), "dns-troubled": dnsText(&troubled), "dns-audit": auditText(&found), "dns-repair": auditText(&mended),
		"dns-clean": auditText(&admin.DNSAudit{Checked: 1, Seconds: 0.5, Zones: []admin.DNSAuditZone{{Name: "example.net", Read: admin.DNSReadTransfer, Records: 9}}}),
	} {
		want, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s (-want +got):\n%s\nwhole:\n%s", name, diff, text)
		}
	}
}

// TestLongAudits: of many differences the text lists the first, and tells where the others are.
func TestLongAudits(t *testing.T) {
	for listed, want := range map[int]string{50: "and 1150 more\n", 1000: "and 1150 more; --format json has the first thousand\n"} {
		a := admin.DNSAudit{Differences: map[string]uint64{"missing": 1200}, List: make([]admin.DNSDifference, listed)}
		for i := range a.List {
			a.List[i].Kind = "missing"
		}
		text := auditText(&a)
		if lines := strings.Count(text, "\nmissing "); lines != 50 || !strings.Contains(text, "\n"+want) {
			t.Errorf("of %d listed there are %d, and not %q:\n%s", listed, lines, want, text)
		}
	}
}

// TestReservationNames: reservations are shown with names where any has one.
func TestReservationNames(t *testing.T) {
	all := []admin.Reservation{
		{Client: "duid", Value: "00:03:01", Addresses: []string{"2001:db8::1"}, Prefixes: []string{"2001:db8:1::/56"}},
		{Client: "hardware", Value: "02:00:00:00:00:01", Hostname: "printer.example.net", Stored: true},
	}
	var out bytes.Buffer
	if err := printReservations(&out, "table", all); err != nil {
		t.Fatal(err)
	}
	const want = `CLIENT                       LEASES                       OPTIONS  FROM       NAME
duid      00:03:01           2001:db8::1 2001:db8:1::/56  0        the file   -
hardware  02:00:00:00:00:01                               0        the store  printer.example.net
2 reservations
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	if err := printReservations(&out, "table", all[:1]); err != nil || strings.Contains(out.String(), "NAME") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// TestAuditsEnd: an audit that leaves something to do is a failure, and the words say what to do.
func TestAuditsEnd(t *testing.T) {
	for _, test := range []struct {
		audit admin.DNSAudit
		want  string // of the error; empty: none
	}{
		{admin.DNSAudit{Zones: []admin.DNSAuditZone{{Name: "net"}}, Differences: map[string]uint64{"foreign": 2}}, ""},
		{admin.DNSAudit{Repair: true, Mendable: 2, Repaired: 2}, ""},
		{admin.DNSAudit{Mendable: 1}, "DNS and leases differ: 1 record to mend\nhint: --repair does that"},
		{admin.DNSAudit{Repair: true, Mendable: 3, Repaired: 1}, "2 differences couldn't be mended\nhint: `lockstep6 dns`"},
		{admin.DNSAudit{Zones: []admin.DNSAuditZone{{Name: "net", Error: "REFUSED"}}}, "1 zone couldn't be read"},
	} {
		node := &fakeKeeper{audit: test.audit}
		err := auditDNS(t.Context(), io.Discard, &dnsFlags{format: "text"}, node)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.audit, err, test.want)
		}
	}
}

// TestDNSFormats: as JSON it is what the node said; a node's error is the command's, and prints nothing.
func TestDNSFormats(t *testing.T) {
	node := &fakeKeeper{state: troubledDNS(), audit: differing()}
	f := &dnsFlags{format: "json", audit: admin.DNSAuditRequest{Repair: true, Zone: "example.net"}}
	var out bytes.Buffer
	var state admin.DNSState
	if err := showDNS(t.Context(), &out, f, node); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &state); err != nil || !cmp.Equal(state, node.state) {
		t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(node.state, state))
	}
	out.Reset()
	var audit admin.DNSAudit
	if err := auditDNS(t.Context(), &out, f, node); err == nil {
		t.Error("an audit that leaves something to mend is no failure")
	}
	if err := json.Unmarshal(out.Bytes(), &audit); err != nil || !cmp.Equal(audit, node.audit) || node.asked != f.audit {
		t.Errorf("%v, asked %+v (-want +got):\n%s", err, node.asked, cmp.Diff(node.audit, audit))
	}
	out.Reset()
	node.err = admin.ErrAuditing
	for _, err := range []error{showDNS(t.Context(), &out, f, node), auditDNS(t.Context(), &out, f, node)} {
		if !errors.Is(err, admin.ErrAuditing) || out.Len() > 0 {
			t.Errorf("%v with %q", err, &out)
		}
	}
}

// TestNameColumn: tables have names where any lease has one.
func TestNameColumn(t *testing.T) {
	leases := []admin.Lease{{Lease: "2001:db8::1", Name: "pc.example.net"}, {Lease: "2001:db8::2"}}
	periods := []admin.Period{{Lease: "2001:db8::1", Name: "pc.example.net", Lasts: true, State: "bound"}, {Lease: "2001:db8::2", State: "bound"}}
	for from, want := range map[int]int{0: 2, 1: 0} {
		for what, print := range map[string]func(io.Writer) error{
			"leases": func(w io.Writer) error {
				return printLeases(w, "table", admin.Own, func(yield func(admin.Lease, error) bool) { each2(leases[from:], yield) })
			},
			"history": func(w io.Writer) error {
				return printPeriods(w, "table", func(yield func(admin.Period, error) bool) { each2(periods[from:], yield) })
			},
		} {
			var out bytes.Buffer
			if err := print(&out); err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(out.String(), "NAME\n") + strings.Count(out.String(), "pc.example.net\n"); got != want {
				t.Errorf("%s: %d of a header and a name, want %d:\n%s", what, got, want, &out)
			}
		}
	}
}

func each2[T any](all []T, yield func(T, error) bool) {
	for _, v := range all {
		if !yield(v, nil) {
			return
		}
	}
}
