package daemon

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/worker"
)

// A machine is what a node's clock is made of; tests bring their own.
type machine struct {
	wall    func() time.Time     // what somebody may set
	running func() time.Duration // since the machine began, sleep included; nobody can set it
}

// theMachine is the one that the node is on.
func theMachine() machine {
	begin := time.Now()
	return machine{wall: time.Now, running: func() time.Duration {
		var t unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
			return time.Since(begin) // a kernel before 2.6.39, which doesn't count sleep for us
		}
		return time.Duration(t.Nano())
	}}
}

// steadyClock is the wall clock as it was at the start plus the time that has passed since: setting the wall clock
// doesn't move it. Time in which the machine slept counts, for it did for clients. It doesn't start before floor, in Unix nanoseconds.
func (m *machine) steadyClock(floor int64) worker.Clock {
	start, wall := m.running(), max(m.wall().UnixNano(), floor)
	running := m.running
	return func() int64 { return wall + int64(running()-start) }
}

// setClock starts the node's clock once the bindings are loaded, of which the newest was last heard at newest. A machine
// whose clock is behind what the store has seen (no battery, no time server yet) goes on from there: else every binding would
// seem to last for years, and those made now to have ended already when the clock is right again.
func (d *Daemon) setClock(newest binding.Time) {
	m := &d.options.machine
	if m.wall == nil {
		*m = theMachine()
	}
	if now := binding.TimeOf(m.wall().Unix()); now < newest {
		d.log.Warn("the machine's clock is behind the newest binding; going on from that binding's time: if the clock is wrong, set it and "+
			"restart the node; if it was ahead before, leases last as they should, and times that the node shows are ahead", "id", "clock-behind",
			"clock", m.wall().UTC().Format(time.RFC3339), "newest", time.Unix(newest.Unix(), 0).UTC().Format(time.RFC3339),
			"ahead", time.Duration(newest-now)*time.Second)
	}
	d.clock = m.steadyClock(newest.Unix() * int64(time.Second))
}
