package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/lockstep6/lockstep6/bench/pair"
)

// config is a node's configuration: the same on both but for where they listen. Node a doesn't ask b, which isn't there when it starts and
// would be asked again while it asks itself.
func config(p *pair.Plan, i, clients int) string {
	asked := ""
	if i == 1 {
		asked = fmt.Sprintf(", leasequery: %q", p.Query[0])
	}
	return fmt.Sprintf(`cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "0000000000000000000000000000000000000000000000000000000000000001"
  nodes: [{name: a, preference: 255%s}, {name: b}]
listen: {addresses: ["%s"]}
leasequery: {requestors: ["::1"], listen: ["%s"]}
admin: {listen: "%s"}
store: {capacity: %d, sync: always}
log: {leases: false}
links:
  - name: bench
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
`, asked, p.DHCP[i], p.Query[i], p.Admin[i], max(1<<16, clients+clients/4))
}

// start starts node i, with nothing in its store, and waits until it serves.
func start(ctx context.Context, p *pair.Plan, o *options, i int) (*pair.Node, error) {
	name := string(rune('a' + i))
	s := pair.Spec{Program: o.lockstep6, Folder: filepath.Join(o.dir, name), Name: name, Config: config(p, i, o.clients), Admin: p.Admin[i]}
	return s.Start(ctx)
}
