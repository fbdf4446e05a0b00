package hook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// A Target is told of events.
type Target interface {
	// Send hands events over and returns nil once all of them were taken. Of a failure nothing is known to be taken. It may be
	// called at the same time.
	Send(ctx context.Context, events []Event) error
}

// Settings is what a Runner is made of.
type Settings struct {
	Name      string
	Node      string // empty: a single node
	Target    Target
	Source    Source
	Rate      int           // events a second; 0: any number
	Batch     int           // events of one Send
	Parallel  int           // Sends at a time
	Tolerance int           // failures one after the other by which the receiver counts as away
	Timeout   time.Duration // of one Send
	After     int64         // numbers of lists are above it, and above the machine's clock in ms since 1970, which may be behind after a start
	Logger    *slog.Logger
}

const (
	endGrace = 3 * time.Second // for what is under way when the node ends
	logEvery = time.Minute     // at most one line about failures
)

// A Runner makes one receiver follow the leases. Its methods may be called at the same time.
type Runner struct {
	settings Settings

	mu     sync.Mutex
	queue  *queue
	more   chan struct{} // closed when there may be something to do; nil: nobody waits
	counts Counts
	last   string    // what the last failure was; empty: nothing fails
	logged time.Time // when a failure was logged
	unsaid int       // failures since
}

// New makes a runner. It begins with a whole list.
func New(s Settings) *Runner {
	r := &Runner{settings: s, queue: newQueue(s.Source, s.Rate, s.Batch, s.Tolerance)}
	r.queue.list.number = s.After
	r.queue.relist()
	return r
}

// Put says that a lease changed; gone is what stood last, of Remove.
func (r *Runner) Put(key binding.Key, kind string, gone *Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.queue.put(key, kind, gone, time.Now()) {
		r.counts.Overflows++
		r.settings.Logger.Warn("a hook's receiver is too slow: it is sent the whole list", "id", "hook-overflow", "hook", r.settings.Name, "leases", pendingMost)
	}
	r.wake()
}

// Resend begins a whole list.
func (r *Runner) Resend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue.relist()
	r.wake()
}

func (r *Runner) wake() {
	if r.more != nil {
		close(r.more)
		r.more = nil
	}
}

// Run tells the receiver until the context ends.
func (r *Runner) Run(ctx context.Context) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(endGrace, cancel) })()
	var group sync.WaitGroup
	for range r.settings.Parallel {
		group.Go(func() {
			for {
				some, number, wait, more := r.take()
				switch {
				case ctx.Err() != nil:
					return
				case len(some) > 0:
					r.tell(sending, some, number)
				default:
					sleep(ctx, wait, more)
				}
			}
		})
	}
	group.Wait()
}

func (r *Runner) take() (some []*entry, number int64, wait time.Duration, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	some, wait = r.queue.take(time.Now())
	if len(some) == 0 && r.more == nil {
		r.more = make(chan struct{})
	}
	return some, r.queue.list.number, wait, r.more
}

// sleep returns when there may be something to do.
func sleep(ctx context.Context, wait time.Duration, more <-chan struct{}) {
	var after <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		after = timer.C
	}
	select {
	case <-ctx.Done():
	case <-more:
	case <-after:
	}
}

// tell tells what stands now of leases whose turn it is.
func (r *Runner) tell(ctx context.Context, some []*entry, number int64) {
	events := make([]Event, 0, len(some))
	for _, e := range some {
		if event, ok := r.event(e); ok {
			event.Hook, event.Node, event.List = r.settings.Name, r.settings.Node, number
			events = append(events, event)
		}
	}
	start := time.Now()
	var err error
	if len(events) > 0 {
		ctx, cancel := context.WithTimeout(ctx, r.settings.Timeout)
		err = r.settings.Target.Send(ctx, events)
		cancel()
	}
	r.ended(some, events, start, err)
}

// event is what there is to tell of an entry now; false: nothing, because the lease has ended since, which comes by itself.
func (r *Runner) event(e *entry) (Event, bool) {
	if e.control {
		return Event{Event: e.kind}, true
	}
	event, stands := r.settings.Source.Look(&e.key)
	switch {
	case stands && e.kind == Remove:
		event.Event = Change // somebody has it again
	case stands:
		event.Event = e.kind
	case e.kind == Remove:
		event = *e.gone
		event.Event = Remove
	default:
		return event, false
	}
	return event, true
}

func (r *Runner) ended(some []*entry, events []Event, start time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.queue.done(some, len(events) > 0, err == nil, now)
	if len(events) > 0 {
		r.count(events, now.Sub(start), err)
	}
	if some[0].kind == ListEnd && err == nil {
		l := &r.queue.list
		r.settings.Logger.Info("a hook's receiver has the whole list", "id", "hook-list-sent", "hook", r.settings.Name,
			"leases", l.sent, "took", now.Sub(l.begun).Round(time.Millisecond))
	}
	r.wake()
}

// count counts a Send, and logs when a receiver begins to fail, goes on failing, and takes everything again.
func (r *Runner) count(events []Event, took time.Duration, err error) {
	r.counts.Seconds += took.Seconds()
	if err == nil {
		r.counts.Taken += uint64(len(events))
		r.counts.Sends++
		if r.last != "" && !r.ailing() {
			r.settings.Logger.Info("a hook's receiver takes everything again", "id", "hook-recovered", "hook", r.settings.Name)
			r.last, r.logged, r.unsaid = "", time.Time{}, 0
		}
		return
	}
	r.counts.Failed += uint64(len(events))
	r.counts.FailedSends++
	r.last = err.Error()
	r.unsaid++
	if now := time.Now(); now.Sub(r.logged) >= logEvery {
		r.settings.Logger.Warn("a hook's receiver didn't take an event; it is told again", "id", "hook-failed", "hook", r.settings.Name,
			"event", events[0].Event, "lease", privacy.LeaseText(events[0].Lease), "failures", r.unsaid, "pending", r.queue.pending(), "error", err)
		r.logged, r.unsaid = now, 0
	}
}

// ailing tells whether something that failed still waits.
func (r *Runner) ailing() bool {
	return r.queue.ill > 0 || r.queue.list.sending != nil && r.queue.list.sending.failed > 0
}
