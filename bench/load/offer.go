package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Bounds of an Offer.
const (
	MaxRate     = 10_000_000 // exchanges per second
	MaxFor      = 24 * time.Hour
	MaxPatience = time.Minute

	// DefaultPatience is a client's first retransmission time for most messages (RFC 9915, Section 7.6).
	DefaultPatience = time.Second
)

// An Offer is a load that doesn't wait for the servers: exchanges begin by a schedule, whatever is answered (open loop).
// An exchange's latency counts from the time at which it was to begin. So a server that stalls shows in the latencies
// of all exchanges that were due meanwhile, not only of those few that had begun.
//
// A client does one exchange at a time; when the last one has had its turn the first is next. Exchanges that need a
// lease are given to clients that have one; where nobody has, the exchange acquires one instead.
type Offer struct {
	Rate     float64       // exchanges that begin per second, above 0 to MaxRate
	For      time.Duration // how long they begin, above 0 to MaxFor
	Mix      Mix
	Patience time.Duration // an exchange that has not ended so long after it began is lost; 0: DefaultPatience; at most MaxPatience
	Resend   bool          // messages are sent again by Config.Times until then, else each is sent once
}

// Check refuses an Offer that could never work, and says why.
func (o *Offer) Check() error {
	var errs []error
	if !(o.Rate > 0) || o.Rate > MaxRate {
		errs = append(errs, fmt.Errorf("a rate of %v: must be above 0, to %d exchanges per second", o.Rate, MaxRate))
	}
	if o.For <= 0 || o.For > MaxFor {
		errs = append(errs, fmt.Errorf("a duration of %v: must be above 0, to %v", o.For, MaxFor))
	}
	if o.Patience < 0 || o.Patience > MaxPatience {
		errs = append(errs, fmt.Errorf("a patience of %v: must be above 0, to %v", o.Patience, MaxPatience))
	}
	return errors.Join(append(errs, o.Mix.check())...)
}

// A TaskTally counts the exchanges of one task.
type TaskTally struct {
	Begun   uint64
	Done    uint64
	Lost    uint64 // not ended in time
	Refused uint64 // ended by a server, without a lease
}

// A Tally counts the exchanges of an Offer. What is neither done, lost nor refused is under way, or was given up when
// the context ended.
type Tally struct {
	Tasks    [tasks]TaskTally // by Task, of those done in fact
	LateBusy uint64           // began 10 ms or more behind their time, or never: no client was idle
	LateSlow uint64           // the same: the generator couldn't keep up
	Skipped  uint64           // of both, those that never began
	FellBack uint64           // of Rapid's done, those for which a server sent an Advertise

	Meanwhile uint64 // done before the last exchange was due
}

// Sum adds up the tasks.
func (t *Tally) Sum() (sum TaskTally) {
	for _, k := range t.Tasks {
		sum.add(k)
	}
	return sum
}

// Offered is how many exchanges were due.
func (t *Tally) Offered() uint64 { return t.Sum().Begun + t.Skipped }

// Late is how many exchanges didn't begin on time.
func (t *Tally) Late() uint64 { return t.LateBusy + t.LateSlow }

func (t *TaskTally) add(o TaskTally) {
	t.Begun += o.Begun
	t.Done += o.Done
	t.Lost += o.Lost
	t.Refused += o.Refused
}

func (t *Tally) add(o *Tally) {
	for i := range t.Tasks {
		t.Tasks[i].add(o.Tasks[i])
	}
	t.LateBusy += o.LateBusy
	t.LateSlow += o.LateSlow
	t.Skipped += o.Skipped
	t.FellBack += o.FellBack
	t.Meanwhile += o.Meanwhile
}

// An Outcome is what became of an Offer.
type Outcome struct {
	Tally
	Counts    Counts                         // datagrams meanwhile
	Took      time.Duration                  // until the last exchange had ended or was lost
	Latency   *hdrhistogram.Histogram        // of exchanges done, in microseconds from the time at which they were to begin
	Latencies [tasks]*hdrhistogram.Histogram // the same by Task
}

// Offer has clients do exchanges by a schedule. It returns when the last has ended or is lost, or with the context's
// cause when it ends; the Outcome says what was done until then. It is nil only where the Offer is wrong.
func (g *Generator) Offer(ctx context.Context, o Offer) (*Outcome, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Patience == 0 {
		o.Patience = DefaultPatience
	}
	start, before := time.Now(), g.Counts()
	var idle []<-chan struct{}
	for i, r := range g.sites {
		idle = append(idle, r.offer(&o, i, len(g.sites)))
	}
	var err error
	for i, r := range g.sites {
		select {
		case <-idle[i]:
		case <-ctx.Done():
			err = context.Cause(ctx)
			r.stop()
			<-idle[i]
		}
	}
	out := &Outcome{Took: time.Since(start), Counts: g.Counts().minus(before), Latency: newLatency()}
	for i := range out.Latencies {
		out.Latencies[i] = newLatency()
	}
	for _, r := range g.sites {
		r.mu.Lock()
		out.add(&r.stream.tally)
		for i, l := range r.stream.latency {
			out.Latencies[i].Merge(l)
			out.Latency.Merge(l)
		}
		r.stream, r.machine.eager = nil, false
		r.mu.Unlock()
	}
	return out, err
}

// offer begins a site's part.
func (r *site) offer(o *Offer, number, sites int) <-chan struct{} {
	s := newStream()
	s.picker.mix = o.Mix
	s.patience, s.resend = int64(o.Patience), o.Resend
	s.free, s.held = newRing[int32](len(r.clients)), newRing[int32](len(r.clients))
	// What is under way at most, and in a ring that keeps those that have ended until the ones before them have.
	s.flying = newRing[flight](int(min(o.Rate*min(o.Patience, o.For).Seconds(), 1<<20))/sites + burst)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.clients {
		s.idle(int32(i), &r.clients[i])
	}
	s.alarms.next = r.now() / int64(tick)
	s.plan = newSchedule(r.now()+int64(tick), o.Rate, o.For.Seconds(), number, sites)
	r.stream, r.machine.eager = s, true
	idle := make(chan struct{})
	r.idle = idle
	r.settle()
	return idle
}

// Progress is what the running Offer has done so far, and merges the latencies since the last call, in microseconds,
// into recent. Between Offers it is zero.
func (g *Generator) Progress(recent *hdrhistogram.Histogram) (t Tally) {
	for _, r := range g.sites {
		r.mu.Lock()
		if s := r.stream; s != nil {
			t.add(&s.tally)
			recent.Merge(s.recent)
			s.recent.Reset()
		}
		r.mu.Unlock()
	}
	return t
}

// Rate is a number of exchanges over a time, per second; 0 where the time is.
func Rate(n uint64, over time.Duration) float64 {
	if over <= 0 {
		return 0
	}
	return math.Round(float64(n)/over.Seconds()*10) / 10
}
