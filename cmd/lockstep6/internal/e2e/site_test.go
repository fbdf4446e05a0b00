package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// siteConfig is of two nodes, whose links, clients and leases have the names that the pages take for their examples.
const siteConfig = `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  nodes:
    - {name: a, preference: 255, duid: "00:03:00:01:02:00:00:00:0a:0a"}
    - {name: b, duid: "00:03:00:01:02:00:00:00:0b:0b"}
listen: {interfaces: [eth0]}
lifetimes: {preferred: 50m, valid: 80m}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
    reservations:
      - {duid: "00:03:00:01:02:00:00:00:00:01", addresses: ["2001:db8:1::7f3a"], prefixes: ["2001:db8:8000:100::/56"]}
      - {duid: "00:03:00:01:02:00:00:00:00:02", prefixes: ["2001:db8:8000:200::/56"]}
      - {duid: "00:03:00:01:02:00:00:00:00:03", prefixes: ["2001:db8:8001::/56"]}
  - name: pop1
    match: {link-addresses: ["2001:db8:2::/64"]}
    addresses: [{pool: "2001:db8:2::/64"}]
dns:
  domain: clients.example.net
  zones: [{zone: example.net, servers: ["::1"], key: updates}]
  keys: [{name: updates, secret: file:dns.key}]
leasequery: {requestors: ["2001:db8::/32"]}
reconfigure: {}
history: {keep: 400d}
`

const siteKey = `key "updates" { algorithm hmac-sha256; secret "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="; };` + "\n"

// newSite makes the host that a page's commands are run on, with what the pages take for granted: the program, in the path and in the
// folder, the examples, lockstep6.yaml, and new.yaml, which is that file with a change. With nodes there is the node a of that file, which
// keeps its data where Debian's package does, and a peer b; two clients have leases of the one and one of the other.
func newSite(t *testing.T, nodes bool) *Host {
	t.Helper()
	lab := NewLab(t)
	lan := lab.Segment("lan")
	a := lab.Host("a")
	a.Plug(lan, "eth0", "2001:db8:f::1/64", "2001:db8::547/64")
	a.Write("dns.key", siteKey, 0o600)
	a.Write("new.yaml", strings.Replace(siteConfig, "valid: 80m", "valid: 90m", 1), 0o644)
	a.Write("lockstep6.yaml", siteConfig, 0o644)
	examples, err := filepath.Abs(filepath.Join(top, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(a.File("bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"examples": examples, "lockstep6": program, "bin/lockstep6": program} {
		if err := os.Symlink(target, a.File(link)); err != nil {
			t.Fatal(err)
		}
	}
	if !nodes {
		return a
	}
	b := lab.Host("b")
	b.Plug(lan, "eth0", "2001:db8:f::2/64")
	b.Write("dns.key", siteKey, 0o600)
	a.Serve(siteConfig, "--node", "a", "--data", "/var/lib/lockstep6")
	b.Serve(siteConfig, "--node", "b")
	relay := lab.Host("relay")
	relay.Plug(lan, "eth0", "2001:db8:f::3/64")
	agent := relay.Agent("[2001:db8:f::1]:547", "[2001:db8:f::2]:547")
	for n, server := range []byte{0xa, 0xb, 0xa} {
		c := agent.Client("2001:db8:1::1", uint32(n+1))
		c.only = &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr{2, 0, 0, 0, server, server}}
		if _, err := c.Acquire(patience); err != nil {
			t.Fatal(err)
		}
	}
	return a
}
