package failover

import (
	"fmt"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/bench/marked"
)

// The marks around what Page writes.
const (
	beginMark = "<!-- figures: written by make failover -->\n"
	endMark   = "<!-- end of figures -->"
)

// Page returns the text of a page with the tables between its marks replaced by those of the rows.
func Page(page string, rows []Row) (string, error) {
	return marked.Replace(page, beginMark, endMark, Markdown(rows))
}

// Markdown returns the tables that the page shows.
func Markdown(rows []Row) string {
	var b strings.Builder
	b.WriteString("\nWhat clients see:\n\n")
	table(&b, rows, []string{"one lease, two clients", "kept", "extended within 10 min", "4 h (T1)", "6.5 h (T2)", "12 h (valid)",
		"waits above 1 min", "the longest", "all these"}, func(r *Row) []string {
		cells := []string{fmt.Sprint(r.Doubles), fmt.Sprintf("%d of %d", r.Kept, r.Had)}
		for _, within := range r.Within {
			cells = append(cells, percent(within, r.Had))
		}
		return append(cells, fmt.Sprint(r.Long), span(r.Longest), span(r.InAll))
	})
	b.WriteString("\nWhat it costs:\n\n")
	table(&b, rows, []string{"wait for a lease, median", "99 %", "Rebind, median", "Renews and Rebinds per lease", "messages between servers per lease granted",
		"octets", "other messages", "other octets"}, func(r *Row) []string {
		return []string{span(r.Median), span(r.Slow), span(r.Rebind), ratio(r.Asked, r.Had), ratio(r.Messages, r.Granted), ratio(r.Octets, r.Granted),
			fmt.Sprint(r.OtherMessages), fmt.Sprint(r.OtherOctets)}
	})
	b.WriteByte('\n')
	return b.String()
}

// table writes a line for each row; the scenario stands in the first of its lines only.
func table(b *strings.Builder, rows []Row, columns []string, cells func(*Row) []string) {
	b.WriteString("| what goes wrong | served by | " + strings.Join(columns, " | ") + " |\n|---|---|" + strings.Repeat("---|", len(columns)) + "\n")
	last := ""
	for i := range rows {
		r := &rows[i]
		name := r.Scenario
		if name == last {
			name = ""
		}
		last = r.Scenario
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, r.System, strings.Join(cells(r), " | "))
	}
}

// percent writes a share in whole percents.
func percent(part, of int) string {
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(max(of, 1)))
}

// ratio writes a quotient with as many digits as say something.
func ratio(of, by int) string {
	x := float64(of) / float64(max(by, 1))
	if x == 0 || x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.1f", x)
}

// span writes a duration in the largest unit of which there is one at least; 0 is a stroke.
func span(milliseconds int64) string {
	switch d := time.Duration(milliseconds) * time.Millisecond; {
	case d == 0:
		return "–"
	case d >= time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	case d >= time.Minute:
		return fmt.Sprintf("%.1f min", d.Minutes())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}
