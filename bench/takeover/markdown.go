package takeover

import (
	"fmt"
	"strings"
)

// A Row is what became of the clients of one contender.
type Row struct {
	Contender Contender
	Tally     *Tally
}

// Markdown is an Event's table, and below it every Verdict in words where a client lost something.
func Markdown(e *Event, rows []Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", e.Title)
	columns := []string{"servers", "pools", "address and prefix kept", "address kept", "prefix kept", "lifetimes 0", "another lease given", "left out", "no answer"}
	if !e.Reboot {
		columns = append(columns, "Rebinds sent")
	}
	line(&b, columns)
	b.WriteString(strings.Repeat("|---", len(columns)) + "|\n")
	for _, r := range rows {
		t := r.Tally
		cells := []string{r.Contender.Server, r.Contender.Pools, fmt.Sprintf("**%d of %d**", t.Both, t.Clients)}
		for _, n := range []int{t.Kept[anAddress], t.Kept[aPrefix], t.Withdrawn, t.Other, t.LeftOut, t.Silent} {
			cells = append(cells, fmt.Sprint(n))
		}
		if !e.Reboot {
			cells = append(cells, span(t.Sent))
		}
		line(&b, cells)
	}
	b.WriteByte('\n')
	for _, r := range rows {
		if r.Tally.Both == r.Tally.Clients {
			continue
		}
		fmt.Fprintf(&b, "%s, %s:\n\n", r.Contender.Server, r.Contender.Pools)
		for _, w := range r.Tally.Words {
			fmt.Fprintf(&b, "- %d: %s\n", w.Clients, w.Verdict)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func line(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// span is a range, or one figure where it has one only; a dash where nobody was answered.
func span(s [2]int) string {
	switch {
	case s[1] == 0:
		return "–"
	case s[0] == s[1]:
		return fmt.Sprint(s[0])
	default:
		return fmt.Sprintf("%d to %d", s[0], s[1])
	}
}
