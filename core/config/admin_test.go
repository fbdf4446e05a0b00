package config_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
)

const one = lan + "    addresses: [{pool: \"2001:db8:1::/64\"}]\n"

func TestAdmin(t *testing.T) {
	const tls = ", tls: {certificate: a.crt, key: a.key}"
	for text, want := range map[string]struct {
		admin config.Admin
		free  bool   // reading needs no token
		warns string // in the only warning; empty: none
	}{
		`listen: "127.0.0.1:1"`:                              {config.Admin{}, true, ""},
		`listen: "[::1]:1", read: anyone`:                    {config.Admin{Read: config.ReadAnyone}, true, ""},
		`listen: "[::ffff:127.0.0.1]:1"`:                     {config.Admin{}, true, ""},
		`listen: "127.0.0.1:1", token: file:t`:               {config.Admin{Token: "file:t"}, true, ""},
		`listen: "127.0.0.1:1", token: file:t, read: token`:  {config.Admin{Token: "file:t", Read: config.ReadToken}, false, ""},
		`listen: "0.0.0.0:1"`:                                {config.Admin{}, false, "only /live and /ready are answered there"},
		`listen: "[2001:db8::1]:1", read: anyone`:            {config.Admin{Read: config.ReadAnyone}, true, "unencrypted"},
		`listen: "127.0.0.1:1", names: [Node-A.example., b]`: {config.Admin{Names: []string{"node-a.example", "b"}}, true, ""},
		`listen: "[2001:db8::1]:1", token: "env:T"` + tls:    {config.Admin{Token: "env:T", Certificate: "a.crt", Key: "a.key"}, false, ""},
		`listen: "[2001:db8::1]:1", read: anyone` + tls:      {config.Admin{Read: config.ReadAnyone, Certificate: "a.crt", Key: "a.key"}, true, "whoever reaches [2001:db8::1]:1 can read"},
	} {
		cfg := parse(t, one+"admin: {"+text+"}\n")
		got := cfg.Admin
		got.Listen = netip.AddrPort{}
		if !reflect.DeepEqual(got, want.admin) || cfg.Admin.Free() != want.free {
			t.Errorf("%s: %+v, free %v; want %+v, %v", text, got, cfg.Admin.Free(), want.admin, want.free)
		}
		warned := cfg.Warnings.Error()
		if (warned == "") != (want.warns == "") || !strings.Contains(warned, want.warns) {
			t.Errorf("%s: warnings %q, want %q", text, warned, want.warns)
		}
	}
}

// TestRedacted: the file comes back as it was written, without what is secret in it.
func TestRedacted(t *testing.T) {
	const key = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
	text := `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: {use: "` + key + `", accept: ["file:old.key", &k "` + strings.ToUpper(key[:62]) + `ff"]}
  nodes: [{name: a, preference: 255}, {name: b}]
lifetimes: {valid: 80m}
` + one + `
    options: {custom: [{code: 250, hex: 0x0a0b}], dns-servers: [&dns "2001:db8::53"]}
store: {renew-cache: 0.25}
log: {leases: false, level: }
`
	got, err := json.Marshal(parse(t, text).Redacted())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"cluster":{"id":"5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11","key":{"accept":["file:old.key","(redacted)"],"use":"(redacted)"},` +
		`"nodes":[{"name":"a","preference":255},{"name":"b"}]},"lifetimes":{"valid":"80m"},"links":[{"addresses":[{"pool":"2001:db8:1::/64"}],` +
		`"match":{"interface":"eth0"},"name":"lan","options":{"custom":[{"code":250,"hex":"0x0a0b"}],"dns-servers":["2001:db8::53"]}}],` +
		`"listen":{"interfaces":["eth0"]},"log":{"leases":false,"level":null},"store":{"renew-cache":0.25}}`
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRedactedExamples: what the examples say comes back, and can be JSON.
func TestRedactedExamples(t *testing.T) {
	for _, file := range []string{"single", "cluster", "isp", "enterprise"} {
		data, err := os.ReadFile("../../examples/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(parse(t, string(data)).Redacted()); err != nil || !strings.Contains(string(got), `"links":[{`) {
			t.Errorf("%s: %v\n%s", file, err, got)
		}
	}
}
