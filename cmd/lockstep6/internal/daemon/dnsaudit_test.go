package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/admin/contract"
	"github.com/lockstep6/lockstep6/io/ddns"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

// disturbed is a node with two clients, one of whose records is missing; beside them a former client's are left, and somebody's own.
func disturbed(t *testing.T) (n *namingNode, whole, own []string) {
	t.Helper()
	n = startNaming(t)
	for i, host := range []string{"one", "two"} {
		c := n.client(byte(i), "2001:db8:1::1")
		whole = append(whole, c.records(host, c.acquireNamed(host))...)
	}
	n.settled(n.server, whole)
	former := n.client(9, "2001:db8:1::1")
	left := append(former.records("left", in128("2001:db8:1::99")), former.records("two", in128("2001:db8:1::98"))[2])
	own = []string{"www.example.net. AAAA 2001:db8:1::80", "printer.example.net. AAAA 2001:db8:f::1"}
	for _, record := range append(left, own...) {
		name, data, _ := strings.Cut(record, " ")
		if err := n.server.zones.Put(name + " 60 IN " + data); err != nil {
			t.Fatal(err)
		}
	}
	n.server.zones.Drop("one." + forwardZone + ".")
	return n, whole, own
}

// TestAudit: a dry run tells what differs and changes nothing; a repair mends what is the clients', and leaves what isn't.
func TestAudit(t *testing.T) {
	n, whole, own := disturbed(t)
	before := n.server.zones.Texts()
	o := newOperator(n.Daemon)
	got, err := o.AuditDNS(t.Context(), admin.DNSAuditRequest{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]uint64{"missing": 1, "abandoned": 3, "hand-made": 1}
	zones := []admin.DNSAuditZone{{Name: forwardZone, Read: admin.DNSReadTransfer, Records: 7}, {Name: reverseZone, Read: admin.DNSReadTransfer, Records: 5}}
	if !maps.Equal(got.Differences, kinds) || !cmp.Equal(zones, got.Zones) || got.Checked != 2 || got.Mendable != 4 || got.Repaired != 0 || len(got.List) != 5 || got.Repair {
		t.Errorf("%+v", got)
	}
	n.settled(n.server, before)
	if got, err = o.AuditDNS(t.Context(), admin.DNSAuditRequest{Repair: true, Zone: reverseZone}); err != nil || got.Mendable != 2 || got.Repaired != 2 || len(got.Zones) != 1 {
		t.Errorf("of one zone: %+v, %v", got, err)
	}
	if !n.store.TaskStats().Lost {
		t.Error("an audit of one zone passes for one of all")
	}
	n.until("that is mended", func() bool { return n.store.TaskStats().Waiting == 0 })
	if got, err = o.AuditDNS(t.Context(), admin.DNSAuditRequest{Repair: true}); err != nil || !got.Clean() || got.Repaired == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	n.settled(n.server, whole, own)
	if got, err = o.AuditDNS(t.Context(), admin.DNSAuditRequest{}); err != nil || got.Total() != 1 || got.Mendable != 0 || !got.Clean() {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
	last := got
	last.List = []admin.DNSDifference{}
	if state, _ := o.DNS(); state.Audit == nil || !cmp.Equal(*state.Audit, last) {
		t.Errorf("the last audit is told as %+v", state.Audit)
	}
}

// TestOwnAuditSpares: after a loss an audit of the node's own writes what is missing, and leaves what no binding explains: it may be a client's
// that only a peer hears. A regular one removes it.
func TestOwnAuditSpares(t *testing.T) {
	n, whole, own := disturbed(t)
	all := append(n.server.zones.Texts(), whole...)
	slices.Sort(all)
	n.dns.auditWhenDue(t.Context(), time.Now().Add(24*time.Hour))
	n.wantAudits(1)
	n.settled(n.server, slices.Compact(all))
	if line := "differences=5 repaired=1 clean=true lost_tasks=true left=4"; !strings.Contains(n.log.String(), line) || n.store.TaskStats().Lost {
		t.Errorf("the log has no %q:\n%s", line, n.log)
	}
	n.reload(n.config + "  audit: 20m\n")
	n.dns.auditWhenDue(t.Context(), time.Now().Add(48*time.Hour))
	n.settled(n.server, whole, own)
}

// TestRepairOnce: what waits in the queue, as a name that a server refuses, an audit doesn't add to it again.
func TestRepairOnce(t *testing.T) {
	n, whole, own := disturbed(t)
	n.server.Set(func() {
		n.server.Handle = func(r *dns.Msg) *dns.Msg {
			if r.Opcode != dns.OpcodeUpdate {
				return n.server.zones.Handle(r)
			}
			m := new(dns.Msg)
			return m.SetRcode(r, dns.RcodeRefused)
		}
	})
	for range 3 {
		got, err := newOperator(n.Daemon).AuditDNS(t.Context(), admin.DNSAuditRequest{Repair: true})
		if err != nil {
			t.Fatal(err)
		}
		if got.Mendable != 4 || got.Repaired != 4 {
			t.Errorf("%+v", got)
		}
	}
	if waiting := n.store.TaskStats().Waiting; waiting != 4 {
		t.Errorf("%d tasks wait, want those of the first audit", waiting)
	}
	n.server.Set(func() { n.server.Handle = n.server.zones.Handle })
	n.settled(n.server, whole, own)
}

// TestAuditPerName: where transfers are refused, what is wrong under the names of bindings is found and mended.
func TestAuditPerName(t *testing.T) {
	n, whole, own := disturbed(t)
	n.server.zones.Close()
	got, err := newOperator(n.Daemon).AuditDNS(t.Context(), admin.DNSAuditRequest{Repair: true})
	if err != nil {
		t.Fatal(err)
	}
	zones := []admin.DNSAuditZone{{Name: forwardZone, Read: admin.DNSReadPerName, Records: 2}, {Name: reverseZone, Read: admin.DNSReadPerName, Records: 2}}
	if !maps.Equal(got.Differences, map[string]uint64{"missing": 1}) || !cmp.Equal(zones, got.Zones) || got.Repaired != 1 {
		t.Errorf("%+v", got)
	}
	n.until("that is mended", func() bool { return n.store.TaskStats().Waiting == 0 })
	there := n.server.zones.Texts()
	for _, record := range append(whole, own...) {
		if !slices.Contains(there, record) {
			t.Errorf("%s is missing", record)
		}
	}
}

// TestAuditFails: what can't be asked is refused, what can't be read is told zone by zone, and who goes away ends it.
func TestAuditFails(t *testing.T) {
	n := startNaming(t)
	o := newOperator(n.Daemon)
	if _, err := o.AuditDNS(t.Context(), admin.DNSAuditRequest{Zone: "example.org"}); !errors.Is(err, admin.ErrNoZone) {
		t.Errorf("of a zone that there isn't: %v", err)
	}
	n.dns.auditing.Lock()
	if _, err := o.AuditDNS(t.Context(), admin.DNSAuditRequest{}); !errors.Is(err, admin.ErrAuditing) {
		t.Errorf("beside another one: %v", err)
	}
	n.dns.auditing.Unlock()
	ctx, leave := context.WithCancel(t.Context())
	n.server.Set(func() {
		n.server.Fault = func(r *dns.Msg, _ string) dnstest.Fault {
			if r.Question[0].Qtype == dns.TypeAXFR {
				leave()
			}
			return dnstest.Ignore
		}
	})
	if _, err := o.AuditDNS(ctx, admin.DNSAuditRequest{}); !errors.Is(err, context.Canceled) {
		t.Errorf("who went away has %v", err)
	}
	n.server.Set(func() { n.server.Fault = nil })
	n.server.Stop()
	got, err := o.AuditDNS(t.Context(), admin.DNSAuditRequest{Repair: true})
	if err != nil || got.Clean() || len(got.Zones) != 2 || got.Zones[0].Read != "" || !strings.Contains(got.Zones[1].Error, "nobody listens there") {
		t.Errorf("%+v, %v", got, err)
	}
	if !n.store.TaskStats().Lost {
		t.Error("an audit that has read nothing passes for one")
	}
}

// TestDNSAnswers: what a node with dns answers is as the document has it, and a scrape has all metrics of DNS that there are, from the start.
func TestDNSAnswers(t *testing.T) {
	n := startNaming(t)
	socket := &running{Daemon: n.Daemon, socket: filepath.Join(n.folder, "data", "admin.sock")}
	_, _, document := socket.ask(t, "GET", "/v1/openapi.yaml", "")
	c, err := contract.Read(document)
	if err != nil {
		t.Fatal(err)
	}
	_, _, first := socket.ask(t, "GET", "/metrics", "")
	for _, line := range []string{
		"lockstep6_dns_queue_tasks 0", "lockstep6_dns_queue_oldest_seconds 0", `lockstep6_dns_tasks_total{result="done"} 0`, `lockstep6_dns_tasks_total{result="full"} 0`,
		`lockstep6_dns_tasks_total{result="given-up"} 0`, `lockstep6_dns_tasks_total{result="unreadable"} 0`, "lockstep6_dns_update_seconds_count 0",
		`lockstep6_dns_zone_up{zone="example.net"} 1`, `lockstep6_dns_updates_total{result="conflict",zone="example.net"} 0`,
	} {
		if !strings.Contains(string(first), line+"\n") {
			t.Errorf("a scrape of a new node has no %s", line)
		}
	}
	for _, result := range ddns.Results() {
		if !strings.Contains(string(first), fmt.Sprintf("lockstep6_dns_updates_total{result=%q,zone=%q} 0\n", result, reverseZone)) {
			t.Errorf("a scrape of a new node has no result %s", result)
		}
	}
	one := n.client(1, "2001:db8:1::1")
	want := one.records("one", one.acquireNamed("one"))
	n.settled(n.server, want)
	n.server.zones.Drop("one." + forwardZone + ".")
	for _, operation := range []string{"POST /v1/dns/audit", "GET /v1/dns", "GET /v1/links/lan/reservations", "POST /v1/dns/repair", "GET /v1/dns"} {
		method, path, _ := strings.Cut(operation, " ")
		status, header, body := socket.ask(t, method, path, "")
		if err := c.Check(method, path, status, header.Get("Content-Type"), body); err != nil || status != 200 {
			t.Errorf("%s: %d, %v: %s", operation, status, err, body)
		}
	}
	n.settled(n.server, want)
	_, _, last := socket.ask(t, "GET", "/metrics", "")
	documented, err := os.ReadFile("../../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	families := regexp.MustCompile("(?m)^\\| `(lockstep6_dns_[a-z_]+)`").FindAllStringSubmatch(string(documented), -1)
	if len(families) < 7 {
		t.Errorf("%d metrics of DNS are documented", len(families))
	}
	for _, family := range families {
		if !strings.Contains(string(last), "# TYPE "+family[1]+" ") {
			t.Errorf("a scrape has no %s", family[1])
		}
	}
	if !strings.Contains(string(last), `lockstep6_dns_audit_differences{kind="missing"} 1`) || strings.Contains(string(last), "lockstep6_dns_update_seconds_count 0\n") {
		t.Errorf("the scrape:\n%s", last)
	}
}
