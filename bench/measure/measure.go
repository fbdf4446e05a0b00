// Package measure measures DHCPv6 servers by bench/load's open loop: one rate for some time, or a ramp that searches the
// highest rate that a server holds. It is what `lockstep6 bench` runs, and knows nothing of whose server it is.
//
//	Run: check that the server answers -> give the clients leases, where the mix needs them -> step, step, ...
//	     a step is one load.Offer; beside it a line each second, and bench/meter on the server's processes
package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/meter"
)

// Options say what to measure.
type Options struct {
	Clients load.Config
	Offer   load.Offer // of a ramp: Rate is the first one, For is each step's
	Ramp    *RampOptions
	Ready   func() error                 // called once the clients have what they need, before the first step; nil: nobody asks
	Stepped func(*Step)                  // called after each step; nil: nobody asks
	Then    func(r *Result) []load.Offer // after the ramp or the one step: what else the same clients offer; nil: nothing
	Server  []*meter.Process             // the server's, to look at; none: its cost isn't measured
	Out     io.Writer                    // progress
	Live    bool                         // Out is a terminal
	Version string                       // for the Result
}

// RampOptions say how to search.
type RampOptions struct {
	MaxLoss float64       // share of exchanges that may fail, above 0, below 1
	Pause   time.Duration // between steps, so that the server can settle
	Limit   time.Duration // of the whole ramp
}

// Check refuses Options that could never work, and says why.
func (o *Options) Check() error {
	errs := []error{o.Clients.Check(), o.Offer.Check()}
	if r := o.Ramp; r != nil {
		if !(r.MaxLoss > 0) || r.MaxLoss >= 1 {
			errs = append(errs, fmt.Errorf("a ramp up to a loss of %v %%: must be above 0, below 100", 100*r.MaxLoss))
		}
		if r.Pause < 0 || r.Limit < o.Offer.For {
			errs = append(errs, fmt.Errorf("a ramp of %v with pauses of %v: give time for one step of %v at least", r.Limit, r.Pause, o.Offer.For))
		}
	}
	return errors.Join(errs...)
}

// settle is the rest before an Offer that follows, so that the server has nothing left of the one before.
const settle = 2 * time.Second

// ErrInterrupted is Run's error when its context ended it. The Result says what was done until then.
var ErrInterrupted = errors.New("interrupted: the figures tell of what was done until then")

var (
	errEarly  = errors.New("interrupted before anything was measured")
	errSilent = errors.New("the server has stopped answering: not one message was answered")
)

// A run is one measurement.
type run struct {
	options   *Options
	generator *load.Generator
	screen    *screen
	result    *Result
}

// Run measures. Where the error isn't nil the Result may be nil, or tell of what was done before.
func Run(ctx context.Context, o Options) (result *Result, err error) {
	if o.Clients.Workers == 0 {
		o.Clients.Workers = min(runtime.GOMAXPROCS(0), o.Clients.Relays)
	}
	if o.Offer.Patience == 0 {
		o.Offer.Patience = load.DefaultPatience
	}
	g, err := load.Open(o.Clients)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	r := &run{options: &o, generator: g, screen: &screen{out: o.Out, live: o.Live}, result: newResult(&o)}
	defer r.screen.end()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	if o.Ramp == nil {
		_, err = r.step(ctx, o.Offer.Rate)
	} else {
		err = r.ramp(ctx)
	}
	if err == nil && o.Then != nil {
		err = r.then(ctx, o.Then(r.result))
	}
	return r.result, err
}

// then offers what follows. A server that answers nothing is a result here.
func (r *run) then(ctx context.Context, offers []load.Offer) error {
	for _, offer := range offers {
		if err := pause(ctx, settle); err != nil {
			return err
		}
		step, err := r.offer(ctx, offer)
		if err != nil && !errors.Is(err, errSilent) {
			return err
		}
		r.screen.say("%s/s: done meanwhile %s/s, p99 %s", thousands(offer.Rate), thousands(step.Meanwhile), milliseconds(step.Latency.P99))
	}
	return nil
}

func newResult(o *Options) *Result {
	r := &Result{
		Format: Format, Version: o.Version, Started: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(),
		Load: Load{
			LinkAddress: o.Clients.LinkAddress.String(), Clients: o.Clients.Clients, FirstClient: o.Clients.First,
			Relays: o.Clients.Relays, Workers: o.Clients.Workers, Mix: o.Offer.Mix.String(), Addresses: !o.Clients.NoAddresses,
			Prefixes: o.Clients.Prefixes, Patience: o.Offer.Patience.Seconds(), Retransmit: o.Offer.Resend, GRO: o.Clients.GRO,
		},
	}
	for _, s := range o.Clients.Servers {
		r.Load.Servers = append(r.Load.Servers, s.String())
	}
	return r
}

