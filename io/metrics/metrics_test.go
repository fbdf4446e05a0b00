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
		Dropped: map[string]uint64{"Request": 9, OtherType: 1, Unreadable: 2}, Refused: 2,
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
		Granted: map[string]uint64{"b": 4},
		Store:   Store{Healthy: true, Damaged: true, Changes: 20, Unconfirmed: 1, Failures: 2, LogSize: 300, DiskSize: 4000},
		Leasequery: Leasequery{
			Queries: map[string]uint64{"address": 3}, Refused: map[string]uint64{"NotAllowed": 2}, Clients: 5, Dropped: 1, Connections: 2,
			Rejected: 3, Slow: 4, IndexWhole: true,
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

// TestSingleNode: a node that has no peers, pools or relays is scraped all the same.
func TestSingleNode(t *testing.T) {
	got := scrape(t, func() Snapshot { return Snapshot{} })
	if !strings.Contains(got, "lockstep6_ready 0\n") || strings.Contains(got, "peer_state") {
		t.Errorf("it shows %s", got)
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
