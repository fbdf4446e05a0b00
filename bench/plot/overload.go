package plot

import (
	"io"
	"math"
	"strconv"

	gonum "gonum.org/v1/plot"
)

// A Series is a curve with its name.
type Series struct {
	Name  string
	Curve Curve
}

// Overload draws the goodput of servers over the load that is offered, both in multiples of what each does at most.
func Overload(w io.Writer, series []Series) error {
	p := New("Goodput under overload", "offered, times the peak", "goodput, times the peak")
	p.LogarithmicX()
	p.Below()
	p.plot.X.Tick.Marker = gonum.TickerFunc(multipleTicks)
	p.plot.Y.Min, p.plot.Y.Max = 0, 1.1
	least, most := math.Inf(1), 0.0
	for _, s := range series {
		for _, at := range s.Curve {
			least, most = min(least, at.X), max(most, at.X)
		}
		if err := p.Add(s.Name, s.Curve); err != nil {
			return err
		}
	}
	if least >= most {
		least, most = 0.5, 10
	}
	ideal := Curve{{X: least, Y: min(least, 1)}, {X: max(least, min(1, most)), Y: 1}, {X: most, Y: 1}}
	if err := p.add("offered, up to the peak", faint, ideal); err != nil {
		return err
	}
	return Write(w, p)
}

func multipleTicks(least, most float64) (ticks []gonum.Tick) {
	for _, m := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		if m >= least && m <= most {
			ticks = append(ticks, gonum.Tick{Value: m, Label: strconv.FormatFloat(m, 'f', -1, 64)})
		}
	}
	return ticks
}
