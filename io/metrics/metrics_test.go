package metrics

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/lockstep6/lockstep6/io/admin"
)

// sample is a node of which everything can be told.
func sample() Snapshot {
	return Snapshot{
		State: admin.State{
			Version: "v9", Node: "a", Fingerprint: "f0", Ready: true, Bindings: 12, Capacity: 100,
			Answered: map[string]uint64{"Solicit": 3, "Request": 2}, Dropped: map[string]uint64{"overload": 4, "oversize": 1},
			Sent: 5, KernelDrops: 6, Syncs: 7, Spared: 8,
			Latency:     admin.Latency{Count: 3, Sum: 0.5, Buckets: []admin.LatencyBucket{{Bound: 0.001, Count: 1}, {Bound: 0.002, Count: 2}}},
			SyncLatency: admin.Latency{Count: 1, Sum: 0.1, Buckets: []admin.LatencyBucket{{Bound: 0.001, Count: 0}}},
		},
		Dropped: map[string]uint64{"Request": 9, OtherType: 1, Unreadable: 2}, Refused: 2, Lacked: map[string]uint64{"pool-name": 2},
		Pools: []admin.Pool{
			{
				Link: "lan", Pool: "2001:db8:8000::/40", Kind: "IA_PD", Length: 56, Slots: "65536", Own: 5, Observed: 4, Used: 0.25,
				Stripes: []admin.Stripe{{Stripe: 0, Node: "a", Own: true, Used: 5, Size: 32768}, {Stripe: 1, Node: "b", Used: 4, Size: 32768}},
			},
			{Link: "lan", Pool: "2001:db8:1::/64", Kind: "IA_NA", Length: 128, Node: "a", Slots: "18446744073709551616", Own: 1},
		},
		Peers: admin.Peers{
			Peers: []admin.Peer{{
				Name: "b", State: "silent", PathBroken: true, Messages: map[string]uint64{"Request": 9, "Renew": 1}, Answered: 7, Repeated: 2, Rebinds: 1,
				Unanswered: &admin.Unanswered{Clients: 3}, Divergence: []admin.Divergence{{}},
			}, {Name: "c", State: "unknown"}},
			Gates: []admin.Gate{{Link: "lan", Open: true}, {Link: "wan"}}, GateClosed: 2, BackSeat: true, Unshared: []admin.Unshared{{}},
			Relays: []admin.Relay{
				{Address: "::1", Messages: 10, Solicits: 4, Followed: 3, Ours: 2, Silent: true, NoRenews: true}, {Address: "::2", Messages: 20},
			},
			Conflicts: admin.Conflicts{Standing: []admin.Conflict{{}}, Mended: 3, Lost: 1},
			Foreign:   []admin.ForeignServer{{}}, ForeignSeen: 11, Twin: admin.Twin{Suspected: true, Renews: 4},
		},
		Granted: map[string]uint64{"b": 4}, Registered: 6, Registering: map[string]uint64{"new": 8, "again": 2},
		Store: Store{Healthy: true, Damaged: true, Changes: 20, Unconfirmed: 1, Failures: 2, LogSize: 300, DiskSize: 4000},
		Leasequery: Leasequery{
			Queries: map[string]uint64{"address": 3}, Refused: map[string]uint64{"NotAllowed": 2}, Clients: 5, Dropped: 1, Connections: 2,
			Rejected: 3, Slow: 4, IndexWhole: true,
		},
		Hooks:  []admin.Hook{{Name: "routes", Up: true, Taken: 7, Failed: 1, Sends: 5, FailedSends: 1, Seconds: 0.5, Pending: 3, Waited: 2, Overflows: 1, Listing: true}},
		Outbox: admin.Outbox{On: true, Up: true, Waiting: 5, Octets: 900, Waited: 3, Sent: 40, Failed: 2, Refused: 1, Dropped: 4, Listing: true},
		Reconfigure: &admin.ReconfigureTotals{Running: true, Waiting: 5, Sent: 40, Outcomes: map[string]uint64{"answered": 30, "gave-up": 2},
			Requests: map[string]uint64{"taken": 7, "too-fast": 1}, Requested: map[string]uint64{"asked": 9, "not-asked": 2}},
		DNS: &admin.DNSState{
			Queue: admin.DNSQueue{Waiting: 7, OldestSeconds: 2.5, Done: 30, Dropped: map[string]uint64{"full": 4, "given-up": 0}},
			Zones: []admin.DNSZone{
				{Name: "example.net", Up: true, Updates: map[string]uint64{"done": 20, admin.DNSConflict: 2}}, {Name: "0.2.ip6.arpa", Updates: map[string]uint64{"no_answer": 3}},
			},
			Latency: admin.Latency{Count: 2, Sum: 0.25, Buckets: []admin.LatencyBucket{{Bound: 0.125, Count: 2}}},
			Audit:   &admin.DNSAudit{Differences: map[string]uint64{"missing": 1, "foreign": 2}},
		},
	}
}

