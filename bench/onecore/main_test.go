package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/ceiling"
	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/core/config"
)

func TestMain(m *testing.M) {
	child.Main(parts())
	os.Exit(m.Run())
}

// TestConfigurations: each row's is one, has an id of its own, and what is compared is there.
func TestConfigurations(t *testing.T) {
	ids := map[string]bool{}
	for _, w := range append(rows, pairOfWorkers...) {
		text := w.config(adminAddress)
		c, faults := config.Parse("lockstep6.yaml", []byte(text))
		if len(faults) > 0 {
			t.Errorf("%s: %v\n%s", w.Name, faults, text)
			continue
		}
		if c.Store.Sync == strings.Contains(w.settings.store, "never") || c.Log.Leases != w.settings.leases ||
			(c.History.Keep > 0) != w.settings.history || (c.Cluster != nil) != (w.settings.cluster != "") || (c.DNS != nil) != w.settings.dns {
			t.Errorf("%s: the configuration is\n%s", w.Name, text)
		}
		if ids[w.ID] {
			t.Errorf("two rows are %q", w.ID)
		}
		ids[w.ID] = true
	}
	for _, c := range compared {
		if !ids[c.on] || !ids[c.off] {
			t.Errorf("%s: no row %q or %q", c.what, c.on, c.off)
		}
	}
}

// TestRelays: all have addresses of their own, and the server's is none of them.
func TestRelays(t *testing.T) {
	c := (&loadTask{Relays: manyRelays, Clients: 1000, Window: 1}).loadConfig()
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{serverAddress.Addr().String(): true}
	for _, a := range c.Sources {
		if seen[a.String()] {
			t.Errorf("%v is there twice", a)
		}
		seen[a.String()] = true
	}
}

func TestAlone(t *testing.T) {
	o := &options{dir: t.TempDir(), changes: 3200, bindings: 5000}
	var r Round
	if err := r.alone(t.Context(), o); err != nil || r.Table <= 0 || !r.Log.Log || r.Keys.Log || min(r.Log.Rate, r.Keys.Rate) <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if left, err := os.ReadDir(o.dir); err != nil || len(left) > 0 {
		t.Errorf("%d folders are left, %v", len(left), err)
	}
}

func TestSampleOf(t *testing.T) {
	at := time.Now()
	a := &look{at: at, counts: load.Counts{Done: 100}, syncs: 5}
	b := &look{
		at: at.Add(2 * time.Second), counts: load.Counts{Done: 1100, Retransmitted: 3}, syncs: 15,
		process: 500 * time.Millisecond, own: 300 * time.Millisecond, core: time.Second, generator: 600 * time.Millisecond,
	}
	s, err := sampleOf(a, b)
	want := Sample{Rate: 500, CPU: 500, Core: 0.5, Generator: 0.3, Others: 0.2, PerSync: 100, Again: 3}
	if err != nil || s.Rate != want.Rate || s.CPU != want.CPU || s.Core != want.Core || s.Generator != want.Generator ||
		s.PerSync != want.PerSync || s.Again != want.Again || s.Others < 0.199 || s.Others > 0.201 {
		t.Errorf("%+v, %v; want %+v", s, err, want)
	}
	if _, err := sampleOf(a, a); err == nil {
		t.Error("no error where nothing was done")
	}
}

// someReport has three rounds, of which each figure of the first is half of the second's, and the third has the second's.
func someReport() *Report {
	r := &Report{Head: "HEAD", Long: 60, Window: 7}
	for _, f := range []float64{1, 2, 2} {
		o := Round{
			Echo: [3]ceiling.Echo{{Rate: 100}, {Rate: 300}, {Rate: 100}}, Segmented: ceiling.Echo{Rate: 1000}, Table: 100,
			Log: ceiling.Pebble{Rate: 500}, Keys: ceiling.Pebble{Rate: 100}, Rows: map[string]Sample{}, Workers: map[string]Half{},
		}
		for _, w := range rows {
			o.Rows[w.ID] = Sample{Rate: 50 * f, CPU: 10, Half: &Half{P50: f, P99: 3, Done: 1}, Seconds: []float64{50, 49 * f}}
		}
		o.Workers["workers-1"], o.Workers["workers-2"] = Half{CPU: 10}, Half{CPU: 11}
		r.Rounds = append(r.Rounds, o)
	}
	r.Targets = r.targets()
	return r
}

func TestMarkdown(t *testing.T) {
	got := someReport().markdown()
	for _, want := range []string{
		"HEAD", "| " + spreadTarget.Name + " | ≥ 0.3 | ≥ 0.45 | 0.25 / **0.50** / 0.50 | stretch met |",
		"| " + medianTarget.Name + " | ≤ 1 | ≤ 0.5 | 1.00 / **2.00** / 2.00 | **missed** |", "| " + slowTarget.Name + " | ≤ 5 | ≤ 2 | 3.00 | met |",
		"| " + workersTarget.Name + " | ≤ 1.15 | ≤ 1.05 | 1.10 | met |", "| bare echo, packets in and out | 200 / 200 / 200 | 0.250 / 0.500 / 0.500 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q isn't in\n%s", want, got)
		}
	}
	if strings.Contains(got, "are to be quoted") {
		t.Error("a quiet machine is called busy")
	}
	busyMachine := someReport()
	busyMachine.Busy = true
	if !strings.Contains(busyMachine.markdown(), "are to be quoted") {
		t.Error("a busy machine isn't told of")
	}
	if strings.Contains(got, "NaN") || strings.Contains(got, "%!") {
		t.Error(got)
	}
}

// TestOthers: the mean of a round's rows, in per cent.
func TestOthers(t *testing.T) {
	o := &Round{Rows: map[string]Sample{"a": {Others: 0.1}, "b": {Others: 0.3}}}
	if got := others(o); got < 19.99 || got > 20.01 {
		t.Errorf("%v, want 20", got)
	}
}

func TestPicture(t *testing.T) {
	picture, err := someReport().picture()
	if err != nil || !strings.Contains(string(picture), "round 3") {
		t.Fatalf("%v, %s", err, picture)
	}
	for d := xml.NewDecoder(strings.NewReader(string(picture))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
