package kea

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// compareVendor translates comparisons of vendors' options and classes.
func (t *translator) compareVendor(r *ref, op string, want []byte) (condition, error) {
	number, err := strconv.ParseUint(r.index, 10, 32)
	switch {
	case r.root == "vendor-class" && r.path[0] == "data" && (len(r.path) == 1 || len(r.path) == 2 && r.path[1] == "[0]"):
		n := draft.Map()
		if err == nil {
			n.Set("enterprise", draft.Number(number))
		}
		return test("vendor-class", withComparison(n, op, want)), nil
	case r.root == "vendor" && err == nil && len(r.path) == 3 && r.path[0] == "option":
		if code, ok := t.code(fmt.Sprintf("vendor-%d", number), strings.Trim(r.path[1], "[]")); ok {
			n := draft.Map()
			n.Set("enterprise", draft.Number(number))
			n.Set("code", draft.Number(code))
			return test("vendor-option", withComparison(n, op, want)), nil
		}
	}
	return condition{}, fmt.Errorf("%s has no equal", r)
}

// String is the reference as Kea has it.
func (r *ref) String() string {
	s := r.root
	if r.index != "" {
		s += "[" + r.index + "]"
	}
	for _, p := range r.path {
		if !strings.HasPrefix(p, "[") {
			s += "."
		}
		s += p
	}
	return s
}

// enterprise translates the comparison of a number.
func (t *translator) enterprise(e *expr, n int64) (condition, error) {
	if e.op == "ref" && e.ref.last() == "enterprise" && e.ref.index == "" && n >= 0 && n < 1<<32 {
		return ofEnterprise(e.ref.root, uint32(n)), nil
	}
	if e.op == "ref" {
		return condition{}, fmt.Errorf("%s has no equal", e.ref)
	}
	return condition{}, fmt.Errorf("%s compared with a number has no equal", e.op)
}

func ofEnterprise(root string, number uint32) condition {
	n := draft.Map()
	if root == "vendor-class" {
		n.Set("enterprise", draft.Number(number))
		return test("vendor-class", n)
	}
	n.Set("code", draft.Number(17))
	n.Set("starts", draft.Text(fmt.Sprintf("0x%08x", number)))
	return test("option", n)
}

// exists translates the question whether an option is there.
func (t *translator) exists(r *ref, c *class) (condition, error) {
	n := draft.Map()
	number, err := strconv.ParseUint(r.index, 10, 32)
	switch {
	case r.root == "option" && len(r.path) == 1:
		if code, ok := t.code("dhcp6", r.index); ok {
			n.Set("code", draft.Number(code))
			return test("option", n), nil
		}
	case r.root == "relay6" && len(r.path) == 3:
		level, err := relayLevel(r.index, c)
		if code, ok := t.code("dhcp6", strings.Trim(r.path[1], "[]")); ok && err == nil {
			n.Set("code", draft.Number(code))
			n.Set("relay", draft.Number(level))
			return test("relay-option", n), nil
		}
	case len(r.path) == 1 && err == nil:
		return ofEnterprise(r.root, uint32(number)), nil
	case r.root == "vendor" && len(r.path) == 3 && err == nil:
		if code, ok := t.code(fmt.Sprintf("vendor-%d", number), strings.Trim(r.path[1], "[]")); ok {
			n.Set("enterprise", draft.Number(number))
			n.Set("code", draft.Number(code))
			return test("vendor-option", n), nil
		}
	}
	return condition{}, fmt.Errorf("%s has no equal", r)
}

// pattern translates a regular expression that is a text with .* at its ends.
func (t *translator) pattern(e *expr, c *class) (condition, error) {
	text, front := strings.CutPrefix(string(e.data), ".*")
	text, back := strings.CutSuffix(text, ".*")
	if e.args[0].op != "ref" || text == "" || strings.ContainsAny(text, `\.+*?()|[]{}^$`) {
		return condition{}, fmt.Errorf("the regular expression %q has no equal", e.data)
	}
	op := "equals"
	switch {
	case front && back:
		op = "contains"
	case front:
		op = "ends"
	case back:
		op = "starts"
	}
	return t.compare(e.args[0].ref, op, []byte(text), c)
}

// onInterface is the condition that the client is on a link of an interface.
func (t *translator) onInterface(name string, c *class) condition {
	c.changed("pkt.iface is said by the links of the interface, for relayed messages too")
	links := draft.List()
	for _, l := range t.links {
		if contains(l.found, name) {
			links.Append(draft.Text(l.name))
		}
	}
	if links.Len() == 0 {
		return never()
	}
	return test("link", links)
}