// scrape is what a handler shows of a node.
func scrape(t *testing.T, snapshot func() Snapshot) string {
	t.Helper()
	w := httptest.NewRecorder()
	NewHandler(snapshot).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("the scrape ended with %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestScrape(t *testing.T) {
	got := scrape(t, sample)
	for _, want := range []string{
		`lockstep6_leasequery_queries_total{by="address"} 3`,
		`lockstep6_leasequery_refused_total{status="NotAllowed"} 2`,
		`lockstep6_leasequery_connections 2`,
		`lockstep6_info{fingerprint="f0",node="a",version="v9"} 1`,
		`lockstep6_messages_total{result="answered",type="Solicit"} 3`,
		`lockstep6_messages_total{result="answered",type="Renew"} 0`,
		`lockstep6_messages_total{result="dropped",type="Request"} 9`,
		`lockstep6_messages_total{result="dropped",type="unreadable"} 2`,
		`lockstep6_dropped_total{reason="overload"} 4`,
		`lockstep6_dropped_total{reason="oversize"} 1`,
		`lockstep6_dropped_total{reason="kernel"} 6`,
		`lockstep6_dropped_total{reason="no-link"} 0`,
		`lockstep6_lacking_total{reason="pool-name"} 2`,
		`lockstep6_lacking_total{reason="pool-full"} 0`,
		`lockstep6_reply_latency_seconds_bucket{le="0.002"} 2`,
		`lockstep6_reply_latency_seconds_bucket{le="+Inf"} 3`,
		`lockstep6_reply_latency_seconds_sum 0.5`,
		`lockstep6_pool_bindings{kind="IA_PD",link="lan",node="",pool="2001:db8:8000::/40",whose="own"} 5`,
		`lockstep6_pool_bindings{kind="IA_PD",link="lan",node="",pool="2001:db8:8000::/40",whose="observed"} 4`,
		`lockstep6_pool_slots{kind="IA_NA",link="lan",node="a",pool="2001:db8:1::/64"} 1.8446744073709552e+19`,
		`lockstep6_pool_stripe_used_slots{kind="IA_PD",link="lan",node="b",own="false",pool="2001:db8:8000::/40",stripe="1"} 4`,
		`lockstep6_peer_state{peer="b",state="silent"} 1`,
		`lockstep6_peer_state{peer="b",state="alive"} 0`,
		`lockstep6_peer_unanswered_clients{peer="b"} 3`,
		`lockstep6_peer_unanswered_clients{peer="c"} 0`,
		`lockstep6_peer_bindings{peer="b"} 4`,
		`lockstep6_gate_open{link="wan"} 0`,
		`lockstep6_conflicts_standing 1`,
		`lockstep6_relays_messages_total 30`,
		`lockstep6_relay_messages_total{relay="::2"} 20`,
		`lockstep6_relay_partial{relay="::1"} 1`,
		`lockstep6_store_disk_bytes 4000`,
		`lockstep6_dns_queue_tasks 7`,
		`lockstep6_dns_queue_oldest_seconds 2.5`,
		`lockstep6_dns_tasks_total{result="done"} 30`,
		`lockstep6_dns_tasks_total{result="full"} 4`,
		`lockstep6_dns_tasks_total{result="given-up"} 0`,
		`lockstep6_dns_updates_total{result="conflict",zone="example.net"} 2`,
		`lockstep6_dns_updates_total{result="no_answer",zone="0.2.ip6.arpa"} 3`,
		`lockstep6_dns_update_seconds_bucket{le="0.125"} 2`,
		`lockstep6_dns_update_seconds_sum 0.25`,
		`lockstep6_dns_zone_up{zone="example.net"} 1`,
		`lockstep6_dns_zone_up{zone="0.2.ip6.arpa"} 0`,
		`lockstep6_dns_audit_differences{kind="foreign"} 2`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("the scrape has no %s", want)
		}
	}
	for _, m := range all() {
		if !strings.Contains(got, "# TYPE "+prefix+m.name+" "+m.typeName()+"\n") {
			t.Errorf("of a node of which everything can be told there is no %s", m.name)
		}
	}
}

// TestNames: Prometheus's own rules for names and helps.
func TestNames(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, sample))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, prefix) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if problems, err := testutil.CollectAndLint(NewCollector(sample)); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// TestDescribes: a registry that checks every value against what was described takes the collector.
func TestDescribes(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(NewCollector(sample)); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
}

// TestSingleNode: a node that has no peers, pools or relays, and no DNS to keep, is scraped all the same.
func TestSingleNode(t *testing.T) {
	got := scrape(t, func() Snapshot { return Snapshot{} })
	if !strings.Contains(got, "lockstep6_ready 0\n") || strings.Contains(got, "peer_state") || strings.Contains(got, "lockstep6_dns") {
		t.Errorf("it shows %s", got)
	}
	got = scrape(t, func() Snapshot { return Snapshot{DNS: &admin.DNSState{}} })
	if !strings.Contains(got, "lockstep6_dns_queue_tasks 0\n") || strings.Contains(got, "dns_audit") {
		t.Errorf("before its first audit it shows %s", got)
	}
}

// TestRelaysAreBounded: the busiest hundred are shown, and the sums are over all.
func TestRelaysAreBounded(t *testing.T) {
	s := Snapshot{}
	for i := range 300 {
		s.Peers.Relays = append(s.Peers.Relays, admin.Relay{Address: "::" + strconv.Itoa(i), Messages: uint64(i)})
	}
	text := scrape(t, func() Snapshot { return s })
	if n := strings.Count(text, "lockstep6_relay_messages_total{"); n != maxRelays {
		t.Errorf("%d relays are shown, want %d", n, maxRelays)
	}
	for _, want := range []string{`relay_messages_total{relay="::299"} 299`, `relay_messages_total{relay="::200"} 200`, `relays_messages_total 44850`, "relays 300"} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
}

// TestRelaysWithoutName: a relay that isn't to be shown is in the sums only.
func TestRelaysWithoutName(t *testing.T) {
	s := Snapshot{}
	s.Peers.Relays = []admin.Relay{{Messages: 2}, {Messages: 3}, {Address: "2001:db8::1", Messages: 4}}
	text := scrape(t, func() Snapshot { return s })
	if n := strings.Count(text, "lockstep6_relay_messages_total{"); n != 1 || !strings.Contains(text, "relays_messages_total 9\n") {
		t.Errorf("%d relays are shown, want 1; in the sum there are to be 9 messages:\n%s", n, text)
	}
}
