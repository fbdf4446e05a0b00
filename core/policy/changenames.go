package policy

import (
	"fmt"
	"reflect"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/naming"
)

// names compares what clients are called, and what is kept of that in DNS. Names decide no address.
func (d *differ) names() {
	was, is := d.before.source.DNS, d.after.source.DNS
	switch {
	case was == nil && is == nil:
		return
	case was == nil:
		d.add(Change{What: "dns: clients get names",
			Effect: "each at its next Request or Renew; what has a lease and doesn't renew has no records until then. " + untilAll})
		return
	case is == nil:
		d.add(Change{What: "dns: clients have no names any more",
			Effect:  "names go from bindings at their next Renew, and nobody removes the records that there are",
			Instead: "`dns` with `updates: false` for " + d.wait() + ": records go as clients renew and bindings end. Then the new file"})
		return
	}
	d.keeping(was, is)
	d.calling()
}

// untilAll is what differing rules mean.
const untilAll = "Until all nodes have the file, nodes may name a client differently, and one that removes a dead peer's records looks for another name"

// keeping compares what is kept in DNS, and where.
func (d *differ) keeping(was, is *config.DNS) {
	switch {
	case was.Updates && !is.Updates:
		d.add(Change{What: "dns: nothing is kept in DNS any more",
			Effect: "records go as clients renew and bindings end: all are gone after " + d.wait()})
	case !was.Updates && is.Updates:
		d.add(Change{What: "dns: names are kept in DNS", Effect: "the records of each client come with its next Renew"})
	}
	gone, come := without(zoneNames(was), zoneNames(is)), without(zoneNames(is), zoneNames(was))
	if len(gone) > 0 {
		d.add(Change{What: "dns: zones are kept no more: " + listed(gone),
			Effect:  "what stands in them stays, unless somebody else removes it",
			Instead: "`updates: false` for " + d.wait() + ", which removes the records, in a file that still has the zones. Then the new file"})
	}
	if len(come) > 0 {
		d.add(Change{What: "dns: zones are kept: " + listed(come), Effect: "records come with the next Renew of each client. " + untilAll})
	}
}

func zoneNames(dns *config.DNS) (names []string) {
	for i := range dns.Zones {
		names = append(names, dns.Zones[i].Name.String())
	}
	return names
}

// calling compares how links' clients are named.
func (d *differ) calling() {
	var links []string
	hostnames := 0
	for _, pair := range d.links {
		if pair.before < 0 || pair.after < 0 {
			continue
		}
		was, is := &d.before.source.Links[pair.before], &d.after.source.Links[pair.after]
		if !sameRules(was.Naming, is.Naming) {
			links = append(links, d.linkName(pair))
		}
		before := hostnamesOf(was)
		after := hostnamesOf(is)
		for client, name := range after {
			if before[client] != name {
				hostnames++
			}
			delete(before, client)
		}
		hostnames += len(before)
	}
	if len(links) > 0 {
		d.add(Change{What: fmt.Sprintf("dns: clients are named otherwise on %s %s", plural(len(links), "link", "links"), listed(links)),
			Effect: "each is at its next Request or Renew; its former records go then. One that sends no Client FQDN option keeps what it once called itself. " + untilAll})
	}
	if hostnames > 0 {
		d.add(Change{What: fmt.Sprintf("hostnames of %d %s", hostnames, plural(hostnames, "reservation", "reservations")),
			Effect: "each client has its new name at its next Request or Renew. " + untilAll})
	}
}

// sameRules tells whether names come out alike. What zones there are, and whether they are kept, is told apart.
func sameRules(was, is *naming.Rules) bool {
	a, b := *was, *is
	a.Zones, b.Zones, a.Updates, b.Updates = nil, nil, false, false
	return reflect.DeepEqual(a, b)
}

// hostnamesOf are the names of a link's reservations, by client.
func hostnamesOf(l *config.Link) map[string]string {
	names := make(map[string]string)
	for i := range l.Reservations {
		if r := &l.Reservations[i]; r.Hostname != nil {
			names[clientText(r)] = string(r.Hostname)
		}
	}
	return names
}

// dnsRest tells whether the sections differ in what changes neither names nor which zones are kept.
func dnsRest(was, is *config.DNS) bool {
	if was == nil || is == nil {
		return false
	}
	a, b := *was, *is
	a.Naming, b.Naming, a.Updates, b.Updates = naming.Rules{}, naming.Rules{}, false, false
	a.Zones, b.Zones = nil, nil
	for i := range was.Zones {
		for k := range is.Zones {
			if string(was.Zones[i].Name) == string(is.Zones[k].Name) {
				a.Zones, b.Zones = append(a.Zones, was.Zones[i]), append(b.Zones, is.Zones[k])
			}
		}
	}
	return !reflect.DeepEqual(a, b)
}
