package demo

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Screen intervals.
const (
	liveEvery  = 250 * time.Millisecond
	plainEvery = time.Second
	askEvery   = 500 * time.Millisecond // how often the nodes are asked for their numbers
)

// A view is what the table shows.
type view struct {
	rate             float64 // exchanges per second
	nodes            []nodeView
	agreed, compared int
	duplicates, lost int
	kept, turned     int // clients of the killed node that kept address and prefix, of those that asked again
}

type nodeView struct {
	name, state string
	bindings    int64
}

// A screen shows what is said, and a table: below it and renewed in place on a terminal, else a line now and then.
type screen struct {
	out     io.Writer
	live    bool
	observe func() view
	began   time.Time

	mu    sync.Mutex
	drawn int // lines of the table that are on the terminal
}

func newScreen(out io.Writer, live bool, observe func() view) *screen {
	return &screen{out: out, live: live, observe: observe, began: time.Now()}
}

// start shows the table until the context or the returned function ends it.
func (s *screen) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	every := plainEvery
	if s.live {
		every = liveEvery
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.show()
			}
		}
	}()
	return func() {
		cancel()
		<-done
		s.show()
	}
}

// say prints a line of the story above the table.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// show prints the table anew.
func (s *screen) show() {
	v := s.observe()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	if !s.live {
		fmt.Fprintln(s.out, v.line(time.Since(s.began)))
		return
	}
	table := v.table(time.Since(s.began))
	s.drawn = strings.Count(table, "\n")
	_, _ = io.WriteString(s.out, table)
}

// wipe takes the table off the terminal: the cursor goes up to its first line, and what is below is erased.
func (s *screen) wipe() {
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
		s.drawn = 0
	}
}

func (v *view) line(since time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%6.1f s %7s exchanges/s ", since.Seconds(), thousands(int(v.rate)))
	for _, n := range v.nodes {
		fmt.Fprintf(&b, "| %s %s %s ", n.name, n.state, thousands(int(n.bindings)))
	}
	fmt.Fprintf(&b, "| agreement %s | duplicates %d | bindings lost %d | kept %s", v.agreement(), v.duplicates, v.lost, outOf(v.kept, v.turned))
	return b.String()
}

func (v *view) table(since time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  node  state     knows leases\n")
	for _, n := range v.nodes {
		fmt.Fprintf(&b, "  %-4s  %-8s  %12s\n", n.name, n.state, thousands(int(n.bindings)))
	}
	fmt.Fprintf(&b, "\n  %-22s %s\n", "exchanges per second", thousands(int(v.rate)))
	fmt.Fprintf(&b, "  %-22s %s\n", "agreement", v.agreement())
	fmt.Fprintf(&b, "  %-22s %d\n", "duplicates", v.duplicates)
	fmt.Fprintf(&b, "  %-22s %d\n", "bindings lost", v.lost)
	fmt.Fprintf(&b, "  %-22s %s\n", "kept after the kill", outOf(v.kept, v.turned))
	fmt.Fprintf(&b, "  %-22s %.0f s\n", "time", since.Seconds())
	return b.String()
}

func (v *view) agreement() string { return outOf(v.agreed, v.compared) }

// outOf is a share in numbers and per cent.
func outOf(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%s/%s (%s)", thousands(n), thousands(of), percent(n, of))
}

// percent says 100 % only where that is exact.
func percent(n, of int) string {
	if n == of {
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", min(100*float64(n)/float64(of), 99.99))
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
