package isc

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// server writes what is for the whole server, but its links and classes.
func (t *translator) server() {
	root := t.d.Root()
	t.identity(root)
	settings := t.lifetimeSettings(t.global)
	if len(settings) == 0 {
		t.d.Note(root, t.root.at, "lifetimes", "the file gives none; clients that ask for others than dhcpd's default of 12 hours get these all the same")
	}
	at := t.root.at
	if len(settings) > 0 {
		at = settings[0].at
	}
	t.putLifetimes(root, at, t.lifetimesOf(t.global), settings)
	if s, ok := t.rapid(t.global); ok {
		root.Set("rapid-commit", draft.Text("all"))
		t.took(s)
	}
	t.putOptions(root, t.sentOptions(t.global))
	for _, name := range []string{"max-lease-time", "min-lease-time"} {
		for _, s := range t.all {
			for _, set := range s.settings {
				if set.option == t.spaces["server"].names[name] {
					t.told(root, set, "dhcpd looks at it for DHCPv4 only")
				}
			}
		}
	}
	if s, ok := t.global.parameter(t.known, "prefix-length-mode"); ok && len(s.data) == 1 && s.data[0] != 1 {
		t.lost(root, s, "who hints at a length gets that one, or the next shorter one (RFC 8168)")
	} else if ok {
		t.took(s)
	}
	t.leasequery(root)
	t.dns(root)
}

// identity writes the DUID and the preference.
func (t *translator) identity(root *draft.Node) {
	server := root.Map("server")
	switch s, ok := t.global.of[t.spaces["dhcp6"].names["server-id"]]; {
	case ok && s.fixed:
		server.Set("duid", draft.Hex(s.data)).From(s.at)
		t.took(s)
	case t.duid != nil && t.duid.octets != nil:
		server.Set("duid", draft.Hex(t.duid.octets)).From(t.duid.at)
		t.d.Took(1)
	case t.duid != nil:
		t.d.Note(server, t.duid.at, "server-duid "+t.duid.kind, "dhcpd made its DUID itself, and keeps it with its leases: import takes it over")
	default:
		t.d.Note(server, t.root.at, "server-duid", "dhcpd made its DUID itself, and keeps it with its leases: import takes it over")
	}
	if s, ok := t.global.of[t.spaces["dhcp6"].names["preference"]]; ok && s.fixed && len(s.data) == 1 {
		server.Set("preference", draft.Number(s.data[0]))
		t.took(s)
	}
}

// rapid tells whether Rapid Commit is on.
func (t *translator) rapid(v *values) (setting, bool) {
	s, ok := v.of[t.spaces["dhcp6"].names["rapid-commit"]]
	return s, ok
}

func (t *translator) leasequery(root *draft.Node) {
	s, ok := t.global.parameter(t.known, "leasequery")
	if !ok {
		return
	}
	if s.data[0] != 1 {
		t.took(s)
		return
	}
	q := root.Map("leasequery").From(s.at)
	q.Set("requestors", draft.Texts("::/0"))
	q.Set("listen", draft.Empty())
	t.took(s)
	t.d.Changed(q, s.at, "allow leasequery", "dhcpd answers everybody by UDP, and so does this; better name those who ask")
}

// listen writes where messages are taken: on the interfaces of links, or from relays only.
func (t *translator) listen(root *draft.Node) {
	listen := root.Map("listen")
	slices.Sort(t.heard)
	if len(t.heard) > 0 {
		listen.Set("interfaces", draft.Texts(slices.Compact(t.heard)...))
		return
	}
	listen.Set("addresses", draft.Texts("::"))
	t.d.Note(listen, t.root.at, "interfaces", "dhcpd takes those of its command line, or all with an address in a subnet6; none of these is known here, so "+
		"that only relays' messages are taken: write interfaces: [eth0], and the same into match of the link that is on it")
}
