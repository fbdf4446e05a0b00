package plot

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	gonum "gonum.org/v1/plot"

	"github.com/lockstep6/lockstep6/bench/measure"
)

// Ramp draws, one above the other over the offered rate, what was done of it and the 99th percentile of the latency.
func Ramp(w io.Writer, r *measure.Result) error {
	if r.Ramp == nil || len(r.Steps) < 2 {
		return fmt.Errorf("there is nothing to plot: a ramp has two steps or more")
	}
	steps := slices.Clone(r.Steps)
	slices.SortStableFunc(steps, func(a, b measure.Step) int { return cmp.Compare(a.Rate, b.Rate) })
	var ideal, done, median, slow Curve
	for i := range steps {
		s := &steps[i]
		ideal = append(ideal, Point{X: s.Rate, Y: s.Rate})
		done = append(done, Point{X: s.Rate, Y: s.Goodput})
		if s.Done > 0 {
			median = append(median, Point{X: s.Rate, Y: float64(max(s.Latency.P50, 1)) / 1000})
			slow = append(slow, Point{X: s.Rate, Y: float64(max(s.Latency.P99, 1)) / 1000})
		}
	}
	rates, times := New(fmt.Sprintf("Ramp (%s)", r.Load.Mix), "", "done per second"), New("", "exchanges offered per second", "milliseconds")
	rates.FromZero()
	times.Logarithmic()
	if err := rates.add("all that is offered", faint, ideal); err != nil {
		return err
	}
	for _, c := range []struct {
		plot *Plot
		name string
		line Curve
	}{{rates, "done", done}, {times, "p50", median}, {times, "p99", slow}} {
		if err := c.plot.Add(c.name, c.line); err != nil {
			return err
		}
	}
	for _, p := range []*Plot{rates, times} {
		p.plot.X.Min, p.plot.X.Max = 0, steps[len(steps)-1].Rate
		p.plot.X.Tick.Marker = gonum.TickerFunc(roundTicks)
	}
	return Write(w, rates, times)
}
