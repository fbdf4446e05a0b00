package ddns

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/core/worker"
)

// zoneCounts count one zone's updates since the start. A zone has the same through reloads.
type zoneCounts struct {
	mu        sync.Mutex
	results   map[string]uint64
	latency   worker.Histogram
	answered  time.Time
	failed    time.Time
	lastError string
	conflicts uint64
}

// Results are what may become of an update, as ZoneStatus counts them.
func Results() []string {
	return []string{
		resultOK, resultUnmet, resultOther, "refused", "servfail", "notauth", "notimp", "formerr", "notzone",
		NoAnswer.String(), Malformed.String(), NotTrusted.String(),
	}
}

// Results of updates, as metrics have them, beside those of Failure.
const (
	resultOK    = "ok"
	resultUnmet = "unmet" // a prerequisite: DNS holds something else
	resultOther = "other" // an answer that updates don't have
)

// resultOf names what became of an update.
func resultOf(answer upkeep.Answer, err error) string {
	var failed *Error
	switch {
	case errors.As(err, &failed):
		return failed.Failure.String()
	case err != nil:
		return resultOther
	case answer == upkeep.NoError:
		return resultOK
	case !unwilling(answer):
		return resultUnmet
	}
	switch answer {
	case upkeep.Refused:
		return "refused"
	case upkeep.ServFail:
		return "servfail"
	case upkeep.NotAuth:
		return "notauth"
	case upkeep.NotImp:
		return "notimp"
	case upkeep.FormErr:
		return "formerr"
	case upkeep.NotZone:
		return "notzone"
	}
	return resultOther
}

// count takes in one update.
func (c *zoneCounts) count(answer upkeep.Answer, err error, now time.Time, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.results == nil {
		c.results = map[string]uint64{}
	}
	c.results[resultOf(answer, err)]++
	switch {
	case err != nil:
		c.failed, c.lastError = now, err.Error()
		return
	case unwilling(answer):
		c.failed, c.lastError = now, "the server answers "+answer.String()
	default:
		c.answered = now
	}
	c.latency.Observe(int64(took))
}

func (c *zoneCounts) conflict() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conflicts++
}

// A ZoneStatus is how it goes with one zone.
type ZoneStatus struct {
	Name        string
	Updates     map[string]uint64 // since the start, by result: ok, unmet, refused, servfail, notauth, ..., no_answer, malformed, not_trusted
	Conflicts   uint64            // names that stayed another client's (RFC 4703, Section 5.3.3)
	Server      string            // that is asked first now; empty: all rest after failures
	LastSuccess time.Time         // zero: none yet
	LastFailure time.Time         // zero: none yet
	LastError   string            // of that
	Failing     time.Time         // since when nothing gets through; zero: it does
	Turned      time.Time         // when that became so: at the latest turn, or when the zone was first configured
	Latency     worker.Latencies  // of updates that were answered
}

// status is the zone's as of now. Whether it fails is not among the counts: a zone that got other servers or another key begins anew,
// whatever becomes of updates that are still on their way to the former ones.
func (z *zone) status() ZoneStatus {
	failing, turned := z.failing()
	c := z.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	s := ZoneStatus{
		Name: z.name.String(), Updates: maps.Clone(c.results), Conflicts: c.conflicts, LastSuccess: c.answered, LastFailure: c.failed, LastError: c.lastError,
		Failing: failing, Turned: turned,
	}
	s.Latency.Add(&c.latency)
	return s
}

// A Status is how it goes with all tasks and updates. What the queue holds is the queue's to tell.
type Status struct {
	Zones      []ZoneStatus
	Done       uint64 // tasks since the start that left the queue because DNS holds what it shall
	GivenUp    uint64 // tasks since the start that couldn't be done in time
	Unreadable uint64 // tasks since the start that this program doesn't know
	Conflicts  uint64 // names since the start that stayed another client's (RFC 4703, Section 5.3.3)
	Taken      uint64 // names since the start that were another client's and aren't any more
	NoZone     uint64 // names since the start that lie in no zone
	Held       int    // tasks in memory
	Running    int    // leases that are being worked on
	Waiting    int    // tasks in memory that wait to be tried again
	Listening  int    // of them: until the node knows what became of their leases while it was away
}
