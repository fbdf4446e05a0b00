package pair

import (
	"os"
	"strings"
	"testing"
)

// TestFind: of the lines of a log the one with the id is found, whatever others have in the same fields.
func TestFind(t *testing.T) {
	log, err := os.ReadFile("testdata/log")
	if err != nil {
		t.Fatal(err)
	}
	if l, ok := find(log, "catch-up-peer"); !ok || l.Leases != 7 || !l.Complete || l.Time.IsZero() {
		t.Errorf("%+v, %t", l, ok)
	}
	if _, ok := find(log, "catch-up-incomplete"); ok {
		t.Error("found what isn't there")
	}
}

// TestMetrics: names keep their labels, whatever is in these; comments and buckets are left out.
func TestMetrics(t *testing.T) {
	all, err := metrics(strings.NewReader("# HELP a of a\na 1\nb{c=\"d e\"} 2.5e+03\nf_bucket{le=\"1\"} 7\n"))
	if err != nil || len(all) != 2 || all["a"] != 1 || all[`b{c="d e"}`] != 2500 {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := metrics(strings.NewReader("a much\n")); err == nil || !strings.Contains(err.Error(), "metric a") {
		t.Errorf("%v, %v", all, err)
	}
}

// TestPlan: no two have an address in common.
func TestPlan(t *testing.T) {
	p, err := NewPlan(2)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, list := range [][]string{p.DHCP, p.Query, p.Admin} {
		if len(list) != 2 {
			t.Errorf("%d addresses for two nodes", len(list))
		}
		for _, a := range list {
			seen[a] = true
		}
	}
	if len(seen) < 4 { // a port may be free for UDP and for TCP
		t.Errorf("%v", p)
	}
}
