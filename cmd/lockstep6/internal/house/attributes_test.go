package house

import (
	"os"
	"strings"
	"testing"
)

// TestAttributes: no line of the log can name a client without saying so.
func TestAttributes(t *testing.T) {
	source, err := ReadTree(os.DirFS(top))
	if err != nil {
		t.Fatal(err)
	}
	names, found := Attributes(source)
	for _, v := range found {
		t.Error(v)
	}
	if len(names) < 200 {
		t.Errorf("only %d attributes were found: the rule saw too little", len(names))
	}
}

func TestAttributesCatches(t *testing.T) {
	names, found := Attributes(tree(t, map[string]string{
		"io/a/good.go": `package a
func f() {
	log.Warn("a text", "id", "literal", "lease", leaseOf(k), "duid", privacy.DUID(d), "node", name)
	attrs := []any{"id", "assigned", "peer", name}
	log.LogAttrs(ctx, level, text, slog.String("id", m.id), slog.Any("iaid", privacy.IAID(7)), other(x))
	refused.Error()
}
`,
		"io/a/bare.go":     "package a\nfunc f() { log.Info(\"a text\", \"id\", \"x\", \"duid\", text) }\n",
		"io/a/made.go":     "package a\nfunc f() slog.Attr { return slog.String(\"client\", text) }\n",
		"io/a/list.go":     "package a\nfunc f() { n.hold(held, fact{m, []any{\"relay\", text}}, \"lease\", text) }\n",
		"io/a/appended.go": "package a\nfunc f() { attrs = append(attrs, \"winner\", text) }\n",
		"io/a/new.go":      "package a\nfunc f() { log.Info(\"a text\", \"id\", \"x\", \"newfangled\", 1) }\n",
		"io/a/variable.go": "package a\nfunc f() { lease := text(); log.Info(\"a text\", \"id\", \"x\", \"lease\", lease) }\n",
	}))
	subjects := make(map[string]int)
	for _, v := range found {
		subjects[strings.TrimSuffix(strings.TrimPrefix(v.Subject, "io/a/"), ".go")]++
	}
	for subject, want := range map[string]int{"bare": 1, "made": 1, "list": 2, "appended": 1, "new": 1, "variable": 1, "good": 0} {
		if subjects[subject] != want {
			t.Errorf("%s: %d violations, want %d: %v", subject, subjects[subject], want, found)
		}
	}
	if len(names) == 0 {
		t.Error("no attributes were found")
	}
}
