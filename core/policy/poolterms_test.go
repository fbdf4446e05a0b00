package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

const pooled = `
listen: {interfaces: [eth0]}
lifetimes: {preferred: 1h, valid: 2h, renew: 20m, rebind: 40m}
store: {renew-cache: 0.5}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64", lifetimes: {preferred: 4h, valid: 8h}, options: {dns-servers: ["2001:db8::1"], withhold: [24]}}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
`

// TestPoolTerms: a pool's terms and options count for what lasts longest on its link, and decide no lease.
func TestPoolTerms(t *testing.T) {
	p := compile(t, pooled, "")
	l := &p.Links[0]
	own := l.Addresses[0].Terms
	if own == nil || own.Valid != 8*3600 || own.RenewCache != 3600 || l.Prefixes[0].Terms != nil || l.Valid != 2*3600 || !l.PoolTerms || !l.PoolOptions {
		t.Errorf("terms %+v of the pool, %+v of the link", own, l.Terms)
	}
	if l.LongestValid != 8*3600 || l.LongestRenew != 2*3600 || l.Overdue != 3*3600 || p.source.LongestValid() != 8*3600 {
		t.Errorf("longest valid %d and T1 %d, overdue after %d", l.LongestValid, l.LongestRenew, l.Overdue)
	}
	for old, what := range map[string]string{"valid: 8h}, ": "lifetimes of pools", "2001:db8::1": "options of pools", "[24]": "options of pools"} {
		changed := compile(t, strings.Replace(pooled, old, map[string]string{"valid: 8h}, ": "valid: 9h}, ", "2001:db8::1": "2001:db8::2", "[24]": "[31]"}[old], 1), "")
		if c := Compare(p, changed); changed.Fingerprint != p.Fingerprint || !cmp.Equal([]string{what}, c.Rest) || len(c.Changes) > 0 {
			t.Errorf("%s changed: a comparison finds %+v", old, c)
		}
	}
}

// vendorSet is a whole Vendor-specific Information option of enterprise 1 with one suboption of one octet.
func vendorSet(always bool, code, value byte) config.Option {
	return config.Option{Code: 17, Always: always, Encoded: wire.AppendOption(nil, 17, []byte{0, 0, 0, 1, 0, code, 0, 1, value})}
}

func TestLayersOfVendors(t *testing.T) {
	own := set(t, []config.Option{vendorSet(false, 1, 0xa1)}, Options{})
	class := set(t, []config.Option{vendorSet(true, 1, 0xb1)}, Options{})
	link := set(t, []config.Option{vendorSet(false, 2, 0xc2)}, Options{})
	ends := set(t, []config.Option{{Code: 17}}, Options{})
	withholds := set(t, []config.Option{{Code: 17, Withheld: true}}, Options{})
	for _, tt := range []struct {
		name   string
		layers Layers
		oro    []byte
		want   string
	}{
		{"merged, sent always", Layers{&own, &class, &link}, nil, "11:00000001000100 01a1000200 01c2"},
		{"not asked for", Layers{&own, &link}, nil, ""},
		{"asked for", Layers{&own, &link}, oro(17), "11:00000001000100 01a1000200 01c2"},
		{"what is inherited is taken back", Layers{&own, &ends, &link}, oro(17), "11:00000001000100 01a1"},
		{"withheld below", Layers{&own, &class, &withholds}, oro(17), ""},
		{"withheld above", Layers{&withholds, &class, &link}, oro(17), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &wire.Message{Type: wire.Solicit, ORO: tt.oro}
			if want, got := strings.ReplaceAll(tt.want, " ", ""), sent(t, tt.layers.Append(nil, m)); got != want {
				t.Errorf("want %s, got %s", want, got)
			}
			room := make([]byte, 0, 256)
			if n := testing.AllocsPerRun(100, func() { tt.layers.Append(room, m) }); n != 0 {
				t.Errorf("%g allocations", n)
			}
		})
	}
	if !(Layers{&own, &withholds}).Has(17) {
		t.Error("a relay could supply what is withheld")
	}
}
