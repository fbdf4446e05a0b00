package agreement

import (
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/bench/marked"
)

// The marks around what Page writes.
const (
	beginMark = "<!-- duplicates: written by make agreement -->\n"
	endMark   = "<!-- end of duplicates -->"
)

// Page returns the text of a page with the tables between its marks replaced by those of the rows.
func Page(page string, rows []Row) (string, error) {
	return marked.Replace(page, beginMark, endMark, Markdown(rows))
}

// Markdown returns the tables that the page shows: the median of all seeds and, in brackets, the least and the most.
func Markdown(rows []Row) string {
	var b strings.Builder
	b.WriteString("\nPercentage of the grants that were duplicates, clients spread evenly, 95 % full, by the share of grants that a node misses:\n\n")
	table(&b, "missed", Losses, Strategies, func(loss float64, s Strategy) Range { return find(rows, Even, s, loss, 0.95).Duplicates })
	b.WriteString("\nThe same by fill, where 1 % is missed:\n\n")
	table(&b, "full", Fills, Strategies, func(fill float64, s Strategy) Range { return find(rows, Even, s, 0.01, fill).Duplicates })
	for _, loss := range []float64{0.01, 1} {
		fmt.Fprintf(&b, "\nBy where the clients go, 95 %% full, %s missed:\n\n", percent(loss))
		table(&b, "clients", Spreads, Strategies, func(to Spread, s Strategy) Range { return find(rows, to, s, loss, 0.95).Duplicates })
	}
	b.WriteString("\n80/10/10 by fill, where 1 % is missed:\n\n")
	table(&b, "full", Fills, Strategies, func(fill float64, s Strategy) Range { return find(rows, Mostly, s, 0.01, fill).Duplicates })
	b.WriteString("\nPercentage of the clients that `exclusive` refuses, as their node's stripe is full (the other strategies refuse none):\n\n")
	table(&b, "clients", Spreads, Fills, func(to Spread, fill float64) Range { return find(rows, to, Exclusive, 0.01, fill).Refused })
	b.WriteByte('\n')
	return b.String()
}

// table writes a table whose lines and columns are two dimensions of the grid.
func table[L, C any](b *strings.Builder, corner string, lines []L, columns []C, cell func(L, C) Range) {
	b.WriteString("| " + corner + " |")
	for _, c := range columns {
		b.WriteString(" " + title(c) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, l := range lines {
		b.WriteString("| " + title(l) + " |")
		for _, c := range columns {
			b.WriteString(" " + cell(l, c).String() + " |")
		}
		b.WriteByte('\n')
	}
}

// title is a line's or column's: a share as a percentage, a word as it is.
func title(x any) string {
	if share, ok := x.(float64); ok {
		return percent(share)
	}
	return fmt.Sprint(x)
}

// percent writes a share without digits that say nothing.
func percent(share float64) string { return number(share*100) + " %" }

// String writes percentages: "0.53 (0.47–0.60)", or one figure where all seeds gave it.
func (r Range) String() string {
	low, median, high := figure(r.Min), figure(r.Median), figure(r.Max)
	if low == high {
		return median
	}
	return median + " (" + low + "–" + high + ")"
}

// figure writes a share in percent to two digits or so.
func figure(share float64) string {
	switch p := share * 100; {
	case p == 0:
		return "0"
	case p < 0.095:
		return fmt.Sprintf("%.3f", p)
	case p < 9.95:
		return fmt.Sprintf("%.2f", p)
	default:
		return fmt.Sprintf("%.1f", p)
	}
}
