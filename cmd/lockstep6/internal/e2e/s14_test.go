package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

const routed = `
lifetimes: {preferred: 30s, valid: 40s, renew: 15s, rebind: 24s}
listen: {interfaces: [eth0, eth1]}
links:
  - name: home
    match: {interface: [eth0, eth1]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
hooks:
  - {name: routes, run: [SCRIPT, FOLDER]}
`

// routes are the host's routes that the example's hook has set.
func (h *Host) routes() string {
	return strings.Join(strings.Fields(string(h.lab.run("ip", "-n", h.ns, "-6", "route", "show", "proto", "113"))), " ")
}

// TestS14RoutesFollowLeases: with the example's hook a prefix is routed to its gateway by the interface on which that is, after a
// crash too, and isn't any more when the gateway gave it back, or was silent until its end.
func TestS14RoutesFollowLeases(t *testing.T) {
	t.Parallel()
	l := NewLab(t)
	lan, other := l.Segment("lan"), l.Segment("other")
	server, gateway := l.Host("server"), l.Host("gateway")
	server.Plug(other, "eth0", "2001:db8:1::1/64")
	server.Plug(lan, "eth1")
	gateway.Plug(lan, "eth0")
	script, err := filepath.Abs("../../../../examples/hooks/routes.sh")
	if err != nil {
		t.Fatal(err)
	}
	s := server.Serve(strings.NewReplacer("SCRIPT", script, "FOLDER", server.File("routes")).Replace(routed))
	via := ""
	for _, a := range gateway.addresses("eth0") {
		if a.address.IsLinkLocalUnicast() {
			via = a.address.String()
		}
	}
	there := func() bool { return strings.Contains(server.routes(), "/56 via "+via+" dev eth1 ") }
	gone := func() bool { return server.routes() == "" }

	p := Dhcpcd{}.Start(gateway, Wish{Prefixes: 1})
	server.eventually("a route to the gateway", there)
	prefix := strings.Fields(server.routes())[0]

	// While nobody is there its route is lost, and another one led to a prefix that nobody has.
	s.Kill()
	l.run("ip", "-n", server.ns, "-6", "route", "del", prefix)
	l.run("ip", "-n", server.ns, "-6", "route", "add", "2001:db8:80ff:ff00::/56", "via", via, "dev", "eth1", "proto", "113")
	l.run("ip", "-n", server.ns, "-6", "route", "add", "2001:db8:9000::/56", "via", via, "dev", "eth1", "proto", "static")
	s.Start()
	server.eventually("that route only", func() bool { return there() && !strings.Contains(server.routes(), "2001:db8:80ff:ff00::/56") })
	if others := string(l.run("ip", "-n", server.ns, "-6", "route", "show", "2001:db8:9000::/56")); !strings.Contains(others, via) {
		t.Errorf("the route of somebody else is gone")
	}

	// The gateway dies. Its binding ends, and is reclaimed a minute after that.
	p.Kill()
	eventually(t, 3*patience, "no route after the end", gone)

	p = Dhcpcd{}.Start(gateway, Wish{Prefixes: 1})
	server.eventually("a route again", there)
	Dhcpcd{}.Release(p)
	server.eventually("no route after the Release", gone)
	s.Stop()
}
