package daemon

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
)

// metaProviders is the name in the store's meta space of what is known of provider's prefixes.
const metaProviders = "provider-prefixes"

const (
	// maxFormer is how many former prefixes of a provider are told apart. One that changes more often than that in a valid lifetime
	// leaves clients with leases of the oldest, which are withdrawn.
	maxFormer = 4
	// formerSlack is how much longer than any lease a former prefix is kept: other nodes may extend leases until they have the new one.
	formerSlack = 5 * time.Minute
	// mostFormer bounds it where leases never end.
	mostFormer = 30 * 24 * time.Hour
)

// A provider is what a node knows of a provider's prefix, and keeps in its store. So a restart changes nothing, and a source that
// has nothing to say leaves the last prefix in force.
type provider struct {
	Name   string       `json:"name"`
	Prefix netip.Prefix `json:"prefix"`
	Former []former     `json:"former,omitempty"` // the newest first
}

// A former prefix is kept until no lease of it can live any more.
type former struct {
	Prefix netip.Prefix `json:"prefix"`
	Until  int64        `json:"until"` // seconds since 1970-01-01 UTC
}

// providers are those of which a prefix is known, in the configuration's order.
type providers []provider

// readProviders reads what the store keeps; nothing: none is known.
func readProviders(value []byte) (ps providers, err error) {
	if len(value) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(value, &ps); err != nil {
		return nil, fmt.Errorf("the store's %s can't be read: %w", metaProviders, err)
	}
	return ps, nil
}

// value is what the store keeps.
func (ps providers) value() ([]byte, error) {
	if len(ps) == 0 {
		return nil, nil
	}
	return json.Marshal(ps)
}

// provided is what a configuration is read with.
func (ps providers) provided() map[string]config.Provided {
	known := make(map[string]config.Provided, len(ps))
	for i := range ps {
		p := config.Provided{Prefix: ps[i].Prefix}
		for _, f := range ps[i].Former {
			p.Former = append(p.Former, f.Prefix)
		}
		known[ps[i].Name] = p
	}
	return known
}

// of is what is known of a prefix; nil: nothing.
func (ps providers) of(name string) *provider {
	for i := range ps {
		if ps[i].Name == name {
			return &ps[i]
		}
	}
	return nil
}

// same tells whether two lists name the same prefixes, present and former.
func (ps providers) same(others providers) bool {
	return slices.EqualFunc(ps, others, func(a, b provider) bool {
		return a.Name == b.Name && a.Prefix == b.Prefix &&
			slices.EqualFunc(a.Former, b.Former, func(x, y former) bool { return x.Prefix == y.Prefix })
	})
}

// withoutFormer are the present prefixes alone.
func (ps providers) withoutFormer() providers {
	out := slices.Clone(ps)
	for i := range out {
		out[i].Former = nil
	}
	return out
}

// with is the list as a configuration has use for it, where prefixes tells of each source what it gives now; invalid: nothing, and the last one
// stays. Until is when leases of a prefix that changes now have ended. It leaves the list itself as it is.
func (ps providers) with(c *config.Config, prefixes []netip.Prefix, now, until time.Time) (next providers) {
	for i := range c.Providers {
		source := &c.Providers[i]
		p := provider{Name: source.Name}
		if known := ps.of(source.Name); known != nil && (source.Length == 0 || known.Prefix.Bits() == source.Length) {
			p.Prefix, p.Former = known.Prefix, slices.Clone(known.Former)
		}
		if prefix := prefixes[i]; prefix.IsValid() && prefix != p.Prefix {
			if p.Prefix.IsValid() {
				p.Former = slices.Insert(p.Former, 0, former{p.Prefix, until.Unix()})
			}
			p.Prefix = prefix
		}
		p.Former = slices.DeleteFunc(p.Former, func(f former) bool { return f.Prefix == p.Prefix || f.Until <= now.Unix() })
		p.Former = p.Former[:min(len(p.Former), maxFormer)]
		if p.Prefix.IsValid() {
			next = append(next, p)
		}
	}
	return next
}

// formerUntil is until when leases of a prefix may live that changes now.
func formerUntil(now time.Time, configs ...*config.Config) time.Time {
	most := time.Duration(0)
	for _, c := range configs {
		most = max(most, time.Duration(c.LongestValid())*time.Second)
	}
	return now.Add(min(most+formerSlack, mostFormer))
}

// resolve reads a configuration with the prefixes that are known of its providers. A former prefix that the file doesn't go with is
// left out with all others: who has leases of it loses them at the next Renew.
func (s *sources) resolve(file string) (*config.Config, error) {
	c, faults := config.ParseWith(file, s.text, config.Beside{Stored: s.stored, Provided: s.providers.provided()})
	if len(faults) == 0 {
		return c, nil
	}
	if present := s.providers.withoutFormer(); !present.same(s.providers) {
		if c, again := config.ParseWith(file, s.text, config.Beside{Stored: s.stored, Provided: present.provided()}); len(again) == 0 {
			s.providers = present
			return c, nil
		}
	}
	return nil, faults
}

// missesPrefix tells whether a policy can grant nothing at all before a provider's prefix is known. As long as another link serves, that one
// alone waits.
func missesPrefix(p *policy.Policy) error {
	if len(p.Pools) > 0 {
		return nil
	}
	for i := range p.Links {
		for range p.Links[i].ReservedLeases() {
			return nil
		}
	}
	for i := range p.Config().Providers {
		if source := &p.Config().Providers[i]; !source.Prefix.IsValid() && len(source.Links) > 0 {
			return fmt.Errorf("no prefix is known of %s yet, and no other link has pools, so nothing is granted", source.Name)
		}
	}
	return nil
}
