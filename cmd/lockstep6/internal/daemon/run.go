package daemon

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/worker"
)

const (
	sweepEvery   = time.Second
	sweepBudget  = 1 << 16 // records looked at per sweep
	sweepGrace   = 60      // seconds that an ended binding keeps its lease for its client
	drainTimeout = 10 * time.Second
	// After so long a worker takes it that the disk hangs, and drops what needs a write. Disks that others use too do hold a
	// sync for 300 ms now and then; meanwhile the socket's buffer keeps what comes, and a client waits a second.
	hungDiskWait = 400 * time.Millisecond
)

// diskWait makes the timer of one worker's waits for the disk.
func diskWait() func() <-chan time.Time {
	timer := time.NewTimer(hungDiskWait)
	return func() <-chan time.Time {
		timer.Reset(hungDiskWait)
		return timer.C
	}
}

// runFollowers begins to tell DNS, hooks and a message broker of leases, to keep rates, and to follow provider's prefixes, and goes on until the
// context ends, in goroutines of the group.
func (d *Daemon) runFollowers(ctx context.Context, group *sync.WaitGroup) {
	group.Go(func() { d.watchdog(ctx) })
	group.Go(func() { d.operator.past.Run(ctx, d.operator.State) })
	group.Go(func() { d.dns.run(ctx) })
	group.Go(func() { d.followProviders(ctx) })
	d.runHooks(ctx, group)
	d.runFleet(ctx, group)
	d.runReconfigure(ctx, group)
}

// Run serves until the context ends, then drains: no message is taken any more, what was taken is answered,
// what was granted is on stable storage. It returns the first fault that ended the node early.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var loops, deliveries, helpers sync.WaitGroup
	abandon := make(chan struct{})
	catching := newCatchUp(d)
	for _, w := range d.workers {
		loops.Go(func() {
			runtime.LockOSThread()
			if err := w.Run(); !errors.Is(err, net.ErrClosed) {
				stop(err)
			}
		})
		deliveries.Go(func() { w.Deliver(abandon) })
	}
	helpers.Go(func() { d.sweep(ctx) })
	helpers.Go(func() { d.watch(ctx) })
	helpers.Go(func() {
		select {
		case <-ctx.Done():
		case <-d.drain.stop:
			stop(nil)
		}
	})
	helpers.Go(func() { d.hangups(ctx) })
	d.runFollowers(ctx, &helpers)
	d.queries.run(ctx, &helpers, func(err error) { stop(err) })
	if catching != nil {
		helpers.Go(func() { catching.run(ctx) })
	}
	logging, stopLogging := context.WithCancel(context.Background())
	defer stopLogging()
	var logger sync.WaitGroup
	logger.Go(func() { d.leaseLog.run(logging) })
	helpers.Go(func() {
		if err := d.admin.Serve(ctx); err != nil {
			stop(err)
		}
	})
	d.announce()
	d.dns.tellLeft()
	<-ctx.Done()
	d.log.Info("stopping: answering what has arrived", "id", "stopping")
	d.events.end() // who follows them would hold up the end
	_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping)
	d.sockets.Drain()
	loops.Wait()
	if !waitFor(&deliveries, drainTimeout) {
		d.log.Warn("some replies could not be made durable in time and were not sent", "id", "replies-abandoned", "waited", drainTimeout)
	}
	close(abandon)
	deliveries.Wait()
	helpers.Wait()
	d.changing.one.Lock()
	d.changing.stopped = true
	d.changing.one.Unlock()
	stopLogging()
	waitFor(&logger, time.Second)
	if !d.site.Load().Policy.Single && d.store.Healthy() {
		bye, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = d.beat(bye) // the last one was at most half a minute ago
		cancel()
	}
	err := d.closeAll()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	d.log.Info("stopped", "id", "stopped")
	return err
}

func (d *Daemon) announce() {
	p := d.site.Load().Policy
	attrs := []any{"id", "serving", "listen", d.sockets.Addresses(), "interfaces", p.Interfaces, "links", len(p.Links), "workers", len(d.workers)}
	if !p.Single {
		attrs = append(attrs, "node", p.Nodes[p.Self].Name)
	}
	if addr := d.admin.Addr(); addr.IsValid() {
		attrs = append(attrs, "admin", addr)
	}
	d.log.Info("serving", attrs...)
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
}

// closeAll closes what is open, in the order that keeps promises.
func (d *Daemon) closeAll() error {
	var errs []error
	if d.sockets != nil {
		errs = append(errs, d.sockets.Close())
		d.sockets = nil
	}
	if d.queries != nil {
		errs = append(errs, d.queries.server.Close())
		d.queries = nil
	}
	if d.admin != nil {
		errs = append(errs, d.admin.Close())
		d.admin = nil
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
		d.store = nil
	}
	return errors.Join(errs...)
}

// sweep reclaims ended bindings, some every second.
func (d *Daemon) sweep(ctx context.Context) {
	handle := d.table.NewHandle()
	defer handle.Close()
	sweeper := engine.NewSweeper(handle, d.marks)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	done := make(chan *worker.Write, 1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !d.store.Healthy() {
			continue
		}
		d.changing.sweeping.Lock()
		changes, count := sweeper.Sweep(d.site.Load(), worker.Time(d.clock()), sweepGrace, sweepBudget, nil)
		d.changing.sweeping.Unlock()
		if count == 0 {
			continue
		}
		d.store.Append(&worker.Write{Changes: changes, Count: count, Done: done})
		select {
		case <-done:
		case <-ctx.Done():
			return
		}
		d.observe(changes)
	}
}

// waitFor waits for the group, at most so long; false: it isn't done.
func waitFor(g *sync.WaitGroup, limit time.Duration) bool {
	done := make(chan struct{})
	go func() { g.Wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}
