package scale

import (
	"bytes"
	"fmt"
	"math"

	"github.com/lockstep6/lockstep6/bench/plot"
)

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
		p := plot.New(d.title, "bindings", d.unit)
		p.Below()
		p.LogarithmicX()
		if d.logarithmic {
			p.Logarithmic()
		} else {
			p.FromZero()
		}
		for _, c := range d.curves {
			var points plot.Curve
			for k := range sizes {
				if y := c.figure(&sizes[k]); y > 0 || !d.logarithmic {
					points = append(points, plot.Point{X: float64(sizes[k].Bindings), Y: y})
				}
			}
			if err := p.Add(c.name, points); err != nil {
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
	p := plot.New(fmt.Sprintf("One allocation in a pool of 2^%d prefixes", r.Dense.Bits), "fill", "ns")
	p.Below()
	p.FromZero()
	var places []float64
	var labels []string
	for _, fill := range Fills {
		places, labels = append(places, emptiness(fill)), append(labels, fmt.Sprintf("%g %%", fill*100))
	}
	p.MarkX(places, labels)
	for i, name := range []string{"any client", "a client whose primary is taken"} {
		var points plot.Curve
		for k := i; k < len(r.Dense.Allocations); k += 2 {
			points = append(points, plot.Point{X: emptiness(r.Dense.Allocations[k].Fill), Y: r.Dense.Allocations[k].Median})
		}
		if err := p.Add(name, points); err != nil {
			return nil, err
		}
	}
	return svg(p)
}

// emptiness places a fill on an axis where each tenth part of what is free takes the same room.
func emptiness(fill float64) float64 { return -math.Log10(1 - fill) }

func svg(p *plot.Plot) ([]byte, error) {
	var b bytes.Buffer
	err := plot.Write(&b, p)
	return b.Bytes(), err
}
