package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md")

const (
	page  = "../../docs/metrics.md"
	begin = "<!-- the table is made by: go test ./io/metrics -run TestReference -update -->\n"
	end   = "<!-- end of the table -->\n"
)

// TestReference holds the table of docs/metrics.md against the collector.
func TestReference(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(content), begin)
	old, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	want := table()
	if *update {
		if err := os.WriteFile(page, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != want {
		t.Errorf("%s isn't up to date; go test ./io/metrics -run TestReference -update writes it", page)
	}
}

// table is all metrics in Markdown.
func table() string {
	var b strings.Builder
	b.WriteString("\n| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, m := range all() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", prefix+m.name, m.typeName(), strings.Join(m.labels, ", "), m.help)
	}
	b.WriteString("\n")
	return b.String()
}

// typeName is the type as Prometheus writes it.
func (m *metric) typeName() string {
	if m.latency != nil {
		return "histogram"
	}
	return strings.ToLower(m.kind.ToDTO().String())
}
