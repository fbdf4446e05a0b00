package config_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The octets of 2001:db8::1 and of example.net.
const (
	one6    = "20010db8000000000000000000000001"
	example = "07 6578616d706c65 03 6e6574 00"
)

var encodings = []struct{ text, want string }{
	{`dns-servers: ["2001:db8::1", "2001:db8::1"]`, "0017 0020" + one6 + one6},
	{`dns-servers: "2001:db8::1"`, "0017 0010" + one6},
	{`domain-search: [example.net, example.net.]`, "0018 001a" + example + example},
	{`sip-domains: [example.net]`, "0015 000d" + example},
	{`sip-server-addr: ["2001:db8::1"]`, "0016 0010" + one6},
	{`nis-domain-name: example.net`, "001d 000d" + example},
	{`sntp-servers: ["2001:db8::1"]`, "001f 0010" + one6},
	{`information-refresh: 1d`, "0020 0004 00015180"},
	{`information-refresh: infinite`, "0020 0004 ffffffff"},
	{`sol-max-rt: 60`, "0052 0004 0000003c"},
	{`inf-max-rt: 86400`, "0053 0004 00015180"},
	// RFC 5908, Section 4: one suboption in each option.
	{
		`ntp-servers: ["2001:db8::1", "ff05::101", example.net]`,
		"0038 0014 0001 0010" + one6 + "0038 0014 0002 0010 ff050000000000000000000000000101 0038 0011 0003 000d" + example,
	},
	{`boot-file-url: "http://[2001:db8::1]/b"`, "003b 0016 687474703a2f2f5b323030313a6462383a3a315d2f62"},
	{`boot-file-parameters: [quiet, a=1]`, "003c 000c 0005 7175696574 0003 613d31"},
	{`client-architectures: [7, 9]`, "003d 0004 0007 0009"},
	{`timezone: {posix: UTC0, tzdb: Etc/UTC}`, "0029 0004 55544330 002a 0007 4574632f555443"},
	{`aftr-name: example.net`, "0040 000d" + example},
	{`captive-portal: "https://a.b/"`, "0067 000c 68747470733a2f2f612e622f"},
	{`dhcp4o6-servers: []`, "0058 0000"},
	{`rdnss-selection: ["2001:db8::1", 3, example.net, example.net]`, "004a 002b" + one6 + "03" + example + example},
	// RFC 9463, Section 4.1: priority, name, addresses, then alpn (1), port (3) and dohpath (7).
	{
		`encrypted-dns: [{name: example.net, addresses: ["2001:db8::1"], alpn: [h2, dot], port: 8443, dohpath: "/q{?dns}"}]`,
		"0090 0040 0001 000d" + example + "0010" + one6 + "0001 0007 02 6832 03 646f74 0003 0002 20fb 0007 0008 2f717b3f646e737d",
	},
	{`encrypted-dns: [{priority: 9, name: example.net}, {name: example.net}]`, "0090 0011 0009 000d" + example + "0090 0011 0002 000d" + example},
	{
		`vendor-options: [{enterprise: 4491, options: [{code: 32, hex: 0a0b}, {code: 33, type: uint8, value: 7}]}, {enterprise: 1, options: []}]`,
		"0011 000f 0000118b 0020 0002 0a0b 0021 0001 07 0011 0004 00000001",
	},
	{
		`vendor-options: [{enterprise: 4491, options: {tftp-servers: ["2001:db8::1"], config-file: a.cfg, time-offset: -1}}]`,
		"0011 0029 0000118b 0020 0010" + one6 + "0021 0005 612e636667 0026 0004 ffffffff",
	},
	{`custom: [{code: 250, type: [uint8, suboptions], value: [1, [{code: 5, hex: 0a}, {code: 5, hex: 0b}]]}]`, "00fa 000b 01 0005 0001 0a 0005 0001 0b"},
	{`custom: [{code: 250, type: psid, array: true, value: [3/4, 0/0, 65535/16]}]`, "00fa 0009 04 3000 00 0000 10 ffff"},
	{`krb-kdc: [1, 2, 3, 88, "2001:db8::1", EXAMPLE]`, "004e 001e 0001 0002 03 0058" + one6 + "4558414d504c45"},
	{`s46-priority: [96, 94]`, "006f 0004 0060 005e"},
	{`vendor-class: [{enterprise: 4491, data: [ab, "0x0102"]}]`, "0010 000c 0000118b 0002 6162 0002 0102"},
	{`custom: [{code: 250, hex: ""}]`, "00fa 0000"},
	{`custom: [{code: 250, hex: "00:01"}, {code: 250, hex: "02"}]`, "00fa 0002 0001 00fa 0001 02"},
	{`custom: [{code: 250, type: [uint16, ipv6-address], value: [7, "2001:db8::1"]}]`, "00fa 0012 0007" + one6},
	{`custom: [{code: 250, type: [int8, int16, int32, bool], value: [-1, -2, -3, true]}]`, "00fa 0008 ff fffe fffffffd 01"},
	{`custom: [{code: 250, type: uint32, array: true, value: [1, 0xff]}]`, "00fa 0008 00000001 000000ff"},
	{`custom: [{code: 250, type: [uint8, fqdn-list], value: [1, example.net, example.net]}]`, "00fa 001b 01" + example + example},
	{`custom: [{code: 250, type: ipv6-prefix, array: true, value: ["2001:db8::/33", "::/0"]}]`, "00fa 0007 21 20010db800 00"},
	{`custom: [{code: 250, type: [ipv4-address, hex], value: [192.0.2.1, "0a"]}]`, "00fa 0005 c0000201 0a"},
	{`custom: [{code: 250, type: string, value: "é"}]`, "00fa 0002 c3a9"},
	{`custom: [{code: 250, type: empty, value: true}]`, "00fa 0000"},
	// RFC 7598, Sections 4 and 5.
	{
		`s46-mape: {rules: [{forwarding: true, ea-length: 16, ipv4-prefix: 192.0.2.0/24, ipv6-prefix: "2001:db8::/33", ports: {offset: 6, psid-length: 4, psid: 10}}], border-relays: ["2001:db8::1"]}`,
		"005e 002d 0059 0015 01 10 18 c0000200 21 20010db800 005d 0004 06 04 a000 005a 0010" + one6,
	},
	{
		`s46-mapt: {rules: [{ea-length: 0, ipv4-prefix: 192.0.2.1/32, ipv6-prefix: "2001:db8::/32"}], default-rule: "2001:db8::/64"}`,
		"005f 001d 0059 000c 00 00 20 c0000201 20 20010db8 005b 0009 40 20010db800000000",
	},
	{
		`s46-lw: {bind: {ipv4-address: 192.0.2.1, ipv6-prefix: "2001:db8::/32"}, border-relays: ["2001:db8::1"]}`,
		"0060 0021 005c 0009 c0000201 20 20010db8 005a 0010" + one6,
	},
}

