package daemon

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/ddns"
	"github.com/lockstep6/lockstep6/store"
)

// dnsKeeper keeps DNS while the configuration says so. What is to be done waits in the store; the packets' path knows nothing of it.
type dnsKeeper struct {
	d       *Daemon
	world   *dnsWorld // the updater's
	updater *ddns.Updater
	changed chan struct{} // a token: settings came or went

	mu       sync.Mutex
	settings *ddns.Settings // in force; nil: nothing is kept
	config   *config.DNS    // what they were made of
	last     *admin.DNSAudit
	tried    time.Time // when an audit of the node's own was made last
	audited  time.Time // the same of one that came to its end; or when the node began

	auditing sync.Mutex
}

func newDNSKeeper(d *Daemon, c *candidate) *dnsKeeper {
	k := &dnsKeeper{d: d, world: newDNSWorld(d), changed: make(chan struct{}, 1), audited: time.Now()}
	k.updater = ddns.NewUpdater(taskQueue{d.store}, k.world, ddns.Settings{}, d.log)
	k.set(c)
	return k
}

// set puts a candidate's settings in force.
func (k *dnsKeeper) set(c *candidate) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.settings != nil
	k.settings, k.config = c.dns, c.config.DNS
	if k.settings != nil {
		k.updater.SetSettings(*k.settings)
	}
	if was != (k.settings != nil) {
		select {
		case k.changed <- struct{}{}:
		default:
		}
	}
}

// inForce are the settings; nil: nothing is kept.
func (k *dnsKeeper) inForce() (*ddns.Settings, *config.DNS) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.settings, k.config
}

// run works off the queue while there are settings, and audits when that is due, until the context ends.
func (k *dnsKeeper) run(ctx context.Context) {
	defer k.world.close()
	var audits sync.WaitGroup
	defer audits.Wait()
	audits.Go(func() { k.audits(ctx) })
	for ctx.Err() == nil {
		if settings, _ := k.inForce(); settings != nil {
			k.update(ctx)
			continue
		}
		select {
		case <-k.changed:
		case <-ctx.Done():
		}
	}
}

// update works until the settings go, or the context ends.
func (k *dnsKeeper) update(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var updating sync.WaitGroup
	updating.Go(func() { k.updater.Run(ctx) })
	for {
		select {
		case <-k.changed:
			if settings, _ := k.inForce(); settings != nil {
				continue
			}
			cancel()
		case <-ctx.Done():
		}
		break
	}
	cancel()
	updating.Wait()
}

// tellLeft warns of tasks that wait and that nobody does, as the configuration has no dns.
func (k *dnsKeeper) tellLeft() {
	if settings, _ := k.inForce(); settings != nil {
		return
	}
	if tasks := k.d.store.TaskStats(); tasks.Waiting > 0 {
		k.d.log.Warn("the configuration has no dns, and leases wait for DNS to be looked at: their records stay as they are until dns is back",
			"id", "dns-left", "waiting", tasks.Waiting)
	}
}

// tasksOf is how many tasks may wait; 0: there is no DNS to keep.
func tasksOf(c *config.Config) int {
	if c.DNS == nil {
		return 0
	}
	return c.DNS.Queue
}

// CheckDNS checks what dns refers to: the secrets of its keys.
func CheckDNS(c *config.Config, file string) error {
	_, err := dnsSettings(file, c)
	return err
}

// dnsSettings are what the configuration says of updates, with the keys' secrets; nil: it has no dns.
func dnsSettings(file string, c *config.Config) (*ddns.Settings, error) {
	d := c.DNS
	if d == nil {
		return nil, nil
	}
	keys := make([]*ddns.Key, len(d.Keys))
	for i := range d.Keys {
		text, err := secretText(d.Keys[i].Secret, file, "")
		if err == nil {
			keys[i], err = ddns.NewKey(d.Keys[i].Name, d.Keys[i].Algorithm, text)
		}
		if err != nil {
			field := fmt.Sprintf("dns.keys[%d].secret", i)
			at := positionOf(c, field)
			problem, remedy, ok := strings.Cut(err.Error(), "; ")
			if !ok {
				remedy = "have the key there as `tsig-keygen` writes it, or its secret in base64"
			}
			return nil, config.Errors{{File: file, Line: max(at.Line, 1), Column: max(at.Column, 1), Field: field, Problem: problem, Remedy: remedy}}
		}
	}
	s := &ddns.Settings{
		Records: upkeep.Settings{
			Updates: d.Updates, TakeOver: d.Conflict == config.ConflictTakeOver, Prefixes: d.Prefixes, TTL: d.TTL,
		},
		Timeout: time.Duration(d.Timeout) * time.Millisecond, Parallel: d.Parallel,
	}
	if d.GiveUp != wire.Infinity {
		s.GiveUp = time.Duration(d.GiveUp) * time.Second
	}
	for i := range d.Zones {
		z := ddns.Zone{Name: d.Zones[i].Name, Servers: d.Zones[i].Servers}
		if at := d.Zones[i].Key; at >= 0 {
			z.Key = keys[at]
		}
		s.Zones = append(s.Zones, z)
		s.Records.Zones = append(s.Records.Zones, z.Name)
	}
	return s, nil
}

// A taskQueue is the store's queue as the updater asks it.
type taskQueue struct{ store *store.Store }

// Tasks implements ddns.Queue.
func (q taskQueue) Tasks(after ddns.TaskID, most int) ([]ddns.QueuedTask, error) {
	found, err := q.store.Tasks(store.TaskID(after), most)
	tasks := make([]ddns.QueuedTask, len(found))
	for i := range found {
		tasks[i] = ddns.QueuedTask{ID: ddns.TaskID(found[i].ID), Stamp: found[i].Stamp, Octets: found[i].Octets}
	}
	return tasks, err
}

// DoneTasks implements ddns.Queue.
func (q taskQueue) DoneTasks(ids ...ddns.TaskID) error {
	done := make([]store.TaskID, len(ids))
	for i := range ids {
		done[i] = store.TaskID(ids[i])
	}
	return q.store.DoneTasks(done...)
}

// TaskNews implements ddns.Queue.
func (q taskQueue) TaskNews() <-chan struct{} { return q.store.TaskNews() }
