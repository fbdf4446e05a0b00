package ddns

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// start begins work on what is ready, as long as there may be more of it at a time.
func (u *Updater) start(ctx context.Context) {
	t := &u.tasks
	for len(t.ready) > 0 && u.running < u.setup.Parallel {
		it := t.ready[0]
		t.ready[0] = nil
		t.ready = t.ready[1:]
		u.plan(ctx, it)
	}
}

// plan decides what is to be done about a lease, and begins with it where no name is in use.
func (u *Updater) plan(ctx context.Context, it *item) {
	var jobs []upkeep.Job
	for i := range it.tasks {
		one := &it.tasks[i]
		more, later := upkeep.Plan(&one.Task, u.world, &u.setup.records)
		jobs, one.later = append(jobs, more...), later
	}
	if jobs = upkeep.Merge(jobs); len(jobs) == 0 {
		u.settle(it, len(it.tasks))
		return
	}
	it.touches = nil
	for i := range jobs {
		it.touches = append(it.touches, jobs[i].Touches()...)
	}
	for _, name := range it.touches {
		if waiting, used := u.busy[name]; used {
			it.state = blocked
			u.busy[name] = append(waiting, it)
			return
		}
	}
	for _, name := range it.touches {
		u.busy[name] = nil
	}
	it.state = running
	u.running++
	go u.work(ctx, it, len(it.tasks), jobs, u.setup, !u.tasks.wasRefused(it))
}

// An outcome is what became of an item.
type outcome struct {
	item    *item
	tasks   int // that were planned; more may have come meanwhile
	results []result
	err     error
	stopped bool // the context ended
	setup   *setup
}

// A result is a job's.
type result struct {
	upkeep.Result
	job *upkeep.Job
}

// work does jobs in their order, until one can't be done.
func (u *Updater) work(ctx context.Context, it *item, n int, jobs []upkeep.Job, s *setup, fresh bool) {
	o := outcome{item: it, tasks: n, setup: s}
	for i := range jobs {
		r, err := upkeep.Run(ctx, &jobs[i], &s.records, &gate{s, u.log, fresh})
		if err != nil {
			o.err, o.stopped = err, ctx.Err() != nil
			break
		}
		o.results = append(o.results, result{r, &jobs[i]})
	}
	u.outcomes <- o
}

// finish takes in an outcome: the names are free, and the tasks done, or they wait.
func (u *Updater) finish(o *outcome) {
	it := o.item
	u.running--
	for _, name := range it.touches {
		waiting := u.busy[name]
		delete(u.busy, name)
		for _, other := range waiting {
			other.state = ready
			u.tasks.ready = append(u.tasks.ready, other)
		}
	}
	it.touches = nil
	if o.err == nil && u.early(o) {
		it.wait = min(max(2*it.wait, firstTry), longProbe)
		u.tasks.park(it, failing, time.Now().Add(it.wait/2+rand.N(it.wait)), nil)
		return
	}
	u.tell(o)
	var refused *upkeep.RefusedError
	if errors.As(o.err, &refused) {
		u.tasks.refuse(it)
	}
	switch {
	case o.err == nil:
		u.settle(it, o.tasks)
	case o.stopped:
		u.tasks.forget(it)
	case u.giveUp(it, o.err):
	default:
		u.wait(it, o.err)
	}
}

// early tells whether a name was another client's that is about to leave it: a task says so that waits, for its own lease was being worked
// on, or has failed. Else the name would be free and nobody would ask for it again.
func (u *Updater) early(o *outcome) bool {
	for i := range o.results {
		if r := &o.results[i]; r.Conflict && u.tasks.leaving(o.item, r.job.Name) {
			return true
		}
	}
	return false
}

// settle takes an item's first tasks as done.
func (u *Updater) settle(it *item, n int) {
	done := u.tasks.settle(it, n)
	u.count(func(s *Status) { s.Done += uint64(done) })
}

// wait has an item wait that couldn't be done: for its zone where that is down, else for a time that gets longer. What wasn't refused itself doesn't
// wait behind all that was.
func (u *Updater) wait(it *item, err error) {
	z, most := u.lost(err), longTry
	if z != nil {
		if down, _ := z.isDown(); down && (u.tasks.wasRefused(it) || !z.takes()) {
			it.wait = 0
			u.tasks.park(it, zoned, time.Time{}, z)
			return
		}
		most = longProbe // packets get lost, and that is no fault of the task
	}
	it.wait = min(max(2*it.wait, firstTry), most)
	u.tasks.park(it, failing, time.Now().Add(it.wait/2+rand.N(it.wait)), nil)
}

// lost is the zone from which there was no answer; nil: an error is about something else, or the zone isn't there any more.
func (u *Updater) lost(err error) *zone {
	var down *downError
	var none *Error
	for _, z := range u.setup.zones {
		if errors.As(err, &down) && down.zone == z || errors.As(err, &none) && bytes.Equal(none.Zone, z.name) {
			return z
		}
	}
	return nil
}

// giveUp drops the tasks of an item that are too old. True: that was all of them.
func (u *Updater) giveUp(it *item, err error) (all bool) {
	if u.setup.GiveUp <= 0 {
		return false
	}
	limit := time.Now().Add(-u.setup.GiveUp).Unix()
	old := 0 // they are in the queue's order: the oldest first
	for old < len(it.tasks) && int64(it.tasks[old].stamp) < limit {
		old++
	}
	if old == 0 {
		return false
	}
	u.count(func(s *Status) { s.GivenUp += uint64(old) })
	if others, ok := u.may("given up"); ok {
		t := &it.tasks[0].Task
		u.log.Error("DNS task given up", "id", "dns-given-up", "lease", leaseOf(t.Key), "name", privacy.Name(t.Name().String()), "error", err, "others", others)
	}
	u.tasks.drop(it, old)
	return len(it.tasks) == 0
}
