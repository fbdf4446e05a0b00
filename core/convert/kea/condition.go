package kea

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// condition is a condition of our configuration in the making.
type condition struct {
	op    string // all, any, not; test
	parts []condition
	field string
	value *draft.Node
}

func test(field string, value *draft.Node) condition {
	return condition{op: "test", field: field, value: value}
}

func reserved(yes bool) condition { return test("reserved", draft.Bool(yes)) }

// never holds for nobody, always for everybody.
func never() condition {
	return condition{op: "all", parts: []condition{reserved(true), {op: "not", parts: []condition{reserved(true)}}}}
}

func always() condition {
	return condition{op: "any", parts: []condition{reserved(true), reserved(false)}}
}

// node is the condition as `match` has it: a table whose fields all hold, or a list of which one does.
func (c condition) node() *draft.Node {
	if c.op == "any" {
		list := draft.List()
		for _, p := range c.parts {
			list.Append(p.table())
		}
		return list
	}
	return c.table()
}

// table is the condition as a table.
func (c condition) table() *draft.Node {
	n := draft.Map()
	switch c.op {
	case "test":
		n.Set(c.field, c.value)
	case "any":
		n.Set("any", c.node())
	case "not":
		n.Set("not", c.parts[0].node())
	default:
		for _, p := range c.parts {
			key := p.field
			if p.op != "test" {
				key = p.op
			}
			if p.op != "all" && n.Get(key) == nil {
				n.Set(key, p.table().Get(key))
				continue
			}
			n.List("all").Append(p.table())
		}
	}
	return n
}

// conditionOf translates a test. The error says what of it has no equal.
func (t *translator) conditionOf(e *expr, c *class) (condition, error) {
	switch e.op {
	case "or", "and":
		op := map[string]string{"or": "any", "and": "all"}[e.op]
		joined := condition{op: op}
		for _, arg := range e.args {
			p, err := t.conditionOf(arg, c)
			if err != nil {
				return condition{}, err
			}
			joined.parts = append(joined.parts, p)
		}
		return joined, nil
	case "not":
		p, err := t.conditionOf(e.args[0], c)
		return condition{op: "not", parts: []condition{p}}, err
	case "member":
		return t.member(string(e.data)), nil
	case "exists":
		return t.exists(e.ref, c)
	case "match":
		return t.pattern(e, c)
	case "==":
		return t.equal(e.args[0], e.args[1], c)
	}
	return condition{}, fmt.Errorf("%s has no equal", e.op)
}

func (t *translator) member(name string) condition {
	switch name {
	case "ALL":
		return always()
	case "KNOWN":
		return reserved(true)
	case "UNKNOWN":
		return reserved(false)
	}
	return test("class", draft.Text(t.classNamed(name).our))
}

// equal translates a comparison with octets that stand in the test.
func (t *translator) equal(a, b *expr, c *class) (condition, error) {
	if a.op == "literal" || a.op == "number" {
		a, b = b, a
	}
	if b.op == "number" {
		return t.enterprise(a, b.number)
	}
	if b.op != "literal" {
		return condition{}, fmt.Errorf("two parts of a message can't be compared with each other")
	}
	switch a.op {
	case "ref":
		return t.compare(a.ref, "equals", b.data, c)
	case "substring":
		return t.substring(a, b.data, c)
	}
	return condition{}, fmt.Errorf("%s has no equal", a.op)
}

