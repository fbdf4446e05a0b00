package house

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/io/privacy"
)

// attributeMakers are the functions of slog that make one of a name and a value.
var attributeMakers = []string{"Any", "Bool", "Duration", "Float64", "Group", "Int", "Int64", "String", "Time", "Uint64"}

// Attributes holds the attributes of all log lines against what package privacy knows of them: each name has a class, and what names a
// client is handed over as a value of that package, so that no line tells more than the configuration says.
func Attributes(t *Tree) (names []string, found []Violation) {
	for i := range t.files {
		f := &t.files[i]
		if !f.logs() || strings.HasPrefix(f.path, "io/privacy/") {
			continue
		}
		a := &attributes{lines: lines{tree: t, file: f}}
		ast.Inspect(f.syntax, a.visit)
		names, found = append(names, a.names...), append(found, a.found...)
	}
	return names, found
}

type attributes struct {
	lines
	names []string
}

func (a *attributes) visit(n ast.Node) bool {
	switch v := n.(type) {
	case *ast.CallExpr:
		a.made(v)
	case *ast.CompositeLit: // []any{"name", value, ...}, where lines are logged
		if list, ok := v.Type.(*ast.ArrayType); ok && last(list.Elt) == "any" && a.logging() {
			a.pairs(v.Elts)
		}
	}
	return true
}

// logging says whether the file knows of attributes of log lines: it has slog's or a logger's.
func (a *attributes) logging() bool {
	return mentionsAny(a.file.syntax, "log", "slog", "Logger", "fact")
}

func mentionsAny(f *ast.File, names ...string) (yes bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		i, ok := n.(*ast.Ident)
		yes = yes || ok && slices.Contains(names, i.Name)
		return !yes
	})
	return yes
}

// made looks at a call that logs, that makes an attribute, or that adds some to a list.
func (a *attributes) made(c *ast.CallExpr) {
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		before, logs := logMethods[f.Sel.Name]
		switch {
		case last(f.X) == "slog" && slices.Contains(attributeMakers, f.Sel.Name) && len(c.Args) == 2:
			a.pairs(c.Args)
		case f.Sel.Name == "With":
			a.pairs(c.Args)
		case f.Sel.Name == "hold" && len(c.Args) > 2:
			a.pairs(c.Args[2:])
		case logs && len(c.Args) > before+1:
			a.pairs(c.Args[before+1:])
		}
	case *ast.Ident:
		if f.Name == "append" && len(c.Args) > 2 && last(c.Args[0]) == "attrs" {
			a.pairs(c.Args[1:])
		}
	}
}

// pairs are names and values in turn; an element that is no literal is an attribute by itself, which is seen where it is made.
func (a *attributes) pairs(list []ast.Expr) {
	for i := 0; i < len(list); i++ {
		name := literal(list[i])
		if name == "" || i+1 == len(list) {
			continue
		}
		i++
		a.names = append(a.names, name)
		switch class := privacy.ClassOf(name); {
		case class == privacy.Unclassed:
			a.say(list[i], "the attribute "+name+" has no class: io/privacy says of each whether it names a client")
		case class == privacy.Naming && !typed(list[i]):
			a.say(list[i], "the attribute "+name+" names a client: give a value of package privacy, such as privacy.DUID(...)")
		}
	}
}

// makers are functions of ours that return such a value; a variable may be anything.
var makers = []string{"leaseOf"}

// typed says whether a value is made by package privacy, in the place where it is handed over.
func typed(e ast.Expr) bool {
	c, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	s, qualified := c.Fun.(*ast.SelectorExpr)
	return qualified && last(s.X) == "privacy" || slices.Contains(makers, last(c.Fun))
}

func (a *attributes) say(n ast.Node, what string) {
	a.found = append(a.found, Violation{Rule: "attributes", Subject: a.file.path, Line: a.tree.line(n.Pos()), What: what})
}
