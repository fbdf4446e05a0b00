package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"
)

// A Tree is parsed source.
type Tree struct {
	set   *token.FileSet
	files []file
}

type file struct {
	path      string // from the top of the tree, with slashes
	test      bool
	generated bool
	lines     int
	syntax    *ast.File
}

// ReadTree parses all Go files below a folder, but for testdata and what starts with a dot or underscore.
func ReadTree(fsys fs.FS) (*Tree, error) {
	t := &Tree{set: token.NewFileSet()}
	err := walk(fsys, ".go", func(name string, source []byte) error {
		syntax, err := parser.ParseFile(t.set, name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		t.files = append(t.files, file{name, strings.HasSuffix(name, "_test.go"), ast.IsGenerated(syntax), bytes.Count(source, []byte("\n")), syntax})
		return nil
	})
	return t, err
}

// walk reads the files with an ending, as ReadTree says.
func walk(fsys fs.FS, ending string, each func(name string, content []byte) error) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() && name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_') {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ending) {
			return nil
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return each(name, content)
	})
}

func (t *Tree) line(p token.Pos) int { return t.set.Position(p).Line }

// inCore says whether a file is core's own, tests left out.
func (f *file) inCore() bool { return strings.HasPrefix(f.path, "core/") && !f.test }
