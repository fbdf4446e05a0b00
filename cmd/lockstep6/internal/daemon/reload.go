package daemon

import (
	"context"
	"errors"
	"strings"
	"sync"

	systemd "github.com/coreos/go-systemd/v22/daemon"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A changing is what is needed to change the configuration of a running node.
type changing struct {
	one     sync.Mutex // one change at a time; of what follows too
	stopped bool       // the node ends: nothing is changed any more

	reading chan struct{} // has an element while a reload reads the file and takes it: the next one reads what is newer

	sweeping sync.Mutex // held while the sweeper reclaims, and while a site is made: see engine.NextSite
	ticking  sync.Mutex // held while the view does what comes due, and while it gets a successor
}

// errStopping says that it is too late for a change.
var errStopping = errors.New("the node is stopping")

// Reload implements admin.Node.
func (o *operator) Reload(ctx context.Context, r admin.ReloadRequest) (admin.Plan, error) {
	return o.d.Reload(ctx, r)
}

// Reload reads the configuration file again and puts it in force, or only tells what that would change.
func (d *Daemon) Reload(ctx context.Context, r admin.ReloadRequest) (admin.Plan, error) {
	select {
	case d.changing.reading <- struct{}{}:
		defer func() { <-d.changing.reading }()
	case <-ctx.Done():
		return admin.Plan{}, ctx.Err()
	}
	text, err := readAgain(ctx, d.options.ConfigFile)
	if err != nil {
		return admin.Plan{}, &admin.ReloadError{Problem: "cannot read the configuration: " + err.Error()}
	}
	d.changing.one.Lock()
	defer d.changing.one.Unlock()
	if !r.DryRun {
		d.lookAtProviders(ctx, true) // what a provider has decided isn't asked whether it is safe
	}
	return d.change(ctx, sources{text: text, stored: d.inForce.stored, providers: d.inForce.providers, consult: true}, r)
}

// Sources are what a configuration is made of.
type sources struct {
	text, stored []byte // the file's, and the stored reservations
	added        int    // which of these, from 1, somebody adds just now; 0: none
	providers    providers
	consult      bool // the sources of prefixes are read, too
}

// change puts a file's text with stored reservations in force, where they differ from those that are stored after these are
// on disk. Changing.one must be held.
func (d *Daemon) change(ctx context.Context, from sources, r admin.ReloadRequest) (admin.Plan, error) {
	if d.changing.stopped {
		return admin.Plan{}, errStopping
	}
	c, err := d.candidate(ctx, from)
	if err != nil {
		return admin.Plan{}, refused(err, from.added)
	}
	if faults := d.fixed(c); len(faults) > 0 {
		return admin.Plan{}, refused(faults, from.added)
	}
	plan := d.plan(c)
	switch {
	case r.DryRun:
		return plan, nil
	case r.Digest != "" && r.Digest != plan.Digest:
		return plan, admin.ErrStale
	case !plan.Safe && !r.Force:
		return plan, &admin.ReloadError{Problem: "the change is refused: it isn't safe in one step", Faults: hazards(&plan), Unsafe: true}
	}
	notifyReloading()
	defer notifyReady()
	was := d.inForce.providers
	if err := d.apply(ctx, c); err != nil {
		return plan, err
	}
	plan.Applied = true
	d.announceProviders(was, c.providers)
	d.log.Info("the configuration is in force", "id", "configuration-reloaded", "changed", plan.Changed,
		"fingerprint", plan.Fingerprint.After, "was", plan.Fingerprint.Before,
		"renumbered", plan.Bindings.Own.New(), "pending", plan.Bindings.Own.Pending, "kept", plan.Bindings.Own.Kept)
	for _, warning := range c.config.Warnings {
		d.log.Warn("the configuration has what is seldom meant", "id", "configuration-warning", "warning", warning.Error())
	}
	return plan, nil
}

// refused makes the answer of what is wrong with a configuration, for whom adds a stored reservation to it, or (0) none.
func refused(err error, added int) error {
	var faults config.Errors
	if !errors.As(err, &faults) {
		return &admin.ReloadError{Problem: "the configuration is refused", Faults: []string{err.Error()}}
	}
	return &admin.ReloadError{Problem: "the configuration is refused", Faults: faults.Adding(added)}
}

// hazards are the changes that make a plan unsafe, in a line each.
func hazards(p *admin.Plan) (lines []string) {
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Hazard == "" {
			continue
		}
		line := c.What + ": " + c.Hazard
		if len(c.Steps) > 0 {
			line += "; instead: " + strings.Join(c.Steps, "; ")
		}
		lines = append(lines, line)
	}
	return lines
}

// loggedFaults is how many faults of a file are logged one by one; `lockstep6 check` has all.
const loggedFaults = 20

// hangups reloads the configuration at each SIGHUP until the context ends.
func (d *Daemon) hangups(ctx context.Context) {
	for {
		select {
		case <-d.options.Hangup:
		case <-ctx.Done():
			return
		}
		_, err := d.Reload(ctx, admin.ReloadRequest{})
		var why *admin.ReloadError
		switch {
		case err == nil:
			continue
		case !errors.As(err, &why):
			d.log.Error("the configuration couldn't be reloaded", "id", "reload-failed", "error", err)
		case why.Unsafe:
			for _, line := range why.Faults {
				d.log.Warn("the configuration isn't reloaded: it isn't safe in one step; take the steps, or apply it with `lockstep6 reload --force`",
					"id", "reload-unsafe", "change", line)
			}
		default:
			d.log.Error("the configuration isn't reloaded", "id", "reload-refused", "problem", why.Problem, "faults", len(why.Faults))
			for _, line := range why.Faults[:min(len(why.Faults), loggedFaults)] {
				d.log.Error("a fault of the configuration that isn't reloaded", "id", "reload-fault", "fault", line)
			}
		}
		notifyReloading() // whoever sent the signal waits for the end of it
		notifyReady()
	}
}

// notifyReloading tells the service manager that a reload has begun (sd_notify(3); systemd.service(5), Type=notify-reload).
func notifyReloading() {
	_, _ = systemd.SdNotify(false, systemd.SdNotifyReloading+"\n"+systemd.SdNotifyMonotonicUsec())
}

func notifyReady() { _, _ = systemd.SdNotify(false, systemd.SdNotifyReady) }
