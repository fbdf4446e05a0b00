package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

func TestNamedPools(t *testing.T) {
	text := `
relays:
  named-pools:
    preset: nokia
    options:
      - {option: subscriber-id, relay: 0, tells: prefix-pool}
      - {option: remote-id, enterprise: 9}
      - {option: 37, tells: address-pool}
      - {option: vendor-opts, enterprise: 9, suboption: 0, tells: prefix-length}
    unknown: ignore
listen: {interfaces: [eth0]}
links:
  - name: bng
    match: {pool-names: gold, relay-ids: ["00:03:00:01:02:00:00:00:00:77", "0x000477"]}
    addresses: [{pool: "2001:db8:1::/64", name: gold, named-only: true}, {pool: "2001:db8:2::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56, name: "gold pd"}]
`
	cfg, errs := config.Parse("named.yaml", []byte(text))
	if errs != nil {
		t.Fatal(errs)
	}
	nokia, cisco := uint32(6527), uint32(9)
	want := config.NamedPools{Ignore: true, Options: []config.NameOption{
		{wire.OptionVendorInformation, &nokia, 1, -1, config.TellsAddressPool},
		{wire.OptionVendorInformation, &nokia, 2, -1, config.TellsPrefixPool},
		{wire.OptionVendorInformation, &nokia, 3, -1, config.TellsPrefixLength},
		{wire.OptionSubscriberID, nil, 0, 0, config.TellsPrefixPool},
		{wire.OptionRemoteID, &cisco, 0, -1, config.TellsPool},
		{wire.OptionRemoteID, nil, 0, -1, config.TellsAddressPool},
		{wire.OptionVendorInformation, &cisco, 0, -1, config.TellsPrefixLength},
	}}
	if diff := cmp.Diff(&want, cfg.Relays.NamedPools); diff != "" {
		t.Errorf("named pools (-want +got):\n%s", diff)
	}
	l := &cfg.Links[0]
	if a := l.Addresses; a[0].Name != "gold" || !a[0].NamedOnly || a[1].Name != "" || a[1].NamedOnly || l.Prefixes[0].Name != "gold pd" {
		t.Errorf("pools are %+v %+v", l.Addresses, l.Prefixes)
	}
	ids := [][]byte{{0, 3, 0, 1, 2, 0, 0, 0, 0, 0x77}, {0, 4, 0x77}}
	if !cmp.Equal(ids, l.RelayIDs) || !cmp.Equal([]string{"gold"}, l.PoolNames) || !cmp.Equal([]wire.OptionCode{65}, cfg.Relays.Supplied) {
		t.Errorf("the link is found by %x and %q, relays supply %d", l.RelayIDs, l.PoolNames, cfg.Relays.Supplied)
	}
}

// TestNoPoolNamed warns where relays name pools and no pool has a name.
func TestNoPoolNamed(t *testing.T) {
	for named, warned := range map[string]bool{
		"{preset: nokia}": true, "{preset: nokia, unknown: ignore}": false, "{options: [{option: 38, tells: prefix-length}]}": false,
	} {
		cfg, errs := config.Parse("named.yaml", []byte("relays: {named-pools: "+named+"}\n"+fmt.Sprintf(oneLink, "")))
		if errs != nil {
			t.Fatal(errs)
		}
		if got := strings.Contains(cfg.Warnings.Error(), "relays.named-pools: no pool has a name"); got != warned {
			t.Errorf("%s: warnings are %v", named, cfg.Warnings)
		}
	}
}
