// Package daemon wires a node together: configuration, store, binding table, workers, sockets, admin interface.
// It is the one place that knows everybody, and it holds no rule of its own.
//
//	Open:  read and check -> open the store -> compile the policy -> fill the table -> open sockets
//	Run:   workers, deliveries, sweeper, lease log, admin, reloads; until the context ends
//	Close: sockets first, then the workers' last replies, then the store: what was granted is durable
package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/limit"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/privacy"
	"github.com/lockstep6/lockstep6/io/udp"
	"github.com/lockstep6/lockstep6/store"
)

// Options is what the command line says.
type Options struct {
	ConfigFile string
	Node       string           // this node's name; empty without a cluster
	Data       string           // overrides store.path
	Listen     []netip.AddrPort // replaces listen.addresses and listen.interfaces where given
	Admin      netip.AddrPort   // overrides admin.listen where valid
	Version    string
	Logger     *slog.Logger
	Level      *slog.LevelVar   // the logger's; set from the configuration
	Format     func(string)     // sets the logger's format to the configuration's; nil: it has its own
	Hangup     <-chan os.Signal // at each the configuration is read again; nil: never

	machine machine // whose clocks the node goes by; zero: the one that it is on
}

// operatorID is the operator's number as a writer, above all workers' (see engine.Marks).
const operatorID = engine.MaxWriters - 1

// maxWorkers bounds the workers where the configuration leaves their number to the machine.
const maxWorkers = 128

// A Daemon is one running node.
type Daemon struct {
	options          Options
	log              *slog.Logger   // what it is told events has too
	logged, measured privacy.Keeper // what names clients in the log and in metrics
	events           *logLines
	data             string
	file             string // the configuration's path from the root

	changing changing
	inForce  *candidate // whose policy is in force; changing.one guards it once the node runs

	store     *store.Store
	keep      func(ctx context.Context, name string, value []byte) error // the store's PutMeta, for what a change keeps
	table     *binding.Table
	marks     *engine.Marks
	site      atomic.Pointer[engine.Site]
	owners    atomic.Pointer[Owners] // of the bindings in the table
	sockets   *udp.Server
	workers   []*worker.Worker
	operator  *operator
	admin     *admin.Server
	clock     worker.Clock
	leaseLog  *leaseLog
	drain     drain
	queries   *queries // nil: nobody may ask for bindings
	feed      feed
	dns       *dnsKeeper
	hooks     hooks
	fleet     fleet
	gaps      gaps
	following following
	asking    atomic.Bool  // the peers haven't been asked yet for what the node missed
	knew      binding.Time // until when a node that is back knew all of its peers' bindings; 0: that isn't known
	started   time.Time

	shared      reconfigure.Shared // with the workers' engines
	limits      *worker.Limits     // of what relays and neighbours send
	reconfigure reconfigurer
}

// Open reads the configuration and gets the node ready to serve. On an error nothing stays open.
func Open(ctx context.Context, o Options) (*Daemon, error) {
	d := &Daemon{options: o, events: new(logLines), started: time.Now(), marks: new(engine.Marks), drain: drain{stop: make(chan struct{})}}
	d.changing.reading = make(chan struct{}, 1)
	d.log = slog.New(d.logged.Handler(tee{Handler: o.Logger.Handler(), events: d.events}))
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.closeAll())
	}
	return d, nil
}

func (d *Daemon) open(ctx context.Context) (err error) {
	if d.inForce, err = d.openConfig(ctx); err != nil {
		return err
	}
	c := d.inForce.config
	d.setPrivacy(c, d.inForce.pseudonyms)
	for _, warning := range c.Warnings {
		d.log.Warn("the configuration has what is seldom meant", "id", "configuration-warning", "warning", warning.Error())
	}
	d.leaseLog = newLeaseLog(slog.New(d.logged.Handler(d.options.Logger.Handler())), func(owner uint8) string { return d.owners.Load()[owner] })
	d.setLog(d.inForce)
	if d.table, err = binding.New(binding.Options{Capacity: c.Store.Capacity, Seed: rand.Uint64()}); err != nil {
		return fmt.Errorf("store.capacity: %w", err)
	}
	if err = d.start(ctx, d.inForce.policy); err != nil {
		return err
	}
	if err = d.openReconfigure(ctx); err != nil {
		return err
	}
	workers, err := d.openSockets(d.inForce.policy)
	if err != nil {
		return err
	}
	if err := d.openQueries(); err != nil {
		return err
	}
	d.makeWorkers(workers)
	d.dns = newDNSKeeper(d, d.inForce)
	d.operator = newOperator(d)
	d.admin, err = d.openAdmin()
	return err
}

