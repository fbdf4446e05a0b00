package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lockstep6/lockstep6/bench/ceiling"
	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/meter"
)

// warmUp is how long a load runs before anything counts: windows open, memory is touched for the first time.
const warmUp = 700 * time.Millisecond

// giveUp is when a server that does nothing is given up.
const giveUp = 20 * time.Second

// A player is the clients, and looks at the server meanwhile.
type player struct {
	loadTask
	generator *load.Generator
	server    *meter.Process
}

// A look is everything at one moment.
type look struct {
	at              time.Time
	counts          load.Counts
	process, own    time.Duration
	core, generator time.Duration
	syncs           uint64
}

func (p *player) look() (l look, err error) {
	s, err := p.server.Read()
	if err != nil {
		return l, err
	}
	l.at, l.process, l.own, l.counts = time.Now(), s.CPU, meter.OwnCPU(), p.generator.Counts()
	if l.core, err = meter.CoreTime(serverCore); err != nil {
		return l, err
	}
	if l.generator, err = meter.CoreTime(generatorCore); err != nil {
		return l, err
	}
	l.syncs, err = syncs()
	return l, err
}

// sampleOf is what was between two looks.
func sampleOf(a, b *look) (s Sample, err error) {
	done, took := float64(b.counts.Done-a.counts.Done), b.at.Sub(a.at)
	if done == 0 {
		return s, fmt.Errorf("no exchange was done in %v", took)
	}
	s = Sample{
		Rate: done / took.Seconds(), CPU: float64((b.process - a.process).Microseconds()) / done,
		Core: share(b.core-a.core, took), Generator: share(b.generator-a.generator, took), Again: b.counts.Retransmitted - a.counts.Retransmitted,
	}
	busy := b.core - a.core + b.generator - a.generator
	s.Others = max(0, share(busy-(b.process-a.process)-(b.own-a.own), 2*took))
	if n := b.syncs - a.syncs; n > 0 {
		s.PerSync = done / float64(n)
	}
	return s, nil
}

// share is never above 1: the kernel's hundredths of a second may be counted on either side of a look.
func share(part, whole time.Duration) float64 { return min(1, part.Seconds()/whole.Seconds()) }

// saturate has the clients do as many exchanges as the server can, and then half of that by the clock.
func (p *player) saturate() (s Sample, err error) {
	if p.Task == load.Renew {
		if err := p.acquireAll(); err != nil {
			return s, err
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- p.circle(ctx) }()
	s, err = p.watch()
	stop()
	if err = errors.Join(err, <-ended); err != nil || p.Half == 0 {
		return s, err
	}
	time.Sleep(p.Rest) // what is still under way at the server isn't to meet the next part
	half, err := p.offer(s.Rate/2, p.Half)
	s.Half = &half
	return s, err
}

// circle has all clients do the task, again and again until the context ends. None may fail.
func (p *player) circle(ctx context.Context) error {
	for {
		report, err := p.generator.Run(ctx, load.Job{Task: p.Task})
		if report.Failed > 0 {
			return fmt.Errorf("%d of %d clients failed (%v)", report.Failed, report.Asked, p.Task)
		}
		if err != nil {
			return nil // it was told to end
		}
	}
}

// watch looks at the running load after its warm-up, each second.
func (p *player) watch() (s Sample, err error) {
	time.Sleep(warmUp)
	first, err := p.look()
	if err != nil {
		return s, err
	}
	before := first.counts.Done
	var seconds []float64
	// On a machine that is busy with other things a short row may end before anything is done.
	nothing := func() bool { return before == first.counts.Done && time.Since(first.at) < giveUp }
	for last := first.at; time.Since(first.at) < p.Long || nothing(); {
		time.Sleep(min(time.Second, max(p.Long-time.Since(first.at), warmUp/10)))
		now, done := time.Now(), p.generator.Counts().Done
		seconds = append(seconds, float64(done-before)/now.Sub(last).Seconds())
		last, before = now, done
	}
	last, err := p.look()
	if err != nil {
		return s, err
	}
	s, err = sampleOf(&first, &last)
	if p.Seconds {
		s.Seconds = seconds
	}
	return s, err
}

// acquireAll gets all clients their leases.
func (p *player) acquireAll() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	report, err := p.generator.Run(ctx, load.Job{Task: load.Acquire})
	if err == nil && report.Failed > 0 {
		err = errors.New("the server refused them")
	}
	if err != nil {
		return fmt.Errorf("%d of %d clients have no lease to renew: %w", uint64(report.Asked)-report.Done, report.Asked, err)
	}
	return nil
}

// offer begins exchanges by the clock. On a machine that stands still for a moment a short row may end before anything is done: it is offered again.
func (p *player) offer(rate float64, long time.Duration) (h Half, err error) {
	for began, again := time.Now(), true; again; again = h.Done == 0 && time.Since(began) < giveUp {
		if h, err = p.offerOnce(rate, long); h.Done > 0 {
			return h, err
		}
	}
	return h, err
}

func (p *player) offerOnce(rate float64, long time.Duration) (h Half, err error) {
	before, err := p.look()
	if err != nil {
		return h, err
	}
	out, err := p.generator.Offer(context.Background(), load.Offer{Rate: rate, For: long, Mix: load.Only(p.Task)})
	if err != nil {
		return h, err
	}
	after, err := p.look()
	if err != nil {
		return h, err
	}
	s, err := sampleOf(&before, &after)
	return Half{
		Rate: rate, Done: float64(out.Sum().Done) / float64(out.Offered()), CPU: s.CPU, Core: s.Core,
		P50: float64(out.Latency.ValueAtQuantile(50)) / 1e3, P99: float64(out.Latency.ValueAtQuantile(99)) / 1e3,
	}, err
}

// sizes are those of the four messages, on average over the clients: of a Solicit's exchange, and of the four less that.
func (p *player) sizes() (s ceiling.Sizes, err error) {
	mean := func(octets, datagrams uint64) int { return int((octets + datagrams/2) / max(datagrams, 1)) }
	before := p.generator.Counts()
	if _, err := p.generator.Run(context.Background(), load.Job{Task: load.Ask}); err != nil {
		return s, err
	}
	asked := p.generator.Counts()
	if _, err := p.generator.Run(context.Background(), load.Job{Task: load.Acquire}); err != nil {
		return s, err
	}
	all := p.generator.Counts()
	s.Solicit = mean(asked.SentOctets-before.SentOctets, asked.Sent-before.Sent)
	s.Advertise = mean(asked.ReceivedOctets-before.ReceivedOctets, asked.Received-before.Received)
	s.Request = 2*mean(all.SentOctets-asked.SentOctets, all.Sent-asked.Sent) - s.Solicit
	s.Reply = 2*mean(all.ReceivedOctets-asked.ReceivedOctets, all.Received-asked.Received) - s.Advertise
	return s, nil
}
