package main

import (
	"fmt"
	"net/netip"

	"github.com/lockstep6/lockstep6/bench/pair"
)

// linkAddress is that of the only link.
var linkAddress = netip.MustParseAddr("2001:db8:1::1")

// config is node i's configuration after so many reloads: every other time another DNS server and longer lifetimes.
func (c *course) config(p *pair.Plan, o *options, i, reloads int) string {
	t1 := int(c.unit.Seconds())
	valid, resolver := 3*t1, "2001:db8::53"
	if reloads%2 == 1 {
		valid, resolver = 3*t1+max(t1/4, 1), "2001:db8::54"
	}
	more := ""
	if o.history {
		more += "history: {keep: 1d}\n"
	}
	if o.dns { // nobody answers at the discard port
		more += `dns: {domain: clients.example.net, generate: missing, zones: [{zone: example.net, servers: ["[::1]:9"]}, {zone: "2001:db8:1::/48", servers: ["[::1]:9"]}]}
`
	}
	return fmt.Sprintf(`cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a12
  key: "0000000000000000000000000000000000000000000000000000000000000001"
  nodes: [{name: a, leasequery: %q}, {name: b, leasequery: %q}]
listen: {addresses: [%q]}
leasequery: {requestors: ["::1"], listen: [%q]}
admin: {listen: %q}
store: {capacity: %d, sync: always}
log: {leases: %t}
decline: {quarantine: %ds}
lifetimes: {preferred: %d, valid: %d, renew: %d, rebind: %d}
options: {dns-servers: [%q]}
%slinks:
  - name: soak
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/%d", dense: %s}]
`, p.Query[0], p.Query[1], p.DHCP[i], p.Query[i], p.Admin[i], max(1<<14, 4*c.clients()), o.keep, 6*t1,
		2*t1, valid, t1, 2*t1, resolver, more, c.pool, o.dense)
}
