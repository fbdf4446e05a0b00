package reconfigure

import (
	"container/heap"
	"time"
)

// Timing is how clients are asked.
type Timing struct {
	Gap      time.Duration // between two messages, whomever they are for
	First    time.Duration // REC_TIMEOUT: how long the first message to a client is waited for; each further one twice as long
	Attempts int           // REC_MAX_RC: messages to a client, at most
	Pace     *Pace         // of all messages that share the Gap; nil: the run's own
}

// An Outcome is what becomes of a client of a run.
type Outcome uint8

// Outcomes. The first two last as long as the run does.
const (
	Waiting  Outcome = iota // it wasn't asked yet
	Asked                   // it was asked, and is awaited
	Answered                // its message came
	GaveUp                  // it was asked as often as it may be
	Ended                   // it has no lease of ours any more
	Failed                  // it couldn't be asked

	Outcomes = Failed + 1 // how many there are
)

// A Run is the order in which clients, numbered from 0, are asked: new ones in the order of their numbers, those that are due to be
// asked again before them (RFC 9915, Section 18.3.11). Times are since whatever beginning, which runs with the same Pace share. It
// belongs to one goroutine.
type Run struct {
	Counts [Outcomes]int // clients
	Sent   int           // messages

	timing  Timing
	most    int     // asked at a time
	clients []state // from number first on
	first   int
	fresh   int // the next one that wasn't asked yet
	due     queue
}

type state struct {
	outcome  Outcome
	attempts uint8
}

// NewRun begins with so many clients, of whom at most so many are awaited at a time.
func NewRun(clients, most int, timing Timing) *Run {
	if timing.Pace == nil {
		timing.Pace = new(Pace)
	}
	r := &Run{timing: timing, most: most, clients: make([]state, clients)}
	r.Counts[Waiting] = clients
	return r
}

// Done tells whether nobody is left to be asked or awaited.
func (r *Run) Done() bool { return r.Counts[Waiting]+r.Counts[Asked] == 0 }

// Add adds a client, and returns its number.
func (r *Run) Add() int {
	r.clients = append(r.clients, state{})
	r.Counts[Waiting]++
	return r.first + len(r.clients) - 1
}

// Trim forgets the clients in front of all that haven't ended, and returns how many: a run to which clients are added for ever takes no more
// room than those need that haven't ended, and those behind them.
func (r *Run) Trim() (forgotten int) {
	for forgotten < len(r.clients) && r.clients[forgotten].outcome > Asked {
		forgotten++
	}
	r.clients = r.clients[forgotten:]
	r.first += forgotten
	r.fresh = max(r.fresh, r.first)
	return forgotten
}

// First is the lowest number of a client that isn't forgotten.
func (r *Run) First() int { return r.first }

// Outcome is what has become of a client so far.
func (r *Run) Outcome(client int) Outcome { return r.state(client).outcome }

func (r *Run) state(client int) *state { return &r.clients[client-r.first] }

// Next gives the client that is to be asked now, or has been asked often enough: then it has just given up. The others wait for Asked,
// Postpone or End. With neither, ok is false and wait says how long nothing comes due, unless a client ends meanwhile.
func (r *Run) Next(now time.Duration) (client int, ok bool, wait time.Duration) {
	pause := r.timing.Pace.pause(now)
	r.rid()
	if len(r.due) > 0 && r.due[0].at <= now {
		client = r.due[0].client
		enough := int(r.state(client).attempts) == r.timing.Attempts
		if !enough && pause > 0 {
			return 0, false, pause
		}
		heap.Pop(&r.due)
		if enough {
			r.End(client, GaveUp)
		}
		return client, true, 0
	}
	switch fresh := r.fresh-r.first < len(r.clients) && r.Counts[Asked] < r.most; {
	case fresh && pause == 0:
		return r.fresh, true, 0
	case fresh:
		return 0, false, pause
	case len(r.due) > 0:
		return 0, false, r.due[0].at - now
	}
	return 0, false, r.timing.First
}

// rid takes what means nothing any more from the front of the queue.
func (r *Run) rid() {
	for len(r.due) > 0 {
		first := r.due[0]
		if first.client >= r.first {
			if s := r.state(first.client); s.outcome == Asked && s.attempts == first.attempt {
				return
			}
		}
		heap.Pop(&r.due)
	}
}

// Asked notes that the client that Next gave was sent a message.
func (r *Run) Asked(client int, now time.Duration) {
	s := r.state(client)
	r.move(client, Asked)
	s.attempts++
	r.Sent++
	r.timing.Pace.sent(now, r.timing.Gap)
	heap.Push(&r.due, dueAt{at: now + r.timing.First<<(s.attempts-1), client: client, attempt: s.attempts})
}

// Postpone notes that the client that Next gave can't be asked at the moment, and has it come due a little later.
func (r *Run) Postpone(client int, now time.Duration) {
	r.move(client, Asked)
	heap.Push(&r.due, dueAt{at: now + r.timing.First, client: client, attempt: r.state(client).attempts})
}

// End ends a client: Answered, GaveUp, Ended or Failed.
func (r *Run) End(client int, as Outcome) { r.move(client, as) }

func (r *Run) move(client int, to Outcome) {
	s := r.state(client)
	r.Counts[s.outcome]--
	r.Counts[to]++
	s.outcome = to
	for r.fresh-r.first < len(r.clients) && r.state(r.fresh).outcome != Waiting {
		r.fresh++
	}
}

// A dueAt says when a client's attempt has been waited for long enough.
type dueAt struct {
	at      time.Duration
	client  int
	attempt uint8
}

// A queue is a heap of what comes due.
type queue []dueAt

// Len implements heap.Interface.
func (q queue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q queue) Less(i, j int) bool { return q[i].at < q[j].at }

// Swap implements heap.Interface.
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(dueAt)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
