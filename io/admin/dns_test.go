package admin

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a fake says of DNS.
type fakeDNS struct {
	noDNS bool
	asked DNSAuditRequest // the last one
	begun chan struct{}   // closed when an audit of the zone endless begins
	left  chan struct{}   // closed when that was left
}

func (f *fakeDNS) DNS() (DNSState, bool) {
	return DNSState{Updates: true, Queue: DNSQueue{Waiting: 3, Most: 10, OldestSeconds: 1.5, Done: 9, Dropped: map[string]uint64{"full": 2}},
		Zones: []DNSZone{{Name: "example.net", Servers: []string{"[::1]:53"}, Server: "[::1]:53", Up: true, Since: unix(testNow), Updates: map[string]uint64{DNSConflict: 4}}},
	}, !f.noDNS
}

func (f *fakeDNS) AuditDNS(ctx context.Context, r DNSAuditRequest) (DNSAudit, error) {
	f.asked = r
	switch {
	case f.noDNS:
		return DNSAudit{}, ErrNoDNS
	case r.Zone == "none":
		return DNSAudit{}, ErrNoZone
	case r.Zone == "busy":
		return DNSAudit{}, ErrAuditing
	case r.Zone == "broken":
		return DNSAudit{}, errors.New("the table is gone")
	case r.Zone == "endless":
		close(f.begun)
		<-ctx.Done()
		close(f.left)
		return DNSAudit{}, ctx.Err()
	}
	return DNSAudit{
		At: unix(testNow), Repair: r.Repair, Zones: []DNSAuditZone{{Name: "example.net", Read: DNSReadTransfer, Records: 7}}, Checked: 5,
		Differences: map[string]uint64{"missing": 2, "foreign": 1}, Mendable: 2, List: []DNSDifference{},
	}, nil
}

func (f *fakeDNS) DNSRecords(_ context.Context, lease netip.Prefix) (DNSRecords, error) {
	switch lease.Addr().String() {
	case "2001:db8:1::99":
		return DNSRecords{}, ErrNoLease
	case "2001:db8:1::98":
		return DNSRecords{}, errors.New("the request is over")
	}
	if f.noDNS {
		return DNSRecords{}, ErrNoDNS
	}
	return DNSRecords{
		Lease: lease.String(), Name: "pc.example.net",
		Questions: []DNSQuestion{{Zone: "example.net", Name: "pc.example.net", Type: "AAAA", Data: []string{"2001:db8:1::5"}}, {Type: "PTR", Data: []string{}, Error: "no answer"}},
	}, nil
}

// TestDNSClient: a client reads what a node said, and its refusals.
func TestDNSClient(t *testing.T) {
	node := &fake{}
	_, socket := serve(t, node)
	client, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	want, _ := node.DNS()
	if got, err := client.DNS(t.Context()); err != nil || !cmp.Equal(want, got) {
		t.Errorf("state %v (-want +got):\n%s", err, cmp.Diff(want, got))
	}
	for _, r := range []DNSAuditRequest{{}, {Repair: true}, {Zone: "example.net"}, {Repair: true, Zone: `a\046b.net`}} {
		got, err := client.AuditDNS(t.Context(), r)
		if r.Zone = strings.ReplaceAll(r.Zone, "\\046", "\\."); err != nil || got.Repair != r.Repair || node.asked != r {
			t.Errorf("%+v: %+v, %v, the node was asked %+v", r, got, err, node.asked)
		}
	}
	if _, err := client.AuditDNS(t.Context(), DNSAuditRequest{Zone: "busy"}); !errors.Is(err, ErrAuditing) {
		t.Errorf("beside another one: %v", err)
	}
	if _, err := client.AuditDNS(t.Context(), DNSAuditRequest{Zone: "none"}); err == nil || !strings.Contains(err.Error(), `no zone "none" takes updates; GET /v1/dns`) {
		t.Errorf("a zone that there isn't: %v", err)
	}
	node.noDNS = true
	if _, err := client.DNS(t.Context()); !errors.Is(err, ErrNoDNS) {
		t.Errorf("a node without dns: %v", err)
	}
	if _, err := client.AuditDNS(t.Context(), DNSAuditRequest{}); !errors.Is(err, ErrNoDNS) {
		t.Errorf("an audit of a node without dns: %v", err)
	}
}

// TestAuditEndsWithItsRequest: for whoever goes away no audit goes on.
func TestAuditEndsWithItsRequest(t *testing.T) {
	node := &fake{fakeDNS: fakeDNS{begun: make(chan struct{}), left: make(chan struct{})}}
	_, socket := serve(t, node)
	client, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, leave := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() {
		_, err := client.AuditDNS(ctx, DNSAuditRequest{Zone: "endless"})
		answer <- err
	}()
	<-node.begun
	leave()
	<-node.left
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("who left has %v", err)
	}
}

// TestRightsOfAudits: who may read may have an audit made; a repair is for who may change the node.
func TestRightsOfAudits(t *testing.T) {
	node := &fake{}
	addr, _ := serve(t, node)
	if status, body := ask(t, http.MethodPost, addr, "/v1/dns/audit"); status != http.StatusOK || node.asked.Repair {
		t.Errorf("an audit: %d %s, repairing %v", status, body, node.asked.Repair)
	}
	if status, body := ask(t, http.MethodPost, addr, "/v1/dns/repair"); status != http.StatusForbidden || node.asked.Repair {
		t.Errorf("a repair: %d %s, repairing %v", status, body, node.asked.Repair)
	}
}

func TestCleanAudits(t *testing.T) {
	for name, test := range map[string]struct {
		audit DNSAudit
		clean bool
	}{
		"nothing differs":    {DNSAudit{Zones: []DNSAuditZone{{Name: "net"}}}, true},
		"others' records":    {DNSAudit{Differences: map[string]uint64{"foreign": 3}}, true},
		"something is left":  {DNSAudit{Differences: map[string]uint64{"missing": 3}, Mendable: 3, Repaired: 2}, false},
		"all is mended":      {DNSAudit{Differences: map[string]uint64{"missing": 3}, Mendable: 3, Repaired: 3}, true},
		"a zone wasn't read": {DNSAudit{Zones: []DNSAuditZone{{Name: "net"}, {Name: "org", Error: "refused"}}}, false},
	} {
		if got := test.audit.Clean(); got != test.clean {
			t.Errorf("%s: clean %v, want %v", name, got, test.clean)
		}
	}
}
