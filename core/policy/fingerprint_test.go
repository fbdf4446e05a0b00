package policy

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// agreed has everything in it that decides an address, and much that doesn't.
const agreed = `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  model: identical
  hash: xxh64
  key: {use: "` + key + `", accept: []}
  favour: preference
  parts: 4
  nodes:
    - {name: a, preference: 255, parts: [0, 2]}
    - {name: b, preference: 0, parts: [1, 3]}
listen: {interfaces: [eth0]}
lifetimes: {preferred: 50m, valid: 80m}
rapid-commit: "off"
options: {dns-servers: ["2001:db8::53"]}
links:
  - name: pop1
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"], interface-ids: [port1]}
    addresses:
      - {pool: "2001:db8:1::/64", exclude: ["2001:db8:1::1"]}
    prefixes:
      - {pool: "2001:db8:8000::/40", length: 56, dense: agree, exclude: ["2001:db8:8000::/56"]}
    reservations:
      - {duid: "00:03:00:01:02:00:00:00:00:01", addresses: ["2001:db8:1::10", "2001:db8:1::11"]}
      - {remote-id: {enterprise: 9, id: line}, prefixes: ["2001:db8:80ff::/56"]}
  - name: pop2
    match: {link-addresses: ["2001:db8:2::/64"]}
    addresses: [{pool: "2001:db8:2::/64"}]
    prefixes: [{pool: "2001:db8:9000::/40", length: 56}]
`

func TestFingerprintTellsWhatDecides(t *testing.T) {
	tests := []struct{ name, old, new string }{
		{"cluster's ID", "id: 5b0e", "id: 5b0f"},
		{"model", "model: identical", "model: split"},
		{"hash", "hash: xxh64", "hash: sha256"},
		{"key", key[:8], "ffffffff"},
		{"parts", "parts: 4", "parts: 5"},
		{"who owns a part", "parts: [0, 2]}\n    - {name: b, preference: 0, parts: [1, 3]}", "parts: [0, 3]}\n    - {name: b, preference: 0, parts: [1, 2]}"},
		{"preferred part", "[0, 2]", "[2, 0]"},
		{"node's name", "{name: b,", "{name: c,"},
		{"node's DUID", "{name: b,", "{name: b, duid: \"00:04:05\","},
		{"another node", "listen:", "    - {name: c, parts: []}\nlisten:"},
		{"order of nodes", "    - {name: a, preference: 255, parts: [0, 2]}\n    - {name: b, preference: 0, parts: [1, 3]}",
			"    - {name: b, preference: 0, parts: [1, 3]}\n    - {name: a, preference: 255, parts: [0, 2]}"},
		{"pool", "addresses: [{pool: \"2001:db8:2::/64\"}]", "addresses: [{pool: \"2001:db8:2::/65\"}]"},
		{"pool written as a range", "addresses: [{pool: \"2001:db8:2::/64\"}]", "addresses: [{pool: \"2001:db8:2::-2001:db8:2::ffff\"}]"},
		{"no pool", "    addresses: [{pool: \"2001:db8:2::/64\"}]\n", ""},
		{"excluded address", "2001:db8:1::1\"", "2001:db8:1::2\""},
		{"no exclusion", ", exclude: [\"2001:db8:1::1\"]", ""},
		{"excluded prefix", "exclude: [\"2001:db8:8000::/56\"]", "exclude: [\"2001:db8:8001::/56\"]"},
		{"length", "2001:db8:9000::/40\", length: 56", "2001:db8:9000::/40\", length: 55"},
		{"prefix length", "  - name: pop2\n", "  - name: pop2\n    prefix-length: 56\n"},
		{"dense", "dense: agree", "dense: exclusive"},
		{"retiring addresses", "addresses: [{pool: \"2001:db8:2::/64\"}]", "addresses: [{pool: \"2001:db8:2::/64\", retiring: true}]"},
		{"retiring prefixes", "2001:db8:9000::/40\", length: 56", "2001:db8:9000::/40\", retiring: true, length: 56"},
		{"reservation's client", "02:00:00:00:00:01", "02:00:00:00:00:02"},
		{"reservation's kind of client", "{duid: \"00:03:00:01:02", "{hardware: \"00:03:00:01:02"},
		{"reserved address", "2001:db8:1::10", "2001:db8:1::12"},
		{"order of reserved addresses", "[\"2001:db8:1::10\", \"2001:db8:1::11\"]", "[\"2001:db8:1::11\", \"2001:db8:1::10\"]"},
		{"reserved prefix", "2001:db8:80ff::/56", "2001:db8:80fe::/56"},
		{"enterprise", "enterprise: 9", "enterprise: 10"},
		{"link-address", "link-addresses: [\"2001:db8:2::/64\"]", "link-addresses: [\"2001:db8:2::/63\"]"},
		{"Interface-ID", "port1", "port2"},
	}
	want := compile(t, agreed, "a")
	seen := map[[32]byte]string{want.Fingerprint: "unchanged"}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if strings.Count(agreed, test.old) < 1 {
				t.Fatalf("the text has no %q", test.old)
			}
			p := compile(t, strings.Replace(agreed, test.old, test.new, 1), "a")
			if other, ok := seen[p.Fingerprint]; ok {
				t.Errorf("the fingerprint is that of %s", other)
			}
			seen[p.Fingerprint] = test.name
			if c := Compare(want, p); len(c.Changes) == 0 {
				t.Error("a comparison finds no change")
			}
		})
	}
}