// ramp searches.
func (r *run) ramp(ctx context.Context) error {
	o := r.options.Ramp
	r.result.Ramp = &Ramp{MaxLoss: o.MaxLoss, Best: -1, Limit: ByRate}
	deadline := time.Now().Add(o.Limit)
	for s, more := NewSearch(r.options.Offer.Rate, SearchOptions{Most: load.MaxRate, Factor: 2, Precision: 1.05}), true; more; {
		if time.Until(deadline) < r.options.Offer.For {
			r.result.Ramp.Limit = ByTime
			return nil
		}
		rate := s.Rate()
		step, err := r.step(ctx, rate)
		if err != nil && !errors.Is(err, errSilent) { // a server may be so overloaded that it answers nothing
			return err
		}
		held, limit := judge(step, o.MaxLoss)
		step.Held = held
		if held && rate > r.best() {
			r.result.Ramp.Best = len(r.result.Steps) - 1
		}
		if !held {
			r.result.Ramp.Limit = limit
		}
		r.screen.say("%s/s: done %s/s, loss %s, p99 %s%s", thousands(rate), thousands(step.Goodput), percent(step.Loss),
			milliseconds(step.Latency.P99), map[bool]string{true: "", false: " - not held (" + string(limit) + ")"}[held])
		if more = s.Turn(held); !more && s.failed == 0 {
			r.result.Ramp.Limit = ByRate
		}
		if !more && r.best() == 0 {
			return err
		}
		if more {
			if err := pause(ctx, o.Pause); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) best() float64 {
	if s := r.result.Best(); s != nil {
		return s.Rate
	}
	return 0
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ErrInterrupted
	case <-time.After(d):
		return nil
	}
}

// step offers one rate.
func (r *run) step(ctx context.Context, rate float64) (*Step, error) {
	o := r.options.Offer
	o.Rate = rate
	return r.offer(ctx, o)
}

// offer offers something and adds it to the result. What was done is in there also where the context ends it.
func (r *run) offer(ctx context.Context, o load.Offer) (*Step, error) {
	before, err := r.sample()
	if err != nil {
		return nil, err
	}
	used := meter.OwnCPU()
	stop := r.progress(ctx, o.Rate, before)
	began := time.Now()
	out, err := r.generator.Offer(ctx, o)
	ran := min(time.Since(began), o.For)
	stop()
	if out == nil {
		return nil, err
	}
	interrupted := err != nil
	step := stepOf(&o, out, ran)
	step.Generator = (meter.OwnCPU() - used).Seconds()
	after, gone := r.sample()
	if len(r.options.Server) > 0 && gone == nil {
		step.measured(after.Since(before))
	}
	r.result.Steps = append(r.result.Steps, step)
	if r.options.Stepped != nil {
		r.options.Stepped(&step)
	}
	r.result.Interrupted = interrupted || gone != nil
	switch last := &r.result.Steps[len(r.result.Steps)-1]; {
	case gone != nil:
		return last, gone
	case interrupted:
		return last, ErrInterrupted
	case out.Counts.Received == 0 && out.Counts.Sent > 0:
		return last, errSilent
	default:
		return last, nil
	}
}

// progress shows a line each second until stopped.
func (r *run) progress(ctx context.Context, rate float64, sample meter.Sample) (stop func()) {
	line := second{rate: rate, recent: newHistogram(), metered: len(r.options.Server) > 0}
	return watch(ctx, func(since time.Duration) {
		line.took, line.since = since-line.since, since
		line.recent.Reset()
		line.before, line.now = line.now, r.generator.Progress(line.recent)
		if line.now == (load.Tally{}) {
			return // the step has just ended
		}
		if s, err := r.sample(); err == nil {
			line.cpu, sample = s.CPU-sample.CPU, s
		}
		r.screen.show(line.line())
	})
}

// sample adds up the server's processes.
func (r *run) sample() (sum meter.Sample, err error) {
	for _, p := range r.options.Server {
		s, err := p.Read()
		if err != nil {
			return sum, fmt.Errorf("the server: %w", err)
		}
		sum = sum.Plus(s)
	}
	return sum, nil
}
