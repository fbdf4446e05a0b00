package daemon

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/worker"
)

// storePatience is how long a change waits for the store.
const storePatience = 10 * time.Second

// apply puts a candidate in force. What the store has to remember of it is on disk before any message is answered by it; on an
// error nothing has changed. Changing.one must be held.
func (d *Daemon) apply(ctx context.Context, c *candidate) error {
	if !d.store.Healthy() {
		return fmt.Errorf("the store can't write: %w", d.store.State().Err)
	}
	// Whoever asked may go; what is being written gets there all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	handle := d.table.NewHandle()
	defer handle.Close()
	d.changing.sweeping.Lock()
	defer d.changing.sweeping.Unlock()
	before := d.site.Load()
	site, sameMaps := before.Follow(c.policy, before.View)
	if !sameMaps {
		var err error
		if site, err = engine.EmptySite(c.policy, before.View); err != nil {
			return fmt.Errorf("cannot map the free slots of the pools: %w", err)
		}
	}
	memory, owners, err := d.remember(ctx, c.policy)
	if err != nil {
		return err
	}
	if !bytes.Equal(c.stored, d.inForce.stored) {
		if err := d.keep(ctx, metaReservations, c.stored); err != nil {
			return fmt.Errorf("the reservations didn't get into the store in time, and may be in force after a restart: %w", err)
		}
	}
	if err := d.keepProviders(ctx, d.inForce.providers, c.providers); err != nil {
		return err
	}
	if err := d.keepReplay(ctx, c.policy); err != nil {
		return err // the first client by the new policy is told a key
	}
	if err := d.keepFollowing(ctx, c); err != nil {
		return err
	}
	// Nothing fails from here on: bindings count for the new site as soon as it meets the first one.
	if !sameMaps {
		site.MeetRunning(handle, d.table.Shards())
	}
	d.owners.Store(owners)
	now := worker.Time(d.clock())
	d.changing.ticking.Lock()
	view, from := engine.NextView(before.View, before.Policy, c.policy, memory, now)
	site.View = view
	d.site.Store(site)
	d.changing.ticking.Unlock()
	d.inForce = c
	d.setLog(c)
	d.dns.set(c)
	defer d.setHooks(c.config)
	d.settle()
	d.stopTasks(ctx, c)
	d.setFleet(c.config)
	d.stopOutbox(ctx, c)
	view.CatchUp(before.View, from, now)
	if sameMaps {
		return nil
	}
	// What the workers bound under the former policy while the maps were made is in the table by now.
	if site, err = engine.NextSite(c.policy, view, handle, d.table.Shards()); err != nil {
		d.log.Error("the maps of the pools couldn't be made again: leases of the former configuration may be given away before they end; "+
			"restart the node", "id", "reload-incomplete", "error", err)
		return nil
	}
	d.site.Store(site)
	return nil
}

// keepFollowing has the store keep what follows from changes, before the first change that tells it.
func (d *Daemon) keepFollowing(ctx context.Context, c *candidate) error {
	if tasks := tasksOf(c.config); tasks > 0 {
		if err := d.store.SetTasks(ctx, tasks); err != nil {
			return fmt.Errorf("the store can't keep what is to be done in DNS: %w", err)
		}
	}
	if outbox := outboxOf(c.config); outbox.Most > 0 {
		if err := d.store.SetOutbox(ctx, outbox); err != nil {
			return fmt.Errorf("the store can't keep what the message broker is to be told: %w", err)
		}
	}
	return nil
}

// keepProviders writes into the store what is known of prefixes, where that differs from what it has.
func (d *Daemon) keepProviders(ctx context.Context, was, is providers) error {
	if was.same(is) {
		return nil
	}
	value, err := is.value()
	if err != nil {
		return err
	}
	if err := d.keep(ctx, metaProviders, value); err != nil {
		return fmt.Errorf("the provider's prefixes didn't get into the store in time: %w", err)
	}
	return nil
}

// stopTasks ends that tasks are added, where the candidate that is in force has no dns any more.
func (d *Daemon) stopTasks(ctx context.Context, c *candidate) {
	if tasksOf(c.config) > 0 {
		return
	}
	if err := d.store.SetTasks(ctx, 0); err != nil {
		d.log.Warn("the store couldn't note that DNS isn't kept any more: it goes on adding to the queue until the node is restarted", "id", "dns-not-ended", "error", err)
	}
	d.dns.tellLeft()
}

// stopOutbox ends that the store keeps changes for a message broker, where the candidate that is in force names none any more.
func (d *Daemon) stopOutbox(ctx context.Context, c *candidate) {
	if c.config.Events != nil {
		return
	}
	if err := d.store.SetOutbox(ctx, outboxOf(c.config)); err != nil {
		d.log.Warn("the store couldn't note that no message broker is told any more: it goes on keeping changes for one until the node is restarted", "id", "events-not-ended", "error", err)
	}
}

// settleStep is how long settle sleeps between two looks; a batch takes less.
const settleStep = 100 * time.Microsecond

// settle returns when no worker uses a site any more that was replaced before the call. A worker that waits for messages
// uses none.
func (d *Daemon) settle() {
	for _, w := range d.workers {
		for begun := w.Batches(); begun%2 == 1 && w.Batches() == begun; {
			time.Sleep(settleStep)
		}
	}
}

// setLog sets what is logged.
func (d *Daemon) setLog(c *candidate) {
	d.setPrivacy(c.config, c.pseudonyms)
	_ = d.options.Level.UnmarshalText([]byte(c.config.Log.Level)) // it was checked
	if d.options.Format != nil {
		d.options.Format(c.config.Log.Format)
	}
	d.leaseLog.on.Store(c.config.Log.Leases)
}
