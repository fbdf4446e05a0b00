package plot

import (
	"fmt"
	"io"
	"math"
	"strconv"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Dots are figures of several things that are compared, several of each.
type Dots struct {
	Label   string // of the axis
	names   []string
	figures [][]float64
}

// Add adds the figures of one thing. Those that aren't above 0 have no place on a logarithmic axis.
func (d *Dots) Add(name string, figures []float64) {
	d.names, d.figures = append(d.names, name), append(d.figures, figures)
}

// Compare draws a dot for each figure on logarithmic axes, one diagram above the other, the things side by side.
func Compare(w io.Writer, title string, all ...Dots) error {
	var plots []*Plot
	for i, d := range all {
		p := New(title, "", d.Label)
		if i > 0 {
			p.plot.Title.Text = ""
		}
		p.Logarithmic()
		p.plot.Y.Tick.Marker = gonum.TickerFunc(decades)
		for x, figures := range d.figures {
			if err := dots(p.plot, float64(x), figures, i); err != nil {
				return fmt.Errorf("%s of %s: %w", d.Label, d.names[x], err)
			}
		}
		widen(&p.plot.Y)
		// Whole decades, so that no dot stands at an edge.
		p.plot.Y.Min, p.plot.Y.Max = math.Pow(10, math.Floor(math.Log10(p.plot.Y.Min))), math.Pow(10, math.Ceil(math.Log10(p.plot.Y.Max)))
		p.plot.X.Min, p.plot.X.Max = -0.5, float64(len(d.names))-0.5
		p.plot.NominalX(d.names...)
		plots = append(plots, p)
	}
	return Write(w, plots...)
}

// dots draws the figures of one thing, joined from the least to the most.
func dots(p *gonum.Plot, x float64, figures []float64, ink int) error {
	var at plotter.XYs
	for _, y := range figures {
		if y > 0 {
			at = append(at, plotter.XY{X: x, Y: y})
		}
	}
	if len(at) == 0 {
		return nil
	}
	line, marks, err := plotter.NewLinePoints(at)
	if err != nil {
		return err
	}
	line.Color, line.Width = palette[ink%len(palette)], vg.Points(1)
	marks.Color, marks.Shape, marks.Radius = palette[ink%len(palette)], draw.CircleGlyph{}, vg.Points(2.5)
	p.Add(line, marks)
	return nil
}

// decades are powers of ten with a k for thousands, and the steps between them without words.
func decades(least, most float64) []gonum.Tick {
	ticks := gonum.LogTicks{Prec: -1}.Ticks(least, most)
	for i := range ticks {
		if n, err := strconv.ParseFloat(ticks[i].Label, 64); err == nil {
			ticks[i].Label = number(n)
		}
	}
	return ticks
}
