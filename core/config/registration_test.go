package config_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
)

// Links take what they don't say of address registration from the top, and can turn it off or on for themselves.
func TestAddressRegistrationIsInherited(t *testing.T) {
	const links = `
listen: {interfaces: [eth0]}
links:
  - {name: one, match: {link-addresses: ["2001:db8:1::/64"]}}
  - {name: two, match: {link-addresses: ["2001:db8:2::/64"]}, address-registration: {enabled: false}}
  - {name: three, match: {interface: eth0}, address-registration: {per-client: 5, prefixes: ["fd00:3::/64"]}}
`
	own := &config.Registration{PerClient: 5, Prefixes: []netip.Prefix{netip.MustParsePrefix("fd00:3::/64")}}
	for top, want := range map[string][]*config.Registration{
		"":                                       {nil, nil, own},
		"address-registration: {}":               {{PerClient: config.DefaultRegistrations}, nil, own},
		"address-registration: {per-client: 7}":  {{PerClient: 7}, nil, own},
		"address-registration: {enabled: false}": {nil, nil, own},
	} {
		cfg, errs := config.Parse("test.yaml", []byte(top+links))
		if errs != nil {
			t.Fatal(errs)
		}
		var got []*config.Registration
		for i := range cfg.Links {
			got = append(got, cfg.Links[i].Registration)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%q (-want +got):\n%s", top, diff)
		}
	}
}
