// Package demo is the demonstration: three nodes of one cluster as processes of their own, thousands of clients
// behind relays, one node killed and brought back. It ends well only if every promise held.
//
// It needs the binary, loopback and a temporary folder; it leaves nothing behind.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/promise"
)

// Options of a demonstration.
type Options struct {
	Program string    // the lockstep6 binary, started anew for every node
	Clients int       // how many, from MinClients to MaxClients
	Out     io.Writer // where the story is told
	Live    bool      // Out is a terminal: the table is updated in place
	Limit   time.Duration
}

// Bounds of Options.
const (
	MinClients = 500 // fewer are served before a node can be killed in the middle
	MaxClients = 1 << 20
)

// ErrBroken says that a promise didn't hold. The evidence has been printed.
var ErrBroken = errors.New("a promise was broken")

// The cast. The first node is the favoured one, and the one that is killed.
var names = []string{"a", "b", "c"}

const (
	faster = 20  // clients are so many times as impatient as the standard's
	relays = 4   // sockets
	window = 256 // exchanges under way at once, for ten thousand clients
)

// A demo is one demonstration.
type demo struct {
	options Options
	folder  string
	nodes   []*node
	ledger  *promise.Ledger
	load    *load.Generator
	screen  *screen
	rate    rate         // the screen's
	orphans map[int]bool // clients that the killed node had confirmed a lease to, before it was killed
	kept    share        // of the orphans that asked again, those that kept address and prefix
}

// Run tells the story and returns nil if all promises held.
func Run(ctx context.Context, o Options) (err error) {
	if o.Clients < MinClients || o.Clients > MaxClients {
		return fmt.Errorf("%d clients: must be %d to %d", o.Clients, MinClients, MaxClients)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, fmt.Errorf(
		"not done after %v: this machine is too slow or too busy now; try fewer clients, such as --clients 2000", o.Limit))
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	d := &demo{options: o, ledger: promise.New(names...)}
	defer func() { err = errors.Join(err, d.close()) }()
	if d.folder, err = os.MkdirTemp("", "lockstep6-demo-"); err != nil {
		return err
	}
	if err := d.open(ctx, fail); err != nil {
		return explain(ctx, err)
	}
	d.screen = newScreen(o.Out, o.Live, d.observe)
	err = d.show(ctx)
	if err != nil {
		for _, line := range d.ledger.Evidence() { // what was broken until then
			fmt.Fprintf(o.Out, "  evidence       %s\n", line)
		}
		return explain(ctx, err)
	}
	return d.verdict(time.Since(began))
}

// show plays the story, with the table below it.
func (d *demo) show(ctx context.Context) error {
	polling, cancel := context.WithCancel(ctx)
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		d.poll(polling)
	}()
	stop := d.screen.start(ctx)
	err := d.play(ctx)
	cancel()
	<-polled
	stop()
	return err
}

// explain prefers the reason why the context ended to what that led to.
func explain(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case cause == nil:
		return err
	case errors.Is(cause, context.Canceled):
		return errors.New("interrupted")
	default:
		return cause
	}
}

// open starts the nodes and the clients.
func (d *demo) open(ctx context.Context, fail context.CancelCauseFunc) error {
	fmt.Fprintf(d.options.Out, "%s\n\n", d.prologue())
	file, err := writeConfig(d.folder, d.options.Clients)
	if err != nil {
		return err
	}
	for _, name := range names {
		d.nodes = append(d.nodes, newNode(name, d.options.Program, file, d.folder, fail))
	}
	var servers []netip.AddrPort
	for _, n := range d.nodes {
		if err := n.start(ctx); err != nil {
			return err
		}
		servers = append(servers, n.address)
	}
	d.load, err = load.Open(load.Config{
		Clients: d.options.Clients, Servers: servers, Relays: relays, Window: window * max(1, d.options.Clients/10000),
		LinkAddress: linkAddress, Prefixes: true, InterfaceID: true, RemoteID: true,
		Times: impatient(), Seed: uint64(time.Now().UnixNano()),
		Heard: d.ledger.Heard,
	})
	return err
}

// impatient are the standard's times, faster, and with fewer Requests to a server that keeps silent.
func impatient() load.Times {
	t := load.StandardTimes().Scaled(faster)
	t.Request.Count = 4                                        // of 10
	t.Renew.For, t.Rebind.For = 15*time.Second, 15*time.Second // whatever else the machine has to do
	return t
}

// close ends everything that was started, in the order in which it depends on each other.
func (d *demo) close() error {
	var errs []error
	if d.load != nil {
		errs = append(errs, d.load.Close())
	}
	for _, n := range d.nodes {
		n.kill()
	}
	return errors.Join(append(errs, os.RemoveAll(d.folder))...)
}
