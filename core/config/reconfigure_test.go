package config_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lockstep6/lockstep6/core/config"
)

const reconfigurable = `
listen: {interfaces: [eth0]}
classes: [{name: modems, match: {vendor-class: docsis}}, {name: phones, match: {vendor-class: sip}}]
links:
  - {name: lan, match: {interface: eth0}, addresses: [{pool: "2001:db8:1::/64"}]}
  - {name: pop1, match: {link-addresses: ["2001:db8:2::/64"]}, addresses: [{pool: "2001:db8:2::/64"}]}
`

// TestReconfigure: without the section nobody is made to ask; what it leaves out is as the standard has it.
func TestReconfigure(t *testing.T) {
	for text, want := range map[string]*config.Reconfigure{
		"":                nil,
		"reconfigure: {}": {Rate: 100, Timeout: 2, Attempts: 8, RequestRate: 10},
		"reconfigure: {links: [pop1], classes: [modems], except-classes: phones, rate: 5, timeout: 4s, attempts: 3, requestors: [\"2001:db8:ffff::/48\", \"::1\"], request-rate: 2}": {
			Links: []int{1}, Gate: config.Gate{Only: []int{0}, Except: []int{1}}, Rate: 5, Timeout: 4, Attempts: 3,
			Requestors: []netip.Prefix{netip.MustParsePrefix("2001:db8:ffff::/48"), netip.MustParsePrefix("::1/128")}, RequestRate: 2,
		},
	} {
		cfg, errs := config.Parse("test.yaml", []byte(reconfigurable+text))
		if errs != nil {
			t.Fatal(errs)
		}
		if diff := cmp.Diff(want, cfg.Reconfigure, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if len(cfg.Warnings) > 0 && want != nil && want.Links != nil {
			t.Errorf("%s: classes that reconfigure uses are warned of: %v", text, cfg.Warnings)
		}
	}
}
