package scale

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/bench/ceiling"
	"github.com/lockstep6/lockstep6/bench/target"
)

// Markdown is the report as a page.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Many bindings on one node\n\n%s\n\n", r.Head)
	fmt.Fprintf(&b, "%d worker(s) without sockets, a store whose every write is synced, each figure from a fresh process. "+
		"A subscriber has a DUID of 14 octets, a Remote-ID of 16 and an Interface-ID of 10. What is measured, and how, is in bench/scale and bench/ceiling.\n\n", r.Workers)
	r.writeSizes(&b)
	if len(r.Targets) > 0 {
		b.WriteString("## Targets\n\n" + target.Table(r.Targets) + "\n")
	}
	r.writeDense(&b)
	r.writeCeilings(&b)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// A row is a line of the table over the numbers of bindings.
type row struct {
	name string
	cell func(*Size) string
}

func fixed(digits int, figure func(*Size) float64) func(*Size) string {
	return func(s *Size) string { return strconv.FormatFloat(figure(s), 'f', digits, 64) }
}

func (r *Report) writeSizes(b *strings.Builder) {
	phase := func(name string, of func(*Size) *Phase) []row {
		return []row{
			{name + ", exchanges/s", fixed(0, func(s *Size) float64 { return of(s).Rate })},
			{"CPU, µs each, all threads", fixed(2, func(s *Size) float64 { return of(s).CPU })},
			{"batch to replies, p50 / p99 / longest, ms", func(s *Size) string {
				return fmt.Sprintf("%.1f / %.1f / %.0f", of(s).P50, of(s).P99, of(s).Longest)
			}},
			{"longest time without a reply, ms", fixed(0, func(s *Size) float64 { return of(s).Silence })},
			{"GC pauses, longest, ms", func(s *Size) string { return fmt.Sprintf("%d, %.2f", of(s).GC, of(s).GCLongest) }},
		}
	}
	rows := slices.Concat(
		phase("Renew of random bindings", func(s *Size) *Phase { return &s.Renew }),
		phase("Request of new clients", func(s *Size) *Phase { return &s.Request }),
		phase("the Requests that filled it", func(s *Size) *Phase { return &s.Fill }),
		[]row{
			{"longest commit since the start, ms", fixed(0, func(s *Size) float64 { return s.Request.Commit })},
			{"one forced collection, ms", fixed(1, func(s *Size) float64 { return s.GC })},
			{"RSS per binding at the start, octets", fixed(0, func(s *Size) float64 { return s.Memory.Resident })},
			{"of it records / clients' index / extensions", func(s *Size) string {
				return fmt.Sprintf("%.0f / %.0f / %.0f", s.Memory.Records, s.Memory.Entries, s.Memory.Extended)
			}},
			{"RSS per binding after all that, octets", fixed(0, func(s *Size) float64 { return s.Memory.Traffic })},
			{"store on disk per binding, octets", fixed(0, func(s *Size) float64 { return s.Disk })},
			{"start until serving, s", fixed(2, func(s *Size) float64 { return s.Start.Total })},
			{"of it store / maps / bindings", func(s *Size) string {
				return fmt.Sprintf("%.2f / %.2f / %.2f", s.Start.Open, s.Start.Site, s.Start.Load)
			}},
			{"start with nothing of the files in memory, s", fixed(2, func(s *Size) float64 { return s.Cold.Total })},
		})
	sizes := append([]Size{r.reference()}, r.Sizes...)
	head := []string{"bindings"}
	for i := range sizes {
		head = append(head, strconv.Itoa(sizes[i].Bindings))
	}
	writeHead(b, head...)
	for _, row := range rows {
		cells := []string{row.name}
		for i := range sizes {
			cells = append(cells, row.cell(&sizes[i]))
		}
		writeLine(b, cells...)
	}
	fmt.Fprintf(b, "\nThe column of %d bindings is the median of %d by its Renews.\n\n", Reference, len(r.References))
}

// reference is the one of the median rate.
func (r *Report) reference() Size {
	all := slices.Clone(r.References)
	slices.SortFunc(all, func(a, b Size) int { return int(a.Renew.Rate - b.Renew.Rate) })
	return all[len(all)/2]
}

func (r *Report) writeDense(b *strings.Builder) {
	if len(r.Dense.Allocations) == 0 {
		return
	}
	fmt.Fprintf(b, "## One allocation in a pool of 2^%d prefixes\n\nA new client's Request, from the engine, without store; minimum / median / maximum of %d rounds, ns.\n\n", r.Dense.Bits, rounds)
	writeHead(b, "fill", "client", "ns", "times that of 50 %")
	for i, a := range r.Dense.Allocations {
		writeLine(b, fmt.Sprintf("%g %%", a.Fill*100), a.Client, fmt.Sprintf("%.0f / %.0f / %.0f", a.Min, a.Median, a.Max),
			fmt.Sprintf("%.2f", a.Median/r.Dense.Allocations[i%2].Median))
	}
	b.WriteByte('\n')
}

func (r *Report) writeCeilings(b *strings.Builder) {
	c := &r.Ceilings
	if len(c.Echoes) == 0 {
		return
	}
	fmt.Fprintf(b, "## Ceilings\n\nA bare echo by the node's sockets: %d and %d octets in, %d and %d out, one relay, the server alone on processor %d.\n\n",
		c.Messages.Solicit, c.Messages.Request, c.Messages.Advertise, c.Messages.Reply, ceiling.ServerCore)
	writeHead(b, "UDP_SEGMENT", "packets/s", "µs of the processor", "µs of the process", "lost")
	for _, e := range c.Echoes {
		writeLine(b, map[bool]string{true: "yes", false: "no"}[e.Segment], fmt.Sprintf("%.0f", e.Rate), fmt.Sprintf("%.2f", e.CoreCPU), fmt.Sprintf("%.2f", e.ProcessCPU), strconv.FormatUint(e.Lost, 10))
	}
	b.WriteString("\nPebble alone, random keys, 64 writes under way, every write synced.\n\n")
	writeHead(b, "changes a write", "changes/s", "changes a sync", "longest commit, ms")
	for _, p := range c.Pebble {
		writeLine(b, strconv.Itoa(p.Batch), fmt.Sprintf("%.0f", p.Rate), fmt.Sprintf("%.0f", float64(p.Changes)/float64(p.Commits)), fmt.Sprintf("%.0f", p.Longest))
	}
	fmt.Fprintf(b, "\nThe table alone, one goroutine, batches of 32; minimum / median / maximum of %d rounds, ns.\n\n", rounds)
	var sizes []string
	cells := map[string][]string{}
	for _, t := range c.Table {
		if size := strconv.Itoa(t.Bindings); !slices.Contains(sizes, size) {
			sizes = append(sizes, size)
		}
		cells[t.Operation] = append(cells[t.Operation], fmt.Sprintf("%.0f / %.0f / %.0f", t.Min, t.Median, t.Max))
	}
	writeHead(b, append([]string{"bindings"}, sizes...)...)
	for _, operation := range ceiling.TableOperations {
		writeLine(b, append([]string{operation}, cells[operation]...)...)
	}
}

func writeHead(b *strings.Builder, cells ...string) {
	writeLine(b, cells...)
	b.WriteString(strings.Repeat("|---", len(cells)) + "|\n")
}

func writeLine(b *strings.Builder, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}
