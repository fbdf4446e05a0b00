package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/bench/measure"
)

func step(rate float64, held bool) measure.Step {
	l := measure.Latency{P50: 100, P99: 2000, Curve: []measure.Point{{Percentile: 0, Microseconds: 50}, {Percentile: 99.9, Microseconds: 5000}, {Percentile: 100, Microseconds: 9000}}}
	return measure.Step{
		Rate: rate, Goodput: rate * 0.99, Done: 1000, Held: held, Latency: l,
		Tasks: map[string]measure.Task{"acquire": {Latency: l}, "renew": {Latency: l}},
	}
}

// texts parses an SVG and returns what is written in it.
func texts(t *testing.T, svg *bytes.Buffer) (all string) {
	t.Helper()
	d := xml.NewDecoder(svg)
	root := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := token.(type) {
		case xml.StartElement:
			if root == "" {
				root = v.Name.Local
			}
		case xml.CharData:
			all += strings.TrimSpace(string(v)) + "\n"
		}
	}
	if root != "svg" {
		t.Errorf("the root is %q", root)
	}
	return all
}

func wantTexts(t *testing.T, svg *bytes.Buffer, want ...string) {
	t.Helper()
	got := texts(t, svg)
	for _, text := range want {
		if !strings.Contains(got, text) {
			t.Errorf("%q isn't in the picture:\n%s", text, got)
		}
	}
}

func TestLatency(t *testing.T) {
	var b bytes.Buffer
	r := &measure.Result{Load: measure.Load{Mix: "acquire=1,renew=10"}, Steps: []measure.Step{step(20000, false)}}
	if err := Latency(&b, r); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, &b, "20k exchanges per second (acquire=1,renew=10)", "acquire", "renew", "all", "99.9", "milliseconds")
}

// TestFlatLatency: all exchanges took the same time, and one of the steps had none.
func TestFlatLatency(t *testing.T) {
	s := step(10, true)
	s.Latency.Curve = []measure.Point{{Percentile: 0, Microseconds: 5}, {Percentile: 100, Microseconds: 5}}
	s.Tasks = map[string]measure.Task{"ask": {Latency: s.Latency}, "renew": {}}
	var b bytes.Buffer
	if err := Latency(&b, &measure.Result{Steps: []measure.Step{s}}); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, &b, "ask")
}

func TestRamp(t *testing.T) {
	var b bytes.Buffer
	dead := step(40000, false)
	dead.Done, dead.Goodput, dead.Latency = 0, 0, measure.Latency{}
	r := &measure.Result{
		Load: measure.Load{Mix: "ask=1"}, Ramp: &measure.Ramp{Best: 1},
		Steps: []measure.Step{step(20000, false), step(10000, true), dead},
	}
	if err := Ramp(&b, r); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, &b, "Ramp (ask=1)", "all that is offered", "done", "p50", "p99", "40k")
}

// TestRampWithoutAnswers: it has no latencies.
func TestRampWithoutAnswers(t *testing.T) {
	var b bytes.Buffer
	steps := []measure.Step{{Rate: 10}, {Rate: 5}}
	if err := Ramp(&b, &measure.Result{Ramp: &measure.Ramp{Best: -1}, Steps: steps}); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, &b, "done per second")
}

func TestNothingToPlot(t *testing.T) {
	for _, r := range []*measure.Result{{}, {Ramp: &measure.Ramp{Best: -1}, Steps: []measure.Step{step(1, false)}}} {
		if err := Latency(io.Discard, r); err == nil {
			t.Error("a plot of no latency")
		}
		if err := Ramp(io.Discard, r); err == nil {
			t.Error("a plot of no ramp")
		}
	}
}