// substring translates the comparison of a part of a value.
func (t *translator) substring(e *expr, want []byte, c *class) (condition, error) {
	inner := e.args[0]
	if inner.op != "ref" {
		return condition{}, fmt.Errorf("a part of %s has no equal", inner.op)
	}
	r := inner.ref
	open := e.length >= allOctets
	switch {
	case len(want) == 0:
		return condition{}, fmt.Errorf("the comparison of a part with nothing has no equal")
	case e.length < 0, !open && len(want) > e.length:
		return never(), nil
	case e.start < 0 && (open || e.length >= -e.start) && len(want) == -e.start:
		return t.compare(r, "ends", want, c)
	case e.start == 0 && (open || len(want) < e.length):
		return t.compare(r, "equals", want, c)
	case e.start == 0:
		return t.compare(r, "starts", want, c)
	case e.start < 0, open || len(want) < e.length:
		return condition{}, fmt.Errorf("a part that begins at octet %d has no equal", e.start)
	}
	code, relay, ok := t.plain(r)
	switch {
	case ok && !relay && code == 15 && e.start == 2:
		return test("user-class", comparison("starts", octetsNode(want))), nil
	case ok && !relay && code == 16 && e.start == 6:
		return test("vendor-class", comparison("starts", octetsNode(want))), nil
	case ok && relay && code == 37 && e.start == 4:
		return test("remote-id", comparison("starts", octetsNode(want))), nil
	}
	c.changed(fmt.Sprintf("what must stand at octet %d may stand anywhere in the value", e.start))
	return t.compare(r, "contains", want, c)
}

func comparison(op string, v *draft.Node) *draft.Node {
	n := draft.Map()
	n.Set(op, v)
	return n
}

// plain is the option of a reference to option[n] or relay6[n].option[n] as a whole.
func (t *translator) plain(r *ref) (code uint16, relay, ok bool) {
	switch {
	case r.root == "option" && len(r.path) == 1 && (r.path[0] == "hex" || r.path[0] == "text"):
		code, ok = t.code("dhcp6", r.index)
	case r.root == "relay6" && len(r.path) == 3 && r.path[0] == "option":
		code, ok = t.code("dhcp6", strings.Trim(r.path[1], "[]"))
		relay = true
	}
	return code, relay, ok
}

// code is an option's code, from its name or its digits.
func (t *translator) code(space, s string) (uint16, bool) {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		return uint16(n), true
	}
	if d := t.defs.byName(space, s); d != nil {
		return d.code, true
	}
	return 0, false
}

// compare translates the comparison of a whole value.
func (t *translator) compare(r *ref, op string, want []byte, c *class) (condition, error) {
	code, relay, ok := t.plain(r)
	switch {
	case ok && relay:
		level, err := relayLevel(r.index, c)
		if err != nil {
			return condition{}, err
		}
		n := draft.Map()
		n.Set("code", draft.Number(code))
		n.Set("relay", draft.Number(level))
		return test("relay-option", withComparison(n, op, want)), nil
	case ok && code == 1:
		return test("duid", comparison(op, draft.Hex(want))), nil
	case ok:
		n := draft.Map()
		n.Set("code", draft.Number(code))
		if len(want) > 0 {
			return test("option", withComparison(n, op, want)), nil
		}
		absent := draft.Map()
		absent.Set("code", draft.Number(code))
		absent.Set("present", draft.Bool(false))
		return condition{op: "any", parts: []condition{test("option", absent), test("option", withComparison(n, op, want))}}, nil
	case r.root == "relay6" && len(r.path) == 1 && r.path[0] == "linkaddr" && op == "equals" && len(want) == 16:
		if _, err := relayLevel(r.index, c); err != nil {
			return condition{}, err
		}
		return test("link-addresses", draft.Texts(netip.AddrFrom16([16]byte(want)).String())), nil
	case r.root == "pkt" && r.path[0] == "iface" && op == "equals":
		return t.onInterface(string(want), c), nil
	}
	return t.compareVendor(r, op, want)
}

func withComparison(n *draft.Node, op string, want []byte) *draft.Node {
	n.Set(op, octetsNode(want))
	return n
}

// relayLevel is the relay counted from the client. Kea counts from the server, or with a minus from the client.
func relayLevel(index string, c *class) (int, error) {
	n, err := strconv.Atoi(index)
	switch {
	case err != nil || n > 0 || n < -9:
		return 0, fmt.Errorf("a relay that is counted from the server has no equal")
	case n == 0:
		c.changed("relay6[0] is the relay next to the server, and here the one next to the client: the same where there is one")
		return 0, nil
	}
	return -1 - n, nil
}
