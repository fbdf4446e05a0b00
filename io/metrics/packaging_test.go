package metrics

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const (
	rulesFile = "../../packaging/prometheus/lockstep6.rules.yml"
	testsFile = "../../packaging/prometheus/lockstep6.rules_test.yml"
	dashboard = "../../packaging/grafana/lockstep6.json"
)

// promtool runs Prometheus's own checks.
func promtool(t *testing.T, input string, arguments ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool isn't installed; `make deps` installs it")
	}
	cmd := exec.Command(path, arguments...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
}

func TestPromtoolTakesMetrics(t *testing.T) {
	var own strings.Builder // what the libraries export of the process isn't ours to name
	for line := range strings.Lines(scrape(t, sample)) {
		if strings.Contains(line, prefix) {
			own.WriteString(line)
		}
	}
	promtool(t, own.String(), "check", "metrics")
}

func TestPromtoolTakesRules(t *testing.T) {
	promtool(t, "", "check", "rules", rulesFile)
	promtool(t, "", "test", "rules", testsFile)
}

// An alert is one of the rules.
type alert struct {
	Alert, Expr string
	Labels      struct{ Severity string }
	Annotations struct{ Summary, Description string }
}

func alerts(t *testing.T) (out []alert) {
	t.Helper()
	content, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []alert } }
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		out = append(out, g.Rules...)
	}
	return out
}

// TestAlertsTellWhatToDo: each has a summary, a command in its description, and a test that it fires and one that it doesn't.
func TestAlertsTellWhatToDo(t *testing.T) {
	tests, err := os.ReadFile(testsFile)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts(t) {
		if a.Annotations.Summary == "" || strings.Count(a.Annotations.Description, "`") < 2 || a.Labels.Severity == "" {
			t.Errorf("%s has no summary, no severity or no command to run: %+v", a.Alert, a)
		}
		if n := strings.Count(string(tests), `ALERTS{alertname="`+a.Alert+`", alertstate="firing"}'`); n != 2 {
			t.Errorf("%s has %d tests in %s, want one with what fires it and one with what doesn't", a.Alert, n, testsFile)
		}
		if !strings.Contains(string(page), "`"+a.Alert+"`") {
			t.Errorf("docs/metrics.md doesn't have %s", a.Alert)
		}
	}
}

// expressions are all queries of the dashboard, with its variables filled in.
func expressions(t *testing.T) (out []string) {
	t.Helper()
	content, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*")
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			out = append(out, fill.Replace(target.Expr))
		}
	}
	return out
}

// TestDashboardParses has Prometheus read each query, as a rule.
func TestDashboardParses(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, e := range expressions(t) {
		quoted, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		rules.WriteString("  - {record: 'panel:" + strconv.Itoa(i) + "', expr: " + string(quoted) + "}\n")
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", file)
}

var (
	ownName = regexp.MustCompile(`\b(?:lockstep6|process|go)_[a-z0-9_]+`)
	typed   = regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`)
)

// TestNamedMetricsExist: the dashboard and the alerts name nothing that the node doesn't export.
func TestNamedMetricsExist(t *testing.T) {
	exported := make(map[string]bool)
	for _, m := range typed.FindAllStringSubmatch(scrape(t, sample), -1) {
		exported[m[1]] = true
		if m[2] == "histogram" {
			exported[m[1]+"_bucket"], exported[m[1]+"_sum"], exported[m[1]+"_count"] = true, true, true
		}
	}
	check := func(where, expression string) error {
		names := ownName.FindAllString(expression, -1)
		if len(names) == 0 {
			return errors.New(where + " names no metric: " + expression)
		}
		for _, name := range names {
			if !exported[name] {
				return errors.New(where + " names " + name + ", which isn't exported")
			}
		}
		return nil
	}
	for _, a := range alerts(t) {
		if a.Expr == `up{job="lockstep6"} == 0` { // Prometheus's own
			continue
		}
		if err := check(a.Alert, a.Expr); err != nil {
			t.Error(err)
		}
	}
	for _, e := range expressions(t) {
		if err := check("the dashboard", e); err != nil {
			t.Error(err)
		}
	}
	if check("this test", "lockstep6_nothing > 0") == nil || check("this test", "1") == nil {
		t.Error("the check finds nothing")
	}
}
