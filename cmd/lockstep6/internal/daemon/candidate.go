package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
)

// A candidate is a configuration that could be put in force, with the policy that it compiles to.
type candidate struct {
	text   []byte // the file's
	stored []byte // the stored reservations; nil: none
	config *config.Config
	policy *policy.Policy
}

// candidate reads a configuration as `lockstep6 check` does. The error lists all that is wrong with it.
func (d *Daemon) candidate(ctx context.Context, text, stored []byte) (*candidate, error) {
	c, faults := config.ParseWith(d.options.ConfigFile, text, stored)
	if len(faults) > 0 {
		return nil, faults
	}
	p, err := d.compile(ctx, c)
	if err != nil {
		return nil, err
	}
	return &candidate{text, stored, c, p}, nil
}

// digest is that of all that the policy is made of: the file, the stored reservations and the keys.
func (c *candidate) digest() string {
	h := sha256.New()
	part := func(b []byte) {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b)))) // never fails, by its documentation
		_, _ = h.Write(b)
	}
	part(c.text)
	part(c.stored)
	part(c.policy.Fingerprint[:])
	for _, key := range c.policy.Accept {
		part(fmt.Appendf(nil, "%x", key.KeyCheck()))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Digest is a text's SHA-256 in hexadecimal.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// fixed lists what a candidate would change that a running node can't. The faults stand where the candidate's file says it.
func (d *Daemon) fixed(c *candidate) (faults config.Errors) {
	was, is := d.inForce.config, c.config
	fault := func(field string, differs bool) {
		if !differs {
			return
		}
		at := positionOf(is, field)
		faults = append(faults, config.Error{
			File: d.options.ConfigFile, Line: max(at.Line, 1), Column: max(at.Column, 1), Field: field,
			Problem: "can't change while the node runs", Remedy: "restart the node to apply it, or take the change back",
		})
	}
	if (was.Cluster == nil) != (is.Cluster == nil) {
		fault("cluster", true)
		return faults
	}
	path := listenField(c)
	old, now := effectiveListen(was, d.options, d.inForce.policy), effectiveListen(is, d.options, c.policy)
	fault(path+".interfaces", !slices.Equal(old.Interfaces, now.Interfaces))
	fault(path+".addresses", !slices.Equal(old.Addresses, now.Addresses))
	fault(path+".workers", old.Workers != now.Workers)
	fault("store.path", d.options.Data == "" && was.Store.Path != is.Store.Path)
	fault("store.sync", was.Store.Sync != is.Store.Sync)
	fault("store.capacity", was.Store.Capacity != is.Store.Capacity)
	fault("leasequery", !reflect.DeepEqual(was.Leasequery, is.Leasequery))
	fault("history.keep", was.History != is.History)
	fault("admin.listen", d.options.Admin == netip.AddrPort{} && was.Admin.Listen != is.Admin.Listen)
	fault("admin.tls", was.Admin.Certificate != is.Admin.Certificate || was.Admin.Key != is.Admin.Key)
	fault("admin.token", was.Admin.Token != is.Admin.Token)
	fault("admin.read", was.Admin.Read != is.Admin.Read)
	identity := "server.duid"
	if is.Cluster != nil {
		identity = "cluster.id"
		if is.Cluster.Nodes[c.policy.Self].DUID != nil || was.Cluster.ID == is.Cluster.ID {
			identity = fmt.Sprintf("cluster.nodes[%d].duid", c.policy.Self)
		}
	}
	fault(identity, string(d.inForce.policy.ServerID) != string(c.policy.ServerID))
	if d.site.Load().View.Ports.Idle() && engine.CountsPorts(c.policy) {
		field := "limits.leases-per-port"
		if c.policy.LeasesPerPort == 0 {
			field = "limits.weak-claims-per-port"
		}
		fault(field, true) // the bindings that there are weren't counted
	}
	return faults
}

// positionOf is where a field stands, or the innermost one around it that the file has.
func positionOf(c *config.Config, field string) config.Position {
	at, ok := c.Positions[field]
	for !ok && field != "" {
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
		at, ok = c.Positions[field]
	}
	return at
}

// listenField is where the candidate says where this node listens: for itself, or else for all.
func listenField(c *candidate) string {
	if c.config.Cluster != nil && c.config.Cluster.Nodes[c.policy.Self].Listen != nil {
		return fmt.Sprintf("cluster.nodes[%d].listen", c.policy.Self)
	}
	return "listen"
}
