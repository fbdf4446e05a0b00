package scale

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/store"
)

const settings = `
listen: {addresses: ["[::1]:10547"]}
options: {dns-servers: ["2001:db8::53"]}
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
`

// sparse is a pool in which nearly every client gets its first candidate.
const sparse = settings + `    addresses: [{pool: "2001:db8:1::/64"}]
`

var (
	serverID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}
	link     = netip.MustParseAddr("2001:db8:1::1").As16()
)

// A node is what its workers share: table, marks, policy with its maps, and the store where it has one.
type node struct {
	table   *binding.Table
	marks   *engine.Marks
	site    atomic.Pointer[engine.Site]
	store   *store.Store // nil: nothing is kept
	workers int          // how many there have been: each has a number of its own
}

// A Start is how long a node took until it could serve, in seconds, as the daemon's log would tell.
type Start struct {
	Open  float64 `json:"open_s"`  // the store
	Site  float64 `json:"site_s"`  // the policy, with empty maps of free slots
	Load  float64 `json:"load_s"`  // all bindings into the table, met by the site
	Total float64 `json:"total_s"` // the three, and what is between them
}

// newNode makes a node without store and bindings.
func newNode(text string, capacity int) (*node, error) {
	n := &node{marks: new(engine.Marks)}
	var err error
	if n.table, err = binding.New(binding.Options{Capacity: capacity, Seed: 1}); err != nil {
		return nil, err
	}
	site, err := n.compile(text, capacity)
	n.site.Store(site)
	return n, err
}

// openNode opens a node as the daemon does: the store in a folder, its bindings into the table by two readers, the site.
func openNode(ctx context.Context, folder string, capacity int) (*node, Start, error) {
	var took Start
	began := time.Now()
	n := &node{marks: new(engine.Marks)}
	var err error
	if n.store, err = store.Open(store.Options{Path: folder, Ballast: -1}); err != nil {
		return nil, took, err
	}
	took.Open = time.Since(began).Seconds()
	if n.table, err = binding.New(binding.Options{Capacity: capacity, Seed: 1}); err != nil {
		return nil, took, errors.Join(err, n.store.Close())
	}
	compiling := time.Now()
	site, err := n.compile(sparse, capacity)
	if err != nil {
		return nil, took, errors.Join(err, n.close())
	}
	took.Site = time.Since(compiling).Seconds()
	loading := time.Now()
	if err = n.load(ctx, site); err != nil {
		return nil, took, errors.Join(err, n.close())
	}
	took.Load = time.Since(loading).Seconds()
	took.Total = time.Since(began).Seconds()
	return n, took, nil
}

func (n *node) load(ctx context.Context, site *engine.Site) error {
	var readers [2]*binding.Loader
	for i := range readers {
		readers[i] = n.table.NewLoader()
		readers[i].Loaded = site.Meet
	}
	err := n.store.Load(ctx, len(readers), func(reader int, key, value []byte) error { return readers[reader].Load(key, value) }, nil)
	for _, l := range readers {
		err = errors.Join(err, l.Close())
	}
	site.Met()
	n.site.Store(site)
	return err
}

// compile compiles a configuration for a table that is empty still.
func (n *node) compile(text string, capacity int) (*engine.Site, error) {
	c, faults := config.Parse("scale.yaml", []byte(text))
	if len(faults) > 0 {
		return nil, faults
	}
	p, err := policy.Compile(c, policy.Input{SingleDUID: serverID})
	if err != nil {
		return nil, err
	}
	return engine.EmptySite(p, engine.NewView(p, engine.Memory{}, capacity))
}

// close ends the node: what was confirmed is on disk.
func (n *node) close() error {
	var err error
	if n.store != nil {
		err = n.store.Close()
	}
	return errors.Join(err, n.table.Close())
}

// primary returns the lease that a client gets where its first candidate is free.
func (n *node) primary(kind wire.Kind, duid []byte) (lease [16]byte, slot address.U128, err error) {
	p := n.site.Load().Policy
	for _, pool := range p.Pools {
		if pool.Kind != kind {
			continue
		}
		id := address.Identity{DUID: duid, IAID: 1, Kind: kind}
		slot, ok := p.Hasher.Primary(&pool.Range, &id)
		if !ok {
			break
		}
		return pool.Range.Lease(slot), slot, nil
	}
	return lease, slot, fmt.Errorf("no candidate of kind %s", kind)
}

// capacityFor is the configured capacity of a node that is to hold so many bindings: a quarter more, as an operator would.
func capacityFor(bindings int) int { return bindings + bindings/4 + newClients }
