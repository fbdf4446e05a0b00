package config_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
)

const providerFile = `
provider-prefixes:
  - {name: uplink, file: wan-prefix, length: 56}
  - {name: wan-2, api: true}
listen: {interfaces: [eth0]}
options:
  dns-servers: ["uplink + ::53", "2001:db8::53"]
  ntp-servers: ["2001:db8::123"]
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["uplink+0:0:0:1::/64", "fd00:1::/64"]}
    addresses:
      - {pool: "uplink+0:0:0:1::/64", exclude: ["uplink+0:0:0:1::1", "uplink+0:0:0:1::8-0:0:0:1::f"]}
      - {pool: "fd00:1::/64"}
    prefixes:
      - {pool: "uplink+0:0:0:80::/57", length: 64}
    reservations:
      - {duid: "00:03:01", addresses: ["uplink+0:0:0:1::10"], prefixes: ["uplink+0:0:0:90::/64"]}
  - name: guests
    match: {interface-ids: [port1]}
    addresses: [{pool: "wan-2+0:0:0:2::100-0:0:0:2::1ff"}]
`

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// resolve parses with what is known of prefixes: name=PREFIX,FORMER,...
func resolve(t *testing.T, text string, known ...string) *config.Config {
	t.Helper()
	beside := config.Beside{Provided: map[string]config.Provided{}}
	for _, k := range known {
		name, list, _ := strings.Cut(k, "=")
		all := prefixes(strings.Split(list, ",")...)
		beside.Provided[name] = config.Provided{Prefix: all[0], Former: all[1:]}
	}
	cfg, errs := config.ParseWith("test.yaml", []byte(text), beside)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return cfg
}

// poolTexts are a link's pools as they would be written.
func poolTexts(l *config.Link) (out []string) {
	for _, pools := range [][]config.Pool{l.Addresses, l.Prefixes} {
		for i := range pools {
			r := &pools[i].Ranges[0]
			text := r.Prefix.String()
			if !r.Prefix.IsValid() {
				text = netip.AddrFrom16(r.First).String() + "-" + netip.AddrFrom16(r.Last).String()
			}
			for _, e := range pools[i].Exclude {
				text += " but " + netip.AddrFrom16(e.First).String() + "-" + netip.AddrFrom16(e.Last).String()
			}
			if pools[i].Retiring {
				text += " retiring"
			}
			out = append(out, text)
		}
	}
	return out
}

// TestProviderPrefixes: what stands behind a provider's prefix is what the file would say with that prefix, and what stood behind a
// former one retires.
func TestProviderPrefixes(t *testing.T) {
	cfg := resolve(t, providerFile, "uplink=2001:db8:ab00:100::/56,2001:db8:cd00::/56", "wan-2=2001:db8:ee00::/48")
	want := [][]string{
		{
			"2001:db8:ab00:101::/64 but 2001:db8:ab00:101::1-2001:db8:ab00:101::1 but 2001:db8:ab00:101::8-2001:db8:ab00:101::f", "fd00:1::/64",
			"2001:db8:cd00:1::/64 but 2001:db8:cd00:1::1-2001:db8:cd00:1::1 but 2001:db8:cd00:1::8-2001:db8:cd00:1::f retiring",
			"2001:db8:ab00:180::/57", "2001:db8:cd00:80::/57 retiring",
		},
		{"2001:db8:ee00:2::100-2001:db8:ee00:2::1ff"},
	}
	for i := range want {
		if diff := cmp.Diff(want[i], poolTexts(&cfg.Links[i])); diff != "" {
			t.Errorf("pools (-want +got):\n%s", diff)
		}
	}
	if got := cfg.Links[0].LinkAddress; !slices.Equal(got, prefixes("2001:db8:ab00:101::/64", "fd00:1::/64", "2001:db8:cd00:1::/64")) {
		t.Errorf("link-addresses %v", got)
	}
	r := &cfg.Links[0].Reservations[0]
	if r.Addresses[0] != netip.MustParseAddr("2001:db8:ab00:101::10") || r.Prefixes[0] != netip.MustParsePrefix("2001:db8:ab00:190::/64") {
		t.Errorf("reserved %v %v", r.Addresses, r.Prefixes)
	}
	server := netip.MustParseAddr("2001:db8:ab00:100::53").As16()
	if got := cfg.Policy.Options[0].Encoded[4:]; string(got[:16]) != string(server[:]) || len(got) != 32 {
		t.Errorf("dns-servers %x", got)
	}
	if p := cfg.Providers; len(p) != 2 || p[0].File != "wan-prefix" || p[0].Length != 56 || !slices.Equal(p[0].Links, []string{"lan"}) || !p[1].API || len(cfg.Warnings) != 0 {
		t.Errorf("providers %+v, warnings %v", p, cfg.Warnings)
	}
}

