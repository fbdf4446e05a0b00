package daemon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/io/ddns"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// A candidate is a configuration that could be put in force, with the policy that it compiles to.
type candidate struct {
	text       []byte    // the file's
	stored     []byte    // the stored reservations; nil: none
	providers  providers // what is known of provider's prefixes
	config     *config.Config
	policy     *policy.Policy
	dns        *ddns.Settings // nil: the configuration has no dns
	pseudonyms privacy.Key    // zero: nothing is shown by a pseudonym
}

// candidate reads a configuration as `lockstep6 check` does. The error lists all that is wrong with it.
func (d *Daemon) candidate(ctx context.Context, from sources) (*candidate, error) {
	if !from.consult {
		return d.resolved(ctx, from)
	}
	c, faults := config.ParseWith(d.options.ConfigFile, from.text, config.Beside{Stored: from.stored})
	if len(faults) > 0 {
		return nil, faults
	}
	before := from
	from.providers = d.consult(c, before.providers)
	next, err := d.resolved(ctx, from)
	if err == nil || !errors.As(err, &faults) {
		return next, err
	}
	// A prefix that the file doesn't go with keeps no node from starting, and no other change of the file from being taken.
	before.providers = d.knowing(c, before.providers, make([]netip.Prefix, len(c.Providers)))
	next, other := d.resolved(ctx, before)
	if other != nil {
		return nil, err
	}
	d.refuseProviders(from.providers, faults)
	return next, nil
}

// resolved is the candidate with the prefixes as they are known.
func (d *Daemon) resolved(ctx context.Context, from sources) (*candidate, error) {
	c, err := from.resolve(d.options.ConfigFile)
	if err != nil {
		return nil, err
	}
	p, err := d.compile(ctx, c)
	if err != nil {
		return nil, err
	}
	dns, err := dnsSettings(d.options.ConfigFile, c)
	if err != nil {
		return nil, err
	}
	if err := CheckEvents(c, d.options.ConfigFile); err != nil {
		return nil, err
	}
	key, err := d.privacyKey(c)
	if err != nil {
		return nil, err
	}
	return &candidate{from.text, from.stored, from.providers, c, p, dns, key}, nil
}

// digest is that of all that the policy is made of: the file, the stored reservations and the keys, those of DNS too.
func (c *candidate) digest() string {
	h := sha256.New()
	part := func(b []byte) {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b)))) // never fails, by its documentation
		_, _ = h.Write(b)
	}
	part(c.text)
	part(c.stored)
	for i := range c.providers {
		part([]byte(c.providers[i].Name + " " + c.providers[i].Prefix.String())) // options may follow from it
	}
	part(c.policy.Fingerprint[:])
	for _, key := range c.policy.Accept {
		part(fmt.Appendf(nil, "%x", key.KeyCheck()))
	}
	part(c.pseudonyms[:])
	for _, key := range c.dnsKeys() {
		part(key.Secret)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// dnsKeys are the keys that updates are signed with, in the zones' order. Their secrets may stand in files of their own.
func (c *candidate) dnsKeys() (keys []*ddns.Key) {
	if c.dns == nil {
		return nil
	}
	for i := range c.dns.Zones {
		if key := c.dns.Zones[i].Key; key != nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// sameSecrets tells whether two candidates sign updates with the same secrets.
func (c *candidate) sameSecrets(other *candidate) bool {
	return slices.EqualFunc(c.dnsKeys(), other.dnsKeys(), func(a, b *ddns.Key) bool { return bytes.Equal(a.Secret, b.Secret) })
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
	fault("admin.names", !slices.Equal(was.Admin.Names, is.Admin.Names))
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
