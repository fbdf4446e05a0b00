package house

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Message is a kind of line that the program logs.
type Message struct {
	ID, Level, Text string // Text is empty where others than us write it
}

// logMethods are slog.Logger's, by the number of arguments before the message's text.
var logMethods = map[string]int{
	"Debug": 0, "Info": 0, "Warn": 0, "Error": 0, "DebugContext": 1, "InfoContext": 1, "WarnContext": 1, "ErrorContext": 1, "Log": 2, "LogAttrs": 2,
}

var identifier = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Messages finds what the program logs: each line has "id" and a literal as its first attribute, and a text without
// anything variable in it. Where both stand in a table they are its fields id, level and text, with literals.
func Messages(t *Tree) (all []Message, found []Violation) {
	for i := range t.files {
		f := &t.files[i]
		if !f.logs() {
			continue
		}
		l := &lines{tree: t, file: f}
		for _, d := range f.syntax.Decls {
			l.in = d
			ast.Inspect(d, l.visit)
		}
		all, found = append(all, l.messages...), append(found, l.found...)
	}
	return all, found
}

// logs says whether a file belongs to the program, and not to a test.
func (f *file) logs() bool {
	ours := strings.HasPrefix(f.path, "cmd/") || strings.HasPrefix(f.path, "io/") || strings.HasPrefix(f.path, "store/")
	return ours && !f.test && !slices.ContainsFunc(f.syntax.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing"` })
}

// lines gathers what one file logs.
type lines struct {
	tree     *Tree
	file     *file
	in       ast.Decl // the declaration that is looked at
	messages []Message
	found    []Violation
}

func (l *lines) report(n ast.Node, what string) {
	l.found = append(l.found, Violation{Rule: "messages", Subject: l.file.path, Line: l.tree.line(n.Pos()), What: what})
}

func (l *lines) visit(n ast.Node) bool {
	switch v := n.(type) {
	case *ast.CallExpr:
		if s, ok := v.Fun.(*ast.SelectorExpr); ok {
			l.call(v, s)
			ast.Inspect(s.X, l.visit)
			for _, a := range v.Args {
				ast.Inspect(a, l.visit)
			}
			return false
		}
	case *ast.SelectorExpr:
		if _, method := logMethods[v.Sel.Name]; method && strings.HasPrefix(strings.ToLower(last(v.X)), "log") {
			l.report(v, "a logger's "+v.Sel.Name+" as a value: call it, so that its line can be found")
		}
	case *ast.CompositeLit:
		l.row(v)
	}
	return true
}

// last is the last name of an expression such as d.log.
func last(e ast.Expr) string {
	switch v := e.(type) {
	case *ast.Ident:
		return v.Name
	case *ast.SelectorExpr:
		return v.Sel.Name
	}
	return ""
}

// call looks at a call of a method: whether it logs, and what.
func (l *lines) call(c *ast.CallExpr, s *ast.SelectorExpr) {
	switch before, logs := logMethods[s.Sel.Name]; {
	case s.Sel.Name == "With" && len(c.Args) > 1 && literal(c.Args[0]) == "id":
		l.add(c, Message{ID: literal(c.Args[1])})
	case s.Sel.Name == "NewLogLogger" && !mentions(c.Args[0], "With"):
		l.report(c, `lines of others have an id too: give NewLogLogger a logger that was made by With("id", "...")`)
	case logs && len(c.Args) > before:
		l.line(c, s.Sel.Name, c.Args[before], c.Args[before+1:])
	}
}

func (l *lines) line(c *ast.CallExpr, method string, text ast.Expr, rest []ast.Expr) {
	if !fixedText(text) {
		l.report(c, "a text with something variable in it: make that an attribute")
	}
	if c.Ellipsis != token.NoPos && len(rest) == 1 {
		rest = l.spread(rest[0])
	}
	var id ast.Expr
	switch {
	case len(rest) > 0 && isAttr(rest[0]) && literal(rest[0].(*ast.CallExpr).Args[0]) == "id":
		id = rest[0].(*ast.CallExpr).Args[1]
	case len(rest) > 1 && literal(rest[0]) == "id":
		id = rest[1]
	default:
		l.report(c, `no "id" as the first attribute`)
		return
	}
	if s, ok := id.(*ast.SelectorExpr); ok && s.Sel.Name == "id" {
		return // of a table, whose rows are found by themselves
	}
	l.add(c, Message{ID: literal(id), Level: strings.ToUpper(strings.TrimSuffix(method, "Context")), Text: literal(text)})
}

// spread finds the elements of a slice that is handed over as the attributes: within the expression, or where the
// variable gets its value.
func (l *lines) spread(e ast.Expr) (elements []ast.Expr) {
	if name, ok := e.(*ast.Ident); ok {
		ast.Inspect(l.in, func(n ast.Node) bool {
			if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.DEFINE && last(a.Lhs[0]) == name.Name {
				e = a.Rhs[0]
			}
			return true
		})
	}
	ast.Inspect(e, func(n ast.Node) bool {
		if list, ok := n.(*ast.CompositeLit); ok && elements == nil {
			elements = list.Elts
		}
		return elements == nil
	})
	return elements
}

// row is a composite literal that may be a message of a table: of the type message, or of one that stands elsewhere.
func (l *lines) row(list *ast.CompositeLit) {
	if list.Type != nil && last(list.Type) != "message" {
		return
	}
	m, is := Message{Level: "INFO"}, false
	for _, e := range list.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return
		}
		switch last(kv.Key) {
		case "id":
			m.ID, is = literal(kv.Value), true
		case "text":
			m.Text = literal(kv.Value)
		case "level":
			m.Level = strings.ToUpper(strings.TrimPrefix(last(kv.Value), "Level"))
		}
	}
	if is {
		l.add(list, m)
	}
}

func (l *lines) add(n ast.Node, m Message) {
	if !identifier.MatchString(m.ID) {
		l.report(n, "id "+strconv.Quote(m.ID)+": give a literal of small letters, digits and hyphens")
		return
	}
	l.messages = append(l.messages, m)
}

// isAttr says whether the expression is a call such as slog.String(name, value).
func isAttr(e ast.Expr) bool {
	c, ok := e.(*ast.CallExpr)
	if !ok || len(c.Args) != 2 {
		return false
	}
	s, ok := c.Fun.(*ast.SelectorExpr)
	return ok && last(s.X) == "slog"
}

// fixedText says whether a text is made of literals, and of what a table has as a row's text.
func fixedText(e ast.Expr) bool {
	switch v := e.(type) {
	case *ast.BasicLit:
		return v.Kind == token.STRING
	case *ast.BinaryExpr:
		return fixedText(v.X) && fixedText(v.Y)
	case *ast.SelectorExpr:
		return v.Sel.Name == "text"
	}
	return false
}

// literal is the value of a string literal, or of several that are joined; empty where it is, or has, anything else.
func literal(e ast.Expr) string {
	switch v := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(v.Value) // a number has no quotes, and isn't meant
		return text
	case *ast.BinaryExpr:
		if left, right := literal(v.X), literal(v.Y); left != "" && right != "" {
			return left + right
		}
	}
	return ""
}

// mentions says whether a name stands anywhere in an expression.
func mentions(e ast.Expr, name string) (yes bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		i, ok := n.(*ast.Ident)
		yes = yes || ok && i.Name == name
		return true
	})
	return yes
}
