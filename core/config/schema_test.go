package config_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/config"
)

func resolvedSchema(t testing.TB) *jsonschema.Resolved {
	t.Helper()
	data, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// instance is YAML as a JSON value.
func instance(t testing.TB, data []byte) (v any) {
	t.Helper()
	if err := yaml.Load(data, &v); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	v = nil
	if err := json.Unmarshal(encoded, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaAcceptsExamples(t *testing.T) {
	schema := resolvedSchema(t)
	for _, file := range examples(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance(t, data)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	const good = `
listen: {interfaces: [eth0]}
options: {dns-servers: ["2001:db8::53"], sol-max-rt: 1h}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64", dense: agree}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
`
	schema := resolvedSchema(t)
	if err := schema.Validate(instance(t, []byte(good))); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"unknown field":          {"listen:", "lisen:"},
		"wrong type":             {"interfaces: [eth0]", "interfaces: {eth0: true}"},
		"missing name":           {"name: lan\n    match", "match"},
		"word":                   {"dense: agree", "dense: agreed"},
		"number out of bounds":   {"length: 56", "length: 129"},
		"missing length":         {", length: 56", ""},
		"no list":                {"links:", "links: 7\nother:"},
		"option of wrong type":   {`dns-servers: ["2001:db8::53"]`, "dns-servers: {a: b}"},
		"option of the server":   {"sol-max-rt: 1h", "client-id: 0a0b"},
		"time below its bound":   {"sol-max-rt: 1h", "sol-max-rt: 59"},
		"no time":                {"sol-max-rt: 1h", "sol-max-rt: soon"},
		"structured option":      {"sol-max-rt: 1h", "encrypted-dns: [{addresses: []}]"},
		"pool that is no prefix": {`pool: "2001:db8:1::/64"`, "pool: 17"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Errorf("%s: nothing to replace", name)
		}
		if err := schema.Validate(instance(t, []byte(bad))); err == nil {
			t.Errorf("%s: accepted\n%s", name, bad)
		}
	}
}

// TestSchemaAcceptsOptions sees that an editor doesn't complain about what Parse takes.
func TestSchemaAcceptsOptions(t *testing.T) {
	schema := resolvedSchema(t)
	for _, e := range encodings {
		if err := schema.Validate(instance(t, []byte("options: {"+e.text+"}\n"+lan))); err != nil {
			t.Errorf("%s: %v", e.text, err)
		}
	}
}
