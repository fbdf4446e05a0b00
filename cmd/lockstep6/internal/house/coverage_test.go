package house

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCoverage: docs/rfc-coverage.md has every requirement, and what it names exists and says what it quotes.
func TestCoverage(t *testing.T) {
	fsys := os.DirFS(top)
	source, err := ReadTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/requirements.tsv")
	if err != nil {
		t.Fatal(err)
	}
	list, err := ReadRequirements(string(text))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(top, CoveragePath)
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		page = []byte(Tallied(string(page)))
		if err := os.WriteFile(name, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range Coverage(fsys, source, list, string(page)) {
		t.Error(v)
	}
	if len(list) < 350 {
		t.Errorf("only %d requirements are listed: the rule saw too little", len(list))
	}
}

func TestCoverageCatches(t *testing.T) {
	files := map[string]string{
		"core/a/a.go":                          "package a\n\n// F does.\nfunc F() {}\n\ntype T struct{}\n\nfunc (t *T) M() {}\n\nconst C = 1\n",
		"core/a/a_test.go":                     "package a\n\n// TestF: what is\n// said of F.\nfunc TestF() {\n\t_ = \"in it\"\n}\n\nfunc helper() {}\n",
		"core/engine/testdata/scripts/solicit": "# It says\n# so.\n\nsend\n",
		"core/config/testdata/bad/x.txtar":     "x.yaml:1:1: is bad\n",
		"docs/other.md":                        "It is\nsaid.\n",
	}
	list, err := ReadRequirements("# comment\nA-01\tMUST\t9915 §1\nA-02\tdoes\t9915 §2, 3\n")
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	const (
		head  = "# Page\n\nOf 2 lines 2 are met, 0 are met otherwise than the RFC says, 0 not yet, and 0 don't apply.\n\n| | asks |\n|---|---|\n"
		first = "| A-01 | MUST | 9915 §1 | something | `core/a.F`; `core/a.T.M`; `core/a.C`; `docs/other.md` | `core/a.TestF` \"what is said of F\" |\n"
		last  = "| A-02 | does | 9915 §2, 3 | another thing | `core/a.T` | `scripts/solicit` \"It says so.\"; `bad/x` \"is bad\"; `docs/other.md` |\n"
	)
	second := strings.Replace(last, "; `docs/other.md` |", "; `docs/other.md` \"It is said\" |", 1)
	check := func(page string) []Violation { return Coverage(folder(files), tree(t, files), list, page) }
	if found := check(head + first + second); len(found) > 0 {
		t.Errorf("a page as it should be: %v", found)
	}
	change := func(old, fresh string) string {
		page := head + first + second
		if strings.Count(page, old) != 1 {
			t.Fatalf("%q stands %d times", old, strings.Count(page, old))
		}
		return strings.Replace(page, old, fresh, 1)
	}
	for name, page := range map[string]string{
		"a line is missing":            head + first,
		"the first line is missing":    head + second,
		"a line stands twice":          head + first + second + second,
		"out of order":                 head + second + first,
		"another level":                change("| MUST |", "| MAY |"),
		"another source":               change("9915 §1", "9915 §2"),
		"nothing asked":                change("| something |", "| |"),
		"too few cells":                change("| something |", "|"),
		"nothing where it is met":      change("`core/a.T` |", "|"),
		"no such function":             change("`core/a.F`", "`core/a.G`"),
		"no such method":               change("core/a.T.M", "core/a.U.M"),
		"no such folder":               change("`core/a.F`", "`core/b.F`"),
		"a test's helper":              change("`core/a.F`", "`core/a.helper`"),
		"no such file":                 change("`core/a.T` |", "`docs/none.md` |"),
		"words without a name":         change("`core/a.T` |", "the type T |"),
		"no proof":                     change("`core/a.TestF` \"what is said of F\" |", "|"),
		"no such test":                 change("`core/a.TestF`", "`core/a.TestG`"),
		"a helper for a proof":         change("`core/a.TestF` \"what is said of F\"", "`core/a.helper`"),
		"code for a proof":             change("`core/a.TestF` \"what is said of F\"", "`core/a.F`"),
		"words that aren't there":      change("\"what is said of F\"", "\"what is said of G\""),
		"words outside of the test":    change("\"what is said of F\"", "\"helper\""),
		"no such session":              change("`scripts/solicit`", "`scripts/request`"),
		"a session without words":      change("`scripts/solicit` \"It says so.\"", "`scripts/solicit`"),
		"a session says nothing of it": change("\"It says so.\"", "\"It says no.\""),
		"a page without words":         head + first + last,
		"a reason without words":       change("`core/a.T` |", "not yet: hm |"),
		"not yet, with a proof":        change("`core/a.T` |", "not yet: it has to be built |"),
		"otherwise, without proof":     change(second, "| A-02 | does | 9915 §2, 3 | another thing | otherwise: by a better way | |\n"),
		"counted wrong":                change("2 are met,", "1 are met,"),
	} {
		if found := check(page); len(found) == 0 {
			t.Errorf("%s: no violation", name)
		}
	}
	exempt := strings.NewReplacer("`core/a.T` |", "otherwise: by a better way |").Replace(head+first+second) +
		"| A-03 | does | 9915 | a third | not applicable: it is somebody else's | |\n"
	list = append(list, Requirement{"A-03", "does", "9915"})
	if found := check(Tallied(exempt)); len(found) > 0 {
		t.Errorf("with reasons: %v", found)
	}
	if got := Tallied(exempt); !strings.Contains(got, "Of 3 lines 1 are met, 1 are met otherwise than the RFC says, 0 not yet, and 1 don't apply.") {
		t.Errorf("counted:\n%s", got)
	}
	for _, text := range []string{"A-01 MUST 9915\n", "A-1\tMUST\t9915\n", "A-01\tMUST\n"} {
		if _, err := ReadRequirements(text); err == nil {
			t.Errorf("%q was taken for a list", text)
		}
	}
}
