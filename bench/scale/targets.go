package scale

import "github.com/lockstep6/lockstep6/bench/target"

// Large is the number of bindings that targets speak of; with smaller ones nothing is said.
const Large = 10_000_000

// What the project set itself.
var (
	memoryTarget  = target.Target{Name: "RSS per binding at ten million, octets", Must: 200, Stretch: 150, Most: true}
	startTarget   = target.Target{Name: "start until serving with ten million, s", Must: 8, Stretch: 4, Most: true}
	denseTarget   = target.Target{Name: "one allocation at 99.9 % fill, times that at 50 %", Must: 2, Stretch: 1.2, Most: true}
	renewTarget   = target.Target{Name: "Renews at ten million, times the rate at ten thousand", Must: 0.85, Stretch: 0.95}
	requestTarget = target.Target{Name: "new clients at ten million, times the rate at ten thousand", Must: 0.85, Stretch: 0.95}
)

// Hold holds what the run has figures for against the targets.
func (r *Report) Hold() {
	r.Targets = nil
	for i := range r.Sizes {
		s := &r.Sizes[i]
		if s.Bindings != Large {
			continue
		}
		r.Targets = append(r.Targets, memoryTarget.Of(s.Memory.Resident), startTarget.Of(s.Start.Total),
			renewTarget.Of(r.against(i, func(s *Size) float64 { return s.Renew.Rate })),
			requestTarget.Of(r.against(i, func(s *Size) float64 { return s.Request.Rate })))
	}
	if a := r.Dense.Allocations; len(a) > 0 {
		r.Targets = append(r.Targets, denseTarget.Of(max(a[len(a)-1].Median/a[1].Median, a[len(a)-2].Median/a[0].Median)))
	}
}
