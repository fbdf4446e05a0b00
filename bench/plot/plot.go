// Package plot draws what bench/measure has measured, as SVG.
package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/lockstep6/lockstep6/bench/measure"
)

// Sizes of the pictures.
const (
	width       = 18 * vg.Centimeter
	height      = 9 * vg.Centimeter
	panelHeight = 7 * vg.Centimeter
)

// palette is told apart by people who see colours otherwise too (Okabe and Ito).
var palette = []color.Color{
	color.RGBA{R: 0, G: 114, B: 178, A: 255}, color.RGBA{R: 213, G: 94, B: 0, A: 255}, color.RGBA{R: 0, G: 158, B: 115, A: 255},
	color.RGBA{R: 204, G: 121, B: 167, A: 255}, color.RGBA{R: 230, G: 159, B: 0, A: 255}, color.RGBA{R: 86, G: 180, B: 233, A: 255},
	color.RGBA{A: 255},
}

// Latency draws how long exchanges took over the share that took no longer, from the median's decade on each decade of
// what is left as wide as the one before. Where the mix has several exchanges each has its curve.
func Latency(w io.Writer, r *measure.Result) error {
	s := r.Best()
	if s == nil || len(s.Latency.Curve) == 0 {
		return fmt.Errorf("there is nothing to plot: no exchange was done")
	}
	p := gonum.New()
	p.Title.Text = fmt.Sprintf("Latency at %s exchanges per second (%s)", number(s.Rate), r.Load.Mix)
	p.X.Label.Text = "per cent of exchanges that took no longer"
	p.Y.Label.Text = "milliseconds"
	logarithmic(p)
	curves := map[string][]measure.Point{}
	for name, t := range s.Tasks {
		curves[name] = t.Latency.Curve
	}
	if len(curves) > 1 {
		curves["all"] = s.Latency.Curve
	}
	most := 0.0
	for i, name := range slices.Sorted(maps.Keys(curves)) {
		line := make(plotter.XYs, 0, len(curves[name]))
		for _, at := range curves[name] {
			if at.Percentile == 100 {
				continue // the slowest one; it is infinitely far to the right
			}
			x := nines(at.Percentile)
			most = max(most, x)
			line = append(line, plotter.XY{X: x, Y: float64(max(at.Microseconds, 1)) / 1000})
		}
		if err := add(p, name, palette[i%len(palette)], line); err != nil {
			return err
		}
	}
	p.X.Min, p.X.Max = 0, max(most, 1)
	p.X.Tick.Marker = gonum.TickerFunc(percentileTicks)
	p.Legend.Top, p.Legend.Left = true, true
	return write(w, width, height, p)
}

// Ramp draws, one above the other over the offered rate, what was done of it and the 99th percentile of the latency.
func Ramp(w io.Writer, r *measure.Result) error {
	if r.Ramp == nil || len(r.Steps) < 2 {
		return fmt.Errorf("there is nothing to plot: a ramp has two steps or more")
	}
	steps := slices.Clone(r.Steps)
	slices.SortStableFunc(steps, func(a, b measure.Step) int { return cmp.Compare(a.Rate, b.Rate) })
	var ideal, done, median, slow plotter.XYs
	for i := range steps {
		s := &steps[i]
		ideal = append(ideal, plotter.XY{X: s.Rate, Y: s.Rate})
		done = append(done, plotter.XY{X: s.Rate, Y: s.Goodput})
		if s.Done > 0 {
			median = append(median, plotter.XY{X: s.Rate, Y: float64(max(s.Latency.P50, 1)) / 1000})
			slow = append(slow, plotter.XY{X: s.Rate, Y: float64(max(s.Latency.P99, 1)) / 1000})
		}
	}
	rates, times := gonum.New(), gonum.New()
	rates.Title.Text = fmt.Sprintf("Ramp (%s)", r.Load.Mix)
	rates.Y.Label.Text = "done per second"
	times.Y.Label.Text = "milliseconds"
	times.X.Label.Text = "exchanges offered per second"
	logarithmic(times)
	for _, c := range []struct {
		plot *gonum.Plot
		name string
		ink  color.Color
		line plotter.XYs
	}{{rates, "all that is offered", color.Gray{Y: 170}, ideal}, {rates, "done", palette[0], done}, {times, "p50", palette[2], median}, {times, "p99", palette[1], slow}} {
		if err := add(c.plot, c.name, c.ink, c.line); err != nil {
			return err
		}
	}
	for _, p := range []*gonum.Plot{rates, times} {
		p.X.Min, p.X.Max = 0, steps[len(steps)-1].Rate
		p.X.Tick.Marker = gonum.TickerFunc(rateTicks)
		p.Legend.Top, p.Legend.Left = true, true
	}
	rates.Y.Min, rates.Y.Tick.Marker = 0, gonum.TickerFunc(rateTicks)
	return write(w, width, 2*panelHeight, rates, times)
}

