package reconfigure

import (
	"sync/atomic"
	"time"
)

// burst is how late a message may be and still not put off those behind it: timers are no more exact than some milliseconds.
const burst = 10 * time.Millisecond

// A Pace keeps messages apart, of one run or several in goroutines of their own. The zero value has sent none.
type Pace struct {
	next atomic.Int64 // a time.Duration
}

// pause is how long nothing may be sent.
func (p *Pace) pause(now time.Duration) time.Duration {
	return max(time.Duration(p.next.Load())-now, 0)
}

// sent notes a message, which keeps the next one away for a gap. What others sent since pause was asked counts as well.
func (p *Pace) sent(now, gap time.Duration) {
	for {
		next := p.next.Load()
		if p.next.CompareAndSwap(next, int64(max(time.Duration(next), now-burst)+gap)) {
			return
		}
	}
}
