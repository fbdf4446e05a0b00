package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/io/admin"
)

// TestDNSRecords: of a lease is told what the zones' servers hold, whatever the bindings say.
func TestDNSRecords(t *testing.T) {
	n := startNaming(t)
	one := n.client(1, "2001:db8:1::1")
	a := one.acquireNamed("one")
	n.settled(n.server, one.records("one", a))
	o := newOperator(n.Daemon)
	got, err := o.DNSRecords(t.Context(), a)
	if err != nil || got.Lease != a.Addr().String() || got.Name != "one."+forwardZone {
		t.Fatalf("%+v, %v", got, err)
	}
	var texts []string
	for _, q := range got.Questions {
		if len(q.Data) != 1 || q.Error != "" {
			t.Fatalf("%+v, want one record and no error", q)
		}
		texts = append(texts, q.Name+". "+q.Type+" "+q.Data[0])
	}
	want := one.records("one", a)
	for i := range want {
		want[i] = strings.TrimSuffix(want[i], ".")
	}
	slices.Sort(want)
	if slices.Sort(texts); !slices.Equal(texts, want) {
		t.Errorf("told %q, want %q", texts, want)
	}
	if _, err := o.DNSRecords(t.Context(), in128("2001:db8:1::99:99")); !errors.Is(err, admin.ErrNoLease) {
		t.Errorf("of a lease that nobody has: %v", err)
	}
	n.server.Stop()
	got, err = o.DNSRecords(t.Context(), a)
	if err != nil || len(got.Questions) != 3 {
		t.Fatalf("without a server: %+v, %v", got, err)
	}
	for _, q := range got.Questions {
		if q.Error == "" || len(q.Data) > 0 {
			t.Errorf("without a server: %+v, want an error and nothing else", q)
		}
	}
}

// TestDNSRecordsWithoutDNS: a node that keeps no DNS says so.
func TestDNSRecordsWithoutDNS(t *testing.T) {
	r := serveNode(t, apiConfig, "b")
	if status, _, body := r.ask(t, "GET", "/v1/dns/records?lease=2001:db8:1::5", ""); status != 404 || !strings.Contains(string(body), "keeps no DNS") {
		t.Errorf("%d %s", status, body)
	}
}