// add draws a curve with its points, and names it.
func add(p *gonum.Plot, name string, ink color.Color, line plotter.XYs) error {
	if len(line) == 0 {
		return nil
	}
	l, marks, err := plotter.NewLinePoints(line)
	if err != nil {
		return fmt.Errorf("curve %s: %w", name, err)
	}
	l.Color, l.Width = ink, vg.Points(1.5)
	marks.Color, marks.Shape, marks.Radius = ink, draw.CircleGlyph{}, vg.Points(1.8)
	p.Add(l, marks)
	p.Legend.Add(name, l)
	return nil
}

// write draws the plots below each other, their axes in line.
func write(w io.Writer, wide, high vg.Length, plots ...*gonum.Plot) error {
	canvas := vgsvg.New(wide, high)
	var rows [][]*gonum.Plot
	for _, p := range plots {
		if _, log := p.Y.Scale.(powers); log {
			widen(&p.Y)
		}
		p.Add(plotter.NewGrid())
		rows = append(rows, []*gonum.Plot{p})
	}
	tiles := draw.Tiles{Rows: len(rows), Cols: 1, PadY: vg.Millimeter * 4, PadRight: vg.Millimeter * 4, PadTop: vg.Millimeter * 2}
	for i, row := range gonum.Align(rows, tiles, draw.New(canvas)) {
		plots[i].Draw(row[0])
	}
	_, err := canvas.WriteTo(w)
	return err
}

// logarithmic makes a plot's vertical axis one of powers of ten.
func logarithmic(p *gonum.Plot) {
	p.Y.Scale, p.Y.Tick.Marker = powers{}, gonum.LogTicks{Prec: -1}
}

// powers is a logarithmic scale.
type powers struct{ gonum.LogScale }

// widen gives a logarithmic axis a range where its curves have none, or there is no curve: it has no place for 0.
func widen(a *gonum.Axis) {
	switch {
	case a.Min > a.Max:
		a.Min, a.Max = 1, 10
	case a.Min == a.Max:
		a.Min, a.Max = a.Min/2, a.Max*2
	}
}

// nines is where a percentile stands: 90 at 1, 99 at 2, 99.9 at 3.
func nines(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

func percentileTicks(_, most float64) (ticks []gonum.Tick) {
	for _, p := range []float64{0, 50, 90, 99, 99.9, 99.99, 99.999} {
		if x := nines(p); x <= most {
			ticks = append(ticks, gonum.Tick{Value: x, Label: strconv.FormatFloat(p, 'f', -1, 64)})
		}
	}
	return ticks
}

// rateTicks are round numbers with a k for thousands.
func rateTicks(least, most float64) []gonum.Tick {
	ticks := gonum.DefaultTicks{}.Ticks(least, most)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = number(ticks[i].Value)
		}
	}
	return ticks
}

func number(n float64) string {
	if n >= 1000 {
		return strconv.FormatFloat(math.Round(n/10)/100, 'f', -1, 64) + "k"
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
