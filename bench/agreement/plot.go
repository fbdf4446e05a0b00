package agreement

import (
	"fmt"
	"math"
	"strings"
)

// Measures of the plot in pixels. Panels stand side by side and share the vertical axis.
const (
	plotWidth, plotHeight   = 960, 440
	panelTop, panelBottom   = 64, 330
	panelFirst, panelPitch  = 70, 304
	panelWidth              = 254
	zeroLine                = panelBottom + 18 // where no duplicate at all is: a logarithm has no place for it
	lowest, highest         = 1e-4, 1.0        // shares at the lower and the upper end
	legendTop, legendColumn = 404, 147
)

// style gives each strategy a colour that is told apart on both grounds. The plot brings its ground with it, for a
// page may be dark where the reader's system is light.
const style = `<style>
.ground{fill:#fff}.grid{stroke:#d0d7de;stroke-width:1}.axis{stroke:#57606a;stroke-width:1}
text{fill:#24292f;font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
.title{font-weight:600}.small{fill:#57606a;font-size:12px}
path,.spread{fill:none;stroke-width:2;stroke-linejoin:round}.spread{stroke-width:1.2}
.agree{stroke:#0969da;fill:#0969da}.exclusive{stroke:#1a7f37;fill:#1a7f37}.probing{stroke:#bc4c00;fill:#bc4c00}
.random{stroke:#8250df;fill:#8250df}.linear{stroke:#9a6700;fill:#9a6700}.first-free{stroke:#cf222e;fill:#cf222e}
@media (prefers-color-scheme:dark){.ground{fill:#0d1117}.grid{stroke:#30363d}.axis{stroke:#8b949e}text{fill:#e6edf3}.small{fill:#9198a1}
.agree{stroke:#58a6ff;fill:#58a6ff}.exclusive{stroke:#3fb950;fill:#3fb950}.probing{stroke:#f0883e;fill:#f0883e}
.random{stroke:#bc8cff;fill:#bc8cff}.linear{stroke:#d4a72c;fill:#d4a72c}.first-free{stroke:#ff7b72;fill:#ff7b72}}
path.agree,path.exclusive,path.probing,path.random,path.linear,path.first-free{fill:none}
path.random{stroke-dasharray:5 4}path.spread{stroke-dasharray:none}
</style>
`

// A panel is one diagram: a curve for each strategy over some values of one dimension.
type panel struct {
	title, below string
	over         []float64
	place        func(x float64) float64 // of a value, from 0, left, to 1
	cell         func(s Strategy, x float64) Range
}

// Plot draws the rows as SVG: by loss, by fill, and by fill with one busy node.
func Plot(rows []Row) string {
	byFill := func(spread Spread) func(Strategy, float64) Range {
		return func(s Strategy, fill float64) Range { return find(rows, spread, s, 0.01, fill).Duplicates }
	}
	// What is still free, on a logarithmic scale from half the slots to one of a hundred.
	fillPlace := func(x float64) float64 { return math.Log(2*(1-x)) / math.Log(2*0.01) }
	panels := []panel{
		{"clients spread evenly, 95 % full", "share of grants that a node misses", Losses[1:],
			func(x float64) float64 { return 1 + math.Log10(x)/3 },
			func(s Strategy, loss float64) Range { return find(rows, Even, s, loss, 0.95).Duplicates }},
		{"clients spread evenly, 1 % missed", "fill of the pool", Fills, fillPlace, byFill(Even)},
		{"clients 80/10/10, 1 % missed", "fill of the pool", Fills, fillPlace, byFill(Mostly)},
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="Duplicates by strategy">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, "%s<rect class=\"ground\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", style, plotWidth, plotHeight)
	label(&b, 16, 26, "title", "start", "Share of grants that gave a client a lease which another one held")
	for i, p := range panels {
		p.draw(&b, float64(panelFirst+i*panelPitch), i == 0)
	}
	for i, s := range Strategies {
		x := float64(panelFirst + i*legendColumn)
		fmt.Fprintf(&b, `<path class="%s" d="M%.0f %dh26"/><circle class="%s" cx="%.0f" cy="%d" r="3"/>`, s, x, legendTop, s, x+13, legendTop)
		label(&b, x+34, legendTop+5, "", "start", string(s))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func label(b *strings.Builder, x, y float64, class, anchor, text string) {
	fmt.Fprintf(b, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, text)
}

// draw draws the panel with its left edge at x; only the first one has words at the vertical axis.
func (p panel) draw(b *strings.Builder, left float64, first bool) {
	label(b, left, panelTop-12, "small", "start", p.title)
	rule := func(y float64, class, text string) {
		fmt.Fprintf(b, `<path class="%s" d="M%.1f %.1fh%d"/>`, class, left, y, panelWidth)
		if first {
			label(b, left-8, y+4, "small", "end", text)
		}
	}
	for share := highest; share > lowest*0.9; share /= 10 {
		rule(height(share), "grid", percent(share))
	}
	rule(zeroLine, "axis", "none")
	for _, x := range p.over {
		at := left + p.place(x)*panelWidth
		fmt.Fprintf(b, `<path class="axis" d="M%.1f %dv5"/>`, at, zeroLine)
		label(b, at, zeroLine+19, "small", "middle", strings.ReplaceAll(percent(x), "100 %", "all"))
	}
	label(b, left+panelWidth/2, zeroLine+36, "small", "middle", p.below)
	for _, s := range Strategies {
		p.curve(b, left, s)
	}
}

// curve draws a strategy's medians, joined, and at each a stroke from the least to the most.
func (p panel) curve(b *strings.Builder, left float64, s Strategy) {
	var line, marks strings.Builder
	for i, x := range p.over {
		r := p.cell(s, x)
		at := left + p.place(x)*panelWidth
		fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(i, 1)], at, height(r.Median))
		fmt.Fprintf(&marks, `<path class="spread %s" d="M%.1f %.1fV%.1f"/>`, s, at, height(r.Min), height(r.Max))
		fmt.Fprintf(&marks, `<circle class="%s" cx="%.1f" cy="%.1f" r="2.6"/>`, s, at, height(r.Median))
	}
	fmt.Fprintf(b, "<path class=\"%s\" d=\"%s\"/>%s\n", s, line.String(), marks.String())
}

// height is where a share stands: on a logarithmic axis, or on the line of none.
func height(share float64) float64 {
	if share == 0 {
		return zeroLine
	}
	return panelBottom + (panelTop-panelBottom)*math.Log10(max(share, lowest)/lowest)/math.Log10(highest/lowest)
}
