package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/naming"
)

func nameOf(t testing.TB, text string) naming.Name {
	t.Helper()
	name, err := naming.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// parseGood parses a configuration, which must be without faults.
func parseGood(t testing.TB, text string) *config.Config {
	t.Helper()
	cfg, errs := config.Parse("good.yaml", []byte(text))
	if errs != nil {
		t.Fatal(errs)
	}
	return cfg
}

const dnsLinks = `
listen: {interfaces: [eth0]}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}]
`

func TestDNS(t *testing.T) {
	cfg := parseGood(t, dnsLinks+`
dns:
  domain: Clients.Example.net
  client-names: ignore
  generate: sent
  generate-prefix: Dyn
  allow-own-updates: true
  allow-no-updates: true
  substitute: X
  refused-names: [WPAD]
  ttl: 20m
  conflicts: take-over
  delegated-prefixes: true
  zones:
    - {zone: Example.net, servers: ["[2001:db8::53]:5353", "192.0.2.53"], key: Updates.}
    - {zone: "2001:db8::/32", servers: ["::1"]}
  keys: [{name: updates, algorithm: hmac-sha512, secret: env:DNS_KEY}]
  timeout: 5s
  parallel: 4
  queue: 5000
  give-up: infinite
  audit: 1d
`)
	want := &config.DNS{
		Updates: true,
		Zones: []config.DNSZone{
			{Name: nameOf(t, "example.net"), Servers: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::53]:5353"), netip.MustParseAddrPort("192.0.2.53:53")}},
			{Name: nameOf(t, "8.b.d.0.1.0.0.2.ip6.arpa"), Servers: []netip.AddrPort{netip.MustParseAddrPort("[::1]:53")}, Key: -1, Reverse: true},
		},
		Keys: []config.DNSKey{{Name: nameOf(t, "updates"), Algorithm: "hmac-sha512", Secret: "env:DNS_KEY"}},
		Naming: naming.Rules{
			Updates: true, Domain: nameOf(t, "clients.example.net"), Zones: []naming.Name{nameOf(t, "example.net")}, Ignore: true,
			Generate: naming.GenerateSent, Prefix: []byte("dyn"), AllowOwn: true, AllowNone: true, Substitute: []byte("x"),
			Refused: [][]byte{[]byte("wpad")},
		},
		TTL: 1200, Conflict: config.ConflictTakeOver, Prefixes: true, Queue: 5000, GiveUp: 1<<32 - 1, Timeout: 5000, Parallel: 4, Audit: 86400,
	}
	if diff := cmp.Diff(want, cfg.DNS, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(cfg.Warnings) > 0 {
		t.Errorf("warns: %v", cfg.Warnings)
	}
}

func TestDNSDefaults(t *testing.T) {
	refused := [][]byte{[]byte("wpad"), []byte("isatap"), []byte("localhost")}
	cfg := parseGood(t, dnsLinks+"dns: {}\n")
	want := &config.DNS{
		Naming: naming.Rules{Prefix: []byte("host"), Refused: refused},
		Queue:  1_000_000, GiveUp: 86400, Timeout: 2000, Parallel: 16,
	}
	if diff := cmp.Diff(want, cfg.DNS); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if cfg := parseGood(t, dnsLinks); cfg.DNS != nil || cfg.Links[0].Naming != nil {
		t.Errorf("without the section: %v", cfg.DNS)
	}
	if cfg := parseGood(t, dnsLinks+"dns: {zones: [{zone: example.net, servers: [\"::1\"]}]}\n"); !cfg.DNS.Updates || !cfg.Links[0].Naming.Updates {
		t.Error("with zones DNS isn't kept")
	}
}

// TestDNSOfLinks lays what links say over what the section says, one by one.
func TestDNSOfLinks(t *testing.T) {
	cfg := parseGood(t, `
listen: {interfaces: [eth0]}
dns:
  updates: false
  domain: clients.example.net
  substitute: x
  zones: [{zone: example.net, servers: ["::1"]}]
links:
  - name: a
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}]
  - name: b
    match: {link-addresses: ["2001:db8:2::/64"]}
    dns: {updates: true, domain: b.example.net, generate: always, generate-prefix: b, substitute: "", refused-names: [], client-names: ignore, allow-own-updates: true, allow-no-updates: true}
  - name: c
    match: {link-addresses: ["2001:db8:3::/64"]}
    dns: {generate: missing}
`)
	zones := []naming.Name{nameOf(t, "example.net")}
	global := naming.Rules{
		Domain: nameOf(t, "clients.example.net"), Zones: zones, Prefix: []byte("host"), Substitute: []byte("x"),
		Refused: [][]byte{[]byte("wpad"), []byte("isatap"), []byte("localhost")},
	}
	missing := global
	missing.Generate = naming.GenerateMissing
	for i, want := range []naming.Rules{global, {
		Updates: true, Domain: nameOf(t, "b.example.net"), Zones: zones, Ignore: true, Generate: naming.GenerateAlways, Prefix: []byte("b"),
		AllowOwn: true, AllowNone: true,
	}, missing} {
		if diff := cmp.Diff(&want, cfg.Links[i].Naming); diff != "" {
			t.Errorf("link %s (-want +got):\n%s", cfg.Links[i].Name, diff)
		}
	}
	if !cfg.DNS.Updates {
		t.Error("a link keeps DNS, and the whole doesn't")
	}
}

func TestHostnames(t *testing.T) {
	cfg := parseGood(t, `
listen: {interfaces: [eth0]}
dns: {domain: example.net, zones: [{zone: example.net, servers: ["::1"]}]}
links:
  - name: a
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}]
    reservations: [{duid: "000101", hostname: Printer}, {duid: "000102", hostname: nas.lab.example.net.}, {duid: "000103", addresses: ["2001:db8:1::1"]}]
  - name: b
    match: {link-addresses: ["2001:db8:2::/64"]}
    dns: {domain: b.example.net}
    reservations: [{duid: "000101", hostname: printer}]
`)
	var got []string
	for i := range cfg.Links {
		for k := range cfg.Links[i].Reservations {
			got = append(got, cfg.Links[i].Reservations[k].Hostname.String())
		}
	}
	want := "printer.example.net. nas.lab.example.net. . printer.b.example.net."
	if text := strings.Join(got, " "); text != want {
		t.Errorf("%s, want %s", text, want)
	}
}

// TestDNSDoubts has what is allowed and seldom meant.
func TestDNSDoubts(t *testing.T) {
	cfg := parseGood(t, `
listen: {interfaces: [eth0]}
dns:
  domain: example.org
  ttl: 1h
  delegated-prefixes: true
  zones:
    - {zone: example.net, servers: ["2001:db8::53"]}
    - {zone: "2001:db8:1::/48", servers: ["::1"]}
  keys: [{name: updates, secret: file:dns.key}]
lifetimes: {preferred: 1h, valid: 2h}
links:
  - name: a
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}, {pool: "2001:db8:2::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
    reservations: [{duid: "000101", hostname: a.example.net}, {duid: "000102", hostname: A.example.net}]
  - name: b
    match: {link-addresses: ["2001:db8:3::/64"]}
    dns: {updates: false}
    addresses: [{pool: "2001:db8:3::/64"}]
    reservations: [{duid: "000101", hostname: a.example.net}]
`)
	want := []string{
		"good.yaml:4:11: dns.domain: lies in no forward zone, so names in it get no AAAA record; add its zone to dns.zones",
		"good.yaml:5:8: dns.ttl: is more than a third of the valid lifetime on link a; leave it out, or write 40m at most (RFC 4704, Section 7)",
		"good.yaml:8:14: dns.zones[0].zone: updates of the zone aren't signed, so its servers can't tell who sent them; name a key (RFC 4704, Section 10)",
		"good.yaml:10:17: dns.keys[0].name: no zone names the key; name it as the key of a zone, or leave it out",
		"good.yaml:15:51: links[0].addresses[1].pool: lies in no reverse zone, so its leases get no PTR record; add its zone to dns.zones",
		"good.yaml:16:23: links[0].prefixes[0].pool: lies in no reverse zone, so its leases get no PTR record; add its zone to dns.zones",
		"good.yaml:17:90: links[0].reservations[1].hostname: another client has this name, in line 17; DNS keeps that of one of them; give each its own name",
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), cfg.Warnings.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
