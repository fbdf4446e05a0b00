package daemon

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRestartTable: docs/reload.md has what fixed refuses, all of it and nothing else.
func TestRestartTable(t *testing.T) {
	read := func(file, from, to string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, ok := strings.Cut(string(text), from)
		part, _, end := strings.Cut(rest, to)
		if !ok || !end {
			t.Fatalf("%s has nothing between %q and %q", file, from, to)
		}
		return part
	}
	all := func(text, pattern string) (found []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			field := strings.Replace(m[1], "[%d]", "[]", 1)
			if strings.HasPrefix(field, ".") {
				field = "listen" + field // listenField is that, or cluster.nodes[].listen, which the table has beside it
			}
			found = append(found, field)
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	code := read("candidate.go", "\n\tpath := listenField", "\n\treturn faults\n")
	refused := all(code, `"([a-z.][a-z.%\[\]-]+)"`)
	refused = append(refused, "cluster", "cluster.nodes[].listen")
	slices.Sort(refused)
	var told []string
	for line := range strings.Lines(read("../../../../docs/reload.md", "| field | why |\n|---|---|\n", "\n\n")) {
		told = append(told, all(strings.Split(line, "|")[1], "`([^`]+)`")...)
	}
	slices.Sort(told)
	if len(refused) < 17 {
		t.Errorf("few fields are read out of candidate.go: %v", refused)
	}
	if diff := cmp.Diff(refused, told); diff != "" {
		t.Errorf("what needs a restart (-refused +in docs/reload.md):\n%s", diff)
	}
}
