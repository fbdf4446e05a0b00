package policy

import (
	"bytes"
	"reflect"

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
	note("options of reservations", d.linksDiffer(reservedOptions))
	note("interfaces of links", d.linksDiffer(func(l *config.Link) any { return l.Interfaces }))
	note("excluded prefixes", d.cutsDiffer())
	note("relays", !reflect.DeepEqual(was.Relays, is.Relays))
	note("decline", was.Decline != is.Decline)
	note("listen", !reflect.DeepEqual(was.Listen, is.Listen))
	d.nodeRest(note)
	note("store", was.Store != is.Store)
	note("leasequery", !reflect.DeepEqual(was.Leasequery, is.Leasequery))
	note("history", was.History != is.History)
	note("admin", was.Admin != is.Admin)
	note("log", was.Log != is.Log)
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

// cutsDiffer tells whether a pool that is in both configurations excludes another prefix from those that it delegates
// (RFC 6603).
func (d *differ) cutsDiffer() bool {
	cuts := make(map[poolKey]*config.Cut)
	for _, r := range d.ranges(false) {
		cuts[r.key()] = r.pool.Cut
	}
	for _, r := range d.ranges(true) {
		if was, ok := cuts[r.key()]; ok && !reflect.DeepEqual(was, r.pool.Cut) {
			return true
		}
	}
	return false
}
