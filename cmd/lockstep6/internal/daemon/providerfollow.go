package daemon

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// providerEvery is how often sources of prefixes are read. What is new in one is taken when it is read the second time: who
// writes a file may be in the middle of it, and interfaces come up address by address.
const providerEvery = 2 * time.Second

// A following is what a node remembers of its sources from one look to the next. Changing.one guards it.
type following struct {
	seen     providers         // what the last look found, if it isn't in force
	refused  providers         // what the configuration doesn't go with
	problems map[string]string // what is wrong with a source, by its name: it is told once
}

// followProviders reads the sources of prefixes until the context ends.
func (d *Daemon) followProviders(ctx context.Context) {
	tick := time.NewTicker(providerEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.changing.one.Lock()
			d.lookAtProviders(ctx, false)
			d.changing.one.Unlock()
		}
	}
}

// lookAtProviders takes what two looks have found; or at once, what this one does. Changing.one must be held.
func (d *Daemon) lookAtProviders(ctx context.Context, atOnce bool) {
	if d.changing.stopped || len(d.inForce.config.Providers) == 0 {
		return
	}
	next := d.consult(d.inForce.config, d.inForce.providers)
	f := &d.following
	switch {
	case next.same(d.inForce.providers):
		f.seen, f.refused = nil, nil
		return
	case !atOnce && !next.same(f.seen):
		f.seen = next
		return
	case !atOnce && next.same(f.refused):
		return
	}
	_, err := d.takeProviders(ctx, next)
	var why *admin.ReloadError
	switch {
	case err == nil:
		f.seen, f.refused = nil, nil
	case !errors.As(err, &why):
		d.log.Error("a provider's prefix couldn't be put in force; it is tried again", "id", "provider-prefix-failed", "error", err)
	default:
		f.refused = next
		d.tellRefused(why.Faults)
	}
}

// refuseProviders is for prefixes that the configuration doesn't go with, while it does with those before.
func (d *Daemon) refuseProviders(next providers, faults config.Errors) {
	d.following.refused = next
	texts := make([]string, len(faults))
	for i := range faults {
		texts[i] = faults[i].Error()
	}
	d.tellRefused(texts)
}

func (d *Daemon) tellRefused(faults []string) {
	for _, fault := range faults[:min(len(faults), loggedFaults)] {
		d.log.Error("a provider's prefix isn't taken: the configuration doesn't go with it", "id", "provider-prefix-refused", "fault", fault)
	}
}

// takeProviders puts prefixes in force, with the file as it was read last. That isn't asked whether it is safe: the provider has decided.
// Changing.one must be held.
func (d *Daemon) takeProviders(ctx context.Context, next providers) (admin.Plan, error) {
	return d.change(ctx, sources{text: d.inForce.text, stored: d.inForce.stored, providers: next}, admin.ReloadRequest{Force: true})
}

// consult reads the sources of a configuration: what is known after that. What a source can't tell stays as it was.
func (d *Daemon) consult(c *config.Config, known providers) providers {
	prefixes := make([]netip.Prefix, len(c.Providers))
	for i := range c.Providers {
		p := &c.Providers[i]
		was := netip.Prefix{}
		if k := known.of(p.Name); k != nil {
			was = k.Prefix
		}
		prefix, err := readSource(p, d.options.ConfigFile, was)
		d.complain(p.Name, err)
		prefixes[i] = prefix
	}
	return d.knowing(c, known, prefixes)
}

// knowing is what is known with what sources give now.
func (d *Daemon) knowing(c *config.Config, known providers, prefixes []netip.Prefix) providers {
	now, configs := time.Now(), []*config.Config{c}
	if d.inForce != nil {
		configs = append(configs, d.inForce.config)
	}
	return known.with(c, prefixes, now, formerUntil(now, configs...))
}

// complain tells once what is wrong with a source.
func (d *Daemon) complain(name string, err error) {
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	if d.following.problems == nil {
		d.following.problems = make(map[string]string)
	}
	if problem != "" && problem != d.following.problems[name] {
		d.log.Warn("a source of a provider's prefix can't be used; the last prefix stays in force", "id", "provider-prefix-unreadable",
			"name", privacy.Public(name), "error", err)
	}
	d.following.problems[name] = problem
}

// announceProviders tells which prefixes changed between two candidates.
func (d *Daemon) announceProviders(was, is providers) {
	for i := range is {
		p := &is[i]
		before := was.of(p.Name)
		if before != nil && before.Prefix == p.Prefix {
			continue
		}
		attrs := []any{"id", "provider-prefix-changed", "name", privacy.Public(p.Name), "prefix", p.Prefix}
		if before != nil {
			attrs = append(attrs, "was", before.Prefix)
		}
		d.log.Info("a provider's prefix is in force", attrs...)
	}
}

// ProviderPrefixes implements admin.Node.
func (o *operator) ProviderPrefixes() []admin.ProviderPrefix {
	o.d.changing.one.Lock()
	defer o.d.changing.one.Unlock()
	out := []admin.ProviderPrefix{}
	for i := range o.d.inForce.config.Providers {
		p := &o.d.inForce.config.Providers[i]
		shown := admin.ProviderPrefix{Name: p.Name, Source: sourceText(p), Length: p.Length, Former: []admin.FormerPrefix{}, Links: append([]string{}, p.Links...)}
		if known := o.d.inForce.providers.of(p.Name); known != nil {
			shown.Prefix = known.Prefix.String()
			for _, f := range known.Former {
				shown.Former = append(shown.Former, admin.FormerPrefix{Prefix: f.Prefix.String(), Until: time.Unix(f.Until, 0).UTC()})
			}
		}
		out = append(out, shown)
	}
	return out
}

func sourceText(p *config.ProviderPrefix) string {
	switch {
	case p.File != "":
		return "file " + p.File
	case p.Interface != "":
		return "interface " + p.Interface
	default:
		return "api"
	}
}

// PutProviderPrefix implements admin.Node.
func (o *operator) PutProviderPrefix(ctx context.Context, name, prefix string) (admin.Plan, error) {
	d := o.d
	d.changing.one.Lock()
	defer d.changing.one.Unlock()
	c := d.inForce.config
	prefixes := make([]netip.Prefix, len(c.Providers))
	found := false
	for i := range c.Providers {
		p := &c.Providers[i]
		if p.Name != name {
			continue
		}
		if !p.API {
			return admin.Plan{}, admin.ErrOtherSource
		}
		parsed, err := config.ParsePrefix(prefix, p.Length)
		if err != nil {
			return admin.Plan{}, &admin.ReloadError{Problem: "the prefix is refused", Faults: []string{err.Error()}}
		}
		prefixes[i], found = parsed, true
	}
	if !found {
		return admin.Plan{}, admin.ErrNoProvider
	}
	return d.takeProviders(ctx, d.knowing(c, d.inForce.providers, prefixes))
}
