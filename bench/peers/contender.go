package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/bench/netlab"
)

// Addresses beside the lab's. Relayed clients' link is behind the relays; the servers have a foot in it too, for the clients that
// perfdhcp plays are on the wire itself.
const (
	relayNetwork = "2001:db8:f::" // relay N has N+2 behind it
	footAddress  = "2001:db8:1::fffe:1"
)

// A contender is one server with its settings.
type contender struct {
	name       string
	short      string        // the same in the plot
	durability string        // what its defaults make of a lease
	first      float64       // the first rate that is tried
	clients    int           // most clients; 0: as many as asked for. Servers that rewrite all leases for each get slower with them
	pause      time.Duration // between steps: what an overload left in its socket must be worked off
	limit      time.Duration // of the ramp
	config     string
	args       func(o *options, config, dir string) []string // program and arguments; dir has the configuration only
}

// The pause and limit of servers that do thousands a second.
const (
	quickly   = 300 * time.Millisecond
	quickRamp = 45 * time.Second // a step near the limit lasts twice as long, as leftovers are waited for
)

const (
	synced  = "synced before the Reply"
	queued  = "queued for the log before the Reply, not synced"
	written = "written before the Reply, never synced"
)

func contenders() []contender {
	return []contender{
		{"lockstep6, every Reply after its sync", "lockstep6", synced, 40_000, 0, quickly, quickRamp, lockstep6Config("always"), lockstep6Args},
		{"lockstep6, `sync: never`", "no sync", queued, 40_000, 0, quickly, quickRamp, lockstep6Config("never"), lockstep6Args},
		{"Kea, multi-threaded", "Kea MT", written, 3_000, 0, quickly, quickRamp, keaConfig(true), keaArgs},
		{"Kea, one thread", "Kea", written, 3_000, 0, quickly, quickRamp, keaConfig(false), keaArgs},
		{"ISC dhcpd", "ISC", written, 2_000, 0, quickly, quickRamp, iscConfig, iscArgs},
		{"dnsmasq", "dnsmasq", "whole file rewritten and synced after the Reply", 200, 1000, time.Second, quickRamp, dnsmasqConfig, dnsmasqArgs},
		{"Dibbler", "Dibbler", "whole files rewritten after the Reply, never synced", 60, 200, 3 * time.Second, 40 * time.Second, dibblerConfig, dibblerArgs},
	}
}

// The contenders that others are held against.
const (
	always = iota
	never
	keaThreads
	keaSingle
)

func lockstep6Config(sync string) string {
	return `listen: {interfaces: [eth0]}
lifetimes: {preferred: 3000, valid: 4000, renew: 1000, rebind: 2000}
links:
  - name: bench
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: 2001:db8:1::/64}]
store: {sync: ` + sync + `}
log: {leases: false}
admin: {listen: "127.0.0.1:8067"}
`
}

func lockstep6Args(o *options, config, dir string) []string {
	return []string{o.lockstep6, "serve", "--config", config, "--data", filepath.Join(dir, "data")}
}

// keaConfig is Kea's with its defaults of durability: the lease file is written without a sync.
func keaConfig(threads bool) string {
	return fmt.Sprintf(`{ "Dhcp6": {
  "interfaces-config": { "interfaces": [ "eth0", "eth0/%s" ] },
  "data-directory": "@DIR@",
  "lease-database": { "type": "memfile", "persist": true, "name": "@DIR@/leases6.csv", "lfc-interval": 3600 },
  "multi-threading": { "enable-multi-threading": %v },
  "preferred-lifetime": 3000, "valid-lifetime": 4000, "renew-timer": 1000, "rebind-timer": 2000,
  "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "eth0", "pools": [ { "pool": "2001:db8:1::/64" } ] } ],
  "loggers": [ { "name": "kea-dhcp6", "severity": "WARN", "output_options": [ { "output": "stderr" } ] } ]
} }
`, netlab.ServerAddress, threads)
}

func keaArgs(o *options, config, _ string) []string { return []string{o.kea, "-c", config} }

// prepare writes the contender's configuration into an empty folder, and returns how to start it.
func (c *contender) prepare(o *options, dir string) ([]string, error) {
	config := filepath.Join(dir, "server.conf")
	text := strings.ReplaceAll(c.config, "@DIR@", dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return c.args(o, config, dir), nil
}
