package policy

import (
	"bytes"
	"reflect"
	"slices"

	"github.com/lockstep6/lockstep6/core/config"
)

// rest names what else differs. It decides no address, so nodes may differ in it for as long as they like.
func (d *differ) rest() (what []string) {
	was, is := d.before.source, d.after.source
	note := func(name string, differs bool) {
		if differs {
			what = append(what, name)
		}
	}
	note("names of links", d.linksDiffer(func(l *config.Link) any { return l.Name }))
	note("lifetimes", d.linksDiffer(func(l *config.Link) any { return l.Defaults.Lifetimes }))
	note("rapid-commit", d.linksDiffer(func(l *config.Link) any { return l.Defaults.RapidCommit }))
	note("options", !reflect.DeepEqual(was.Policy.Options, is.Policy.Options) ||
		d.linksDiffer(func(l *config.Link) any { return l.Defaults.Options }))
	note("boot files", !reflect.DeepEqual(was.Policy.Boot, is.Policy.Boot) ||
		d.linksDiffer(func(l *config.Link) any { return l.Defaults.Boot }) || d.linksDiffer(reservedBoot))
	note("classes", !reflect.DeepEqual(was.Classes, is.Classes))
	note("options of reservations", d.linksDiffer(reservedOptions))
	note("interfaces of links", d.linksDiffer(func(l *config.Link) any { return l.Interfaces }))
	note("excluded prefixes", d.poolsDiffer(func(p *config.Pool) any { return p.Cut }))
	note("lifetimes of pools", d.poolsDiffer(func(p *config.Pool) any { return p.Lifetimes }))
	note("options of pools", d.poolsDiffer(func(p *config.Pool) any { return p.Options }))
	note("names of pools", d.namesRest())
	note("relays", !reflect.DeepEqual(was.Relays.Supplied, is.Relays.Supplied) || !slices.Equal(was.Relays.Allow, is.Relays.Allow))
	note("limits", was.Limits != is.Limits || d.linksDiffer(func(l *config.Link) any { return l.PerClient }))
	note("decline", was.Decline != is.Decline)
	note("listen", !reflect.DeepEqual(was.Listen, is.Listen))
	d.nodeRest(note)
	note("store", was.Store != is.Store)
	note("sources of provider prefixes", !reflect.DeepEqual(providerSources(was), providerSources(is)))
	note("leasequery", !reflect.DeepEqual(was.Leasequery, is.Leasequery))
	note("reconfigure", !reflect.DeepEqual(was.Reconfigure, is.Reconfigure))
	note("hooks", !reflect.DeepEqual(was.Hooks, is.Hooks))
	note("events", !reflect.DeepEqual(was.Events, is.Events))
	note("dns", dnsRest(was.DNS, is.DNS))
	note("history", was.History != is.History)
	note("admin", !reflect.DeepEqual(was.Admin, is.Admin))
	note("log", was.Log != is.Log)
	note("privacy", was.Privacy != is.Privacy)
	return what
}

// nodeRest compares what nodes have beside their names, DUIDs and parts.
func (d *differ) nodeRest(note func(name string, differs bool)) {
	preferences, listens, queries := false, false, false
	for i, k := range d.twins {
		if k < 0 {
			continue
		}
		preferences = preferences || d.before.Nodes[k].Preference != d.after.Nodes[i].Preference
		if !d.before.Single && !d.after.Single {
			was, is := &d.before.source.Cluster.Nodes[k], &d.after.source.Cluster.Nodes[i]
			queries = queries || was.Leasequery != is.Leasequery
			listens = listens || !reflect.DeepEqual(was.Listen, is.Listen) || !reflect.DeepEqual(was.Interfaces, is.Interfaces)
		}
	}
	note("preferences", preferences)
	note("favour", d.before.Favour != d.after.Favour)
	note("nodes' own interfaces", listens)
	note("nodes' addresses for leasequery", queries)
}

// providerSources are the sources of provider's prefixes, without what is known of those.
func providerSources(c *config.Config) []config.ProviderPrefix {
	all := slices.Clone(c.Providers)
	for i := range all {
		all[i].Provided, all[i].Links = config.Provided{}, nil
	}
	return all
}

// linksDiffer tells whether any link that is in both configurations differs in a value.
func (d *differ) linksDiffer(value func(*config.Link) any) bool {
	for _, pair := range d.links {
		if pair.before >= 0 && pair.after >= 0 &&
			!reflect.DeepEqual(value(&d.before.source.Links[pair.before]), value(&d.after.source.Links[pair.after])) {
			return true
		}
	}
	return false
}

// reservedOptions are the options of a link's reservations, by client.
func reservedOptions(l *config.Link) any {
	var all []byte
	options := make(map[string][]byte)
	for i := range l.Reservations {
		r := &l.Reservations[i]
		all = all[:0]
		for _, option := range r.Options {
			all = append(append(all, byte(option.Code>>8), byte(option.Code)), option.Encoded...)
		}
		if len(all) > 0 {
			options[clientText(r)] = bytes.Clone(all)
		}
	}
	return options
}

// reservedBoot are the boot files of a link's reservations, by client.
func reservedBoot(l *config.Link) any {
	boot := make(map[string][]config.BootList)
	for i := range l.Reservations {
		if r := &l.Reservations[i]; r.Boot != nil {
			boot[clientText(r)] = r.Boot
		}
	}
	return boot
}

// poolsDiffer tells whether any pool that is in both configurations differs in a value that decides no lease.
func (d *differ) poolsDiffer(value func(*config.Pool) any) bool {
	before := make(map[poolKey]any)
	for _, r := range d.ranges(false) {
		before[r.key()] = value(r.pool)
	}
	for _, r := range d.ranges(true) {
		if was, ok := before[r.key()]; ok && !reflect.DeepEqual(was, value(r.pool)) {
			return true
		}
	}
	return false
}
