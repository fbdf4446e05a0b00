package measure

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lockstep6/lockstep6/bench/load"
)

// every is how often a line tells how it goes.
const every = time.Second

// A screen shows lines that stay, and below them on a terminal one that is written anew each second. Elsewhere each
// second has a line of its own.
type screen struct {
	out  io.Writer
	live bool

	mu    sync.Mutex
	drawn bool // a line that doesn't stay is on the terminal
}

// say prints a line that stays.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// show prints the line of this second.
func (s *screen) show(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	if !s.live {
		fmt.Fprintln(s.out, line)
		return
	}
	fmt.Fprintf(s.out, "\x1b[?7l%s\x1b[?7h", line) // what is too long for the terminal is cut: wipe takes one line off
	s.drawn = true
}

// end takes the line off that doesn't stay.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
}

// wipe takes that line off the terminal.
func (s *screen) wipe() {
	if s.drawn {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.drawn = false
	}
}

// watch calls show each second, with the time since it began, until the returned function ends it.
func watch(ctx context.Context, show func(since time.Duration)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				show(time.Since(began))
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// A second is what a progress line tells of the time since the last one.
type second struct {
	since   time.Duration // the step began
	took    time.Duration // since the last line
	rate    float64       // that is offered
	before  load.Tally
	now     load.Tally
	recent  *hdrhistogram.Histogram
	cpu     time.Duration // the server's, meanwhile
	metered bool
}

func (s *second) line() string {
	sum, before := s.now.Sum(), s.before.Sum()
	done := sum.Done - before.Done
	failed := sum.Lost + sum.Refused - before.Lost - before.Refused
	line := fmt.Sprintf("%5.0f s  offered %s/s  done %s/s  lost %s  p50 %s  p99 %s", s.since.Seconds(), thousands(s.rate),
		thousands(load.Rate(done, s.took)), thousands(float64(failed)),
		milliseconds(s.recent.ValueAtPercentile(50)), milliseconds(s.recent.ValueAtPercentile(99)))
	if s.metered {
		line += fmt.Sprintf("  CPU %.1f µs", perExchange(s.cpu, done))
	}
	return line + "  late " + thousands(float64(s.now.Late()-s.before.Late()))
}
