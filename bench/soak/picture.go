package main

import (
	"errors"
	"os"

	"github.com/lockstep6/lockstep6/bench/plot"
)

// svg draws what is measured over the minutes. A node that is away leaves a gap, which a curve bridges.
func (r *Report) svg(file string) (err error) {
	memory := plot.New("Soak: two nodes", "", "MiB")
	memory.FromZero()
	counts := plot.New("", "", "number")
	counts.FromZero()
	times := plot.New("", "minutes", "milliseconds")
	times.Logarithmic()
	for i := range nodes {
		name := " of " + string(node(i))
		for _, c := range []struct {
			plot *plot.Plot
			name string
			of   func(*State) float64
		}{
			{memory, "resident memory", measures[0].of}, {memory, "heap", measures[1].of}, {memory, "store without logs", measures[6].of},
			{counts, "descriptors", measures[2].of}, {counts, "goroutines", measures[3].of}, {counts, "threads", measures[4].of},
		} {
			var line plot.Curve
			for k := range r.Samples {
				if s := r.Samples[k].Nodes[i]; s != nil {
					line = append(line, plot.Point{X: r.Samples[k].At / 60, Y: c.of(s)})
				}
			}
			if err := c.plot.Add(c.name+name, line); err != nil {
				return err
			}
		}
	}
	var half, most plot.Curve
	for _, s := range r.Samples {
		if s.Done > 0 {
			half, most = append(half, plot.Point{X: s.At / 60, Y: max(s.P50, 0.01)}), append(most, plot.Point{X: s.At / 60, Y: max(s.P99, 0.01)})
		}
	}
	if err := errors.Join(times.Add("latency, median", half), times.Add("latency, 99th percentile", most)); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(plot.Write(f, memory, counts, times), f.Close())
}
