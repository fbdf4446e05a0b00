package daemon

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// watchdog tells the service manager twice in each of its intervals that the node lives (sd_watchdog_enabled(3)): as long as no worker has been at
// the same batch for a whole interval. The manager kills and restarts a node that says nothing. Without WatchdogSec it does nothing.
func (d *Daemon) watchdog(ctx context.Context) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval <= 0 {
		return
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	w := newWatched(len(d.workers))
	for {
		if w.alive(d.batches(), time.Now(), interval) {
			_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// batches are the workers' numbers of batches begun and ended: see worker.Worker.Batches.
func (d *Daemon) batches() []uint64 {
	out := make([]uint64, len(d.workers))
	for i, w := range d.workers {
		out[i] = w.Batches()
	}
	return out
}

// watched is what the watchdog saw of each worker.
type watched struct {
	batches []uint64
	since   []time.Time // when the number was first seen
}

func newWatched(workers int) *watched {
	return &watched{make([]uint64, workers), make([]time.Time, workers)}
}

// alive tells whether no worker has been at one batch for the limit. One that waits for datagrams, or for the disk, is at none.
func (w *watched) alive(batches []uint64, now time.Time, limit time.Duration) bool {
	alive := true
	for i, n := range batches {
		if n != w.batches[i] || w.since[i].IsZero() {
			w.batches[i], w.since[i] = n, now
		}
		if n%2 == 1 && now.Sub(w.since[i]) >= limit {
			alive = false
		}
	}
	return alive
}
