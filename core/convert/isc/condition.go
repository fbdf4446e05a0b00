package isc

import (
	"fmt"
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// membership is the condition for a class, or for its subclass with this value, or why there is none.
func (t *translator) membership(c *scope, value []byte) (*draft.Node, string) {
	b := c.class
	var parts []*draft.Node
	if b.match != nil {
		n, why := t.condition(b.match)
		if n == nil {
			return nil, why
		}
		parts = append(parts, n)
	}
	if b.submatch != nil {
		var wanted [][]byte
		switch {
		case value != nil:
			wanted = [][]byte{value}
		case !b.spawns:
			for _, sub := range b.subs {
				wanted = append(wanted, sub.class.value)
			}
			if len(wanted) == 0 {
				return nil, "it has no subclass"
			}
		}
		n, why := t.compared(b.submatch, wanted)
		if n == nil {
			return nil, why
		}
		parts = append(parts, n)
	}
	switch len(parts) {
	case 0:
		return nil, "nothing says who is in it; `add` can't"
	case 1:
		return parts[0], ""
	}
	n := draft.Map()
	n.Set("all", draft.List(parts...))
	return n, ""
}

// condition translates an expression that gives true or false.
func (t *translator) condition(e *expression) (*draft.Node, string) {
	switch e.op {
	case "and", "or":
		list := draft.List()
		for _, side := range e.flat(e.op) {
			n, why := t.condition(side)
			if n == nil {
				return nil, why
			}
			list.Append(n)
		}
		n := draft.Map()
		n.Set(map[string]string{"and": "all", "or": "any"}[e.op], list)
		return n, ""
	case "not":
		return t.negated(t.condition(e.args[0]))
	case "known":
		n := draft.Map()
		n.Set("class", draft.Text(classKnown))
		return n, ""
	case "exists":
		return t.compared(&expression{op: "option", option: e.option}, nil)
	case "=", "!=":
		left, right := e.args[0], e.args[1]
		value, ok := right.constant()
		if !ok {
			if value, ok = left.constant(); !ok {
				return nil, "a condition compares an option with a constant only"
			}
			left = right
		}
		n, why := t.compared(left, [][]byte{value})
		if e.op == "!=" {
			return t.negated(n, why)
		}
		return n, why
	default:
		return nil, "no condition can say " + e.op
	}
}

// flat are the sides of a chain of the same operator.
func (e *expression) flat(op string) []*expression {
	if e.op != op {
		return []*expression{e}
	}
	return append(e.args[0].flat(op), e.args[1].flat(op)...)
}

func (t *translator) negated(n *draft.Node, why string) (*draft.Node, string) {
	if n == nil {
		return nil, why
	}
	out := draft.Map()
	out.Set("not", n)
	return out, ""
}

// compared is the condition that data is one of these values, or where there are none that it is there.
func (t *translator) compared(e *expression, values [][]byte) (*draft.Node, string) {
	how, width := "equals", -1
	switch {
	case e.op == "substring" && e.args[1].op == "number" && e.args[2].op == "number":
		if e.args[1].number != 0 {
			return t.middle(e, values)
		}
		how, width, e = "starts", e.args[2].number, e.args[0]
	case e.op == "suffix" && e.args[1].op == "number":
		how, width, e = "ends", e.args[1].number, e.args[0]
	}
	n, table, why := t.tested(e)
	if n == nil {
		return nil, why
	}
	if values == nil {
		return n, ""
	}
	// A value shorter than the part is the whole option; a longer one never matches.
	var whole, part []*draft.Node
	for _, v := range values {
		switch {
		case width < 0 || len(v) < width:
			whole = append(whole, octets(v))
		case len(v) == width && width > 0:
			part = append(part, octets(v))
		}
	}
	switch {
	case len(whole) > 0 && len(part) > 0:
		return nil, "its values have different lengths, some shorter than the part that is compared"
	case len(part) > 0:
		table.Set(how, single(part))
	case len(whole) > 0:
		table.Set("equals", single(whole))
	default:
		return nil, "it never holds: its values are longer than the part that is compared"
	}
	return n, ""
}

// middles are the options whose text stands behind a head of so many octets, and the condition's field that looks at the text.
var middles = map[uint32]struct {
	head  int
	field string
	relay bool
}{15: {2, "user-class", false}, 16: {6, "vendor-class", false}, 37: {4, "remote-id", true}}

// middle is the condition that data from an octet on is one of these values.
func (t *translator) middle(e *expression, values [][]byte) (*draft.Node, string) {
	from, width, whole := e.args[1].number, e.args[2].number, e.args[0]
	n, table, why := t.tested(whole)
	if n == nil {
		return nil, why
	}
	if values == nil {
		return nil, "a condition can't ask how long an option is"
	}
	var fit, short []*draft.Node
	for _, v := range values {
		switch {
		case len(v) == width && width > 0:
			fit = append(fit, octets(v))
		case len(v) < width:
			short = append(short, octets(v)) // the option ends with it
		}
	}
	if len(fit)+len(short) == 0 {
		return nil, "it never holds: its values are longer than the part that is compared"
	}
	option, relay := whole.option, 0
	if whole.op == "v6relay" {
		option, relay = whole.args[1].option, whole.args[0].number
	}
	if m, ok := middles[option.code]; ok && option.space.name == "dhcp6" && from == m.head && (relay == 1) == m.relay && relay < 2 && (len(fit) == 0 || len(short) == 0) {
		how := "starts"
		if len(fit) == 0 {
			how = "equals"
		}
		n = draft.Map()
		n.Map(m.field).Set(how, single(append(fit, short...)))
		return n, ""
	}
	if len(short) > 0 {
		return nil, fmt.Sprintf("a condition can't ask whether an option ends within the %d octets that are compared", width)
	}
	table.Set("contains", single(fit))
	t.doubts = append(t.doubts, fmt.Sprintf("what must stand behind octet %d of %s may stand anywhere in it", from, option.full()))
	return n, ""
}

// tested is a test of an option, and the table that its comparisons go into.
func (t *translator) tested(e *expression) (n, table *draft.Node, why string) {
	relay := 0
	if e.op == "v6relay" && e.args[0].op == "number" {
		relay, e = e.args[0].number, e.args[1]
	}
	if e.op != "option" {
		return nil, nil, "a condition compares an option, what it begins with, or what it ends with; it can't say " + e.op
	}
	o := e.option
	n = draft.Map()
	switch parents := o.carriers(); {
	case o.space.name == "dhcp6" && relay > 9:
		return nil, nil, "a relay is counted from the client, up to the ninth"
	case o.space.name == "dhcp6" && relay > 0:
		table = n.Map("relay-option")
		table.Set("code", draft.Number(o.code))
		table.Set("relay", draft.Number(relay-1))
	case o.space.name == "dhcp6" && slices.Contains([]uint32{6, 8}, o.code):
		return nil, nil, "a condition can't look at " + o.full()
	case o.space.name == "dhcp6":
		table = n.Map("option")
		table.Set("code", draft.Number(o.code))
	case len(parents) == 1 && parents[0].space.name == "vsio" && relay == 0:
		table = n.Map("vendor-option")
		table.Set("enterprise", draft.Number(parents[0].code))
		table.Set("code", draft.Number(o.code))
	default:
		return nil, nil, o.full() + " isn't in a client's message"
	}
	return n, table, ""
}

// single is the only one of several values, or a list of them.
func single(values []*draft.Node) *draft.Node {
	if len(values) == 1 {
		return values[0]
	}
	return draft.List(values...)
}
