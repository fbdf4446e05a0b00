package draft

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// width is how long lines may be that could be shorter.
const width = 110

// rootOrder is the order of the file's fields: that of docs/configuration.md, but with what most have to look at first.
var rootOrder = []string{"cluster", "server", "listen", "lifetimes", "rapid-commit", "identity", "allocation", "option-definitions",
	"options", "boot", "classes", "provider-prefixes", "links", "relays", "limits", "decline", "store", "dns", "leasequery",
	"reconfigure", "history", "hooks", "admin", "log"}

// Write is the file: a header that says which command made it of which file, with counts; remarks of the whole; and the fields.
func (d *Draft) Write(command, source string) []byte {
	var w writer
	took, changed, lost := d.Counts()
	w.comment(0, fmt.Sprintf("Converted from %s by `%s`: %s taken over, %d of them with a difference, %d without an equal.",
		source, command, settings(took), changed, lost))
	w.comment(0, "Comments that begin with a file and a line say what isn't the same. `lockstep6 check --config FILE` checks this file.")
	w.rootComments(d.root, false)
	w.rootComments(d.root, true)
	for _, i := range rootIndexes(d.root) {
		if item := d.root.items[i]; item.kind == kindScalar || len(item.items) > 0 || item.keep {
			w.b.WriteByte('\n')
			w.entry(0, d.root.keys[i], item)
		}
	}
	return []byte(w.b.String())
}

// rootComments are those of the whole file: what isn't the same, or what else is worth knowing.
func (w *writer) rootComments(root *Node, minor bool) {
	first := true
	for i, item := range root.items {
		if root.keys[i] != "" || item.minor != minor {
			continue
		}
		if first {
			w.b.WriteString("#\n")
			first = false
		}
		w.comment(0, item.text)
	}
}

func settings(n int) string {
	if n == 1 {
		return "1 setting is"
	}
	return fmt.Sprintf("%d settings are", n)
}

// rootIndexes are the root's fields in their order; those that nobody knows come last.
func rootIndexes(root *Node) []int {
	var all []int
	for _, key := range rootOrder {
		if i := slices.Index(root.keys, key); i >= 0 {
			all = append(all, i)
		}
	}
	for i, key := range root.keys {
		if key != "" && !slices.Contains(rootOrder, key) {
			all = append(all, i)
		}
	}
	return all
}

type writer struct{ b strings.Builder }

// comment writes a comment, in as many lines as it takes.
func (w *writer) comment(indent int, text string) {
	prefix := strings.Repeat(" ", indent) + "#"
	line := prefix
	for _, word := range strings.Fields(strings.Map(visible, text)) {
		if len(line)+1+len(word) > width && line != prefix {
			w.b.WriteString(line + "\n")
			line = prefix + " "
		}
		line += " " + word
	}
	w.b.WriteString(line + "\n")
}

// visible is what a comment has for a character, so that none ends it.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsPrint(r):
		return r
	default:
		return '?'
	}
}

// entry writes a table's field: on one line where its value fits, else its value below.
func (w *writer) entry(indent int, key string, v *Node) {
	for _, c := range v.above {
		w.comment(indent, c)
	}
	if v.empty() {
		for _, item := range v.items {
			w.comments(indent, item)
		}
		return
	}
	w.b.WriteString(strings.Repeat(" ", indent) + quoted(key) + ":")
	w.value(indent, len(key)+1, v)
}

// comments writes the comments of what has nothing else.
func (w *writer) comments(indent int, n *Node) {
	if n.kind == kindComment {
		w.comment(indent, n.text)
		return
	}
	for _, item := range n.items {
		w.comments(indent, item)
	}
}

// value writes what stands behind a key, of which so many characters are written beside the indent.
func (w *writer) value(indent, written int, v *Node) {
	if !v.mustOpen() {
		if s := v.flow(); v.kind == kindScalar || indent+written+1+len(s) <= width {
			w.b.WriteString(" " + s + "\n")
			return
		}
	}
	w.b.WriteByte('\n')
	w.block(indent+2, v)
}

// block writes a table or list with one entry per line.
func (w *writer) block(indent int, v *Node) {
	for i, item := range v.items {
		switch {
		case item.kind == kindComment:
			w.comment(indent, item.text)
		case v.kind == kindMap:
			w.entry(indent, v.keys[i], item)
		default:
			w.item(indent, item)
		}
	}
}

// item writes an entry of a list: a table's first field stands on the line of the dash.
func (w *writer) item(indent int, v *Node) {
	for _, c := range v.above {
		w.comment(indent, c)
	}
	dash := strings.Repeat(" ", indent) + "-"
	if s := v.flow(); v.kind == kindScalar || v.empty() || (!v.mustOpen() && len(dash)+1+len(s) <= width) {
		for _, item := range v.items {
			if v.empty() {
				w.comments(indent, item)
			}
		}
		w.b.WriteString(dash + " " + s + "\n")
		return
	}
	var inner writer
	inner.block(indent+2, v)
	body := inner.b.String()
	if first := strings.TrimLeft(body, " "); !strings.HasPrefix(first, "#") {
		w.b.WriteString(dash + " " + first)
		return
	}
	w.b.WriteString(dash + "\n" + body)
}

// empty tells whether there is nothing to write but comments.
func (n *Node) empty() bool {
	if n.kind == kindScalar || n.keep {
		return false
	}
	for i, item := range n.items {
		if item.kind != kindComment && (n.kind == kindList || n.keys[i] != "") && (n.kind == kindList || !item.empty()) {
			return false
		}
	}
	return true
}

// mustOpen tells whether a node can't stand on one line: it shall not, or there are comments in it.
func (n *Node) mustOpen() bool {
	if n.open || n.kind == kindComment {
		return true
	}
	for _, item := range n.items {
		if len(item.above) > 0 || item.mustOpen() {
			return true
		}
	}
	return false
}

// flow is a node on one line, without its comments.
func (n *Node) flow() string {
	var parts []string
	for i, item := range n.items {
		switch {
		case item.kind == kindComment:
		case n.kind == kindMap && !item.empty():
			parts = append(parts, quoted(n.keys[i])+": "+item.flow())
		case n.kind == kindList:
			parts = append(parts, item.flow())
		}
	}
	switch n.kind {
	case kindMap:
		return "{" + strings.Join(parts, ", ") + "}"
	case kindList:
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return n.plain
	}
}
