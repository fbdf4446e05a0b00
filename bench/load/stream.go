package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	lateAfter = int64(10 * time.Millisecond)  // an exchange that begins so long after its time is counted as late
	slack     = int64(100 * time.Millisecond) // one that the generator is so far behind with isn't begun any more
	burst     = 256                           // most exchanges that begin before those that have begun are sent
)

// A stream is a site's part of a running Offer: exchanges begin by the schedule, not when others have ended.
// The site's mutex guards it.
type stream struct {
	plan     schedule
	picker   picker
	patience int64
	resend   bool
	alarms   alarms // where messages are sent again

	free, held ring[int32]  // idle clients without and with a lease, those first that have been idle longest
	flying     ring[flight] // exchanges in the order in which they began, so that the first is the first to be lost
	busy       int          // exchanges under way
	starved    bool         // no client was idle when an exchange was due, and that backlog isn't gone yet

	tally   Tally
	latency [tasks]*hdrhistogram.Histogram
	recent  *hdrhistogram.Histogram
}

// A flight is an exchange that has begun. It has ended if the client is idle, or its exchange was due at another time.
type flight struct {
	client int32
	due    int64 // when it was to begin
	began  int64
}

func newStream() *stream {
	s := &stream{recent: newLatency()}
	for i := range s.latency {
		s.latency[i] = newLatency()
	}
	return s
}

// over tells whether all exchanges have begun and ended.
func (s *stream) over() bool { return s.busy == 0 && s.plan.next >= s.plan.end }

// stop gives up what has not begun and what is under way.
func (s *stream) stop(clients []client) {
	s.plan.stop()
	for s.flying.count > 0 {
		clients[s.flying.pop().client].phase = idle
	}
	s.busy = 0
}

// idle puts a client back among those that wait for their next exchange.
func (s *stream) idle(i int32, c *client) {
	if c.server == nobody {
		s.free.push(i)
	} else {
		s.held.push(i)
	}
}

// pick is the client for a task, and the task that it does: where nobody has a lease, one is acquired first.
// One client must be idle.
func (s *stream) pick(task Task) (int32, Task) {
	switch needs := task == Renew || task == Rebind || task == Release || task == Decline; {
	case needs && s.held.count > 0:
		return s.held.pop(), task
	case needs:
		return s.free.pop(), Acquire
	case s.free.count > 0:
		return s.free.pop(), task
	default:
		return s.held.pop(), task
	}
}

// finished notes an exchange that succeeded, by the time at which it was to begin.
func (s *stream) finished(i int32, c *client, now int64) {
	if now-c.began >= s.patience {
		s.lost(i, c)
		return
	}
	s.busy--
	s.tally.Tasks[c.task].Done++
	if c.fellBack {
		s.tally.FellBack++
	}
	if now < s.plan.until() {
		s.tally.Meanwhile++
	}
	took := max((now-c.scheduled)/1000, 1)
	_ = s.latency[c.task].RecordValue(took) // twice the patience bounds it
	_ = s.recent.RecordValue(took)
	s.idle(i, c)
}

// refused notes one that a server ended without a lease.
func (s *stream) refused(i int32, c *client) {
	s.busy--
	s.tally.Tasks[c.task].Refused++
	s.idle(i, c)
}

// lost notes one that didn't end in time.
func (s *stream) lost(i int32, c *client) {
	c.phase = idle
	s.busy--
	s.tally.Tasks[c.task].Lost++
	s.idle(i, c)
}

// advance begins the exchanges whose time has come. The time of one that begins late is still the schedule's.
func (r *site) advance(box *outbox, now int64) {
	s := r.stream
	for range burst {
		due := s.plan.due()
		if due > now {
			s.starved = false
			return
		}
		behind := now - due
		if limit := s.limit(); behind >= limit {
			s.skip()
			continue
		}
		if s.free.count+s.held.count == 0 {
			s.starved = true
			return
		}
		if behind > lateAfter {
			s.late()
		}
		i, task := s.pick(s.picker.next())
		s.plan.take()
		s.tally.Tasks[task].Begun++
		s.busy++
		s.flying.push(flight{client: i, due: due, began: now})
		c := &r.clients[i]
		v := r.machine.start(c, task, now)
		c.scheduled = due
		r.act(i, v, box, now)
	}
}

// limit is how far behind its time an exchange may begin at all. Where all clients are waiting for answers the next
// exchange waits for one of them, and its wait counts. Otherwise it is the generator that can't keep up.
func (s *stream) limit() int64 {
	if s.starved {
		return s.patience
	}
	return min(slack, s.patience)
}

// late counts an exchange that begins behind its time.
func (s *stream) late() {
	if s.starved {
		s.tally.LateBusy++
	} else {
		s.tally.LateSlow++
	}
}

// skip leaves an exchange out.
func (s *stream) skip() {
	s.late()
	s.tally.Skipped++
	s.plan.take()
}

// expire ends the exchanges whose time is over, and sends again what is to be sent again.
func (r *site) expire(box *outbox, now int64) {
	s := r.stream
	for s.flying.count > 0 {
		f := s.flying.first()
		c := &r.clients[f.client]
		if running := c.phase != idle && c.scheduled == f.due; running {
			if now-f.began < s.patience {
				break
			}
			s.lost(f.client, c)
		}
		s.flying.pop()
	}
	if s.resend {
		s.alarms.ring(r.clients, now, func(i int32) { r.act(i, r.machine.expire(&r.clients[i], now), box, now) })
	}
}
