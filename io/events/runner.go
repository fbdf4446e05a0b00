package events

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/io/hook"
)

// Settings is what a Runner is made of.
type Settings struct {
	Cluster string
	Node    string // empty: a single node
	Source  Source
	Broker  Broker
	Batch   int // events that are under way together, at most
	Logger  *slog.Logger
}

const (
	backOff     = time.Second // after a first failure; each further one in turn doubles it
	backOffMost = 16 * time.Second
	logEvery    = time.Minute // at most one line about failures
	dueEvery    = time.Second // how often it is seen whether a list is due
)

// A Runner tells a broker. Its methods but Run may be called at any time.
type Runner struct {
	settings Settings
	order    order
	list     list
	after    uint64        // how far the outbox was read
	number   int64         // of the list that events are told with
	again    chan struct{} // a token: a whole list may be due

	mu     sync.Mutex
	status Status
	logged time.Time // when a failure was logged
}

// A list is a whole list that is being told; zero: none is.
type list struct {
	running bool
	shard   int
	keys    []binding.Key // of the shard before, those that haven't had their turn
}

// New makes a runner.
func New(s Settings) *Runner {
	r := &Runner{settings: s, again: make(chan struct{}, 1)}
	r.status.Up = true
	return r
}

// LookAgain has it seen at once whether a list is due.
func (r *Runner) LookAgain() {
	select {
	case r.again <- struct{}{}:
	default:
	}
}

// Run tells the broker until the context ends. What isn't acknowledged by then is told by the next one.
func (r *Runner) Run(ctx context.Context) {
	tick := time.NewTicker(dueEvery)
	defer tick.Stop()
	r.number = r.settings.Source.List()
	for ctx.Err() == nil {
		if !r.list.running && r.settings.Source.ListDue() && !r.beginList(ctx) {
			r.sleep(ctx, backOff)
			continue
		}
		changes, _ := r.tellChanges(ctx)
		if items := r.tellList(ctx); changes || items {
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.settings.Source.News():
		case <-tick.C:
		case <-r.again:
		}
	}
}

// tellChanges tells what comes next in the outbox; false: nothing does. It fails where the context ends, and after a while where the outbox can't be read.
func (r *Runner) tellChanges(ctx context.Context) (told bool, err error) {
	some, upTo, err := r.settings.Source.Read(r.after)
	if err != nil { // the store is broken, and will be back
		r.sleep(ctx, backOff)
		return false, err
	}
	if upTo == r.after {
		return false, nil
	}
	for _, events := range batches(r.settings.Batch, r.order.arrange(some)) {
		if !r.publish(ctx, events) {
			return false, ctx.Err()
		}
	}
	if err := r.settings.Source.Done(upTo); err != nil { // it is told again, with the same IDs
		r.sleep(ctx, backOff)
		return false, err
	}
	r.after = upTo
	return true, nil
}

// tellBelow tells what waits in the outbox below a place, and has it forgotten before the list goes on: what a restart tells once more would have
// the list's number. False: the context ended before.
func (r *Runner) tellBelow(ctx context.Context, place uint64) bool {
	for ctx.Err() == nil {
		told, err := r.tellChanges(ctx)
		if err != nil || told && r.after+1 < place {
			continue
		}
		if r.settings.Source.Done(r.after) == nil { // again: a store that broke meanwhile may have it still
			return true
		}
		r.sleep(ctx, backOff)
	}
	return false
}

// beginList begins a whole list.
func (r *Runner) beginList(ctx context.Context) bool {
	number, below, err := r.settings.Source.BeginList(ctx)
	if err != nil {
		return false
	}
	r.count(func(s *Status) { s.Listing, s.Listed = true, 0 })
	if !r.tellBelow(ctx, below) {
		return false
	}
	r.list, r.number = list{running: true}, number
	return r.control(ctx, hook.ListBegin)
}

// control tells the beginning or the end of a list.
func (r *Runner) control(ctx context.Context, kind string) bool {
	e := Event{Time: r.settings.Source.Now()}
	e.Event.Event = kind
	return r.publish(ctx, []Event{e})
}

// tellList tells the next items of a list that is being told; false: none is.
func (r *Runner) tellList(ctx context.Context) bool {
	l, source := &r.list, r.settings.Source
	if !l.running || ctx.Err() != nil {
		return false
	}
	for len(l.keys) == 0 && l.shard < source.Shards() {
		l.keys = source.Keys(l.shard, nil)
		l.shard++
	}
	if len(l.keys) == 0 {
		r.endList(ctx)
		return true
	}
	var items []Event
	n := min(len(l.keys), r.settings.Batch)
	for i := range l.keys[:n] {
		if e, ok := source.Look(&l.keys[i]); ok {
			e.Event.Event = hook.ListItem
			items = append(items, e)
		}
	}
	if r.publish(ctx, items) {
		l.keys = l.keys[n:]
		r.count(func(s *Status) { s.Listed += len(items) })
	}
	return true
}

func (r *Runner) endList(ctx context.Context) {
	if !r.control(ctx, hook.ListEnd) {
		return
	}
	r.list = list{}
	whole, err := r.settings.Source.EndList(ctx)
	now := time.Now()
	r.count(func(s *Status) {
		if s.Listing = false; err == nil && whole {
			s.Whole = now
		}
	})
	s := r.Status()
	r.settings.Logger.Info("the broker has the whole list", "id", "events-list-sent", "leases", s.Listed)
}

// publish tells events, and tries again until each was taken, or refused for good. While a broker takes nothing it is asked with one event only,
// less and less often: all of them would be sent in vain, or be there again and again. False: the context ended before.
func (r *Runner) publish(ctx context.Context, some []Event) bool {
	waiting := make([]Message, 0, len(some))
	for i := range some {
		e := &some[i]
		e.Cluster, e.Node, e.List = r.settings.Cluster, r.settings.Node, r.number
		e.identify()
		m, err := e.message()
		if err != nil {
			r.refused(&Message{ID: e.ID}, err)
			continue
		}
		waiting = append(waiting, m)
	}
	for failures, silent := 0, false; len(waiting) > 0; {
		if ctx.Err() != nil {
			return false
		}
		first, rest := wave(waiting)
		if silent {
			first, rest = first[:1:1], slices.Concat(first[1:], rest)
		}
		failed, err := r.try(ctx, first)
		silent = len(failed) == len(first)
		waiting = append(failed, rest...)
		if err == nil {
			failures = 0
			continue
		}
		r.sleep(ctx, min(backOff<<min(failures, 4), backOffMost))
		failures++
	}
	return true
}

// try publishes messages once, and returns those that failed, and how the first of them did.
func (r *Runner) try(ctx context.Context, some []Message) (failed []Message, first error) {
	errs := r.settings.Broker.Publish(ctx, some, r.late)
	taken := 0
	for i, err := range errs {
		switch {
		case err == nil:
			taken++
		case errors.Is(err, ErrRefused):
			r.refused(&some[i], err)
		default:
			failed = append(failed, some[i])
			if first == nil {
				first = err
			}
		}
	}
	if ctx.Err() == nil {
		r.tried(taken, len(failed), first)
	}
	return failed, first
}

// sleep returns after a time, or when the context ends.
func (r *Runner) sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
