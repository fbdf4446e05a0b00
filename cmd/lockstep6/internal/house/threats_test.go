package house

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestThreats: docs/security.md names tests that exist and say what it quotes. What would be wrong with a row is noticed.
func TestThreats(t *testing.T) {
	fsys := os.DirFS(top)
	source, err := ReadTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(top, ThreatsPath))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range Threats(fsys, source, string(page), 25) {
		t.Error(v)
	}
	const good = "| A1 | threat | answer | `core/policy.TestAllows` | cost | open |\n"
	for row, want := range map[string]string{
		good:                                    "",
		good + good:                             "stands twice",
		strings.Replace(good, "| open ", "", 1): "six cells",
		strings.Replace(good, "open", " ", 1):   "empty cell",
		strings.Replace(good, "TestAllows", "TestNone", 1):                 "no test",
		strings.Replace(good, "`core/policy", "policy", 1):                 "isn't a list of tests",
		strings.Replace(good, "s` |", "s` \"words\" |", 1):                 "doesn't say words",
		strings.Replace(good, "A1", "threat", 1):                           "too few rows",
		strings.Replace(good, "core/policy.TestAllows", "scripts/none", 1): "no such session",
	} {
		found := Threats(fsys, source, row, 1)
		if (len(found) == 0) != (want == "") || want != "" && !strings.Contains(found[0].What, want) {
			t.Errorf("%q: %v, want %q", row, found, want)
		}
	}
}
