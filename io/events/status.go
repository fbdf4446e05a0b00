package events

import "time"

// Status is how a runner is doing. Counts begin when it was made.
type Status struct {
	Sent    uint64    // events that the broker has
	Failed  uint64    // tries
	Refused uint64    // events that it will never take
	Up      bool      // nothing fails
	Error   string    // what failed last; empty: nothing fails
	Listing bool      // a whole list is being told
	Listed  int       // leases of the newest list, so far
	Whole   time.Time // when a whole list was taken last; zero: none was yet
}

// Status tells how the runner is doing.
func (r *Runner) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

func (r *Runner) count(change func(s *Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status)
}

// late counts tries that a Publish has made in vain, which goes on.
func (r *Runner) late(waiting int, err error) {
	r.count(func(s *Status) { s.Failed += uint64(waiting) })
	r.failed(err)
}

// tried counts a Publish.
func (r *Runner) tried(taken, failed int, err error) {
	r.count(func(s *Status) {
		s.Sent += uint64(taken)
		s.Failed += uint64(failed)
	})
	if err != nil {
		r.failed(err)
		return
	}
	r.mu.Lock()
	back := !r.status.Up && taken > 0
	if taken > 0 {
		r.status.Up, r.status.Error, r.logged = true, "", time.Time{}
	}
	r.mu.Unlock()
	if back {
		r.settings.Logger.Info("the broker takes events again", "id", "events-recovered")
	}
}

// failed notes a failure, and logs the first, and one a minute while it goes on.
func (r *Runner) failed(err error) {
	now := time.Now()
	r.mu.Lock()
	r.status.Up, r.status.Error = false, err.Error()
	tell := now.Sub(r.logged) >= logEvery
	if tell {
		r.logged = now
	}
	r.mu.Unlock()
	if tell {
		r.settings.Logger.Warn("the broker doesn't take events; they wait on disk", "id", "events-failed", "error", err)
	}
}

// refused gives an event up.
func (r *Runner) refused(m *Message, err error) {
	r.count(func(s *Status) { s.Refused++ })
	r.settings.Logger.Error("the broker will never take an event: it is dropped", "id", "events-refused", "octets", len(m.Body), "error", err)
}