func TestOptionEncoding(t *testing.T) {
	for _, e := range encodings {
		cfg := parse(t, "options: {"+e.text+"}\n"+lan)
		var got []byte
		for _, o := range cfg.Policy.Options {
			got = append(got, o.Encoded...)
		}
		if want := unhex(t, e.want); !bytes.Equal(want, got) {
			t.Errorf("%s:\nwant %x\ngot  %x", e.text, want, got)
		}
	}
}

// TestDefinitions encodes options and suboptions that the file names itself.
func TestDefinitions(t *testing.T) {
	cfg := parse(t, `option-definitions:
  - {name: site, code: 250, type: [uint8, suboptions], suboptions: [{name: mail, code: 1, type: string}, {name: rooms, code: 2, type: uint16, array: true}]}
  - {name: bare, code: 251, suboptions: [{name: mail, code: 9, type: fqdn}]}
  - {name: mail, enterprise: 32473, code: 7, type: [uint8, fqdn]}
  - {name: inner, enterprise: 32473, code: 8, suboptions: [{name: on, code: 3, type: boolean}]}
  - {name: extra, enterprise: 4491, code: 250, type: uint8}
options:
  site: [7, {rooms: [1, 2], mail: a}]
  bare: {mail: example.net}
  vendor-options:
    - {enterprise: 32473, options: {mail: [3, example.net], inner: {on: true}}}
    - {enterprise: 4491, options: {extra: 1, device-type: ECM}}
`+lan)
	want := []string{
		"0011 001f 00007ed9 0007 000e 03" + example + "0008 0005 0003 0001 01" + "0011 0010 0000118b 00fa 0001 01 0002 0003 45434d",
		"00fa 000e 07 0002 0004 0001 0002 0001 0001 61",
		"00fb 0011 0009 000d" + example,
	}
	for i, o := range cfg.Policy.Options {
		if !bytes.Equal(unhex(t, want[i]), o.Encoded) {
			t.Errorf("option %d: want %s, got %x", o.Code, want[i], o.Encoded)
		}
	}
}

// TestOptionOracle lets another implementation read what is sent.
func TestOptionOracle(t *testing.T) {
	for _, e := range encodings {
		cfg := parse(t, "options: {"+e.text+"}\n"+lan)
		for _, o := range cfg.Policy.Options {
			var read dhcpv6.Options
			if err := read.FromBytes(o.Encoded); err != nil {
				t.Errorf("%s: %v", e.text, err)
				continue
			}
			if got := read.ToBytes(); !bytes.Equal(o.Encoded, got) {
				t.Errorf("%s: reads differently:\nsent %x\nread %x", e.text, o.Encoded, got)
			}
		}
	}
}

