package daemon

import (
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/worker"
)

// steadyClock is the wall clock as it was at the start plus the time that has passed since: setting the wall clock
// doesn't move it. It doesn't start before floor, in Unix nanoseconds.
func steadyClock(floor int64) worker.Clock {
	start := time.Now()
	wall := max(start.UnixNano(), floor)
	return func() int64 { return wall + int64(time.Since(start)) }
}

// setClock starts the node's clock once the bindings are loaded, of which the newest was last heard at newest. A machine
// whose clock is behind what the store has seen (no battery, no time server yet) goes on from there: else every binding would
// seem to last for years, and those made now to have ended already when the clock is right again.
func (d *Daemon) setClock(newest binding.Time) {
	if now := binding.TimeOf(time.Now().Unix()); now < newest {
		d.log.Warn("the machine's clock is behind the newest binding; going on from that binding's time: if the clock is wrong, set it and "+
			"restart the node; if it was ahead before, leases last as they should, and times that the node shows are ahead", "id", "clock-behind",
			"clock", time.Now().UTC().Format(time.RFC3339), "newest", time.Unix(newest.Unix(), 0).UTC().Format(time.RFC3339),
			"ahead", time.Duration(newest-now)*time.Second)
	}
	d.clock = steadyClock(newest.Unix() * int64(time.Second))
}
