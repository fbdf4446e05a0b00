package netlab

import "fmt"

// Addresses of the lab. The clients' link is behind the relays, and exists in the servers' configuration only.
const (
	ServerAddress = "2001:db8:f::1"
	RelayAddress  = "2001:db8:f::2"
	LinkAddress   = "2001:db8:1::1"
)

// Lockstep6Config is lockstep6's. sync is always or never.
func Lockstep6Config(sync string) string {
	return `listen: {addresses: ["[` + ServerAddress + `]:547"]}
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

// KeaConfig is Kea's with its defaults of durability: the lease file is written without a sync.
// @DIR@ stands for a folder.
func KeaConfig(threads bool) string {
	return fmt.Sprintf(`{ "Dhcp6": {
  "interfaces-config": { "interfaces": [ "eth0/%s" ] },
  "data-directory": "@DIR@",
  "lease-database": { "type": "memfile", "persist": true, "name": "@DIR@/leases6.csv", "lfc-interval": 3600 },
  "multi-threading": { "enable-multi-threading": %v },
  "preferred-lifetime": 3000, "valid-lifetime": 4000, "renew-timer": 1000, "rebind-timer": 2000,
  "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:1::/64" } ] } ],
  "loggers": [ { "name": "kea-dhcp6", "severity": "WARN", "output_options": [ { "output": "stderr" } ] } ]
} }
`, ServerAddress, threads)
}
