package daemon

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/events"
	"github.com/lockstep6/lockstep6/store"
)

// A fleet is the message broker that is told what becomes of this node's leases, so that an inventory of many clusters follows them. The
// zero value tells nobody, and waits to be run.
type fleet struct {
	mu      sync.Mutex
	ctx     context.Context // of the node's run; nil: it doesn't run
	group   *sync.WaitGroup
	running *teller // nil: nobody is told
}

// A teller tells one broker. It is the runner's source.
type teller struct {
	chooser
	config *config.Events
	runner *events.Runner
	end    context.CancelFunc
	ended  chan struct{} // closed when nothing is told any more
	list   store.TaskMark
}

// outboxOf is what the store keeps for telling; zero: nothing.
func outboxOf(c *config.Config) store.Outbox {
	if c.Events == nil {
		return store.Outbox{}
	}
	return store.Outbox{Most: c.Events.Disk, Renewals: c.Events.Renewals}
}

// runFleet begins to tell the broker, and goes on until the context ends, in goroutines of the group.
func (d *Daemon) runFleet(ctx context.Context, group *sync.WaitGroup) {
	d.changing.one.Lock()
	defer d.changing.one.Unlock()
	d.fleet.mu.Lock()
	d.fleet.ctx, d.fleet.group = ctx, group
	d.fleet.mu.Unlock()
	d.setFleet(d.inForce.config)
}

// setFleet puts a configuration's broker in place of the former one. Changing.one must be held.
func (d *Daemon) setFleet(in *config.Config) {
	f := &d.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx == nil || f.ctx.Err() != nil {
		return
	}
	former := f.running
	if former != nil && reflect.DeepEqual(former.config, in.Events) {
		return
	}
	var before <-chan struct{}
	if former != nil {
		former.end()
		before = former.ended
	}
	if f.running = nil; in.Events == nil {
		return
	}
	broker, err := newBroker(in.Events, d.options.ConfigFile, d.options.Node)
	if err != nil {
		d.log.Error("the message broker's files can't be read any more: nobody is told of leases until the configuration is read again", "id", "events-files", "error", err)
		return
	}
	f.running = d.startTeller(in.Events, broker, before)
}

// startTeller begins to tell a broker once the one before has ended; nil: there was none. The fleet is locked.
func (d *Daemon) startTeller(c *config.Events, broker events.Broker, before <-chan struct{}) *teller {
	ctx, cancel := context.WithCancel(d.fleet.ctx)
	t := &teller{
		chooser: chooser{d: d, handle: d.table.NewHandle(), addresses: c.Addresses, prefixes: c.Prefixes, renewals: c.Renewals},
		config:  c, end: cancel, ended: make(chan struct{}),
	}
	t.runner = events.New(events.Settings{
		Cluster: c.Cluster, Node: d.options.Node, Source: t, Broker: broker, Batch: c.Batch, Logger: d.log,
	})
	d.fleet.group.Go(func() {
		defer close(t.ended)
		defer t.handle.Close()
		defer broker.Close()
		defer cancel()
		if before != nil {
			<-before
		}
		var trimming sync.WaitGroup
		trimming.Go(func() { t.trim(ctx) })
		t.runner.Run(ctx)
		trimming.Wait()
	})
	return t
}

// trimEvery is how often it is seen whether too much waits.
const trimEvery = time.Second

// trim drops what is too much or too old, until the context ends, and tells of it once, until the broker has a whole list.
func (t *teller) trim(ctx context.Context) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for told := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			oldest := int64(0)
			if t.config.Keep != wire.Infinity {
				oldest = t.Now().Unix() - int64(t.config.Keep)
			}
			dropped, err := t.d.store.TrimOutbox(oldest)
			if err == nil && dropped > 0 && !told {
				told = true
				t.d.log.Warn("events waited for the broker for too long: the oldest are dropped, and it is told the whole list when it is back",
					"id", "events-dropped", "dropped", dropped)
			}
			told = told && t.d.store.OutboxStats().Lost
		}
	}
}

// Outbox implements admin.Node.
func (o *operator) Outbox() admin.Outbox {
	f := &o.d.fleet
	f.mu.Lock()
	t := f.running
	f.mu.Unlock()
	if t == nil {
		return admin.Outbox{}
	}
	s, waits := t.runner.Status(), o.d.store.OutboxStats()
	out := admin.Outbox{
		On: true, Cluster: t.config.Cluster, Target: t.config.Target(o.d.options.Node), Up: s.Up, Error: s.Error, Waiting: waits.Waiting,
		Octets: waits.Octets, Most: waits.Most, Sent: s.Sent, Failed: s.Failed, Refused: s.Refused, Dropped: waits.Dropped,
		Listing: s.Listing, Listed: s.Listed,
	}
	if !waits.Oldest.IsZero() {
		out.Waited = max(0, t.Now().Sub(waits.Oldest).Seconds())
	}
	if !s.Whole.IsZero() {
		at := s.Whole.UTC()
		out.Whole = &at
	}
	return out
}

// ResendOutbox implements admin.Node.
func (o *operator) ResendOutbox(ctx context.Context) error {
	f := &o.d.fleet
	f.mu.Lock()
	t := f.running
	f.mu.Unlock()
	if t == nil {
		return admin.ErrNoEvents
	}
	if err := o.d.putListNumber(ctx, metaEventsWanted, t.List()); err != nil {
		return err
	}
	t.runner.LookAgain()
	return nil
}
