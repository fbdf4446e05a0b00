package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

const oneLink = "listen: {interfaces: [eth0]}\nlinks: [{name: lan, match: {interface: eth0}, addresses: [{pool: \"2001:db8:1::/64\"%s}]}]\n"

func TestClasses(t *testing.T) {
	text := `
options: {dns-servers: ["2001:db8::53"], domain-search: [example.net], always: [domain-search]}
classes:
  - name: modems
    match: {vendor-class: {enterprise: 4491, starts: [docsis, "0x0a0b"]}}
    lifetimes: {valid: 8h}
    options: {dns-servers: ["2001:db8::1"], never: [domain-search, 31]}
  - {name: a, match: [{user-class: x}, {duid: {type: [ll, uuid], ends: "07"}}]}
  - {name: b, match: {architecture: 7}}
  - {name: c, match: {reserved: true}, deny: true}
` + fmt.Sprintf(oneLink, ", classes: [b, a], except-classes: c")
	cfg, errs := config.Parse("classes.yaml", []byte(text))
	if errs != nil {
		t.Fatal(errs)
	}
	number := uint32(4491)
	test := func(x config.Test) config.Condition { return config.Condition{Test: &x} }
	want := []config.Class{
		{
			Name: "modems",
			Match: test(config.Test{Field: config.FieldVendorClass, Enterprise: &number,
				Octets: config.Octets{Starts: [][]byte{[]byte("docsis"), {10, 11}}}}),
			Lifetimes: &config.Lifetimes{Preferred: 18000, Valid: 28800, Renew: 9000, Rebind: 14400},
			Options: []config.Option{
				{Code: 23, Encoded: wire.AppendOption(nil, 23, []byte{0x20, 1, 0xd, 0xb8, 15: 1})}, {Code: 24}, {Code: 31},
			},
		},
		{Name: "a", Match: config.Condition{Junction: config.JunctionAny, Parts: []config.Condition{
			test(config.Test{Field: config.FieldUserClass, Octets: config.Octets{Equals: [][]byte{[]byte("x")}}}),
			{Junction: config.JunctionAll, Parts: []config.Condition{
				test(config.Test{Field: config.FieldDUID, Octets: config.Octets{Ends: [][]byte{{7}}}}),
				test(config.Test{Field: config.FieldDUIDType, Numbers: []uint32{wire.DUIDLL, wire.DUIDUUID}}),
			}},
		}}},
		{Name: "b", Match: test(config.Test{Field: config.FieldArchitecture, Numbers: []uint32{7}})},
		{Name: "c", Match: test(config.Test{Field: config.FieldReserved, Holds: true}), Deny: true},
	}
	if diff := cmp.Diff(want, cfg.Classes); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(config.Gate{Only: []int{2, 1}, Except: []int{3}}, cfg.Links[0].Addresses[0].Gate); diff != "" || !cfg.Links[0].Gate.Open() {
		t.Errorf("gate (-want +got):\n%s", diff)
	}
	if len(cfg.Warnings) > 0 {
		t.Error(cfg.Warnings)
	}
}

// TestUnusedClass: a class that changes nothing is seldom meant.
func TestUnusedClass(t *testing.T) {
	text := "classes: [{name: a, match: {user-class: x}}, {name: b, match: {not: [{class: a}]}}]\n" + fmt.Sprintf(oneLink, "")
	cfg, errs := config.Parse("classes.yaml", []byte(text))
	if errs != nil || len(cfg.Warnings) != 1 || cfg.Warnings[0].Field != "classes[1].name" {
		t.Errorf("%v, %v", errs, cfg.Warnings)
	}
}

// TestClassBounds: what goes beyond a bound is refused, and what reaches it isn't.
func TestClassBounds(t *testing.T) {
	list := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	one := func(match string) string { return "{name: a, deny: true, match: " + match + "}" }
	long := `{name: a, match: {user-class: x}, options: {custom: [{code: 60001, hex: "` + strings.Repeat("00", 3000) + `"}]}}`
	for _, tt := range []struct{ name, within, beyond, problem string }{
		{"classes", list(config.MaxClasses, "{name: c%d, deny: true, match: {user-class: x}},"),
			list(config.MaxClasses+1, "{name: c%d, deny: true, match: {user-class: x}},"), "257 classes are too many"},
		{"tests", one("[" + list(config.MaxTests, "{architecture: %d},") + "]"), one("[" + list(config.MaxTests+1, "{architecture: %d},") + "]"), "has 4097 tests"},
		{"contains", one("{user-class: {contains: [" + list(config.MaxContains, "v%d,") + "]}}"), one("{user-class: {contains: [" + list(config.MaxContains+1, "v%d,") + "]}}"), "has 65 values"},
		{"relays' options", one("[" + list(config.MaxRelayOptions, "{relay-option: {code: 17, equals: v%d}},") + "]"),
			one("[" + list(config.MaxRelayOptions+1, "{relay-option: {code: 17, equals: v%d}},") + "]"), "has 65 tests of relays' options"},
		{"codes", one("[" + list(config.MaxOptionCodes, "{option: {code: 600%02d}},") + "]"), one("[" + list(config.MaxOptionCodes+1, "{option: {code: 600%02d}},") + "]"),
			"has 33 different options that are tested"},
		{"options beside the link's", long, long + "]\noptions: {custom: [{code: 60002, hex: \"" + strings.Repeat("00", 1500) + "\"}]}\n#", "the options here take 4508 octets"},
	} {
		for beyond, classes := range []string{tt.within, tt.beyond} {
			_, errs := config.Parse("classes.yaml", []byte("classes: ["+classes+"]\n"+fmt.Sprintf(oneLink, "")))
			if beyond == 0 && errs != nil || beyond == 1 && (len(errs) != 1 || !strings.Contains(errs[0].Problem, tt.problem)) {
				t.Errorf("%s: %v", tt.name, errs)
			}
		}
	}
}

func TestSchemaOfClasses(t *testing.T) {
	schema := resolvedSchema(t)
	for condition, good := range map[string]bool{
		`{vendor-class: docsis3.0}`: true, `[{vendor-class: [a, b]}, {not: [{architecture: 7}]}]`: true,
		`{any: [{duid: {type: ll, starts: "0003"}}], reserved: true, architecture: [7, 9], requests: [boot-file-url, 64]}`: true,
		`{vendor: x}`: false, `{architecture: uefi}`: false, `{not: {zebra: 1}}`: false, `{option: {}}`: false, `{all: {user-class: x}}`: false,
	} {
		file := "classes: [{name: a, deny: true, match: " + condition + "}]\n" + fmt.Sprintf(oneLink, ", classes: a")
		if err := schema.Validate(instance(t, []byte(file))); (err == nil) != good {
			t.Errorf("%s: %v", condition, err)
		}
	}
}
