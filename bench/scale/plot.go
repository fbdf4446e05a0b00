package scale

import (
	"bytes"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// colours are told apart on a white ground, by the colour-blind too.
var colours = []color.Color{
	color.RGBA{9, 105, 218, 255}, color.RGBA{188, 76, 0, 255}, color.RGBA{26, 127, 55, 255}, color.RGBA{130, 80, 223, 255},
}

// A curve is one figure over the numbers of bindings.
type curve struct {
	name   string
	figure func(*Size) float64
}

// A diagram is what one file shows.
type diagram struct {
	name, title, unit string
	logarithmic       bool
	curves            []curve
}

var diagrams = []diagram{
	{"rate", "Exchanges per second, each synced", "exchanges/s", false, []curve{
		{"Renew of random bindings", func(s *Size) float64 { return s.Renew.Rate }},
		{"Request of new clients", func(s *Size) float64 { return s.Request.Rate }}}},
	{"cpu", "CPU per exchange, all threads", "µs", false, []curve{
		{"Renew of random bindings", func(s *Size) float64 { return s.Renew.CPU }},
		{"Request of new clients", func(s *Size) float64 { return s.Request.CPU }}}},
	{"memory", "Octets per binding", "octets", true, []curve{
		{"RSS when the node can serve", func(s *Size) float64 { return s.Memory.Resident }},
		{"RSS after traffic", func(s *Size) float64 { return s.Memory.Traffic }},
		{"store on disk", func(s *Size) float64 { return s.Disk }}}},
	{"start", "Start until serving", "seconds", true, []curve{
		{"files in the kernel's cache", func(s *Size) float64 { return s.Start.Total }},
		{"files on disk only", func(s *Size) float64 { return s.Cold.Total }}}},
	{"pauses", "Pauses", "milliseconds", true, []curve{
		{"longest time without a reply", func(s *Size) float64 { return max(s.Renew.Silence, s.Request.Silence) }},
		{"longest commit", func(s *Size) float64 { return s.Request.Commit }},
		{"longest pause of the collector", func(s *Size) float64 { return max(s.Renew.GCLongest, s.Request.GCLongest) }},
		{"one forced collection", func(s *Size) float64 { return s.GC }}}},
}

// Plots draws the report: SVG files by their names.
func (r *Report) Plots() (files map[string][]byte, err error) {
	files = map[string][]byte{}
	sizes := append([]Size{r.reference()}, r.Sizes...)
	for _, d := range diagrams {
		p := newPlot(d.title, "bindings", d.unit)
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		if d.logarithmic {
			p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		} else {
			p.Y.Min = 0
		}
		for i, c := range d.curves {
			var points plotter.XYs
			for k := range sizes {
				if y := c.figure(&sizes[k]); y > 0 || !d.logarithmic {
					points = append(points, plotter.XY{X: float64(sizes[k].Bindings), Y: y})
				}
			}
			if err := addCurve(p, c.name, points, i); err != nil {
				return nil, fmt.Errorf("%s: %w", d.name, err)
			}
		}
		if files["scale-"+d.name+".svg"], err = svg(p); err != nil {
			return nil, err
		}
	}
	if len(r.Dense.Allocations) > 0 {
		files["scale-dense.svg"], err = r.plotDense()
	}
	return files, err
}

// plotDense draws the allocation's cost over what is still free, to the right less.
func (r *Report) plotDense() ([]byte, error) {
	p := newPlot(fmt.Sprintf("One allocation in a pool of 2^%d prefixes", r.Dense.Bits), "fill", "ns")
	p.Y.Min = 0
	var ticks plot.ConstantTicks
	for _, fill := range Fills {
		ticks = append(ticks, plot.Tick{Value: emptiness(fill), Label: fmt.Sprintf("%g %%", fill*100)})
	}
	p.X.Tick.Marker = ticks
	for i := range 2 {
		var points plotter.XYs
		for k := i; k < len(r.Dense.Allocations); k += 2 {
			points = append(points, plotter.XY{X: emptiness(r.Dense.Allocations[k].Fill), Y: r.Dense.Allocations[k].Median})
		}
		name := map[bool]string{false: "any client", true: "a client whose primary is taken"}[i == 1]
		if err := addCurve(p, name, points, i); err != nil {
			return nil, err
		}
	}
	return svg(p)
}

// emptiness places a fill on an axis where each tenth part of what is free takes the same room.
func emptiness(fill float64) float64 { return -math.Log10(1 - fill) }

func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.BackgroundColor = color.White
	p.Legend.Top, p.Legend.Left = false, true
	p.Add(plotter.NewGrid())
	return p
}

func addCurve(p *plot.Plot, name string, points plotter.XYs, i int) error {
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, marks.Color, marks.Shape = colours[i], colours[i], draw.CircleGlyph{}
	line.Width = vg.Points(1.5)
	p.Add(line, marks)
	p.Legend.Add(name, line, marks)
	p.Y.Max *= 1.02
	return nil
}

func svg(p *plot.Plot) ([]byte, error) {
	canvas := vgsvg.New(16*vg.Centimeter, 10*vg.Centimeter)
	p.Draw(draw.New(canvas))
	var b bytes.Buffer
	_, err := canvas.WriteTo(&b)
	return b.Bytes(), err
}
