package scale

import (
	"fmt"
	"strings"
)

// A Target is a figure that the project set itself.
type Target struct {
	Name    string
	Must    float64
	Stretch float64
	Most    bool // the figure is to be at most so much; else at least
}

// Large is the number of bindings that targets speak of; with smaller ones nothing is said.
const Large = 10_000_000

var (
	memoryTarget  = Target{"RSS per binding at ten million, octets", 200, 150, true}
	startTarget   = Target{"start until serving with ten million, s", 8, 4, true}
	denseTarget   = Target{"one allocation at 99.9 % fill, times that at 50 %", 2, 1.2, true}
	renewTarget   = Target{"Renews at ten million, times the rate at ten thousand", 0.85, 0.95, false}
	requestTarget = Target{"new clients at ten million, times the rate at ten thousand", 0.85, 0.95, false}
)

// Verdict says whether the figure is good enough.
func (t Target) Verdict(figure float64) string {
	met := func(bound float64) bool { return figure == bound || figure < bound == t.Most }
	switch {
	case met(t.Stretch):
		return "stretch met"
	case met(t.Must):
		return "met"
	}
	return "**missed**"
}

// writeTargets writes what the run says of the targets that it has figures for.
func (r *Report) writeTargets(b *strings.Builder) {
	type found struct {
		Target
		figure float64
	}
	var all []found
	for i := range r.Sizes {
		s := &r.Sizes[i]
		if s.Bindings != Large {
			continue
		}
		all = append(all, found{memoryTarget, s.Memory.Resident}, found{startTarget, s.Start.Total},
			found{renewTarget, r.against(i, func(s *Size) float64 { return s.Renew.Rate })},
			found{requestTarget, r.against(i, func(s *Size) float64 { return s.Request.Rate })})
	}
	if a := r.Dense.Allocations; len(a) > 0 {
		worst := max(a[len(a)-1].Median/a[1].Median, a[len(a)-2].Median/a[0].Median)
		all = append(all, found{denseTarget, worst})
	}
	if len(all) == 0 {
		return
	}
	b.WriteString("## Targets\n\n")
	writeHead(b, "what", "must", "stretch", "here", "")
	for _, f := range all {
		writeLine(b, f.Name, fmt.Sprint(f.Must), fmt.Sprint(f.Stretch), fmt.Sprintf("%.2f", f.figure), f.Verdict(f.figure))
	}
	b.WriteByte('\n')
}
