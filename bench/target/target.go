// Package target holds figures against what the project set itself, and makes the table of BENCHMARKS.md out of the results' files:
// each JSON file in bench/results that has a field "targets" with a list of Found has its rows there.
package target

import (
	"fmt"
	"strconv"
	"strings"
)

// A Target is a figure that the project set itself.
type Target struct {
	Name    string  `json:"name"`
	Must    float64 `json:"must"`
	Stretch float64 `json:"stretch"`
	Most    bool    `json:"at_most"` // the figure is to be at most so much; else at least
}

// A Found is a Target with what was measured: of several rounds the median decides.
type Found struct {
	Target
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// Of holds sorted figures against the target: of an even number the lower one in the middle is the median.
func (t Target) Of(sorted ...float64) Found {
	return Found{t, sorted[0], sorted[(len(sorted)-1)/2], sorted[len(sorted)-1]}
}

// Verdict says whether the figure is good enough.
func (t Target) Verdict(figure float64) string {
	met := func(bound float64) bool { return figure == bound || figure < bound == t.Most }
	switch {
	case met(t.Stretch):
		return "stretch met"
	case met(t.Must):
		return "met"
	}
	return missed
}

const missed = "**missed**"

// Table is a Markdown table of targets, without their reasons.
func Table(all []Found) string {
	var b strings.Builder
	b.WriteString("| target | must | stretch | here | |\n|---|---|---|---|---|\n")
	for _, f := range all {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", f.Name, f.figures(), f.Verdict(f.Median))
	}
	return b.String()
}

// figures are the cells of a Found: bounds, and what was measured.
func (f *Found) figures() string {
	sign := "≥ "
	if f.Most {
		sign = "≤ "
	}
	here := number(f.Median)
	if f.Min != f.Max {
		here = number(f.Min) + " / **" + here + "** / " + number(f.Max)
	}
	return sign + bound(f.Must) + " | " + sign + bound(f.Stretch) + " | " + here
}

func bound(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// number has three digits or so.
func number(n float64) string {
	switch {
	case n >= 100:
		return strconv.FormatFloat(n, 'f', 0, 64)
	case n >= 10:
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	return strconv.FormatFloat(n, 'f', 2, 64)
}
