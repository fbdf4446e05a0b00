package config

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const editLink = "listen: {interfaces: [eth0]}\nlinks:\n  - name: lan # the office\n    match: {interface: eth0}\n    addresses: [{pool: 2001:db8:1::/64}]\n"

const editCluster = "cluster:\n  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11\n  key: file:k\n"

// TestWithDUID: the DUID comes where it belongs, however the file is written, and every other octet stays.
func TestWithDUID(t *testing.T) {
	duid := []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 9}
	const value = `"00:03:00:01:02:00:00:00:00:09"`
	for name, c := range map[string]struct{ node, before, after string }{
		"no server":    {"", "# ours\n" + editLink, "# ours\n" + editLink + "server:\n  duid: " + value + "\n"},
		"no last line": {"", strings.TrimSuffix(editLink, "\n"), editLink + "server:\n  duid: " + value + "\n"},
		"server": {"", "server:\n  # we are the best\n  preference: 7 # of ten\n" + editLink,
			"server:\n  # we are the best\n  preference: 7 # of ten\n  duid: " + value + "\n" + editLink},
		"server in braces": {"", "server: {preference: 7}\n" + editLink, "server: {duid: " + value + ", preference: 7}\n" + editLink},
		"another DUID": {"", "server: {duid: \"00:04:01\", preference: 7} # old\n" + editLink,
			"server: {duid: " + value + ", preference: 7} # old\n" + editLink},
		"a plain one": {"", "server:\n  duid: 0004ab # old\n" + editLink, "server:\n  duid: " + value + " # old\n" + editLink},
		"nodes": {"b", editCluster + "  nodes:\n    - name: a # first\n      preference: 1\n    - name: b # second\n" + editLink,
			editCluster + "  nodes:\n    - name: a # first\n      preference: 1\n    - name: b # second\n      duid: " + value + "\n" + editLink},
		"nodes in braces": {"a", editCluster + "  nodes: [{name: a, preference: 255}, {name: b}]\n" + editLink,
			editCluster + "  nodes: [{duid: " + value + ", name: a, preference: 255}, {name: b}]\n" + editLink},
		"the last line": {"b", editLink + editCluster + "  nodes:\n    - name: a\n    - name: b",
			editLink + editCluster + "  nodes:\n    - name: a\n    - name: b\n      duid: " + value + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := WithDUID("f.yaml", []byte(c.before), c.node, duid)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(got)); diff != "" {
				t.Errorf("the text (-want +got)\n%s", diff)
			}
			again, err := WithDUID("f.yaml", got, c.node, duid)
			if err != nil || !bytes.Equal(again, got) {
				t.Errorf("a second time: %v\n%s", err, again)
			}
		})
	}
}

// TestWithDUIDRefuses: what can't be found is left to people, who are told what to write.
func TestWithDUIDRefuses(t *testing.T) {
	for name, c := range map[string]struct{ node, text string }{
		"no such node": {"c", editCluster + "  nodes: [{name: a}, {name: b}]\n" + editLink},
		"braces":       {"", "{listen: {interfaces: [eth0]}, links: [{name: lan, match: {interface: eth0}, addresses: [{pool: \"2001:db8:1::/64\"}]}]}"},
		"two alike":    {"b", editCluster + "  nodes: [{name: a, duid: \"00:03:00:01:02:00:00:00:00:09\"}, {name: b}]\n" + editLink},
		"not YAML":     {"", "server: ["},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := WithDUID("f.yaml", []byte(c.text), c.node, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 9})
			if err == nil {
				t.Fatalf("it became\n%s", got)
			}
			if !strings.Contains(err.Error(), `duid: "00:03:00:01:02:00:00:00:00:09"`) || !strings.Contains(err.Error(), "by hand") {
				t.Errorf("no hint in %q", err)
			}
		})
	}
}
