package house

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "bring "+PagePath+" and the count of "+CoveragePath+" up to date")

// TestMessages: whatever the program logs has an identifier that stays, and a section that explains it.
func TestMessages(t *testing.T) {
	source, err := ReadTree(os.DirFS(top))
	if err != nil {
		t.Fatal(err)
	}
	all, found := Messages(source)
	name := filepath.Join(top, PagePath)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		text = []byte(readPage(string(text)).settled(all).String())
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range append(found, Documented(all, string(text))...) {
		t.Error(v)
	}
	if len(all) < 50 {
		t.Errorf("only %d messages were found: the rule saw too little", len(all))
	}
}

func TestMessagesCatches(t *testing.T) {
	all, found := Messages(tree(t, map[string]string{
		"io/a/good.go": `package a
func f() {
	log.Warn("a text", "id", "literal", "x", 1)
	d.log.Log(ctx, level, m.text, "id", m.id)
	log.LogAttrs(ctx, level, "over: "+m.text, slog.String("id", m.id))
	attrs := []any{"id", "assigned", "x", 1}
	log.Info("joined "+"texts", attrs...)
	log.Error("b", append([]any{"id", "within"}, more...)...)
	slog.NewLogLogger(log.With("id", "of-others").Handler(), 0)
	err.Error()
	refused.Error("not a logger's, and taken for one", "id", "all-the-same")
}
var rows = map[int]message{1: {id: "row", level: slog.LevelWarn, text: "c"}, 2: message{id: "plain", text: "d"}}
`,
		"store/bare.go":    "package a\nfunc f() { log.Info(\"a text\") }\n",
		"store/late.go":    "package a\nfunc f() { log.Info(\"a text\", \"x\", 1, \"id\", \"late\") }\n",
		"store/text.go":    "package a\nfunc f() { log.Info(\"a text \"+name, \"id\", \"x\") }\n",
		"store/made.go":    "package a\nfunc f() { log.Info(\"a text\", \"id\", name+\"x\") }\n",
		"store/spelt.go":   "package a\nvar m = message{id: \"Not_Kebab\", text: \"x\"}\n",
		"store/value.go":   "package a\nfunc f() { tell := d.log.Warn; tell(\"x\") }\n",
		"store/others.go":  "package a\nfunc f() { slog.NewLogLogger(log.Handler(), 0) }\n",
		"store/unknown.go": "package a\nfunc f(attrs []any) { log.Info(\"a text\", attrs...) }\n",
		"store/a_test.go":  "package a\nfunc f() { log.Info(\"a test's\") }\n",
		"bench/free.go":    "package a\nfunc f() { log.Info(\"not of the program\") }\n",
		"cmd/helper.go":    "package a\nimport \"testing\"\nfunc f(t *testing.T) { t.Error(\"a test's\") }\n",
	}))
	slices.SortFunc(all, func(a, b Message) int { return strings.Compare(a.ID, b.ID) })
	want := []Message{
		{"all-the-same", "ERROR", "not a logger's, and taken for one"}, {"assigned", "INFO", "joined texts"}, {"literal", "WARN", "a text"}, {ID: "of-others"},
		{"plain", "INFO", "d"}, {"row", "WARN", "c"}, {"within", "ERROR", "b"}, {ID: "x", Level: "INFO"},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("messages (-want +got)\n%s", diff)
	}
	wantSubjects(t, []string{"messages store/bare.go", "messages store/late.go", "messages store/made.go", "messages store/others.go",
		"messages store/spelt.go", "messages store/text.go", "messages store/unknown.go", "messages store/value.go"}, found)
}

func TestDocumentedCatches(t *testing.T) {
	all := []Message{{"a", "INFO", "one"}, {"b", "WARN", "two"}, {ID: "c"}}
	good := "# Messages\n\n## Errors at start\n\nNone.\n\n## a\n\n`INFO one`\n\nText.\n\n## b\n\n`WARN two`\n\nText.\n\n## c\n\nText.\n"
	if found := Documented(all, good); len(found) > 0 {
		t.Errorf("a page as it should be: %v", found)
	}
	untidy := "# Messages\n\n## Errors at start\n\nNone.\n## c\nText.\n\n## a\n\n`WARN once`\n\nText.\n\n## b\n\nText.\n"
	for name, page := range map[string]string{
		"no section":    good[:len(good)-len("\n## c\n\nText.\n")],
		"says nothing":  good[:len(good)-len("Text.\n")],
		"of nothing":    good + "\n## d\n\nText.\n",
		"twice":         good + "\n## c\n\nText.\n",
		"out of order":  untidy,
		"another level": "# Messages\n\n## a\n\n`WARN one`\n\nText.\n\n## b\n\n`WARN two`\n\nText.\n\n## c\n\nText.\n",
	} {
		if found := Documented(all, page); len(found) != 1 {
			t.Errorf("%s: violations %v, want one", name, found)
		}
	}
	if diff := cmp.Diff(good, readPage(untidy).settled(all).String()); diff != "" {
		t.Errorf("an untidy page brought up to date (-want +got)\n%s", diff)
	}
}
