package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Addresses of the lab. The clients' link is behind the relays, and exists in the servers' configuration only.
const (
	serverAddress = "2001:db8:f::1"
	relayAddress  = "2001:db8:f::2"
	linkAddress   = "2001:db8:1::1"
)

// A contender is one server with its settings.
type contender struct {
	name   string
	first  int // the first rate that is tried
	config string
	args   func(o *options, config, dir string) []string // program and arguments; dir is empty at the start
}

func contenders() []contender {
	return []contender{
		{"lockstep6, every Reply after its sync", 20_000, lockstep6Config("always"), lockstep6Args},
		{"lockstep6, `sync: never`", 20_000, lockstep6Config("never"), lockstep6Args},
		{"Kea, multi-threaded", 4_000, keaConfig(true), keaArgs},
		{"Kea, one thread", 4_000, keaConfig(false), keaArgs},
	}
}

func lockstep6Config(sync string) string {
	return `listen: {addresses: ["[` + serverAddress + `]:547"]}
lifetimes: {preferred: 3000, valid: 4000, renew: 1000, rebind: 2000}
links:
  - name: bench
    match: {link-addresses: ["2001:db8:1::/64"]}
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
  "interfaces-config": { "interfaces": [ "eth0/%s" ] },
  "data-directory": "@DIR@",
  "lease-database": { "type": "memfile", "persist": true, "name": "@DIR@/leases6.csv", "lfc-interval": 3600 },
  "multi-threading": { "enable-multi-threading": %v },
  "preferred-lifetime": 3000, "valid-lifetime": 4000, "renew-timer": 1000, "rebind-timer": 2000,
  "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:1::/64" } ] } ],
  "loggers": [ { "name": "kea-dhcp6", "severity": "WARN", "output_options": [ { "output": "stderr" } ] } ]
} }
`, serverAddress, threads)
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
