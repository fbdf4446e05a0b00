package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/meter"
	"github.com/lockstep6/lockstep6/bench/pair"
)

const (
	poll   = 20 * time.Millisecond
	warmUp = time.Second // until a load counts
	relays = 16
)

// measure does all of it, in one round.
func (r *Report) measure(ctx context.Context, o *options) (err error) {
	p, err := pair.NewPlan(2)
	if err != nil {
		return err
	}
	a, err := start(ctx, &p, o, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Stop()) }()
	g, err := load.Open(load.Config{
		Clients: o.clients, Servers: []netip.AddrPort{netip.MustParseAddrPort(p.DHCP[0])}, Relays: relays, Workers: 1, Window: o.window,
		LinkAddress: netip.MustParseAddr("2001:db8:1::1"), InterfaceID: true, RemoteID: true, Seed: 1,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	w := &watch{generator: g, nodes: []*pair.Node{a}}
	began, err := w.look()
	if err != nil {
		return err
	}
	report, err := g.Run(ctx, load.Job{Task: load.Acquire})
	if err == nil && report.Failed > 0 {
		err = fmt.Errorf("%d of %d clients got no lease", report.Failed, report.Asked)
	}
	if err != nil {
		return err
	}
	if r.Fill, err = w.since(&began); err != nil {
		return err
	}
	if r.Bindings, err = a.Bindings(); err != nil {
		return err
	}
	return w.underLoad(ctx, func() error { return r.phases(ctx, o, &p, w) })
}

// phases are what is measured while the clients renew: the peer alone, then telling all it has, then alone again.
func (r *Report) phases(ctx context.Context, o *options, p *pair.Plan, w *watch) (err error) {
	if r.Before, err = w.alone(ctx, o.step); err != nil {
		return err
	}
	if err := r.catchUp(ctx, o, p, w); err != nil {
		return err
	}
	r.After, err = w.alone(ctx, o.step)
	return err
}

// catchUp starts b, and watches a until b was told all.
func (r *Report) catchUp(ctx context.Context, o *options, p *pair.Plan, w *watch) (err error) {
	b, err := start(ctx, p, o, 1)
	if err != nil {
		return err
	}
	w.nodes = append(w.nodes, b)
	defer func() {
		w.nodes = w.nodes[:1]
		err = errors.Join(err, b.Stop())
	}()
	began, err := w.look()
	if err != nil {
		return err
	}
	end, err := await(ctx, b)
	if err != nil {
		return err
	}
	if r.During, err = w.since(&began); err != nil {
		return err
	}
	start, ok := b.Find("catch-up-begun")
	if !ok {
		return errors.New("node b doesn't say when it began to ask")
	}
	r.Seconds, r.Told, r.Complete = end.Time.Sub(start.Time).Seconds(), end.Leases, end.Complete
	r.Held, err = b.Bindings()
	return err
}

// await waits until the node says that the peer has told what it has.
func await(ctx context.Context, n *pair.Node) (l pair.Line, err error) {
	for {
		if l, ok := n.Find("catch-up-peer"); ok {
			return l, nil
		}
		for _, failure := range []string{"catch-up-failed", "catch-up-unreached"} {
			if _, ok := n.Find(failure); ok {
				return l, fmt.Errorf("node b wasn't told; it said:\n%s", n.Said())
			}
		}
		if ctx.Err() != nil {
			return l, context.Cause(ctx)
		}
		time.Sleep(poll)
	}
}

// A watch looks at the nodes, the clients and the machine.
type watch struct {
	generator *load.Generator
	nodes     []*pair.Node // the first is the peer
}

// A look is everything at one moment.
type look struct {
	at         time.Time
	done       uint64
	peer, ours time.Duration // processor time of the peer; of it, the other node and this process
	machine    time.Duration // of all processors, whoever had it
}

func (w *watch) look() (l look, err error) {
	l.at, l.done, l.ours = time.Now(), w.generator.Counts().Done, meter.OwnCPU()
	for i, n := range w.nodes {
		s, err := n.Meter.Read()
		if err != nil {
			return l, err
		}
		if l.ours += s.CPU; i == 0 {
			l.peer = s.CPU
		}
	}
	for core := range runtime.NumCPU() {
		t, err := meter.CoreTime(core)
		if err != nil {
			return l, err
		}
		l.machine += t
	}
	return l, nil
}

// since is what was since an earlier look with the same nodes.
func (w *watch) since(a *look) (ph Phase, err error) {
	b, err := w.look()
	if err != nil {
		return ph, err
	}
	took := b.at.Sub(a.at)
	ph = Phase{Seconds: took.Seconds(), Done: b.done - a.done, CPU: (b.peer - a.peer).Seconds()}
	ph.Rate = float64(ph.Done) / ph.Seconds
	others := (b.machine - a.machine - (b.ours - a.ours)).Seconds()
	ph.Others = min(1, max(0, others/(ph.Seconds*float64(runtime.NumCPU()))))
	return ph, nil
}

// giveUp is when a node that does nothing is given up.
const giveUp = 20 * time.Second

// alone watches the running load for some time, and for longer where the machine stands still and nothing is done in it.
func (w *watch) alone(ctx context.Context, long time.Duration) (ph Phase, err error) {
	rest(ctx, warmUp)
	began, err := w.look()
	if err != nil {
		return ph, err
	}
	for ph.Done == 0 {
		rest(ctx, long)
		if ctx.Err() != nil {
			return ph, context.Cause(ctx)
		}
		if ph, err = w.since(&began); err != nil {
			return ph, err
		}
		if took := time.Since(began.at); ph.Done == 0 && took > giveUp {
			return ph, fmt.Errorf("no exchange was done in %v", took)
		}
	}
	return ph, nil
}

func rest(ctx context.Context, long time.Duration) {
	select {
	case <-time.After(long):
	case <-ctx.Done():
	}
}

// underLoad has all clients renew, again and again, while f runs. None may fail.
func (w *watch) underLoad(ctx context.Context, f func() error) error {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		for {
			report, err := w.generator.Run(ctx, load.Job{Task: load.Renew})
			if report.Failed > 0 {
				ended <- fmt.Errorf("%d of %d clients couldn't renew", report.Failed, report.Asked)
				return
			}
			if err != nil { // it was told to end
				ended <- nil
				return
			}
		}
	}()
	err := f()
	stop()
	return errors.Join(err, <-ended)
}