func TestOptionInheritance(t *testing.T) {
	cfg := parse(t, listen+`
option-definitions:
  - {name: badge, code: 60001, type: uint16}
options: {dns-servers: "2001:db8::1", aftr-name: example.net, badge: 7, always: [dns-servers, 60001], vendor-class: [{enterprise: 1, data: [a]}]}
links:
  - name: lan
    match: {interface: eth0}
    options: {dns-servers: ["2001:db8::1", "2001:db8::1"], sol-max-rt: 1h, never: [badge], always: [64]}
    addresses: [{pool: "2001:db8:1::/64"}]
    reservations:
      - {duid: 00030001, options: {never: [aftr-name], always: [domain-search], domain-search: example.net}}
      - {duid: 00030002, options: {dns-servers: "2001:db8::1"}}
      - {duid: 00030003, addresses: ["2001:db8:1::1"]}
`)
	type option struct {
		Code   wire.OptionCode
		Always bool
		Length int
	}
	shape := func(options []config.Option) (out []option) {
		for _, o := range options {
			out = append(out, option{o.Code, o.Always, len(o.Encoded)})
		}
		return out
	}
	for name, c := range map[string]struct {
		got  []config.Option
		want []option
	}{
		"global": {cfg.Policy.Options, []option{{16, true, 11}, {23, true, 20}, {64, false, 17}, {60001, true, 6}}},
		"link":   {cfg.Links[0].Defaults.Options, []option{{16, true, 11}, {23, true, 36}, {64, true, 17}, {82, false, 8}}},
		"never":  {cfg.Links[0].Reservations[0].Options, []option{{24, true, 17}, {64, false, 0}}},
		"own":    {cfg.Links[0].Reservations[1].Options, []option{{23, true, 20}}},
		"none":   {cfg.Links[0].Reservations[2].Options, nil},
	} {
		if diff := cmp.Diff(c.want, shape(c.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestWithheld: what is withheld somewhere isn't sent further in either, though it is set there.
func TestWithheld(t *testing.T) {
	cfg := parse(t, listen+`
options: {dns-servers: "2001:db8::1", aftr-name: example.net, withhold: [captive-portal]}
links:
  - name: lan
    match: {interface: eth0}
    options: {captive-portal: "https://a.b/", withhold: [aftr-name]}
    addresses: [{pool: "2001:db8:1::/64"}]
    reservations: [{duid: 00030001, options: {aftr-name: example.net, withhold: [23, 24], never: [103]}}]
`)
	dns := config.Option{Code: 23, Encoded: unhex(t, "0017 0010"+one6)}
	if diff := cmp.Diff([]config.Option{dns, {Code: 64, Withheld: true}, {Code: 103, Withheld: true}}, cfg.Links[0].Defaults.Options); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
	want := []config.Option{{Code: 23, Withheld: true}, {Code: 24, Withheld: true}, {Code: 103, Withheld: true}}
	if diff := cmp.Diff(want, cfg.Links[0].Reservations[0].Options); diff != "" {
		t.Errorf("reservation (-want +got):\n%s", diff)
	}
	if len(cfg.Warnings) != 2 || !strings.Contains(cfg.Warnings[0].Error(), "option 103 is withheld further up") {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}

// TestVendorInheritance: of a vendor's suboptions a link has those of the top of the file that it doesn't set itself.
func TestVendorInheritance(t *testing.T) {
	cfg := parse(t, "options: {vendor-options: [{enterprise: 1, options: [{code: 1, hex: a1}, {code: 2, hex: a2}]}, {enterprise: 2, options: [{code: 1, hex: b1}]}], always: [17]}\n"+
		lan+"    options: {vendor-options: [{enterprise: 1, options: [{code: 1, hex: ff}]}]}\n")
	want := config.Option{Code: 17, Always: true, Encoded: unhex(t, "0011 000e 00000001 0001 0001 ff 0002 0001 a2 0011 0009 00000002 0001 0001 b1")}
	if diff := cmp.Diff([]config.Option{want}, cfg.Links[0].Defaults.Options); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].Error(), "vendor-options go to clients that don't ask") {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}

func TestOptionWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"timezone: {tzdb: Europe/Berlin}":                                  "test.yaml:1:11: options.timezone: has only one of posix and tzdb; clients know one or the other; give both (RFC 4833)",
		`encrypted-dns: [{name: example.net, addresses: ["2001:db8::1"]}]`: "test.yaml:1:27: options.encrypted-dns[0]: has no alpn; clients can't know the protocol; write alpn: [dot]",
		`captive-portal: "https://a.b/` + strings.Repeat("c", 244) + `"`:   "test.yaml:1:27: options.captive-portal: has 256 octets; write one of 255 at most, which every client takes (RFC 8910)",
		`captive-portal: "https://a.b/` + strings.Repeat("c", 243) + `"`:   "",
	} {
		cfg := parse(t, "options: {"+text+"}\n"+lan)
		if got := cfg.Warnings.Error(); got != want {
			t.Errorf("want %s\ngot  %s", want, got)
		}
	}
}

func TestSuppliedOptions(t *testing.T) {
	cfg := parse(t, "relays: {supplied-options: [erp-local-domain-name, 23]}\n"+lan)
	if diff := cmp.Diff([]wire.OptionCode{23, 65}, cfg.Relays.Supplied); diff != "" {
		t.Error(diff)
	}
	if cfg := parse(t, "relays: {supplied-options: []}\n"+lan); len(cfg.Relays.Supplied) != 0 {
		t.Errorf("want none, got %v", cfg.Relays.Supplied)
	}
}
