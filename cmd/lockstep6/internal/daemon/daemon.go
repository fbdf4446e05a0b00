// Package daemon wires a node together: configuration, store, binding table, workers, sockets, admin interface.
// It is the one place that knows everybody, and it holds no rule of its own.
//
//	Open:  read and check -> open the store -> compile the policy -> fill the table -> open sockets
//	Run:   workers, deliveries, sweeper, lease log, admin; until the context ends
//	Close: sockets first, then the workers' last replies, then the store: what was granted is durable
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
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
	Level      *slog.LevelVar // the logger's; set from the configuration
}

// operatorID is the operator's number as a writer, above all workers' (see engine.Marks).
const operatorID = engine.MaxWriters - 1

// maxWorkers bounds the workers where the configuration leaves their number to the machine.
const maxWorkers = 128

// A Daemon is one running node.
type Daemon struct {
	options Options
	log     *slog.Logger
	config  *config.Config
	data    string

	store    *store.Store
	table    *binding.Table
	marks    *engine.Marks
	site     atomic.Pointer[engine.Site]
	owners   atomic.Pointer[Owners] // of the bindings in the table
	sockets  *udp.Server
	workers  []*worker.Worker
	operator *operator
	admin    *admin.Server
	clock    worker.Clock
	leaseLog *leaseLog // nil: lease events aren't logged
	queries  *queries  // nil: nobody may ask for bindings
	feed     feed
	gaps     gaps
	asking   atomic.Bool  // the peers haven't been asked yet for what the node missed
	knew     binding.Time // until when a node that is back knew all of its peers' bindings; 0: that isn't known
	started  time.Time
}

// Open reads the configuration and gets the node ready to serve. On an error nothing stays open.
func Open(ctx context.Context, o Options) (*Daemon, error) {
	d := &Daemon{options: o, log: o.Logger, started: time.Now(), marks: new(engine.Marks)}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.closeAll())
	}
	return d, nil
}

func (d *Daemon) open(ctx context.Context) (err error) {
	if d.config, err = ReadConfig(d.options.ConfigFile); err != nil {
		return err
	}
	for _, warning := range d.config.Warnings {
		d.log.Warn(warning.Error())
	}
	if err = d.options.Level.UnmarshalText([]byte(d.config.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %w", err)
	}
	if d.data, err = DataFolder(d.config, d.options.Data); err != nil {
		return err
	}
	compiled, err := d.openPolicy(ctx)
	if err != nil {
		return err
	}
	if d.table, err = binding.New(binding.Options{Capacity: d.config.Store.Capacity, Seed: rand.Uint64()}); err != nil {
		return fmt.Errorf("store.capacity: %w", err)
	}
	if err = d.start(ctx, compiled); err != nil {
		return err
	}
	workers, err := d.openSockets(compiled)
	if err != nil {
		return err
	}
	if err := d.openQueries(); err != nil {
		return err
	}
	d.makeWorkers(workers)
	d.operator = newOperator(d)
	d.admin, err = d.openAdmin()
	return err
}

// openPolicy opens the store and compiles the policy: a cluster's first, so that a wrong --node or key leaves no
// folder behind; a single node's needs the key in its store.
func (d *Daemon) openPolicy(ctx context.Context) (compiled *policy.Policy, err error) {
	if d.config.Cluster != nil {
		if compiled, err = d.compile(ctx); err != nil {
			return nil, err
		}
	}
	if d.store, err = d.openStore(); err != nil || compiled != nil {
		return compiled, err
	}
	return d.compile(ctx)
}

// start loads the bindings and puts the policy in force.
func (d *Daemon) start(ctx context.Context, p *policy.Policy) error {
	memory, err := d.remember(ctx, p)
	if err != nil {
		return err
	}
	site, err := engine.EmptySite(p, engine.NewView(p, memory, d.config.Store.Capacity))
	if err != nil {
		return fmt.Errorf("cannot map the free slots of the pools: %w", err)
	}
	newest, err := d.load(ctx, site)
	if err != nil {
		return err
	}
	d.setClock(newest)
	if !p.Single {
		d.greet(p, site.View)
	}
	d.site.Store(site)
	return nil
}

func (d *Daemon) openStore() (*store.Store, error) {
	mode := store.SyncAlways
	if !d.config.Store.Sync {
		mode = store.SyncNever
	}
	keep := &store.History{Keep: time.Duration(d.config.History.Keep) * time.Second}
	return store.Open(store.Options{Path: d.data, Sync: mode, History: keep, Index: d.config.Leasequery != nil, Logger: d.log})
}

// openSockets binds what the node listens on, and returns for how many workers.
func (d *Daemon) openSockets(p *policy.Policy) (workers int, err error) {
	listen := effectiveListen(d.config, d.options, p)
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

func (d *Daemon) makeWorkers(workers int) {
	if d.config.Log.Leases {
		d.leaseLog = newLeaseLog(d.log, func(owner uint8) string { return d.owners.Load()[owner] })
	}
	for i := range workers {
		handle := d.table.NewHandle()
		d.workers = append(d.workers, worker.New(worker.Options{
			ID: i, Socket: d.sockets.Worker(i), Journal: d.store,
			Engine: engine.New(handle, d.marks),
			Marks:  d.marks, Site: &d.site, Clock: d.clock,
			Wall: func() int64 { return time.Now().UnixNano() }, Wait: diskWait(), Observe: d.observe, Aside: d.queries.aside(),
		}))
	}
}

// observe tells who wants to know of changes that are durable.
func (d *Daemon) observe(changes []byte) {
	if d.leaseLog != nil {
		d.leaseLog.observe(changes)
	}
	d.feed.observe(changes)
}

func (d *Daemon) openAdmin() (*admin.Server, error) {
	listen := d.config.Admin.Listen
	if d.options.Admin.IsValid() {
		listen = d.options.Admin
	}
	return admin.Open(admin.Config{
		Listen: listen, Socket: filepath.Join(d.data, "admin.sock"), Node: d.operator, Logger: d.log,
	})
}
