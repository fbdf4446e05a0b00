package hook

import "time"

// Counts is what a runner has done since it was made.
type Counts struct {
	Taken, Failed      uint64 // events, by whether their receiver took them
	Sends, FailedSends uint64 // runs or POSTs
	Overflows          uint64 // whole lists because too many leases waited
	Seconds            float64
}

// Status is how a runner is doing.
type Status struct {
	Counts
	Pending int       // leases of which something is to be told
	Oldest  time.Time // since when the first of them waits; zero: none does
	Up      bool      // nothing fails
	Error   string    // what failed last; empty: nothing fails
	Listing bool      // a whole list is being sent, or about to be
	Listed  int       // leases of the newest list, so far
	Whole   time.Time // when a whole list was taken last; zero: never yet
}

// Status tells how the runner is doing.
func (r *Runner) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.queue.list
	return Status{
		Counts: r.counts, Pending: r.queue.pending(), Oldest: r.queue.oldest(), Up: r.last == "", Error: r.last,
		Listing: l.again || l.running || l.sending != nil, Listed: l.sent, Whole: l.whole,
	}
}
