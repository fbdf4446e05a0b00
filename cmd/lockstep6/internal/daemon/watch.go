package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/privacy"
	"github.com/lockstep6/lockstep6/io/udp"
)

const (
	watchEvery = time.Second
	beatEvery  = 30 * time.Second // how exactly a node knows for how long it was away
	missedTick = 10 * time.Second // a tick so late shows that the process or the machine stood still
	standstill = time.Minute      // so late a node has missed what no socket kept for it: it was as good as down
)

// notified is called by the sockets when something has happened to them.
func (d *Daemon) notified(e udp.Event) {
	switch e.Kind {
	case udp.InterfaceUp, udp.InterfaceDown, udp.InterfaceGone, udp.InterfaceMissing, udp.JoinFailed, udp.GroupsJoined:
		d.gaps.hearing(&e, worker.Time(d.clock()))
	case udp.FloodHeld:
		relay := e.Flood.Interface == 0
		d.log.Warn("a sender floods; most of what it sends is thrown away unread", "id", "flood-held", "from", privacy.Sender(netip.AddrFrom16(e.Flood.Source), relay),
			"client", privacy.Address(netip.AddrFrom16(e.Flood.Peer)), "kept", fmt.Sprintf("%.3g %%", float64(e.Flood.Keep)/(1<<32)*100))
	case udp.DropsGrew:
		d.gaps.note(peer.ReasonDrops)
		d.limits.Lost()
	}
}

// watch keeps the node informed of what time brings, and tells the log what has changed.
func (d *Daemon) watch(ctx context.Context) {
	if d.site.Load().Policy.Single {
		d.watchAlone(ctx)
		return
	}
	d.watchCluster(ctx)
}

// watchAlone is watch for a single node, which has no gaps to find and nobody to judge: its pools fill all the same.
func (d *Daemon) watchAlone(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	news := newNews(d)
	for {
		news.tell(worker.Time(d.clock()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// watchCluster finds the gaps in what a cluster's node hears, lets the view judge, and writes the heartbeat.
func (d *Daemon) watchCluster(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	news := newNews(d)
	last, beaten := d.clock(), int64(0)
	shed := d.shed()
	for {
		now := d.clock()
		slept := time.Duration(now - last)
		if slept > missedTick {
			d.gaps.note(peer.ReasonClock)
		}
		if n := d.shed(); n != shed {
			shed = n
			d.gaps.note(peer.ReasonOverload)
		}
		d.changing.ticking.Lock()
		view := d.site.Load().View
		view.Gate.Yield(d.drain.new.Load()) // a view of a newer policy too
		if slept > standstill {
			view.Gate.Returned(worker.Time(last), worker.Time(now))
		}
		last = now
		for _, why := range d.gaps.take() {
			view.Gate.CloseAll(worker.Time(now), why)
		}
		d.gaps.silences(view.Gate, worker.Time(now))
		view.Tick(binding.MomentOf(now))
		d.changing.ticking.Unlock()
		news.tell(worker.Time(now))
		if now-beaten >= int64(beatEvery) && d.store.Healthy() {
			beaten = now
			if err := d.beat(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn("the heartbeat could not be written; after a restart the node seems to have been away for longer", "id", "heartbeat-unwritten", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// shed is how many datagrams the workers, or sieves for them, have dropped unread.
func (d *Daemon) shed() (n uint64) {
	for _, w := range d.workers {
		for _, drop := range [...]wire.Drop{wire.DropOverload, wire.DropRelayRate, wire.DropNeighbourRate, wire.DropShare, wire.DropFlood} {
			n += w.Counters.Dropped(drop)
		}
	}
	return n
}
