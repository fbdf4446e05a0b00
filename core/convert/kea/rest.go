package kea

import (
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// restNotes say of global settings that need no translation why.
var restNotes = map[string]string{
	"control-socket":                   "the server's commands speak to it by the socket in its data folder; section admin is for HTTP",
	"control-sockets":                  "the server's commands speak to it by the socket in its data folder; section admin is for HTTP",
	"expired-leases-processing":        "leases that end are cleared away at once, and clients that return get theirs again where it is free",
	"multi-threading":                  "listen.workers says how many workers there are; without it there is one per processor",
	"dhcp-queue-control":               "queues are short and need no setting",
	"sanity-checks":                    "nothing has to be mended when the store is loaded",
	"server-tag":                       "it is for a database of configurations",
	"data-directory":                   "store.path is the data folder",
	"statistic-default-sample-count":   "metrics are Prometheus's",
	"statistic-default-sample-age":     "metrics are Prometheus's",
	"parked-packet-limit":              "no message is parked",
	"host-reservation-identifiers":     "all are looked for: DUID, hardware address, Remote-ID, Subscriber-ID",
	"mac-sources":                      "hardware addresses are those that a relay tells (RFC 6939), else those in a DUID",
	"reservations-lookup-first":        "reservations always come first",
	"early-global-reservations-lookup": "classes know of a reservation on the link that is found",
	"store-extended-info":              "leasequery.relay-data keeps the relays' message",
	"ip-reservations-unique":           "each reserved lease is one client's",
}

// restLosses say of global settings that have no equal why.
var restLosses = map[string]string{
	"config-control":             "there is no database of configurations",
	"hosts-databases":            "reservations in a database aren't read; lockstep6 reservations adds them to a running server",
	"hosts-database":             "reservations in a database aren't read; lockstep6 reservations adds them to a running server",
	"dhcp4o6-port":               "DHCPv4 over DHCPv6 isn't served",
	"compatibility":              "malformed options are refused",
	"allow-address-registration": "addresses that clients made themselves aren't registered",
}

// rest deals with the sections that have little or no equal.
func (t *translator) rest() {
	root := t.d.Root()
	k := t.kea
	t.supplied(root)
	t.decline(root)
	t.database(root)
	t.loggers(root)
	t.renewCache(root)
	for _, f := range k.fields {
		if why := restNotes[f.name]; why != "" {
			f.value.settle()
			t.note(root, f, why)
		}
	}
	for _, f := range k.fields {
		why := restLosses[f.name]
		if why == "" || f.name == "dhcp4o6-port" && f.number == 0 || f.kind == kindList && len(f.items) == 0 {
			continue
		}
		f.value.settle()
		f.fate = fateLost
		t.lost(root, f.value, f.name, why)
	}
	skip(k, "dhcp4o6-port")
	skip(k, "reservations-out-of-pool")
	t.globalUnused(root)
	skip(k, "user-context", "comment")
}

// settle takes all that is in a value out of the count.
func (v *value) settle() {
	for _, item := range v.items {
		item.settle()
	}
	for _, f := range v.fields {
		f.fate = fateNoted
		f.value.settle()
	}
}

// globalUnused says of global reservations that no subnet looks for that they aren't used.
func (t *translator) globalUnused(root *draft.Node) {
	hosts := t.globalHosts()
	if len(hosts) == 0 {
		return
	}
	for _, l := range t.links {
		for _, s := range l.subnets {
			if global, _ := t.modes(s); global {
				return
			}
		}
	}
	t.leaveOut(t.kea)
	t.d.Note(root, hosts[0].at, "global reservations", "no subnet has reservations-global, so Kea doesn't use them, and they are left out")
}

// supplied writes which options relays may supply: those that Kea is told, and 65.
func (t *translator) supplied(root *draft.Node) {
	items := t.kea.list("relay-supplied-options")
	if len(items) == 0 {
		return
	}
	list := root.Map("relays").List("supplied-options")
	seen := map[uint16]bool{65: true}
	list.Append(draft.Number(65))
	for _, item := range items {
		if code, _ := t.code("dhcp6", item.text); !seen[code] {
			seen[code] = true
			list.Append(draft.Number(code))
		}
	}
}

func (t *translator) decline(root *draft.Node) {
	f := t.kea.get("decline-probation-period")
	if f == nil {
		return
	}
	out := root.Map("decline")
	out.Set("quarantine", draft.Seconds(max(1, uint32(f.number))))
	if f.number < 1 {
		t.d.Changed(out, f.at, f.name, "a declined address is kept back for one second at least")
	}
}

func (t *translator) database(root *draft.Node) {
	f := t.kea.get("lease-database")
	if f == nil {
		return
	}
	kind, name := f.str("type"), f.str("name")
	if name == "" {
		name = "kea-leases6.csv in Kea's data folder"
	}
	f.value.settle()
	if kind != "memfile" && kind != "" {
		t.lost(root, f.value, "lease-database "+kind, "bindings are in the server's own store; lockstep6 import takes those that kea-admin lease-dump writes")
		return
	}
	t.note(root, f, "bindings are in the server's own store (store.path); lockstep6 import takes over those of "+name)
}

// loggers writes the least important level of the server's logger.
func (t *translator) loggers(root *draft.Node) {
	for _, v := range t.kea.list("loggers") {
		severity := strings.ToUpper(v.str("severity"))
		own := v.str("name") == "kea-dhcp6"
		v.settle()
		level := map[string]string{"FATAL": "error", "ERROR": "error", "WARN": "warn", "INFO": "info", "DEBUG": "debug"}[severity]
		switch {
		case !own:
			t.d.Note(root, v.at, "logger "+v.str("name"), "there is one logger")
		case level == "debug":
			t.d.Note(root.Map("log"), v.at, "severity DEBUG", "level debug tells of each message; lockstep6 log-level sets it while the server runs")
		case level != "" && level != "info":
			root.Map("log").Set("level", draft.Text(level))
		}
		if len(v.list("output_options"))+len(v.list("output-options")) > 0 && own {
			t.d.Note(root.Map("log"), v.at, "output_options", "the server logs to its standard error, which systemd keeps")
		}
	}
}

// renewCache writes for how long renewals are answered without a write.
func (t *translator) renewCache(root *draft.Node) {
	f := t.kea.get("cache-threshold")
	most := t.kea.get("cache-max-age")
	if f == nil || f.float() <= 0 {
		skip(t.kea, "cache-max-age")
		return
	}
	store := root.Map("store")
	store.Set("renew-cache", draft.Text(fmt.Sprintf("%.2f", min(f.float(), 0.5))).Plain())
	t.d.Changed(store, f.at, f.name, "Kea takes it of the valid lifetime, and here it is of T1, 0.5 at most")
	if most != nil {
		t.lost(store, most.value, most.name, "renew-cache has no bound of its own")
	}
}
