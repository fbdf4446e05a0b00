package kea

import (
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// gate is who passes: all of these lists must have a class that the client is in.
type gate [][]string

// guards are the classes that a map asks for.
func guards(v *value) (g gate) {
	if v == nil {
		return nil
	}
	if one := v.str("client-class"); one != "" {
		g = append(g, []string{one})
	}
	if several := v.texts("client-classes"); len(several) > 0 {
		g = append(g, several)
	}
	return g
}

// putGate writes who gets leases.
func (t *translator) putGate(n *draft.Node, field string, g gate) {
	switch len(g) {
	case 0:
		return
	case 1:
		var names []string
		for _, name := range g[0] {
			names = append(names, t.classNamed(name).our)
		}
		n.Set(field, textOrList(names))
		return
	}
	n.Set(field, draft.Text(t.joint(g).our))
}

func textOrList(names []string) *draft.Node {
	if len(names) == 1 {
		return draft.Text(names[0])
	}
	return draft.Texts(names...)
}

// joint is a class of those who are in a class of each of these lists.
func (t *translator) joint(g gate) *class {
	var words []string
	all := condition{op: "all"}
	for _, names := range g {
		var ours []string
		for _, name := range names {
			ours = append(ours, t.classNamed(name).our)
		}
		words = append(words, strings.Join(ours, "-or-"))
		all.parts = append(all.parts, test("class", textOrList(ours)))
	}
	name := strings.Join(words, "-and-")
	if c := t.class[name]; c != nil && c.value == nil {
		return c
	}
	return t.addClass(&class{name: name, fixed: &all, remark: "Who is in all of the classes that subnet and pool ask for."})
}
