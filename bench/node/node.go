// Package node puts a node's core together for benchmarks as the daemon does it, from one configuration: table, marks and policy,
// without sockets and store. What is done with it, and how it is loaded, is the benchmark's.
package node

import (
	"errors"
	"net/netip"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/worker"
)

// Settings of a node with one link that has no pool yet.
const Settings = `
listen: {addresses: ["[::1]:10547"]}
options: {dns-servers: ["2001:db8::53"]}
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
`

// Lines to put behind Settings: pools in which nearly every client gets its first candidate.
const (
	Addresses = `    addresses: [{pool: "2001:db8:1::/64"}]
`
	Prefixes = `    prefixes: [{pool: "2001:db8:8000::/33", length: 64}]
`
)

var (
	// ServerID is the node's DUID.
	ServerID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}
	// Link is the link-address of the clients' relays.
	Link = netip.MustParseAddr("2001:db8:1::1")
)

// A Core is what all workers of a node share.
type Core struct {
	Table *binding.Table
	Marks *engine.Marks
	Site  atomic.Pointer[engine.Site]
}

// New makes a core that has a configuration and no bindings. Two of them place bindings alike.
func New(text string, capacity int) (*Core, error) {
	c, err := Empty(capacity)
	if err != nil {
		return nil, err
	}
	if err := c.Install(text, capacity); err != nil {
		return nil, errors.Join(err, c.Table.Close())
	}
	return c, nil
}

// Empty makes a core that Install is still to give a configuration.
func Empty(capacity int) (*Core, error) {
	table, err := binding.New(binding.Options{Capacity: capacity, Seed: 1})
	return &Core{Table: table, Marks: new(engine.Marks)}, err
}

// Install compiles a configuration for a table without bindings. Who loads some has the site meet them.
func (c *Core) Install(text string, capacity int) error {
	parsed, faults := config.Parse("bench.yaml", []byte(text))
	if len(faults) > 0 {
		return faults
	}
	p, err := policy.Compile(parsed, policy.Input{SingleDUID: ServerID})
	if err != nil {
		return err
	}
	site, err := engine.EmptySite(p, engine.NewView(p, engine.Memory{}, capacity))
	if err != nil {
		return err
	}
	c.Site.Store(site)
	return nil
}

// Memory is a journal whose writes are durable at once.
type Memory struct{}

// Append implements worker.Journal.
func (Memory) Append(w *worker.Write) { w.Done <- w }

// Healthy implements worker.Journal.
func (Memory) Healthy() bool { return true }
