package house

import (
	"go/ast"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// Comments demands a doc comment of every exported name in core.
func Comments(t *Tree) []Violation {
	var found []Violation
	for i := range t.files {
		f := &t.files[i]
		if !f.inCore() || f.syntax.Name.Name == "main" {
			continue
		}
		report := func(n ast.Node, name string) {
			found = append(found, Violation{Rule: "doc-comment", Subject: f.path, Line: t.line(n.Pos()), What: "exported " + name + " has no comment"})
		}
		for _, d := range f.syntax.Decls {
			switch v := d.(type) {
			case *ast.FuncDecl:
				reachable := v.Recv == nil || ast.IsExported(receiver(v.Recv.List[0].Type))
				if v.Name.IsExported() && reachable && v.Doc == nil && !selfEvident(v) {
					report(v, functionName(v))
				}
			case *ast.GenDecl:
				undocumented(v, report)
			}
		}
	}
	return found
}

// selfEvident says whether a method is String or Error without arguments, whose meaning is the language's.
func selfEvident(fn *ast.FuncDecl) bool {
	return fn.Recv != nil && (fn.Name.Name == "String" || fn.Name.Name == "Error") && fn.Type.Params.NumFields() == 0
}

// undocumented reports the exported names of a declaration. A comment on a group of constants or variables, on the
// specification, or at the end of its line is enough.
func undocumented(d *ast.GenDecl, report func(ast.Node, string)) {
	for _, s := range d.Specs {
		switch v := s.(type) {
		case *ast.TypeSpec:
			if v.Name.IsExported() && v.Doc == nil && v.Comment == nil && (d.Doc == nil || d.Lparen != token.NoPos) {
				report(v, v.Name.Name)
			}
		case *ast.ValueSpec:
			if d.Doc != nil || v.Doc != nil || v.Comment != nil {
				continue
			}
			for _, n := range v.Names {
				if n.IsExported() {
					report(n, n.Name)
				}
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Links demands that each relative link of a Markdown file leads to a file or folder.
func Links(fsys fs.FS) ([]Violation, error) {
	var found []Violation
	err := walk(fsys, ".md", func(name string, content []byte) error {
		for i, line := range strings.Split(string(content), "\n") {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				target, _, _ := strings.Cut(m[1], "#")
				if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
					continue
				}
				if _, err := fs.Stat(fsys, path.Join(path.Dir(name), target)); err != nil {
					found = append(found, Violation{Rule: "links", Subject: name, Line: i + 1, What: "no such file: " + target})
				}
			}
		}
		return nil
	})
	return found, err
}
