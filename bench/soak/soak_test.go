package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/pair"
	"github.com/lockstep6/lockstep6/core/config"
)

// TestCourse: for any time, each node dies, lives half of it, and is there when something else is done to it.
func TestCourse(t *testing.T) {
	for _, total := range []time.Duration{leastTime, 40 * time.Second, 10 * time.Minute, time.Hour, mostTime} {
		c := newCourse(total, 1000)
		kills := [nodes]int{}
		seen := map[deed]int{}
		last := time.Duration(0)
		for _, h := range c.happenings() {
			if h.at < last || h.at <= 0 || h.at > total-c.down {
				t.Errorf("%v: %+v after %v", total, h, last)
			}
			last = h.at
			seen[h.deed]++
			if h.deed == kill {
				kills[h.node]++
				if early := h.at < total/2; early != (h.node == 1) {
					t.Errorf("%v: node %d is killed at %v", total, h.node, h.at)
				}
			}
		}
		if kills[0] == 0 || kills[1] == 0 || seen[drain] != 2 || seen[undrain] != 2 || seen[backup] == 0 || seen[reload] < 3 {
			t.Errorf("%v: %v kills, %v", total, kills, seen)
		}
		if c.down <= 0 || c.down >= c.clock || c.sample <= 0 || 1<<(128-c.pool) < 2*c.clients() {
			t.Errorf("%v: %+v", total, c)
		}
	}
	if c := newCourse(time.Hour, 1000); c.unit != time.Minute || c.clients() < 50_000 || c.clients() > 80_000 {
		t.Errorf("an hour: %+v, %d clients", c, c.clients())
	}
}

// TestConfig: what the nodes are given is a configuration, and every other one differs.
func TestConfig(t *testing.T) {
	plan := pair.Plan{DHCP: []string{"[::1]:1001", "[::1]:1002"}, Query: []string{"[::1]:1003", "[::1]:1004"}, Admin: []string{"[::1]:1005", "[::1]:1006"}}
	for _, o := range []options{{dense: "exclusive"}, {dense: "agree", history: true, dns: true}} {
		texts := map[string]bool{}
		for i := range nodes {
			for reloads := range 3 {
				text := newCourse(40*time.Second, 300).config(&plan, &o, i, reloads)
				if _, faults := config.Parse("lockstep6.yaml", []byte(text)); len(faults) > 0 {
					t.Errorf("%+v: %v in\n%s", o, faults, text)
				}
				texts[text] = true
			}
		}
		if len(texts) != 4 {
			t.Errorf("%d different ones", len(texts))
		}
	}
}

// TestReport: a page, figures that can be read again, and a plot; what was broken, what grew and what wasn't served each decides.
func TestReport(t *testing.T) {
	report := func() *Report {
		r := newReport(&options{total: time.Hour, rate: 1000, commit: "abc"})
		r.Totals = Totals{Begun: 1000, Done: 990, Lost: 10}
		r.Broken, r.Kills = []Breach{{"lost", 0}}, []Kill{{At: 240, Node: "b", Away: 30, Ready: 0.5, Looked: 100}}
		r.Samples = samplesOf(300, func(i int) bool { return i == 140 }, 0)
		return r
	}
	for name, test := range map[string]struct {
		spoil func(r *Report)
		held  bool
	}{
		"all is well":    {func(*Report) {}, true},
		"a promise":      {func(r *Report) { r.Broken[0].Count = 1 }, false},
		"a leak":         {func(r *Report) { r.Samples = samplesOf(300, func(int) bool { return false }, 1) }, false},
		"unserved":       {func(r *Report) { r.Totals.Refused = 11 }, false},
		"nothing done":   {func(r *Report) { r.Totals = Totals{} }, false},
		"a store grew":   {func(r *Report) { grow(r) }, false},
		"with a history": {func(r *Report) { grow(r); r.History = true }, true},
	} {
		r := report()
		test.spoil(r)
		if r.judge(); r.Held != test.held {
			t.Errorf("%s: held %t, %+v", name, r.Held, r.Verdicts)
		}
	}
	r := report()
	r.judge()
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "soak.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"lockstep6 abc", "**Held**", "| exchanges done | 990 |", "| 240 | b | 30.0 | 0.50 | 100 | 0 |", "| descriptors, tables left out | a |"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q isn't in\n%s", want, page)
		}
	}
	again, err := read(filepath.Join(dir, "soak.json"))
	if err != nil || len(again.Samples) != 300 || again.Samples[140].Nodes[0] != nil || again.markdown() != string(page) {
		t.Errorf("%v: the figures make another page", err)
	}
	for name, text := range map[string]string{"none": "{}", "no JSON": "x"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := read(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if drawn, err := os.ReadFile(filepath.Join(dir, "soak.svg")); err != nil || !strings.Contains(string(drawn), "<svg") {
		t.Errorf("%v, %.100s", err, drawn)
	}
}

// grow has the store of node a grow.
func grow(r *Report) {
	for i := range r.Samples {
		if s := r.Samples[i].Nodes[0]; s != nil {
			s.Tables = int64(2+2*i) * mebi
		}
	}
}

// TestState: what is read of the metrics; what peers answer isn't dropped.
func TestState(t *testing.T) {
	s := stateOf(map[string]float64{
		"process_open_fds": 30, "go_goroutines": 40, pair.Bindings: 5, "go_memstats_next_gc_bytes": 9e6,
		`lockstep6_dropped_total{reason="kernel"}`: 2, `lockstep6_dropped_total{reason="for-peer"}`: 1000, `lockstep6_dropped_total{reason="overload"}`: 3,
	})
	if *s != (State{Heap: 9e6, Descriptors: 30, Goroutines: 40, Bindings: 5, Dropped: 5, Kernel: 2}) {
		t.Errorf("%+v", *s)
	}
}
