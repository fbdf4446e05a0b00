package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamples converts each configuration that comes with Kea and serves by it, on a host that has the interfaces which they name: a node comes
// up, finds fault with nothing but what `lockstep6 check` tells too, and ends well. The examples are those of Debian's package kea-doc, which
// lie beside the converter, and what kea-dhcp6-server has in /etc.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../../../core/convert/testdata/examples/*.json")
	if err != nil || len(files) < 27 {
		t.Fatalf("there are %d examples of Kea: %v", len(files), err)
	}
	for _, file := range append(files, "/etc/kea/kea-dhcp6.conf") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			lab := NewLab(t)
			h := lab.Host("server")
			lab.run("ip", "-n", h.ns, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
			lab.run("ip", "-n", h.ns, "link", "set", "eth0", "up")
			lab.run("ip", "-n", h.ns, "link", "set", "eth1", "up")
			config := h.File("lockstep6.yaml")
			h.command("convert", "kea", "--in", file, "--out", config)
			s := &Server{host: h, config: config}
			s.Start()
			s.Stop()
			for line := range strings.Lines(h.read("server.log")) {
				var l LogLine
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					t.Fatalf("a line of the log: %v in %s", err, line)
				}
				if l["level"] == "ERROR" || l["level"] == "WARN" && l["id"] != "configuration-warning" {
					t.Errorf("the node says %s", line)
				}
			}
		})
	}
}
