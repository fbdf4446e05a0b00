package scale

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lockstep6/lockstep6/bench/node"
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/store"
)

// sparse is a pool in which nearly every client gets its first candidate.
const sparse = node.Settings + node.Addresses

var link = node.Link.As16()

// A server is a node's core, and the store where it has one.
type server struct {
	*node.Core
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
func newNode(text string, capacity int) (*server, error) {
	c, err := node.New(text, capacity)
	return &server{Core: c}, err
}

// openNode opens a node as the daemon does: the store in a folder, its bindings into the table by two readers, the site.
func openNode(ctx context.Context, folder string, capacity int) (*server, Start, error) {
	var took Start
	began := time.Now()
	n := new(server)
	var err error
	if n.store, err = store.Open(store.Options{Path: folder, Ballast: -1}); err != nil {
		return nil, took, err
	}
	took.Open = time.Since(began).Seconds()
	if n.Core, err = node.Empty(capacity); err != nil {
		return nil, took, errors.Join(err, n.store.Close())
	}
	compiling := time.Now()
	if err = n.Install(sparse, capacity); err != nil {
		return nil, took, errors.Join(err, n.close())
	}
	took.Site = time.Since(compiling).Seconds()
	loading := time.Now()
	if err = n.load(ctx); err != nil {
		return nil, took, errors.Join(err, n.close())
	}
	took.Load = time.Since(loading).Seconds()
	took.Total = time.Since(began).Seconds()
	return n, took, nil
}

func (n *server) load(ctx context.Context) error {
	site := n.Site.Load()
	var readers [2]*binding.Loader
	for i := range readers {
		readers[i] = n.Table.NewLoader()
		readers[i].Loaded = site.Meet
	}
	err := n.store.Load(ctx, len(readers), func(reader int, key, value []byte) error { return readers[reader].Load(key, value) }, nil)
	for _, l := range readers {
		err = errors.Join(err, l.Close())
	}
	site.Met()
	return err
}

// close ends the node: what was confirmed is on disk.
func (n *server) close() error {
	var err error
	if n.store != nil {
		err = n.store.Close()
	}
	return errors.Join(err, n.Table.Close())
}

// primary returns the lease that a client gets where its first candidate is free.
func (n *server) primary(kind wire.Kind, duid []byte) (lease [16]byte, slot address.U128, err error) {
	p := n.Site.Load().Policy
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
