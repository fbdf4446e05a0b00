// Package plot draws the benchmarks' figures as SVG: curves over a linear or logarithmic ground, and for bench/measure its latencies
// and ramps.
package plot

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Sizes of the pictures: of one alone, and of each where several stand below each other.
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

// faint is for what is drawn to compare with only.
var faint color.Color = color.Gray{Y: 170}

// A Curve is points from left to right.
type (
	Curve = plotter.XYs
	Point = plotter.XY
)

// A Plot is one diagram. Its curves are told apart by colour, in the order in which they are added.
type Plot struct {
	plot  *gonum.Plot
	inked int
}

// New makes an empty diagram with words at its axes.
func New(title, x, y string) *Plot {
	p := &Plot{plot: gonum.New()}
	p.plot.Title.Text, p.plot.X.Label.Text, p.plot.Y.Label.Text = title, x, y
	p.plot.BackgroundColor = color.White
	p.plot.Legend.Top, p.plot.Legend.Left = true, true
	p.plot.Add(plotter.NewGrid())
	return p
}

// Logarithmic makes the vertical axis one of powers of ten.
func (p *Plot) Logarithmic() { logarithmic(&p.plot.Y) }

// LogarithmicX does that to the horizontal axis.
func (p *Plot) LogarithmicX() { logarithmic(&p.plot.X) }

func logarithmic(a *gonum.Axis) { a.Scale, a.Tick.Marker = powers{}, gonum.LogTicks{Prec: -1} }

// FromZero begins the vertical axis there, with a k for thousands.
func (p *Plot) FromZero() { p.plot.Y.Min, p.plot.Y.Tick.Marker = 0, gonum.TickerFunc(roundTicks) }

// Below moves the names of the curves from the top on the left to the bottom there.
func (p *Plot) Below() { p.plot.Legend.Top = false }

// MarkX writes labels at places of the horizontal axis, and nothing else.
func (p *Plot) MarkX(places []float64, labels []string) {
	var ticks gonum.ConstantTicks
	for i, x := range places {
		ticks = append(ticks, gonum.Tick{Value: x, Label: labels[i]})
	}
	p.plot.X.Tick.Marker = ticks
}

// Add draws a curve with its points, and names it. One without points isn't drawn, but has its colour.
func (p *Plot) Add(name string, c Curve) error {
	ink := palette[p.inked%len(palette)]
	p.inked++
	return p.add(name, ink, c)
}

func (p *Plot) add(name string, ink color.Color, c Curve) error {
	if len(c) == 0 {
		return nil
	}
	l, marks, err := plotter.NewLinePoints(c)
	if err != nil {
		return fmt.Errorf("curve %s: %w", name, err)
	}
	l.Color, l.Width = ink, vg.Points(1.5)
	marks.Color, marks.Shape, marks.Radius = ink, draw.CircleGlyph{}, vg.Points(1.8)
	p.plot.Add(l, marks)
	p.plot.Legend.Add(name, l)
	return nil
}

// Write draws the plots below each other, their axes in line.
func Write(w io.Writer, plots ...*Plot) error {
	high := height
	if len(plots) > 1 {
		high = panelHeight * vg.Length(len(plots))
	}
	canvas := vgsvg.New(width, high)
	var rows [][]*gonum.Plot
	for _, p := range plots {
		for _, a := range []*gonum.Axis{&p.plot.X, &p.plot.Y} {
			if _, log := a.Scale.(powers); log {
				widen(a)
			}
		}
		rows = append(rows, []*gonum.Plot{p.plot})
	}
	tiles := draw.Tiles{Rows: len(rows), Cols: 1, PadY: vg.Millimeter * 4, PadRight: vg.Millimeter * 4, PadTop: vg.Millimeter * 2}
	for i, row := range gonum.Align(rows, tiles, draw.New(canvas)) {
		plots[i].plot.Draw(row[0])
	}
	_, err := canvas.WriteTo(w)
	return err
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

// roundTicks are round numbers with a k for thousands.
func roundTicks(least, most float64) []gonum.Tick {
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
