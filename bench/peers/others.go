package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A clock is what the machine's processors have done until a moment: of all their time, that in which they were busy or the host took
// them away, and what of it was this program's and its ended children's. Interrupts are left out: they are nobody's.
type clock struct{ all, busy, own time.Duration }

func readClock() (c clock, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return c, err
	}
	if c.all, c.busy, err = parseClock(string(text)); err != nil {
		return c, err
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return c, err
		}
		c.own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return c, nil
}

// parseClock reads the first line of /proc/stat (proc_stat(5)): hundredths of a second by kind.
func parseClock(text string) (all, busy time.Duration, err error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	for i, field := range fields[1:9] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/stat: %w", err)
		}
		spent := time.Duration(n) * 10 * time.Millisecond
		all += spent
		switch i {
		case 0, 1, 2, 7: // user, nice, system, steal
			busy += spent
		}
	}
	return all, busy, nil
}

// others is the share of the processors that others had since an earlier moment.
func (c clock) others(since clock) float64 {
	all := c.all - since.all
	if all <= 0 {
		return 0
	}
	return max(0, float64(c.busy-since.busy-(c.own-since.own))/float64(all))
}
