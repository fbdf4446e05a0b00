package ddns

import (
	"slices"
	"time"

	"github.com/lockstep6/lockstep6/core/upkeep"
)

// Waits of tasks.
const (
	firstTry    = time.Second
	longTry     = 5 * time.Minute
	listenAgain = 10 * time.Second
	callAgain   = time.Second // after which another task that waits for a zone is its probe, where the last one didn't get to it
	expireEach  = time.Minute
	idle        = time.Hour
)

// fill reads tasks while there is room.
func (u *Updater) fill(now time.Time) {
	t := &u.tasks
	for t.more && t.room() > 0 && !now.Before(t.retry) {
		read, err := u.queue.Tasks(t.after, min(readMost, t.room()))
		if err != nil {
			u.queueFailed(now, err)
			return
		}
		t.more = len(read) > 0
		for i := range read {
			t.after = read[i].ID
			if _, known := t.known[t.after]; !known {
				u.take(&read[i])
			}
		}
	}
}

// take takes one task in; one that can't be read leaves the queue, for it would never be done.
func (u *Updater) take(q *QueuedTask) {
	decoded, err := upkeep.DecodeTask(q.Octets)
	if err == nil {
		u.tasks.take(task{Task: decoded, id: q.ID, stamp: q.Stamp})
		return
	}
	u.tasks.known[q.ID] = struct{}{}
	u.tasks.done = append(u.tasks.done, q.ID)
	u.count(func(s *Status) { s.Unreadable++ })
	if others, ok := u.may("unreadable"); ok {
		u.log.Error("DNS task can't be read and is dropped", "id", "dns-task-unreadable", "task", q.ID.String(), "octets", len(q.Octets), "error", err, "others", others)
	}
}

func (u *Updater) queueFailed(now time.Time, err error) {
	u.tasks.retry = now.Add(queueWait)
	if others, ok := u.may("queue"); ok {
		u.log.Warn("queue of DNS tasks can't be used; trying again", "id", "dns-queue-failed", "error", err, "others", others)
	}
}

// flush takes what is done off the queue.
func (u *Updater) flush(now time.Time) {
	t := &u.tasks
	if len(t.done) == 0 || now.Before(t.retry) {
		return
	}
	if err := u.queue.DoneTasks(t.done...); err != nil {
		u.queueFailed(now, err)
		return
	}
	for _, id := range t.done {
		delete(t.known, id)
	}
	t.done = t.done[:0]
}

// wake makes ready what has waited long enough.
func (u *Updater) wake(now time.Time) {
	t := &u.tasks
	t.retryDue(now)
	for _, z := range u.setup.zones {
		down, next := z.isDown()
		switch {
		case !down:
			t.retryAll(z)
			if z.wasDown && t.skipped {
				t.rewind()
			}
		case len(z.waiting) > 0 && !next.IsZero() && !now.Before(next) && !now.Before(z.called.Add(callAgain)):
			z.called = now
			it := z.waiting[0]
			z.waiting = slices.Delete(z.waiting, 0, 1)
			t.unpark(it)
		}
		z.wasDown = down
	}
	u.expire(now)
	if !t.again.IsZero() && !now.Before(t.again) {
		t.rewind()
	}
}

// nextWake is when something is to be done though nothing happens.
func (u *Updater) nextWake(now time.Time) time.Time {
	t := &u.tasks
	if t.more && t.room() > 0 && !now.Before(t.retry) || len(t.ready) > 0 && u.running < u.setup.Parallel {
		return now
	}
	next := now.Add(idle)
	sooner := func(at time.Time) {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	if len(t.timed) > 0 {
		sooner(t.timed[0].due)
	}
	for _, z := range u.setup.zones {
		if len(z.waiting) == 0 {
			continue
		}
		if down, probe := z.isDown(); !down {
			return now
		} else if !probe.IsZero() {
			sooner(later(probe, z.called.Add(callAgain)))
		}
		if u.setup.GiveUp > 0 {
			sooner(u.expired.Add(expireEach))
		}
	}
	sooner(t.again)
	if now.Before(t.retry) {
		sooner(t.retry)
	}
	return next
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// expire gives up what has waited for a zone for too long.
func (u *Updater) expire(now time.Time) {
	if now.Before(u.expired.Add(expireEach)) {
		return
	}
	u.expired = now
	for _, z := range u.setup.zones {
		z.waiting = slices.DeleteFunc(z.waiting, func(it *item) bool {
			before := len(it.tasks)
			all := u.giveUp(it, &downError{z})
			u.tasks.countParked(zoned, len(it.tasks)-before)
			return all
		})
	}
}
