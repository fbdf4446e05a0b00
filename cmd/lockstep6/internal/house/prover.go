package house

import (
	"go/ast"
	"io/fs"
	"path"
	"strings"
)

// A prover finds what the coverage page names.
type prover struct {
	fsys  fs.FS
	tree  *Tree
	decls map[string][]declared // by "folder.Name"
}

// A declared is a declaration: the file, the node with its comment, whether it is a function.
type declared struct {
	file     *file
	from, to int // offsets in the file
	function bool
}

// Sessions that tests run, by how the page names them: what stands before the name, the folder, and the ending.
var sessions = []struct{ prefix, folder, ending string }{
	{"scripts/", "core/engine/testdata/scripts/", ""},
	{"bad/", "core/config/testdata/bad/", ".txtar"},
	{"commands/", "cmd/lockstep6/testdata/script/", ".txtar"},
	{"docs/", "docs/", ""}, // of what is to be said, rather than done
}

// exists says what is wrong with the name of a file or of a declaration outside of tests.
func (s *prover) exists(n named) string {
	if _, err := fs.Stat(s.fsys, n.name); err == nil {
		return ""
	}
	for _, d := range s.find(n.name) {
		if !d.file.test {
			return ""
		}
	}
	return "no file and no declaration " + n.name
}

// proves says what is wrong with the name of a test.
func (s *prover) proves(n named) string {
	for _, session := range sessions {
		name, ok := strings.CutPrefix(n.name, session.prefix)
		if !ok {
			continue
		}
		text, err := fs.ReadFile(s.fsys, session.folder+name+session.ending)
		switch {
		case err != nil:
			return "no such session: " + n.name
		case n.words == "":
			return n.name + " proves many things: quote the words that stand where it proves this one"
		case !says(string(text), n.words):
			return n.name + " doesn't say " + n.words
		}
		return ""
	}
	_, function, _ := strings.Cut(path.Base(n.name), ".")
	for _, d := range s.find(n.name) {
		if !d.file.test || !d.function || !strings.HasPrefix(function, "Test") && !strings.HasPrefix(function, "Fuzz") {
			continue
		}
		text, err := fs.ReadFile(s.fsys, d.file.path)
		if err != nil || !says(string(text[d.from:d.to]), n.words) {
			return n.name + " doesn't say " + n.words
		}
		return ""
	}
	return "no test " + n.name
}

// says tells whether words stand in a text, wherever its lines and comments break.
func says(text, words string) bool {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line), "//"), "#")
		b.WriteString(strings.Join(strings.Fields(line), " ") + " ")
	}
	return strings.Contains(b.String(), words)
}

// find finds what is declared at the top of a folder's files as folder.Name, or a method as folder.Type.Method.
func (s *prover) find(name string) []declared {
	if s.decls == nil {
		s.decls = make(map[string][]declared)
		for i := range s.tree.files {
			s.collect(&s.tree.files[i])
		}
	}
	return s.decls[name]
}

func (s *prover) collect(f *file) {
	note := func(name string, n ast.Node, doc *ast.CommentGroup, function bool) {
		from := n.Pos()
		if doc != nil {
			from = doc.Pos()
		}
		key := path.Dir(f.path) + "." + name
		at := func(p ast.Node) int { return s.tree.set.Position(p.End()).Offset }
		s.decls[key] = append(s.decls[key], declared{f, s.tree.set.Position(from).Offset, at(n), function})
	}
	for _, d := range f.syntax.Decls {
		switch v := d.(type) {
		case *ast.FuncDecl:
			note(functionName(v), v, v.Doc, true)
		case *ast.GenDecl:
			for _, spec := range v.Specs {
				switch x := spec.(type) {
				case *ast.TypeSpec:
					note(x.Name.Name, x, v.Doc, false)
				case *ast.ValueSpec:
					for _, n := range x.Names {
						note(n.Name, x, v.Doc, false)
					}
				}
			}
		}
	}
}
