package daemon

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// PrivacyKey is the key of a configuration's pseudonyms: derived from its own, else from the cluster's, else from a single node's, for
// which single is asked.
func PrivacyKey(c *config.Config, file string, single func() (address.Key, error)) (privacy.Key, error) {
	field, secret := "privacy.key", c.Privacy.Key
	if secret == "" && c.Cluster != nil {
		field, secret = "cluster.key", c.Cluster.Key
	}
	if secret == "" {
		key, err := single()
		return privacy.KeyOf(key[:]), err
	}
	octets, err := Resolver(file)(secret)
	if err != nil {
		at := c.Positions[field]
		return privacy.Key{}, config.Errors{{File: file, Line: at.Line, Column: at.Column, Field: field, Problem: "can't be read: " + err.Error()}}
	}
	return privacy.KeyOf(octets), nil
}

// privacyKey is PrivacyKey of this node. Without pseudonyms none is needed.
func (d *Daemon) privacyKey(c *config.Config) (privacy.Key, error) {
	if c.Privacy.Logs != "pseudonyms" && c.Privacy.Metrics != "pseudonyms" {
		return privacy.Key{}, nil
	}
	return PrivacyKey(c, d.options.ConfigFile, func() (key address.Key, err error) {
		kept, ok := d.store.Meta(metaKey)
		if !ok || len(kept) != len(key) {
			return key, fmt.Errorf("the store has no %s to make pseudonyms with", metaKey)
		}
		return address.Key(kept), nil
	})
}

// setPrivacy sets how the log and metrics name clients.
func (d *Daemon) setPrivacy(c *config.Config, key privacy.Key) {
	var domains []string
	if c.DNS != nil {
		for i := range c.DNS.Zones {
			domains = append(domains, c.DNS.Zones[i].Name.String())
		}
	}
	d.logged.Set(privacy.Settings{Mode: privacy.ModeOf(c.Privacy.Logs), Key: key, Domains: domains})
	d.measured.Set(privacy.Settings{Mode: privacy.ModeOf(c.Privacy.Metrics), Key: key})
}

// hideUntilKeyed hides identifiers in what is logged before there is a key, where they aren't to be logged in clear.
func (d *Daemon) hideUntilKeyed(c *config.Config) {
	if c.Privacy.Logs != "clear" {
		d.logged.Set(privacy.Settings{Mode: privacy.Hidden})
	}
}

// measureRelays gives relays the names that metrics may show; one without is only in the sums.
func (d *Daemon) measureRelays(relays []admin.Relay) {
	for i := range relays {
		if a, err := netip.ParseAddr(relays[i].Address); err == nil {
			relays[i].Address, _ = d.measured.Show(privacy.Relay(a), time.Now())
		}
	}
}
