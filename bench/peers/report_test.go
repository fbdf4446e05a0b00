package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// filled is a report of three rounds: each contender is a hundred times slower than the one before, and costs more.
func filled(out string) *report {
	r := newReport(&options{rounds: 3, clients: 5000, commit: "abc", out: out}, contenders())
	for i := range r.Servers {
		s := &r.Servers[i]
		s.Others = []float64{0.01, 0.02, 0.2}
		for _, f := range []float64{3, 1, 2} {
			best := offer{Rate: 10_000 * f / float64(1+i), CPU: 10 * f * float64(1+i*i), RSS: 50}
			s.Relayed = append(s.Relayed, relayed{Best: best, Limit: "server", Half: offer{Rate: best.Rate / 2, P50: 0.4 * f, P99: 3 * f}})
			s.Direct = append(s.Direct, direct{Rate: best.Rate, CPU: best.CPU, Perfdhcp: 90, Limit: map[bool]string{true: "perfdhcp", false: "server"}[i < 2]})
		}
	}
	r.judge()
	return r
}

// TestReport: ratios are of medians, and every row states its durability.
func TestReport(t *testing.T) {
	out := filepath.Join(t.TempDir(), "peers")
	if err := filled(out).write(out); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(out + ".md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"lockstep6 abc", "had 1 / 2 / 20 % of the processors", "![highest rates and costs](peers.svg)", "[peers.json](peers.json)",
		"| lockstep6, every Reply after its sync | synced before the Reply | 5000 | 10000 / 20000 / 30000 | server | 10.0 / 20.0 / 30.0 | 0.40 / 0.80 / 1.20 | 3.00 / 6.00 / 9.00 |",
		"| 50 / 50 / 50 | 3.0 | 5.0 |\n", "| 50 / 50 / 50 | 0.75 | 0.5 |\n", "| Dibbler | whole files rewritten after the Reply, never synced | 200 |",
		"perfdhcp's own ceiling here is 30000/s**, found with lockstep6, every Reply",
		"| exchanges/s, every Reply synced, times Kea's multi-threaded | ≥ 12 | ≥ 30 | 3.00 | **missed** |",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q isn't in\n%s", want, page)
		}
	}
	data, err := os.ReadFile(out + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(data, &back); err != nil || len(back.Servers) != 7 || back.Servers[6].Relayed[1].Best.CPU != 370 || back.Targets[0].Median != 3 {
		t.Errorf("%v, and %+v", err, back)
	}
	if _, err := os.Stat(out + ".svg"); err != nil {
		t.Error(err)
	}
}

// TestBusy: a run on a busy machine proves nothing.
func TestBusy(t *testing.T) {
	r := filled("")
	for i := range r.Servers {
		r.Servers[i].Others = []float64{0.3, 0.1, 0.9}
	}
	r.judge()
	if len(r.Targets) > 0 || !strings.Contains(r.markdown(), "Not judged") {
		t.Errorf("%+v", r.Targets)
	}
}

// TestCeiling: where the fastest server was the limit, perfdhcp's ceiling is unknown.
func TestCeiling(t *testing.T) {
	r := filled("")
	r.Servers[always].Direct[0].Limit = "server"
	if got := r.ceiling(); !strings.Contains(got, "wasn't found") {
		t.Error(got)
	}
}

func TestMedian(t *testing.T) {
	if a, b := median([]float64{1, 2, 9}), median([]float64{1, 3}); a != 2 || b != 2 {
		t.Errorf("%v, %v; want 2, 2", a, b)
	}
}
