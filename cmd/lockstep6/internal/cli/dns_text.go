package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lockstep6/lockstep6/io/admin"
)

// dnsText is what `dns` says: the queue, a line for each zone, what went wrong there last, and the last audit.
func dnsText(s *admin.DNSState) string {
	var b strings.Builder
	if !s.Updates {
		b.WriteString("updates are off: nothing is added to DNS, and of leases that end the records are removed\n")
	}
	q := &s.Queue
	switch q.Waiting {
	case 0:
		fmt.Fprintf(&b, "queue: empty, with room for %s\n", count(int(q.Most), "task"))
	default:
		fmt.Fprintf(&b, "queue: %s of %d at most, the first for %s\n", waiting(q.Waiting), q.Most, seconds(q.OldestSeconds))
	}
	fmt.Fprintf(&b, "since the start: %s done, %s\n", count(int(q.Done), "task"), droppedText(q.Dropped))
	b.WriteByte('\n')
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ZONE\tSERVER\tSTATE\tUPDATES")
	for i := range s.Zones {
		z := &s.Zones[i]
		state := "DOWN"
		if z.Up {
			state = "up"
		}
		fmt.Fprintf(t, "%s\t%s\t%s since %s\t%s\n", z.Name, cmp.Or(z.Server, "(none of "+strings.Join(z.Servers, ", ")+")"), state,
			z.Since.UTC().Format(time.RFC3339), orDash(countsText(z.Updates)))
	}
	_ = t.Flush() // a Builder takes all
	for i := range s.Zones {
		if z := &s.Zones[i]; z.LastError != "" {
			fmt.Fprintf(&b, "\nthe last failure of %s: %s\n", z.Name, z.LastError)
		}
	}
	if s.Audit == nil {
		b.WriteString("\nno audit yet; `lockstep6 dns audit` makes one\n")
		return b.String()
	}
	fmt.Fprintf(&b, "\nlast audit at %s\n", s.Audit.At.UTC().Format(time.RFC3339))
	b.WriteString(auditSum(s.Audit))
	return b.String()
}

func waiting(n uint64) string {
	if n == 1 {
		return "1 task waits,"
	}
	return fmt.Sprintf("%d tasks wait,", n)
}

func droppedText(dropped map[string]uint64) string {
	if text := countsText(dropped); text != "" {
		return "dropped: " + text
	}
	return "none dropped"
}

// countsText is what has come to pass, by name.
func countsText(counts map[string]uint64) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[name]; n > 0 {
			texts = append(texts, fmt.Sprintf("%s %d", name, n))
		}
	}
	return strings.Join(texts, ", ")
}

func seconds(s float64) string {
	return (time.Duration(s * float64(time.Second))).Round(time.Second).String()
}

// maxAuditLines is the most differences that the text of an audit lists: more than that nobody reads on a screen.
const maxAuditLines = 50

// auditText is what `dns audit` says: how zones were read, the first differences, and the sum.
func auditText(a *admin.DNSAudit) string {
	var b strings.Builder
	for i := range a.Zones {
		z := &a.Zones[i]
		how := map[string]string{admin.DNSReadTransfer: "by transfer", admin.DNSReadPerName: "name by name"}[z.Read]
		if how != "" {
			fmt.Fprintf(&b, "zone %s: %s read %s\n", z.Name, count(int(z.Records), "record"), how)
		}
		if z.Error != "" {
			fmt.Fprintf(&b, "zone %s: NOT READ: %s\n", z.Name, z.Error)
		}
	}
	if len(a.List) > 0 {
		b.WriteByte('\n')
		t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "DIFFERENCE\tNAME\tTYPE\tIS\tSHOULD BE\tLEASE\tREPAIR")
		list := a.List[:min(len(a.List), maxAuditLines)]
		for i := range list {
			d := &list[i]
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Kind, d.Name, d.Type, orDash(d.Data), orDash(d.Expected), orDash(d.Lease), orDash(d.Repair))
		}
		_ = t.Flush() // a Builder takes all
		if rest := a.Total() - min(a.Total(), uint64(len(list))); rest > 0 {
			fmt.Fprintf(&b, "and %d more%s\n", rest, where(len(list) < len(a.List)))
		}
		b.WriteByte('\n')
	}
	b.WriteString(auditSum(a))
	return b.String()
}

// where says where to find what a text left out.
func where(inJSON bool) string {
	if inJSON {
		return "; --format json has the first thousand"
	}
	return ""
}

// auditSum is an audit in a line.
func auditSum(a *admin.DNSAudit) string {
	text := fmt.Sprintf("%s with names checked in %s: ", count(int(a.Checked), "lease"), (time.Duration(a.Seconds * float64(time.Second))).Round(time.Millisecond))
	if a.Total() == 0 {
		return text + "no difference\n"
	}
	text += fmt.Sprintf("%s (%s), ", count(int(a.Total()), "difference"), countsText(a.Differences))
	if a.Repair {
		return text + fmt.Sprintf("%d of %d mended\n", a.Repaired, a.Mendable)
	}
	return text + fmt.Sprintf("%d to mend\n", a.Mendable)
}
