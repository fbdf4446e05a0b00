package house

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Sequential holds packages and files of tests against the claim that nothing in them, and in the packages' tests, runs side by side, so
// that the race detector has nothing to find there: no go statement, no parallel test, nothing of package sync.
func Sequential(t *Tree, folders, alone []string) []Violation {
	var found []Violation
	for i := range t.files {
		f := &t.files[i]
		list := "SEQUENTIAL"
		if slices.Contains(alone, f.path) {
			list = "ALONE"
		} else if !slices.Contains(folders, path.Dir(f.path)) {
			continue
		}
		refuse := func(what string) {
			found = append(found, Violation{Rule: "sequential", Subject: f.path, What: what + " in what `make race` leaves out; take it out of " + list + " in the Makefile"})
		}
		for _, i := range f.syntax.Imports {
			if name, _ := strconv.Unquote(i.Path.Value); name == "sync" || name == "sync/atomic" {
				refuse("package " + name)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				refuse("a go statement")
			case *ast.CallExpr:
				if call, ok := n.Fun.(*ast.SelectorExpr); ok && (call.Sel.Name == "Parallel" || call.Sel.Name == "RunParallel") {
					refuse(call.Sel.Name)
				}
			}
			return true
		})
	}
	return found
}

// Namesakes finds tests that `make race` leaves out by their names though they aren't in one of the files that it names.
func Namesakes(t *Tree, folders, alone []string) []Violation {
	var found []Violation
	left := make(map[string]bool)
	tests := func(f *file, each func(name string)) {
		for _, d := range f.syntax.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil && strings.HasPrefix(d.Name.Name, "Test") {
				each(d.Name.Name)
			}
		}
	}
	for i := range t.files {
		if slices.Contains(alone, t.files[i].path) {
			tests(&t.files[i], func(name string) { left[name] = true })
		}
	}
	for i := range t.files {
		f := &t.files[i]
		if !f.test || slices.Contains(alone, f.path) || slices.Contains(folders, path.Dir(f.path)) {
			continue
		}
		tests(f, func(name string) {
			if left[name] {
				found = append(found, Violation{Rule: "sequential", Subject: f.path, What: name + " has the name of a test in ALONE of the Makefile, so `make race` leaves it out too; rename it"})
			}
		})
	}
	return found
}
