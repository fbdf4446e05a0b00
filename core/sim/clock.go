package sim

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

const (
	epoch     = 800_000_000 // seconds of binding.Time at which histories begin
	maxDrift  = 100         // microseconds per second that a node's clock is wrong by, at most
	maxOffset = 500         // milliseconds that it is off by when the node starts, at most
	maxWrong  = 3_600_000   // the same where machines have wrong clocks

	// slack is how many milliseconds before its end a node may count a lease as over: it counts whole seconds, and
	// its clock isn't the same at each start.
	slack = 4000
	// grace is for how many milliseconds after its end by a node's lights nobody else may get a lease: until then its client,
	// who counts from when it takes the Reply, may use it.
	grace = peer.Grace*1000 - slack
)

// A clock is a node's: that of the machine at the start, and then what time has passed. It doesn't follow when the
// machine's clock is set.
type clock struct {
	started int64 // virtual milliseconds
	read    int64 // milliseconds that the machine's clock said then
	drift   int64 // microseconds per second
}

// millis is what the clock says at a moment of virtual time, in milliseconds since the Time 0.
func (c *clock) millis(now int64) int64 {
	passed := now - c.started
	return c.read + passed + passed*c.drift/1_000_000
}

func (c *clock) time(now int64) binding.Time { return binding.Time(c.millis(now) / 1000) }
