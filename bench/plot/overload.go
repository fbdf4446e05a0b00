package plot

import (
	"image/color"
	"io"
	"math"
	"strconv"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
)

// A Series is a curve by its points.
type Series struct {
	Name string
	X, Y []float64
}

// Overload draws the goodput of servers over the load that is offered, both in multiples of what each does at most.
func Overload(w io.Writer, series []Series) error {
	p := gonum.New()
	p.Title.Text = "Goodput under overload"
	p.X.Label.Text = "offered, times the peak"
	p.Y.Label.Text = "goodput, times the peak"
	p.X.Scale, p.X.Tick.Marker = gonum.LogScale{}, gonum.TickerFunc(multipleTicks)
	p.Y.Min, p.Y.Max = 0, 1.1
	p.X.Min, p.X.Max = math.Inf(1), 0
	for i, s := range series {
		line := make(plotter.XYs, 0, len(s.X))
		for k := range s.X {
			line = append(line, plotter.XY{X: s.X[k], Y: s.Y[k]})
			p.X.Min, p.X.Max = min(p.X.Min, s.X[k]), max(p.X.Max, s.X[k])
		}
		if err := add(p, s.Name, palette[i%len(palette)], line); err != nil {
			return err
		}
	}
	if p.X.Min >= p.X.Max {
		p.X.Min, p.X.Max = 0.5, 10
	}
	ideal := plotter.XYs{{X: p.X.Min, Y: min(p.X.Min, 1)}, {X: max(p.X.Min, min(1, p.X.Max)), Y: 1}, {X: p.X.Max, Y: 1}}
	if err := add(p, "offered, up to the peak", color.Gray{Y: 170}, ideal); err != nil {
		return err
	}
	p.Legend.Top = false
	p.Legend.Left = true
	return write(w, width, height, p)
}

func multipleTicks(least, most float64) (ticks []gonum.Tick) {
	for _, m := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		if m >= least && m <= most {
			ticks = append(ticks, gonum.Tick{Value: m, Label: strconv.FormatFloat(m, 'f', -1, 64)})
		}
	}
	return ticks
}
