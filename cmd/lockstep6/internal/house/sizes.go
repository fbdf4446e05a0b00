package house

import (
	"fmt"
	"go/ast"
)

// Hard stops, in lines. Generated files have none.
const (
	MaxFileLines     = 500
	MaxTestFileLines = 800
	MaxFunctionLines = 70
)

// Sizes holds files and functions against the hard stops. Functions of tests are free: their tables are data.
func Sizes(t *Tree) []Violation {
	var found []Violation
	for i := range t.files {
		f := &t.files[i]
		if f.generated {
			continue
		}
		limit := MaxFileLines
		if f.test {
			limit = MaxTestFileLines
		}
		if f.lines > limit {
			found = append(found, Violation{Rule: "file-length", Subject: f.path, What: fmt.Sprintf("%d lines, at most %d", f.lines, limit)})
		}
		if !f.test {
			found = append(found, longFunctions(t, f)...)
		}
	}
	return found
}

func longFunctions(t *Tree, f *file) []Violation {
	var found []Violation
	for _, d := range f.syntax.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := t.line(fn.End()) - t.line(fn.Pos()) + 1; n > MaxFunctionLines {
			found = append(found, Violation{Rule: "function-length", Subject: f.path + ":" + functionName(fn), Line: t.line(fn.Pos()),
				What: fmt.Sprintf("%d lines, at most %d", n, MaxFunctionLines)})
		}
	}
	return found
}

// functionName is Name, or Type.Name of a method.
func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	return receiver(fn.Recv.List[0].Type) + "." + fn.Name.Name
}

func receiver(e ast.Expr) string {
	switch v := e.(type) {
	case *ast.StarExpr:
		return receiver(v.X)
	case *ast.IndexExpr:
		return receiver(v.X)
	case *ast.IndexListExpr:
		return receiver(v.X)
	case *ast.Ident:
		return v.Name
	}
	return "?"
}
