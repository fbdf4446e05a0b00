package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
)

var shown = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestShownConfigurations: Prometheus takes the scrape jobs that docs/metrics.md shows, and the node the part of its own
// configuration, without a doubt about the rights.
func TestShownConfigurations(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	jobs, nodes := 0, 0
	for _, m := range shown.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(m[1], "scrape_configs:") {
			jobs++
			takesJobs(t, m[1], rules)
			continue
		}
		nodes++
		c, faults := config.Parse("shown.yaml", []byte("listen: {interfaces: [eth0]}\nlinks: [{name: lan, match: {interface: eth0}, addresses: [{pool: \"2001:db8:1::/64\"}]}]\n"+m[1]))
		if faults != nil {
			t.Errorf("the node refuses what is shown: %v\n%s", faults, m[1])
			continue
		}
		if field, problem, remedy := c.Admin.Doubt(); problem != "" {
			t.Errorf("the node warns of what is shown: %s: %s; %s", field, problem, remedy)
		}
	}
	if jobs != 2 || nodes != 1 {
		t.Errorf("%d scrape jobs and %d nodes' configurations are shown, want 2 and 1", jobs, nodes)
	}
}

// takesJobs has promtool read a prometheus.yml with the files that it names beside it.
func takesJobs(t *testing.T, text string, rules []byte) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"prometheus.yml": []byte(text), "lockstep6.rules.yml": rules, "lockstep6.token": []byte(strings.Repeat("0", 64)), "nodes-ca.pem": nil,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	promtool(t, "", "check", "config", filepath.Join(dir, "prometheus.yml"))
}
