package plot

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/lockstep6/lockstep6/bench/measure"
)

// Latency draws how long exchanges took over the share that took no longer, from the median's decade on each decade of
// what is left as wide as the one before. Where the mix has several exchanges each has its curve.
func Latency(w io.Writer, r *measure.Result) error {
	s := r.Best()
	if s == nil || len(s.Latency.Curve) == 0 {
		return fmt.Errorf("there is nothing to plot: no exchange was done")
	}
	p := New(fmt.Sprintf("Latency at %s exchanges per second (%s)", number(s.Rate), r.Load.Mix), "per cent of exchanges that took no longer", "milliseconds")
	p.Logarithmic()
	most := 0.0
	curves := map[string][]measure.Point{}
	for name, t := range s.Tasks {
		curves[name] = t.Latency.Curve
	}
	if len(curves) > 1 {
		curves["all"] = s.Latency.Curve
	}
	for _, name := range slices.Sorted(maps.Keys(curves)) {
		line := make(Curve, 0, len(curves[name]))
		for _, at := range curves[name] {
			if at.Percentile == 100 {
				continue // the slowest one; it is infinitely far to the right
			}
			x := nines(at.Percentile)
			most = max(most, x)
			line = append(line, Point{X: x, Y: float64(max(at.Microseconds, 1)) / 1000})
		}
		if err := p.Add(name, line); err != nil {
			return err
		}
	}
	p.plot.X.Min, p.plot.X.Max = 0, max(most, 1)
	p.MarkX(percentiles(most))
	return Write(w, p)
}

// nines is where a percentile stands: 90 at 1, 99 at 2, 99.9 at 3.
func nines(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

func percentiles(most float64) (places []float64, labels []string) {
	for _, p := range []float64{0, 50, 90, 99, 99.9, 99.99, 99.999} {
		if x := nines(p); x <= most {
			places, labels = append(places, x), append(labels, strconv.FormatFloat(p, 'f', -1, 64))
		}
	}
	return places, labels
}
