package measure

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteText writes a summary for people.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	if r.Ramp != nil {
		r.rampText(&b)
	}
	if s := r.Best(); s != nil {
		r.stepText(&b, s)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// rampText is a table of all steps, and what came out.
func (r *Result) rampText(b *strings.Builder) {
	b.WriteString("\n")
	t := tabwriter.NewWriter(b, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "offered/s\tdone/s\tloss\tlate\tp50\tp99\t")
	metered := len(r.Steps) > 0 && r.Steps[0].Server != nil
	if metered {
		fmt.Fprint(t, "CPU\t")
	}
	fmt.Fprintln(t, " ")
	steps := slices.Clone(r.Steps)
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.Rate, b.Rate) })
	for i := range steps {
		s := &steps[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t", thousands(s.Rate), thousands(s.Goodput), percent(s.Loss), percent(s.late()),
			milliseconds(s.Latency.P50), milliseconds(s.Latency.P99))
		if metered && s.Server != nil {
			fmt.Fprintf(t, "%.1f µs\t", s.Server.CPUPerExchange)
		}
		fmt.Fprintln(t, map[bool]string{true: " held", false: " -"}[s.Held])
	}
	_ = t.Flush() // a Builder takes everything
	best := r.Best()
	if best == nil {
		fmt.Fprintf(b, "\nNo rate was held with less than %s lost%s.\n", percent(r.Ramp.MaxLoss), r.Ramp.Limit.because())
		return
	}
	fmt.Fprintf(b, "\nThe highest rate with less than %s lost: %s exchanges per second%s.\n",
		percent(r.Ramp.MaxLoss), thousands(best.Rate), r.Ramp.Limit.because())
}

// because says what a Limit means, and what to do.
func (l Limit) because() string {
	return map[Limit]string{
		ByServer:    "; the server set the limit",
		ByClients:   "; beyond that all clients were waiting for answers: the server is too slow, or there are too few of them (--clients)",
		ByGenerator: "; the generator set the limit, not the server: give it more cores, or run several with other clients (--first-client)",
		ByTime:      "; the time for the ramp was over before the limit was found: give more by --limit",
		ByRate:      "; the generator knows no higher rate",
	}[l]
}

func (r *Result) stepText(b *strings.Builder, s *Step) {
	b.WriteString("\n")
	t := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("offered", "%s in %.1f s, %s/s", thousands(float64(s.Offered)), s.Seconds, thousands(s.Rate))
	row("done", "%s, %s/s", thousands(float64(s.Done)), thousands(s.Goodput))
	row("lost", "%s, not done within %v s", thousands(float64(s.Lost)), r.Load.Patience)
	row("refused", "%s", thousands(float64(s.Refused)))
	row("late", "%s", s.lateText())
	if rest := s.Begun - s.Done - s.Lost - s.Refused; rest > 0 {
		row("given up", "%s, under way when it was interrupted", thousands(float64(rest)))
	}
	row("loss", "%s", percent(s.Loss))
	row("latency", "%s", s.Latency.text())
	if len(s.Tasks) > 1 {
		for _, name := range slices.Sorted(maps.Keys(s.Tasks)) {
			k := s.Tasks[name]
			row("  "+name, "%s of %s done, %s", thousands(float64(k.Done)), thousands(float64(k.Begun)), k.Latency.text())
		}
	}
	if s.FellBack > 0 {
		row("rapid commit", "%s were answered by an Advertise: the server doesn't do it", thousands(float64(s.FellBack)))
	}
	if v := s.Server; v != nil {
		row("server", "%.2f µs of CPU per exchange (%.2f cores), %s in use, %d threads", v.CPUPerExchange, v.CPU/s.Seconds, mebibytes(v.RSS), v.Threads)
		row("kernel drops", "%s at its sockets, %s in its namespace for want of buffer space", thousands(float64(v.SocketDrops)), thousands(float64(v.BufferDrops)))
	}
	row("generator", "%.2f cores", s.Generator/s.Seconds)
	_ = t.Flush() // a Builder takes everything
}

// late is the share of exchanges that didn't begin on time.
func (s *Step) late() float64 { return share(s.Busy+s.Slow, s.Offered) }

func (s *Step) lateText() string {
	text := fmt.Sprintf("%s began 10 ms or more behind their time, or never (%s)", thousands(float64(s.Busy+s.Slow)), thousands(float64(s.Skipped)))
	if s.Busy > 0 {
		text += fmt.Sprintf("; %s as all clients were waiting for answers", thousands(float64(s.Busy)))
	}
	if s.Slow > 0 {
		text += fmt.Sprintf("; %s as the generator was too slow", thousands(float64(s.Slow)))
	}
	return text
}

func (l *Latency) text() string {
	if l.counts == 0 && l.Max == 0 {
		return "none"
	}
	return fmt.Sprintf("p50 %s  p90 %s  p99 %s  p99.9 %s  max %s", milliseconds(l.P50), milliseconds(l.P90), milliseconds(l.P99),
		milliseconds(l.P999), milliseconds(l.Max))
}

func milliseconds(microseconds int64) string {
	return fmt.Sprintf("%.2f ms", float64(microseconds)/1000)
}

func mebibytes(octets int64) string { return fmt.Sprintf("%.1f MiB", float64(octets)/(1<<20)) }

func percent(share float64) string {
	return strconv.FormatFloat(float64(int64(share*10000+0.5))/100, 'f', -1, 64) + " %"
}

// thousands writes a number with commas, and one digit of a fraction where it is small.
func thousands(n float64) string {
	if n < 100 && n != float64(int64(n)) {
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	s := strconv.FormatFloat(n, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
