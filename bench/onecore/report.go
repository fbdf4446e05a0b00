package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/lockstep6/lockstep6/bench/ceiling"
	"github.com/lockstep6/lockstep6/bench/figures"
	"github.com/lockstep6/lockstep6/bench/target"
)

// A Report is all that one run measured.
type Report struct {
	Head     string         `json:"head"` // machine, commit, time: one line
	Messages ceiling.Sizes  `json:"message_octets"`
	Window   int            `json:"window"` // exchanges under way
	Step     float64        `json:"step_s"`
	Long     float64        `json:"sustained_s"`
	Rounds   []Round        `json:"rounds"`
	Busy     bool           `json:"busy"` // with other work: nothing is to be judged
	Targets  []target.Found `json:"targets"`
}

func newReport(o *options) *Report {
	origin := figures.Here(o.commit)
	head := fmt.Sprintf("Written by bench/onecore on %s.", &origin)
	return &Report{Head: head, Window: o.window, Step: o.step.Seconds(), Long: o.sustained.Seconds()}
}

// What the project set itself. Shares are of the bare echo in the same round, one packet each way and no UDP_SEGMENT: an exchange
// is two packets each way, so 0.5 is where nothing but sockets is left, if they do without UDP_SEGMENT.
var (
	spreadTarget  = target.Target{Name: "durable exchanges on one processor, 256 relays, times the bare echo's packets", Must: 0.30, Stretch: 0.45}
	busyTarget    = target.Target{Name: "the same with one busy relay, sustained, times the same echo's packets", Must: 0.40, Stretch: 0.80}
	syncTarget    = target.Target{Name: "rate with a sync before each Reply, times that without", Must: 0.8, Stretch: 0.95}
	medianTarget  = target.Target{Name: "median latency at half of the highest rate, synced, ms", Must: 1, Stretch: 0.5, Most: true}
	slowTarget    = target.Target{Name: "99th percentile there, ms", Must: 5, Stretch: 2, Most: true}
	workersTarget = target.Target{Name: "CPU per exchange with two workers, times that with one", Must: 1.15, Stretch: 1.05, Most: true}
)

// targets holds the rounds against them. Latencies are those of the slower row, one relay or 256.
func (r *Report) targets() (all []target.Found) {
	slower := func(figure func(*Half) float64) func(*Round) float64 {
		return func(o *Round) float64 { return max(figure(o.Rows[spread].Half), figure(o.Rows[busy].Half)) }
	}
	for _, t := range []struct {
		target.Target
		figure func(*Round) float64
	}{
		{spreadTarget, func(o *Round) float64 { return o.Rows[spread].Rate / o.echo(spread) }},
		{busyTarget, func(o *Round) float64 { return o.Rows[busy].Rate / o.echo(busy) }},
		{syncTarget, func(o *Round) float64 { return o.Rows[spread].Rate / o.Rows[never].Rate }},
		{medianTarget, slower(func(h *Half) float64 { return h.P50 })},
		{slowTarget, slower(func(h *Half) float64 { return h.P99 })},
		{workersTarget, func(o *Round) float64 { return o.Workers["workers-2"].CPU / o.Workers["workers-1"].CPU }},
	} {
		all = append(all, t.Of(r.sorted(t.figure)...))
	}
	return all
}

// sorted is a figure of all rounds, to four digits.
func (r *Report) sorted(figure func(*Round) float64) (all []float64) {
	for i := range r.Rounds {
		all = append(all, math.Round(figure(&r.Rounds[i])*1e4)/1e4)
	}
	slices.Sort(all)
	return all
}
