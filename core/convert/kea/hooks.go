package kea

import (
	"path"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// hookNotes say of Kea's own hook libraries what is here instead of them, by the name behind libdhcp_.
var hookNotes = map[string]string{
	"lease_cmds":     "lockstep6 leases lists and ends bindings, and the API of section admin",
	"host_cmds":      "lockstep6 reservations adds and removes reservations while the server runs",
	"stat_cmds":      "lockstep6 pools and the metrics tell how full pools are",
	"subnet_cmds":    "links are changed in the file; lockstep6 reload takes them without a break",
	"class_cmds":     "classes are changed in the file; lockstep6 reload takes them without a break",
	"config_backend": "links are changed in the file; lockstep6 reload takes them without a break",
	"perfmon":        "the metrics tell how long answers take",
	"flex_id":        "reservations by Remote-ID, Subscriber-ID and Interface-ID are translated",
	"bootp":          "it is for DHCPv4",
	"legal_log":      "section history keeps who had which lease when: history: {keep: 400d}",
	"forensic_log":   "section history keeps who had which lease when: history: {keep: 400d}",
	"mysql":          "bindings are in the server's own store",
	"pgsql":          "bindings are in the server's own store",
	"ping_check":     "it is for DHCPv4",
	"lease_query":    "section leasequery says who may ask",
}

// hookLosses say of those that have no equal what one can do.
var hookLosses = map[string]string{
	"ha":          "several nodes take a section cluster instead: write cluster: {id: ..., key: file:cluster.key, nodes: [...]} with the peers' names, make key and id by lockstep6 key, and choose a model (docs/redundancy.md); sequential allocation needs the model split",
	"flex_option": "options that are made of a client's message have no equal; classes with options may do",
	"radius":      "no RADIUS server is asked; relays can name pools (relays.named-pools)",
	"limits":      "limits.leases-per-port and limits.addresses-per-client bound leases",
	"ddns_tuning": "names can't be made of a client's message; dns.generate makes them of addresses",
	"gss_tsig":    "updates of DNS are signed by TSIG only",
	"rbac":        "section admin has one token, for all that may change something",
	"mysql_cb":    "there is no database of configurations",
	"pgsql_cb":    "there is no database of configurations",
	"cb_cmds":     "there is no database of configurations",
	"host_cache":  "reservations in a database aren't read",
	"user_chk":    "who is unknown can be told by reservations: a class with reserved: false",
}

// hooks deals with hook libraries.
func (t *translator) hooks() {
	root := t.d.Root()
	for _, v := range t.kea.list("hooks-libraries") {
		library := v.str("library")
		name := strings.TrimSuffix(strings.TrimPrefix(path.Base(library), "libdhcp_"), ".so")
		v.settle()
		note, known := hookNotes[name]
		why, lost := hookLosses[name]
		switch {
		case name == "run_script":
			t.runScript(v)
		case name == "leasequery" || name == "lease_query":
			t.leasequery(v)
		case known:
			t.d.Note(root, v.at, "hook library "+path.Base(library), note)
		case lost:
			t.lost(root, v, "hook library "+path.Base(library), why)
		default:
			t.lost(root, v, "hook library "+library, "programs or URLs that are told of leases are in section hooks")
		}
	}
}

// runScript writes the hook that runs a program. It is told of leases in other words.
func (t *translator) runScript(v *value) {
	script := v.get("parameters").valueOf().str("name")
	if !strings.HasPrefix(script, "/") {
		t.lost(t.d.Root(), v, "hook library libdhcp_run_script.so", "its program has no whole path")
		return
	}
	list := t.d.Root().List("hooks").Open()
	list.Comment("hooks: [{name: script, on: [addresses, prefixes], run: [" + script + "]}]")
	t.lost(list, v, "hook library libdhcp_run_script.so", "its program is told of leases in LOCKSTEP6_ variables and JSON instead of Kea's variables and hook points: mend it (docs/hooks.md), and take the comment off the line above")
}

// leasequery writes who may ask for bindings.
func (t *translator) leasequery(v *value) {
	params := v.get("parameters").valueOf()
	out := t.d.Root().Map("leasequery")
	list := out.List("requestors")
	for _, s := range append(params.texts("requesters"), params.texts("requestors")...) {
		if a, err := parseAddr(s); err == nil {
			list.Append(draft.Text(a.String()))
		} else if p, err := parsePrefix(s); err == nil {
			list.Append(draft.Text(p.String()))
		}
	}
	if list.Len() == 0 {
		t.lost(out, v, "hook library libdhcp_lease_query.so", "it names no requesters; leasequery: {requestors: [...]} does")
		return
	}
	t.d.Note(out, v.at, "hook library libdhcp_lease_query.so", "queries by TCP are taken too, at port 547 of all addresses; listen: [] takes none")
}
