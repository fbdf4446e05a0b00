package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/load"
)

// A row is one server with one load, measured once in each round. A switch of the server that costs something, on or off, is a
// row of its own: one line here, and in compared where it is shown beside another one.
type row struct {
	ID       string    `json:"id"` // what JSON, targets and comparisons call it
	Name     string    `json:"name"`
	settings settings  // of the server
	relays   int       // manyRelays: each reply is a packet of its own; 1: super-packets (UDP_SEGMENT)
	task     load.Task // Acquire, or Renew of what was acquired before
	long     bool      // with the store's background work
	half     bool      // then half of that rate is offered, by the clock
}

// Settings are the lines of a configuration that differ.
type settings struct {
	store   string // of store, beside its capacity; empty: sync: always
	leases  bool   // log.leases
	limits  string // the whole of limits
	cluster string // the whole of cluster
	history bool   // history.keep
	workers int    // 0: one
	queries bool   // leasequery: its index is kept
	dns     bool   // each client has a name, and nobody answers for its zones: each binding's task stays in the queue
}

// The rows' ids that more is computed from.
const (
	spread   = "spread"
	never    = "never"
	busy     = "busy"
	renew    = "renew"
	renewOff = "renew-never"
)

const clusterOfTwo = `{id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11, key: "0000000000000000000000000000000000000000000000000000000000000001", ` +
	`hash: %s, nodes: [{name: a, preference: 255}, {name: b}]}`

// rows in the order of a round: what is compared is close together, and the long one is the last.
var rows = []row{
	{ID: spread, Name: "256 relays, `sync: always`", relays: manyRelays, task: load.Acquire, half: true},
	{ID: never, Name: "256 relays, `sync: never`", relays: manyRelays, task: load.Acquire, settings: settings{store: "sync: never"}},
	{ID: "log", Name: "`log.leases: true`", relays: manyRelays, task: load.Acquire, settings: settings{leases: true}},
	{ID: "history", Name: "`history.keep: 400d`", relays: manyRelays, task: load.Acquire, settings: settings{history: true}},
	{ID: "limit", Name: "`limits.leases-per-port: 16`", relays: manyRelays, task: load.Acquire, settings: settings{limits: "{leases-per-port: 16}"}},
	{ID: "leasequery", Name: "`leasequery`, nobody asks", relays: manyRelays, task: load.Acquire, settings: settings{queries: true}},
	{ID: "dns", Name: "`dns`, with names from addresses, and no DNS server", relays: manyRelays, task: load.Acquire, settings: settings{dns: true}},
	{ID: "cluster", Name: "one of two nodes, the other one dead", relays: manyRelays, task: load.Acquire, settings: settings{cluster: fmt.Sprintf(clusterOfTwo, "xxh64")}},
	{ID: "cluster-limit", Name: "that, and `limits.weak-claims-per-port: 8`", relays: manyRelays, task: load.Acquire,
		settings: settings{cluster: fmt.Sprintf(clusterOfTwo, "xxh64"), limits: "{weak-claims-per-port: 8}"}},
	{ID: "cluster-sha256", Name: "one of two nodes, `hash: sha256`", relays: manyRelays, task: load.Acquire, settings: settings{cluster: fmt.Sprintf(clusterOfTwo, "sha256")}},
	{ID: renew, Name: "Renews, `sync: always`", relays: manyRelays, task: load.Renew},
	{ID: "renew-history", Name: "Renews, `history.keep: 400d`", relays: manyRelays, task: load.Renew, settings: settings{history: true}},
	{ID: "renew-cached", Name: "Renews, `store.renew-cache: 0.5`", relays: manyRelays, task: load.Renew, settings: settings{store: "renew-cache: 0.5"}},
	{ID: renewOff, Name: "Renews, `sync: never`", relays: manyRelays, task: load.Renew, settings: settings{store: "sync: never"}},
	{ID: busy, Name: "one busy relay, `sync: always`", relays: 1, task: load.Acquire, long: true, half: true},
}

// compared are pairs of rows: what a switch costs, per exchange.
var compared = []struct{ what, on, off string }{
	{"a sync before the Reply", spread, never},
	{"a sync before the Reply to a Renew", renew, renewOff},
	{"renewals answered from memory, against written ones", "renew-cached", renew},
	{"a line of the log for each lease", "log", spread},
	{"who had a lease when is kept", "history", spread},
	{"and of a renewal", "renew-history", renew},
	{"a limit of leases per port", "limit", spread},
	{"an index for leasequery", "leasequery", spread},
	{"a name, and a task for DNS", "dns", spread},
	{"peers' messages are observed", "cluster", spread},
	{"and claims per port are counted", "cluster-limit", "cluster"},
	{"addresses by SHA-256", "cluster-sha256", "cluster"},
}

// pairOfWorkers are measured with server and generator on both processors, at one rate: what two workers share may cost.
var pairOfWorkers = []row{
	{ID: "workers-1", Name: "one worker", relays: manyRelays, task: load.Acquire, settings: settings{workers: 1}},
	{ID: "workers-2", Name: "two workers", relays: manyRelays, task: load.Acquire, settings: settings{workers: 2}},
}

// core is where the row's server runs.
func (r *row) core() int {
	if r.settings.workers > 0 {
		return child.AnyCore
	}
	return serverCore
}

// config is the configuration of the row's server, with the default capacity unless the row has more clients.
func (r *row) config(admin string) string {
	s, capacity := &r.settings, 1<<20
	if r.long {
		capacity <<= 3
	}
	var b strings.Builder
	fmt.Fprintf(&b, "listen: {addresses: [\"%s\"], workers: %d}\n", serverAddress, max(s.workers, 1))
	b.WriteString("lifetimes: {preferred: 3000, valid: 4000, renew: 1000, rebind: 2000}\n" +
		"links:\n  - name: bench\n    match: {link-addresses: [\"2001:db8:1::/64\"]}\n    addresses: [{pool: \"2001:db8:1::/64\"}]\n")
	fmt.Fprintf(&b, "store: {capacity: %d, %s}\nlog: {leases: %t}\nadmin: {listen: \"%s\"}\n", capacity, cmp.Or(s.store, "sync: always"), s.leases, admin)
	if s.history {
		b.WriteString("history: {keep: 400d}\n")
	}
	if s.limits != "" {
		b.WriteString("limits: " + s.limits + "\n")
	}
	if s.queries {
		b.WriteString("leasequery: {requestors: [\"::1\"], listen: []}\n")
	}
	if s.dns {
		b.WriteString("dns:\n  domain: example.net\n  generate: always\n" +
			"  zones: [{zone: example.net, servers: [\"[::1]:9\"]}, {zone: \"2001:db8:1::/64\", servers: [\"[::1]:9\"]}]\n")
	}
	if s.cluster != "" {
		b.WriteString("cluster: " + s.cluster + "\n")
	}
	return b.String()
}
