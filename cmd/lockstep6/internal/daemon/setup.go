package daemon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/store"
)

// Names in the store's meta space.
const (
	metaKey  = "single.key"  // a single node's key, made at the first start
	metaDUID = "single.duid" // and its DUID
)

// ReadConfig reads and checks a configuration file. The error lists all that is wrong in it.
func ReadConfig(file string) (*config.Config, error) { return ReadConfigWith(file, nil) }

// ReadConfigWith is ReadConfig with what is known of provider's prefixes.
func ReadConfigWith(file string, known map[string]config.Provided) (*config.Config, error) {
	data, err := ReadText(file)
	if err != nil {
		return nil, err
	}
	c, faults := config.ParseWith(file, data, config.Beside{Provided: known})
	if len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}

// DataFolder is where the node keeps its store: --data, else store.path.
func DataFolder(c *config.Config, override string) (string, error) {
	path := c.Store.Path
	if override != "" {
		path = override
	}
	if path == "" {
		return "", errors.New("no folder for the store: set store.path in the configuration or give --data DIR")
	}
	return filepath.Abs(path)
}

// Resolver finds secrets: env:NAME, file:NAME (relative to the configuration's folder), or the text itself.
func Resolver(configFile string) func(config.Secret) ([]byte, error) {
	return func(s config.Secret) ([]byte, error) {
		text, err := secretText(s, configFile, "`lockstep6 key --out FILE` makes one; copy it to every node")
		if err != nil {
			return nil, err
		}
		key, err := hex.DecodeString(text)
		if err != nil || len(key) != len(address.Key{}) {
			return nil, errors.New("a key is 64 hexadecimal digits (32 octets), as `lockstep6 key` makes it")
		}
		return key, nil
	}
}

// compile makes the policy of this node. A single node's key and DUID come from its store.
func (d *Daemon) compile(ctx context.Context, c *config.Config) (*policy.Policy, error) {
	in := policy.Input{File: d.options.ConfigFile, Node: d.options.Node, Resolve: Resolver(d.options.ConfigFile)}
	if c.Cluster == nil {
		key, err := d.remembered(ctx, metaKey, func() []byte { return random(len(address.Key{})) })
		if err != nil {
			return nil, err
		}
		in.SingleKey = address.Key(key)
		in.SingleDUID, err = d.remembered(ctx, metaDUID, func() []byte {
			return wire.AppendDUIDUUID(nil, RandomUUID())
		})
		if err != nil {
			return nil, err
		}
	}
	p, err := policy.Compile(c, in)
	if err == nil {
		err = d.giveSecret(ctx, p)
	}
	if err == nil && d.store != nil {
		// History is whole only if changes tell it while the store keeps it, which was settled when it was opened. So is
		// leasequery's index. What follows for DNS is told as long as there are names. Hooks and a message broker are told of what begins and ends, too.
		p.History = d.store.HistoryState().On || c.Leasequery != nil || c.DNS != nil || len(c.Hooks) > 0 || c.Events != nil
	}
	return p, err
}

// remembered gets a value from the store's meta space, and makes it where there is none yet.
func (d *Daemon) remembered(ctx context.Context, name string, fresh func() []byte) ([]byte, error) {
	if value, ok := d.store.Meta(name); ok {
		return value, nil
	}
	value := fresh()
	if err := d.store.PutMeta(ctx, name, value); err != nil {
		return nil, fmt.Errorf("cannot keep %s in the store: %w", name, err)
	}
	return value, nil
}

// SingleSecrets reads what remembered keeps of a single node; false: it has none yet.
func SingleSecrets(r *store.Reader) (key address.Key, duid []byte, ok bool) {
	k, okKey := r.Meta(metaKey)
	duid, okDUID := r.Meta(metaDUID)
	if !okKey || !okDUID || len(k) != len(key) {
		return key, nil, false
	}
	return address.Key(k), duid, true
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, by its documentation
	return b
}

// RandomUUID is a UUID of version 4 (RFC 9562, Section 5.4).
func RandomUUID() [16]byte {
	b := [16]byte(random(16))
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return b
}

// load streams all stored bindings into the table, has the site meet them, and tells when the newest was last heard.
func (d *Daemon) load(ctx context.Context, site *engine.Site) (newest binding.Time, err error) {
	const readers = 2
	start := time.Now()
	var loaders [readers]*binding.Loader
	for i := range loaders {
		loaders[i] = d.table.NewLoader()
		loaders[i].Loaded = site.Meet
	}
	last := start
	err = d.store.Load(ctx, readers, func(reader int, key, value []byte) error {
		return loaders[reader].Load(key, value)
	}, func(done, total uint64) {
		if now := time.Now(); now.Sub(last) > 2*time.Second {
			last = now
			d.log.Info("loading bindings", "id", "bindings-loading", "done", done, "of_about", total)
		}
	})
	for _, l := range loaders {
		if closed := l.Close(); err == nil {
			err = closed // of what it kept back
		}
		newest = max(newest, l.Newest())
	}
	if err != nil {
		return 0, fmt.Errorf("cannot load the bindings from %s: %w", d.data, err)
	}
	site.Met()
	stats := d.table.Stats()
	d.log.Info("bindings loaded", "id", "bindings-loaded", "bindings", stats.Live, "capacity", stats.Capacity, "took", time.Since(start).Round(time.Millisecond))
	return newest, nil
}

// effectiveListen is where this node listens: the command line's before the node's before the shared one.
func effectiveListen(c *config.Config, o Options, p *policy.Policy) config.Listen {
	listen := c.Listen
	if c.Cluster != nil {
		if own := c.Cluster.Nodes[p.Self].Listen; own != nil {
			listen = *own
		}
	}
	if len(o.Listen) > 0 {
		listen.Addresses = append([]netip.AddrPort(nil), o.Listen...)
		listen.Interfaces = nil
	}
	return listen
}