func TestFingerprintIgnoresTheRest(t *testing.T) {
	tests := []struct {
		name, old, new string
		rest           int // how many things a comparison names
	}{
		{"listen", "interfaces: [eth0]}", "interfaces: [eth0], addresses: [\"[::1]:10547\"]}", 1},
		{"a node's own listen", "preference: 255,", "preference: 255, listen: {interfaces: [eth0, eth1]},", 1},
		{"preference", "preference: 255", "preference: 7", 1},
		{"favour", "favour: preference", "favour: rendezvous", 1},
		{"lifetimes", "valid: 80m", "valid: 90m", 1},
		{"renew cache", "listen:", "store: {renew-cache: 0.25}\nlisten:", 1},
		{"Rapid Commit", "rapid-commit: \"off\"", "rapid-commit: all", 1},
		{"options", "2001:db8::53", "2001:db8::54", 1},
		{"boot files", "links:", "boot: [{architecture: 7, url: \"tftp://[::1]/a\"}]\nlinks:", 1},
		{"a link's boot files", "  - name: pop2\n", "  - name: pop2\n    boot: [{url: \"tftp://[::1]/a\"}]\n", 1},
		{"a reservation's boot files", "{remote-id: {enterprise: 9, id: line},", "{remote-id: {enterprise: 9, id: line}, boot: [],", 1},
		{"limits", "links:", "limits: {leases-per-port: 9}\nlinks:", 1},
		{"limits per client", "links:", "limits: {prefixes-per-client: 9}\nlinks:", 1},
		{"a link's limits", "  - name: pop2\n", "  - name: pop2\n    limits: {addresses-per-client: 9}\n", 1},
		{"names", "links:", "dns: {domain: example.net, generate: always}\nlinks:", 0},
		{"accepted keys", "accept: []", "accept: [\"" + strings.Repeat("0", 64) + "\"]", 0},
		{"name of a link", "pop2", "pop3", 1},
		{"comment and form", "length: 56", "length: 56 ", 0},
		{"order of reservations", `      - {duid: "00:03:00:01:02:00:00:00:00:01", addresses: ["2001:db8:1::10", "2001:db8:1::11"]}
      - {remote-id: {enterprise: 9, id: line}, prefixes: ["2001:db8:80ff::/56"]}
`, `      - {remote-id: {enterprise: 9, id: line}, prefixes: ["2001:db8:80ff::/56"]}
      - {duid: "00:03:00:01:02:00:00:00:00:01", addresses: ["2001:db8:1::10", "2001:db8:1::11"]}
`, 0},
	}
	want := compile(t, agreed, "a")
	if other := compile(t, agreed, "b"); other.Fingerprint != want.Fingerprint {
		t.Errorf("nodes differ:\n%s", cmp.Diff(want.FingerprintText(), other.FingerprintText()))
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if strings.Count(agreed, test.old) < 1 {
				t.Fatalf("the text has no %q", test.old)
			}
			p := compile(t, strings.Replace(agreed, test.old, test.new, 1), "a")
			if p.Fingerprint != want.Fingerprint {
				t.Errorf("(-want +got):\n%s", cmp.Diff(want.FingerprintText(), p.FingerprintText()))
			}
			if c := Compare(want, p); !c.Safe() || len(c.Rest) != test.rest {
				t.Errorf("a comparison finds %+v", c)
			}
		})
	}
	// The order of links.
	links := strings.Index(agreed, "  - name: pop1")
	second := strings.Index(agreed, "  - name: pop2")
	if p := compile(t, agreed[:links]+agreed[second:]+agreed[links:second], "a"); p.Fingerprint != want.Fingerprint {
		t.Errorf("another order of links (-want +got):\n%s", cmp.Diff(want.FingerprintText(), p.FingerprintText()))
	}
}

// TestFingerprintText fixes the canonical form: a change here is a change of RuleVersion.
func TestFingerprintText(t *testing.T) {
	p := compile(t, agreed, "a")
	want := `rule 1
model identical
hash xxh64
key ` + fmt.Sprintf("%x", p.Hasher.KeyCheck()) + `
parts 4
node a duid ` + fmt.Sprintf("%x", p.Nodes[0].ServerID) + ` parts 0 2
node b duid ` + fmt.Sprintf("%x", p.Nodes[1].ServerID) + ` parts 1 3
link
 exclude 2001:db8:1::1-2001:db8:1::1
 exclude 2001:db8:8000::-2001:db8:8000:ff:ffff:ffff:ffff:ffff
 interface-id 706f727431
 link-address 2001:db8:1::/64
 pool 2001:db8:1::-2001:db8:1:0:ffff:ffff:ffff:ffff length 128 prefix 2001:db8:1:: dense agree
 pool 2001:db8:8000::-2001:db8:80ff:ff00:: length 56 prefix 2001:db8:8000:: dense agree
 reservation duid 00030001020000000001 2001:db8:1::10 2001:db8:1::11
 reservation remote-id 9:6c696e65 2001:db8:80ff::/56
link
 link-address 2001:db8:2::/64
 pool 2001:db8:2::-2001:db8:2:0:ffff:ffff:ffff:ffff length 128 prefix 2001:db8:2:: dense agree
 pool 2001:db8:9000::-2001:db8:90ff:ff00:: length 56 prefix 2001:db8:9000:: dense agree
`
	if diff := cmp.Diff(want, p.FingerprintText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p.Fingerprint != sha256.Sum256([]byte(want)) {
		t.Error("the fingerprint isn't the text's SHA-256")
	}
	if strings.Contains(p.FingerprintText(), key[:16]) {
		t.Error("the text shows the key")
	}
	single := compile(t, "listen: {interfaces: [eth0]}"+pop1, "").FingerprintText()
	if !strings.HasPrefix(single, "rule 1\nmodel single\nhash xxh64\n") || strings.Contains(single, "\nnode ") {
		t.Errorf("a single node's text:\n%s", single)
	}
}