// TestNoPrefixIsKnown: a link without its prefix has no pools behind it, and the rest serves.
func TestNoPrefixIsKnown(t *testing.T) {
	cfg := resolve(t, providerFile, "wan-2=2001:db8:ee00::/48")
	if got := poolTexts(&cfg.Links[0]); !slices.Equal(got, []string{"fd00:1::/64"}) {
		t.Errorf("pools %q", got)
	}
	if got := poolTexts(&cfg.Links[1]); len(got) != 1 {
		t.Errorf("pools of the other link %q", got)
	}
	if r := &cfg.Links[0].Reservations[0]; len(r.Addresses)+len(r.Prefixes) != 0 {
		t.Errorf("reserved %v %v", r.Addresses, r.Prefixes)
	}
	if len(cfg.Policy.Options) != 1 || cfg.Policy.Options[0].Code != 56 {
		t.Errorf("options %v, want no dns-servers, half of which nobody knows", cfg.Policy.Options)
	}
	if len(cfg.Warnings) != 1 || cfg.Warnings[0].Line != 3 || !strings.Contains(cfg.Warnings[0].Problem, "on links lan") {
		t.Errorf("warnings %v", cfg.Warnings)
	}
}

// TestFormerPrefixes: one that doesn't fit is no fault, nor one that is in force.
func TestFormerPrefixes(t *testing.T) {
	cfg := resolve(t, providerFile, "uplink=2001:db8:ab00:100::/56,2001:db8:cd00::/64,2001:db8:ef00::/48", "wan-2=2001:db8:ee00::/48,2001:db8:ee01::/48")
	want := []string{"2001:db8:ef00:1::/64", "2001:db8:ee01:2::100-2001:db8:ee01:2::1ff retiring"}
	got := slices.Concat(poolTexts(&cfg.Links[0]), poolTexts(&cfg.Links[1]))
	if !strings.HasPrefix(got[2], want[0]) || got[len(got)-1] != want[1] || len(got) != 7 {
		t.Errorf("pools %q", got)
	}
}

// TestPrefixDoesntFit: what a provider gives can be too little for the file, and that is told where it stands.
func TestPrefixDoesntFit(t *testing.T) {
	for name, test := range map[string]struct{ prefix, want string }{
		"too long":      {"2001:db8:ab00:100::/62", `links[0].prefixes[0].pool: "0:0:0:80::/57" is larger than the provider's prefix, which has 62 bits`},
		"bits set":      {"2001:db8:ab00:100::/64", `links[0].addresses[0].pool: 0:0:0:1:: has bits set among the first 64, which are the provider's`},
		"overlaps":      {"fd00:1::/47", "links[0].addresses"},
		"of no address": {"ff00::/48", "contains multicast addresses"},
	} {
		beside := config.Beside{Provided: map[string]config.Provided{"uplink": {Prefix: netip.MustParsePrefix(test.prefix)}}}
		text := strings.Replace(providerFile, "::/64\"}", "::/48\"}", 1)
		if name != "overlaps" {
			text = providerFile
		}
		cfg, errs := config.ParseWith("test.yaml", []byte(text), beside)
		if name == "overlaps" {
			beside.Provided["wan-2"] = beside.Provided["uplink"]
			cfg, errs = config.ParseWith("test.yaml", []byte(strings.ReplaceAll(text, "0:0:0:2::", "0:0:0:1::")), beside)
		}
		if cfg != nil || !strings.Contains(errs.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, errs, test.want)
		}
	}
}