// openConfig reads the configuration and opens the store: a cluster's policy is compiled before, so that a wrong --node or key
// leaves no folder behind; a single node's needs the key in its store, and stored reservations count too.
func (d *Daemon) openConfig(ctx context.Context) (*candidate, error) {
	text, err := ReadText(d.options.ConfigFile)
	if err != nil {
		return nil, err
	}
	if d.file, err = filepath.Abs(d.options.ConfigFile); err != nil {
		return nil, err
	}
	c, faults := config.Parse(d.options.ConfigFile, text)
	if len(faults) > 0 {
		return nil, faults
	}
	d.hideUntilKeyed(c)
	if c.Cluster != nil {
		if _, err = d.compile(ctx, c); err != nil {
			return nil, err
		}
	}
	if d.data, err = DataFolder(c, d.options.Data); err != nil {
		return nil, err
	}
	if d.store, err = d.openStore(c); err != nil {
		return nil, err
	}
	d.keep = d.store.PutMeta
	stored, _ := d.store.Meta(metaReservations)
	value, _ := d.store.Meta(metaProviders)
	known, err := readProviders(value)
	if err != nil {
		return nil, err
	}
	return d.openCandidate(ctx, sources{text: text, stored: stored, providers: known, consult: true})
}

// openCandidate is the first candidate. What is new of its prefixes is in the store before anything is granted by it.
func (d *Daemon) openCandidate(ctx context.Context, from sources) (*candidate, error) {
	c, err := d.candidate(ctx, from)
	if err != nil {
		return nil, err
	}
	d.announceProviders(nil, c.providers)
	if err := d.keepProviders(ctx, from.providers, c.providers); err != nil {
		return nil, err
	}
	return c, nil
}

// start loads the bindings and puts the policy in force.
func (d *Daemon) start(ctx context.Context, p *policy.Policy) error {
	memory, owners, err := d.remember(ctx, p)
	if err != nil {
		return err
	}
	d.owners.Store(owners)
	site, err := engine.EmptySite(p, engine.NewView(p, memory, d.inForce.config.Store.Capacity))
	if err != nil {
		return fmt.Errorf("cannot map the free slots of the pools: %w", err)
	}
	newest, err := d.load(ctx, site)
	if err != nil {
		return err
	}
	if newest == 0 && tasksOf(d.inForce.config) > 0 {
		// A new node's store, or a lost one's: what DNS holds of its clients nobody remembers.
		if err := d.store.LoseTasks(ctx); err != nil {
			return fmt.Errorf("cannot note in the store that DNS is to be audited: %w", err)
		}
	}
	d.setClock(newest)
	if !p.Single {
		d.greet(p, site.View)
	}
	d.site.Store(site)
	return nil
}

func (d *Daemon) openStore(c *config.Config) (*store.Store, error) {
	return store.Open(d.storeOptions(c))
}

// storeOptions are what the configuration says of the store.
func (d *Daemon) storeOptions(c *config.Config) store.Options {
	mode := store.SyncAlways
	if !c.Store.Sync {
		mode = store.SyncNever
	}
	outbox := outboxOf(c)
	keep := &store.History{Keep: time.Duration(c.History.Keep) * time.Second}
	return store.Options{Path: d.data, Sync: mode, History: keep, Index: c.Leasequery != nil, Tasks: &store.Tasks{Most: tasksOf(c)}, Outbox: &outbox, Logger: d.log}
}

// openSockets binds what the node listens on, and returns for how many workers.
func (d *Daemon) openSockets(p *policy.Policy) (workers int, err error) {
	listen := effectiveListen(d.inForce.config, d.options, p)
	if len(listen.Addresses) == 0 && len(listen.Interfaces) == 0 {
		return 0, fmt.Errorf("%s: listen: nothing to listen on; name interfaces or addresses, or give --listen", d.options.ConfigFile)
	}
	workers = listen.Workers
	if workers == 0 {
		workers = min(runtime.GOMAXPROCS(0), maxWorkers)
	}
	// The store flushes and compacts in goroutines of its own. Where every processor has a worker they starve, and
	// a commit may wait for a second or two.
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), workers+1))
	d.limits = worker.NewLimits(limitedSenders, binary.NativeEndian.Uint64(random(8)))
	d.sockets, err = udp.Open(udp.Config{
		Workers:    workers,
		Interfaces: listen.Interfaces,
		Addresses:  listen.Addresses,
		Urgency:    true,
		Logger:     d.log,
		Notify:     d.notified,
	})
	return workers, err
}

// limitedSenders is of how many relays and neighbours, and of how many clients, is remembered at once how much they have sent.
const limitedSenders = 1 << 16

func (d *Daemon) makeWorkers(workers int) {
	rates := limit.NewTable(limitedSenders)
	for i := range workers {
		handle := d.table.NewHandle()
		rules := engine.New(handle, d.marks)
		rules.Share(&d.shared)
		rules.Limit(rates)
		d.workers = append(d.workers, worker.New(worker.Options{
			ID: i, Socket: d.sockets.Worker(i), Journal: d.store,
			Engine: rules,
			Marks:  d.marks, Site: &d.site, Clock: d.clock,
			Wall: func() int64 { return time.Now().UnixNano() }, Wait: diskWait(), Observe: d.observe,
			Refusals: newRefusals(workers), Limits: d.limits, Aside: d.queries.aside(), Requests: d.reconfigure.requests.take,
		}))
	}
}

// observe tells who wants to know of changes that are durable.
func (d *Daemon) observe(changes []byte) {
	d.leaseLog.observe(changes)
	d.feed.observe(changes)
}
