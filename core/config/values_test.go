package config_test

import (
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// parse reads a file that must be right.
func parse(t testing.TB, text string) *config.Config {
	t.Helper()
	cfg, errs := config.Parse("test.yaml", []byte(text))
	if errs != nil {
		t.Fatalf("%v\n%s", errs, text)
	}
	return cfg
}

const (
	listen = "listen: {interfaces: [eth0]}\n"
	lan    = listen + "links:\n  - name: lan\n    match: {interface: eth0}\n"
)

func octets(addr string) [16]byte { return netip.MustParseAddr(addr).As16() }

// TestCluster reads the whole of examples/cluster.yaml, which is the skeleton that the design promises to parse.
func TestCluster(t *testing.T) {
	data, err := os.ReadFile("../../examples/cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, string(data))
	got.Positions, got.Source = nil, nil
	options := []config.Option{
		{Code: 23, Encoded: unhex(t, "0017 0010 20010db8000000000000000000000053")},
		{Code: 24, Encoded: unhex(t, "0018 000d 07 6578616d706c65 03 6e6574 00")},
	}
	lifetimes := config.Lifetimes{Preferred: 3000, Valid: 4800, Renew: 1500, Rebind: 2400}
	want := &config.Config{
		Cluster: &config.Cluster{
			ID: "5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11", Key: "file:cluster.key", Parts: 2,
			Nodes: []config.Node{{Name: "a", Preference: 255}, {Name: "b"}},
		},
		Listen: config.Listen{Interfaces: []string{"eth0"}, Addresses: []netip.AddrPort{netip.MustParseAddrPort("[::1]:10547")}, After: config.DefaultAfter},
		Policy: config.Defaults{Lifetimes: lifetimes, Options: options},
		Links: []config.Link{{
			Name: "pop1", Interfaces: []string{"eth0"}, LinkAddress: []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64")},
			Defaults: config.Defaults{Lifetimes: lifetimes, Options: options},
			Addresses: []config.Pool{{
				Kind: wire.IANA, Length: 128,
				Ranges: []config.NodeRange{{First: octets("2001:db8:1::"), Last: octets("2001:db8:1::ffff:ffff:ffff:ffff"), Prefix: netip.MustParsePrefix("2001:db8:1::/64")}},
				Exclude: []address.Range{
					{First: octets("2001:db8:1::1"), Last: octets("2001:db8:1::1")},
					{First: octets("2001:db8:1::100"), Last: octets("2001:db8:1::1ff")},
				},
			}},
			Prefixes: []config.Pool{{
				Kind: wire.IAPD, Length: 56,
				Ranges: []config.NodeRange{{First: octets("2001:db8:8000::"), Last: octets("2001:db8:80ff:ff00::"), Prefix: netip.MustParsePrefix("2001:db8:8000::/40")}},
			}},
			Reservations: []config.Reservation{{
				DUID: unhex(t, "00030001020000000001"), Addresses: []netip.Addr{netip.MustParseAddr("2001:db8:1::10")},
			}},
		}},
		Store:   config.Store{Path: "/var/lib/lockstep6", Sync: true, Capacity: config.DefaultCapacity},
		Admin:   config.Admin{Listen: netip.MustParseAddrPort("127.0.0.1:8067")},
		Log:     config.Log{Level: "info", Format: "auto", Leases: true},
		Privacy: config.Privacy{Logs: "clear", Metrics: "clear"},
		Relays:  config.Relays{Supplied: []wire.OptionCode{65}},
		Decline: config.Decline{Quarantine: 86400, MaxPerClient: 10},
		Limits:  config.Limits{OfClient: config.Rate{PerSecond: 20, Burst: 100}},
	}
	compare := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	addrs := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	ports := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
	if diff := cmp.Diff(want, got, compare, addrs, ports); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithoutCluster(t *testing.T) {
	data, err := os.ReadFile("../../examples/cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "\nlisten:")
	if cfg := parse(t, "listen:"+rest); cfg.Cluster != nil {
		t.Errorf("want a single node, got %+v", cfg.Cluster)
	}
}

func TestLifetimes(t *testing.T) {
	const inf = wire.Infinity
	for text, want := range map[string]config.Lifetimes{
		"{}":                               {Preferred: 3000, Valid: 4800, Renew: 1500, Rebind: 2400},
		"{preferred: 100}":                 {Preferred: 100, Valid: 160, Renew: 50, Rebind: 80},
		"{valid: 160s}":                    {Preferred: 100, Valid: 160, Renew: 50, Rebind: 80},
		"{preferred: 5s, valid: 8}":        {Preferred: 5, Valid: 8, Renew: 2, Rebind: 4},
		"{preferred: 1h30m, valid: 7d}":    {Preferred: 5400, Valid: 604800, Renew: 2700, Rebind: 4320},
		"{preferred: infinite}":            {Preferred: inf, Valid: inf, Renew: inf, Rebind: inf},
		"{valid: infinite}":                {Preferred: inf, Valid: inf, Renew: inf, Rebind: inf},
		"{preferred: 1h, valid: infinite}": {Preferred: 3600, Valid: inf, Renew: 1800, Rebind: 2880},
		"{preferred: 0, valid: 1h}":        {Valid: 3600},
		"{renew: 0, rebind: 0}":            {Preferred: 3000, Valid: 4800},
		"{renew: 0}":                       {Preferred: 3000, Valid: 4800, Rebind: 2400},
		"{preferred: 4294967294}":          {Preferred: inf - 1, Valid: inf - 1, Renew: (inf - 1) / 2, Rebind: 3435973835},
		// RFC 6853, Section 6.1: T2, preferred and valid lifetime equal, and T1 well below.
		"{preferred: 1h, valid: 1h, renew: 10m, rebind: 1h}": {Preferred: 3600, Valid: 3600, Renew: 600, Rebind: 3600},
		"{preferred: 1w2d3h4m5s, valid: 2w}":                 {Preferred: 788645, Valid: 1209600, Renew: 394322, Rebind: 630916},
	} {
		cfg := parse(t, "lifetimes: "+text+"\n"+lan)
		if diff := cmp.Diff(want, cfg.Links[0].Defaults.Lifetimes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	cfg := parse(t, "lifetimes: {preferred: 1h, valid: 9h}\n"+lan+"    lifetimes: {preferred: 100}\n")
	if want, got := (config.Lifetimes{Preferred: 100, Valid: 160, Renew: 50, Rebind: 80}), cfg.Links[0].Defaults.Lifetimes; want != got {
		t.Errorf("a link's lifetimes: want %+v, got %+v", want, got)
	}
}

func TestRenewCache(t *testing.T) {
	for text, want := range map[string]float64{"{}": 0, "{renew-cache: 0}": 0, "{renew-cache: 0.25}": 0.25, "{renew-cache: 5e-1}": 0.5} {
		if got := parse(t, "store: "+text+"\n"+lan).Store.RenewCache; got != want {
			t.Errorf("%s: want %g, got %g", text, want, got)
		}
	}
}

func TestRapidCommitIsInherited(t *testing.T) {
	for text, want := range map[string]config.RapidCommit{
		lan:                         config.RapidCommitOff,
		"rapid-commit: all\n" + lan: config.RapidCommitAll,
		"rapid-commit: all\n" + lan + "    rapid-commit: off\n": config.RapidCommitOff,
		lan + "    rapid-commit: favoured\n":                    config.RapidCommitFavoured,
	} {
		if got := parse(t, text).Links[0].Defaults.RapidCommit; got != want {
			t.Errorf("want %d, got %d:\n%s", want, got, text)
		}
	}
}

func TestPrefixPools(t *testing.T) {
	cfg := parse(t, lan+`    prefixes:
      - {pool: "2001:db8:1000::-2001:db8:1000:ff00::", length: 56}
      - {pool: "2001:db8:2000::-2001:db8:2000:ffff:ffff:ffff:ffff:ffff", length: 56, dense: exclusive}
      - {pool: "2001:db8:3000::/56", length: 56, excluded-prefix: {length: 64, id: 0xff}}
      - {pool: "2001:db8:4000::/48", length: 50, excluded-prefix: {length: 128, id: 18446744073709551615}}
`)
	last := []string{"2001:db8:1000:ff00::", "2001:db8:2000:ff00::", "2001:db8:3000::", "2001:db8:4000:c000::"}
	for i, want := range last {
		if got := netip.AddrFrom16(cfg.Links[0].Prefixes[i].Ranges[0].Last); got != netip.MustParseAddr(want) {
			t.Errorf("last prefix of pool %d: want %s, got %s", i, want, got)
		}
	}
	if got := cfg.Links[0].Prefixes[1].Dense; got != config.DenseExclusive {
		t.Errorf("dense: got %d", got)
	}
	if diff := cmp.Diff(&config.Cut{Length: 64, ID: 255}, cfg.Links[0].Prefixes[2].Cut); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&config.Cut{Length: 128, ID: 1<<64 - 1}, cfg.Links[0].Prefixes[3].Cut); diff != "" {
		t.Error(diff)
	}
}

func TestClusterValues(t *testing.T) {
	cfg := parse(t, `cluster:
  id: 5B0E4AD8-3C1F-4F0E-9A57-0D6C2F1B7A11
  model: unique
  hash: sha256
  favour: delay
  parts: 4
  key: {use: `+strings.Repeat("Ab", 32)+`, accept: [env:OLD_KEY, "file:a b"]}
  nodes:
    - {name: a, parts: [3, 0], duid: "000102", interfaces: {up: eth1}, listen: {interfaces: [eth1], workers: 3}}
    - {name: b, parts: []}
links:
  - name: lan
    match: {interface: [up, eth0], interface-ids: [port, "0x0a0b", "0c:0d", 17]}
    addresses: [{pool: {b: "2001:db8:2::/64", a: "2001:db8:1::/64"}}, {pool: "2001:db8:3::/64"}]
listen: {addresses: ["2001:db8::547", "[2001:db8::1]:0"], interfaces: [eth0]}
`)
	cl := cfg.Cluster
	want := &config.Cluster{
		ID: "5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11", Model: config.Unique, Hash: address.SHA256, Favour: config.FavourDelay, Parts: 4,
		Key: config.Secret(strings.Repeat("Ab", 32)), Accept: []config.Secret{"env:OLD_KEY", "file:a b"},
		Nodes: []config.Node{
			{Name: "a", Parts: []int{3, 0}, DUID: []byte{0, 1, 2}, Interfaces: map[string]string{"up": "eth1"}, Listen: &config.Listen{Interfaces: []string{"eth1"}, Workers: 3, After: config.DefaultAfter}},
			{Name: "b", Parts: []int{}},
		},
	}
	if diff := cmp.Diff(want, cl, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]byte{[]byte("port"), {10, 11}, {12, 13}, []byte("17")}, cfg.Links[0].InterfaceIDs); diff != "" {
		t.Error(diff)
	}
	if got := cfg.Listen.Addresses[0].String() + " " + cfg.Listen.Addresses[1].String(); got != "[2001:db8::547]:547 [2001:db8::1]:0" {
		t.Errorf("listen.addresses: got %s", got)
	}
	if r := cfg.Links[0].Addresses[0].Ranges; len(r) != 2 || r[0].Node != "b" || r[1].Node != "a" || r[1].First != octets("2001:db8:1::") {
		t.Errorf("unique pools: got %+v", r)
	}
	if r := cfg.Links[0].Addresses[1].Ranges; len(r) != 1 || r[0].Node != "" {
		t.Errorf("a pool of all nodes: got %+v", r)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings.Error(), "2 of 4 parts belong to no node") {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}

func TestReservationClients(t *testing.T) {
	cfg := parse(t, lan+`    addresses: [{pool: "2001:db8:1::1000-2001:db8:1::1fff"}]
    reservations:
      - {hardware: 02-00-00-00-00-01, addresses: ["2001:db8:1::1"]}
      - {remote-id: "0x0a0b", addresses: ["2001:db8:1::2"]}
      - {remote-id: {enterprise: 0, id: line}, prefixes: ["2001:db8:9::/48"]}
      - {remote-id: {id: "0a:0b:0c"}, addresses: ["2001:db8:1::1fff"]}
      - {subscriber-id: me, options: {dns-servers: "2001:db8::1"}}
`)
	want := []config.Reservation{
		{Hardware: []byte{2, 0, 0, 0, 0, 1}},
		{RemoteID: &config.RemoteID{AnyEnterprise: true, Value: []byte{10, 11}}},
		{RemoteID: &config.RemoteID{Value: []byte("line")}},
		{RemoteID: &config.RemoteID{AnyEnterprise: true, Value: []byte{10, 11, 12}}},
		{SubscriberID: []byte("me")},
	}
	for i, r := range cfg.Links[0].Reservations {
		r.Addresses, r.Prefixes, r.Options = nil, nil, nil
		if diff := cmp.Diff(want[i], r); diff != "" {
			t.Errorf("reservation %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestPositions(t *testing.T) {
	cfg := parse(t, lan+"    addresses:\n      - pool: 2001:db8:1::/64\n        exclude: [\"2001:db8:1::1\"]\n")
	for path, want := range map[string]config.Position{
		"listen":                           {Line: 1, Column: 9},
		"links[0]":                         {Line: 3, Column: 5},
		"links[0].match.interface":         {Line: 4, Column: 24},
		"links[0].addresses[0].pool":       {Line: 6, Column: 15},
		"links[0].addresses[0].exclude":    {Line: 7, Column: 18},
		"links[0].addresses[0].exclude[0]": {Line: 7, Column: 19},
	} {
		if got := cfg.Positions[path]; got != want {
			t.Errorf("%s: want %v, got %v", path, want, got)
		}
	}
}

// TestLargeFile bounds the work on many links and reservations: comparing each with each would take minutes.
func TestLargeFile(t *testing.T) {
	var b strings.Builder
	b.WriteString(listen + "links:\n")
	for i := range 2000 {
		b.WriteString("  - name: l" + hex4(i) + "\n    match: {link-addresses: [\"2001:db8:" + hex4(i) + "::/64\"]}\n")
		b.WriteString("    addresses: [{pool: \"2001:db8:" + hex4(i) + "::/64\"}]\n    reservations:\n")
		for k := range 10 {
			b.WriteString("      - {hardware: \"02:00:00:00:00:0" + hex4(k)[3:] + "\", addresses: [\"2001:db8:" + hex4(i) + "::" + hex4(k) + "\"]}\n")
		}
	}
	if cfg := parse(t, b.String()); len(cfg.Links) != 2000 {
		t.Errorf("got %d links", len(cfg.Links))
	}
}

func hex4(i int) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[i>>12&15], digits[i>>8&15], digits[i>>4&15], digits[i&15]})
}

// TestAliases sees that aliases work, and that their product is bounded.
func TestAliases(t *testing.T) {
	cfg := parse(t, "listen: {interfaces: [eth0, eth1]}\nlinks:\n  - {name: a, match: {interface: eth0}, options: &o {dns-servers: [\"2001:db8::1\"]}}\n  - {name: b, match: {interface: eth1}, options: *o}\n")
	if diff := cmp.Diff(cfg.Links[0].Defaults.Options, cfg.Links[1].Defaults.Options); diff != "" {
		t.Error(diff)
	}
	ids := "x: &a [" + strings.Repeat("p, ", 200) + "p]\ny: &b {interface-ids: *a}\n"
	links := ids + "z: &c {name: n, match: *b, reservations: &r [" + strings.Repeat("{duid: 00030001}, ", 100) + "]}\nlinks: [" + strings.Repeat("*c, ", 3000) + "*c]\n"
	links = strings.Replace(links, "{duid: 00030001}", "&d {options: &e {custom: &f ["+strings.Repeat("{code: 1}, ", 50)+"]}}", 1)
	links = strings.ReplaceAll(links, "{duid: 00030001}", "*d")
	cfg, errs := config.Parse("bomb.yaml", []byte(links))
	if cfg != nil || !strings.Contains(errs.Error(), "aliases multiply") {
		t.Errorf("a bomb of aliases: %d errors", len(errs))
	}
}

func TestLeasequery(t *testing.T) {
	cfg := parse(t, `
listen: {interfaces: [eth0]}
leasequery:
  requestors: ["2001:db8:f::/48", "::1"]
  relay-data: true
  hidden-options: [37]
  active: {keep: 1h}
  tls: {certificate: a.pem, key: a.key, authorities: ca.pem, names: [collector], required: true}
links: [{name: lan, match: {interface: eth0}, addresses: [{pool: "2001:db8:1::/64"}]}]
`)
	want := &config.Leasequery{
		Requestors:  []netip.Prefix{netip.MustParsePrefix("2001:db8:f::/48"), netip.MustParsePrefix("::1/128")},
		Listen:      []netip.AddrPort{netip.MustParseAddrPort("[::]:547")},
		Connections: 10, Data: 300, Query: 3600, RelayData: true, Hidden: []wire.OptionCode{37},
		Active: &config.ActiveQuery{Keep: 3600},
		TLS:    &config.LeasequeryTLS{Certificate: "a.pem", Key: "a.key", Authorities: "ca.pem", Names: []string{"collector"}, Required: true},
	}
	if !reflect.DeepEqual(cfg.Leasequery, want) {
		t.Errorf("read %+v, want %+v", cfg.Leasequery, want)
	}
}
