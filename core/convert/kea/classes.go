package kea

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// class is a class of our configuration: one of Kea's, one that Kea has built in, or one that is needed for a condition of several.
type class struct {
	*value    // nil: the configuration doesn't define it
	name      string
	our       string
	test      *expr
	fixed     *condition  // instead of a test
	assigned  []condition // the reservations that have it
	onlyOn    []string    // links that require it, of a class that is only evaluated where it is required
	life      *times      // lifetimes of a class that is made here
	options   []*datum    // beside those of its map
	never     []uint16    // options of the link that its members aren't sent
	remark    string      // a comment above it
	different []string    // where it isn't Kea's condition
}

func (c *class) changed(why string) {
	if !slices.Contains(c.different, why) {
		c.different = append(c.different, why)
	}
}

// builtIn are the prefixes of names of classes that Kea knows without a definition.
var builtIn = []string{"VENDOR_CLASS_", "HA_", "AFTER_", "EXTERNAL_", "SPAWN_"}

// readClasses reads client-classes, and finds what Kea refuses of them.
func (t *translator) readClasses() {
	defined := map[string]bool{"ALL": true, "KNOWN": true, "UNKNOWN": true, "BOOTP": true, "DROP": true, "SKIP_DDNS": true}
	for _, v := range t.kea.list("client-classes") {
		name := v.get("name")
		switch {
		case name == nil || name.text == "":
			t.refuse(v.at, "a class has no name", "give it one")
			continue
		case t.class[name.text] != nil:
			t.refuse(name.at, fmt.Sprintf("there are two classes %q", name.text), "")
			continue
		}
		c := t.addClass(&class{value: v, name: name.text})
		if f := v.get("test"); f != nil && strings.TrimSpace(f.text) != "" {
			e, err := parseTest(f.text)
			if err == nil {
				err = t.checkTest(e, defined)
			}
			if err != nil {
				t.refuse(f.at, fmt.Sprintf("the test of class %s: %v", c.name, err), "")
			}
			c.test = e
		}
		defined[c.name] = true
		t.checkTimes(v)
		t.readOptions(v)
	}
}

// checkTest finds classes and options in a test that there aren't.
func (t *translator) checkTest(e *expr, defined map[string]bool) error {
	if e == nil {
		return nil
	}
	if name := string(e.data); e.op == "member" && !defined[name] && !slices.ContainsFunc(builtIn, func(p string) bool { return strings.HasPrefix(name, p) }) {
		return fmt.Errorf("there is no class %q before it", name)
	}
	if e.ref != nil && e.ref.root == "option" {
		if _, ok := t.code("dhcp6", e.ref.index); !ok {
			return fmt.Errorf("there is no option %q", e.ref.index)
		}
	}
	for _, arg := range e.args {
		if err := t.checkTest(arg, defined); err != nil {
			return err
		}
	}
	return nil
}

// addClass gives a class a name in our configuration, and puts it at the end.
func (t *translator) addClass(c *class) *class {
	our := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_", r)) {
			return r
		}
		return '-'
	}, c.name)
	our = our[:min(len(our), 56)]
	c.our = our
	for n := 2; slices.ContainsFunc(t.classes, func(o *class) bool { return o.our == c.our }); n++ {
		c.our = fmt.Sprintf("%s-%d", our, n)
	}
	t.classes = append(t.classes, c)
	if t.class[c.name] == nil {
		t.class[c.name] = c
	}
	return c
}

// classNamed is a class by Kea's name. One that isn't defined is made: it has the members that Kea gives it by itself, or none.
func (t *translator) classNamed(name string) *class {
	if c := t.class[name]; c != nil {
		return c
	}
	c := t.addClass(&class{name: name})
	t.classes = slices.Insert(t.classes[:len(t.classes)-1], 0, c) // before those that name it
	var fixed condition
	switch vendor, isVendor := strings.CutPrefix(name, "VENDOR_CLASS_"); {
	case isVendor:
		fixed = test("vendor-class", draft.Text(vendor))
	case name == "ALL" || name == "KNOWN" || name == "UNKNOWN":
		fixed = t.member(name)
	default:
		return c
	}
	c.fixed = &fixed
	return c
}

// assign notes that a reservation puts its client into a class.
func (t *translator) assign(list *draft.Node, name string, h *host, l *link) {
	c := t.classNamed(name)
	where := test("link", draft.Text(l.name))
	switch h.kind {
	case "duid":
		c.assigned = append(c.assigned, condition{op: "all", parts: []condition{test("duid", draft.Hex(h.id)), where}})
	case "hw-address":
		c.assigned = append(c.assigned, condition{op: "all", parts: []condition{test("hardware-address", draft.Hex(h.id)), where}})
	default:
		t.lost(list, h.value, "client-classes "+name+" of a reservation", "its client is known by "+h.kind+" only, which classes don't compare")
	}
}

// putClasses writes the classes.
func (t *translator) putClasses() {
	for i := 0; i < len(t.classes); i++ { // conditions can make further classes, in front
		if c := t.classes[i]; c.value != nil && c.test != nil {
			before := len(t.classes)
			_, _ = t.conditionOf(c.test, &class{})
			i += len(t.classes) - before
		}
	}
	for _, c := range t.classes {
		list := t.d.Root().List("classes").Open()
		n := draft.Map().Open().From(c.value.atOr(t.kea.at))
		if c.remark != "" {
			list.Comment(c.remark)
		}
		if c.value != nil {
			t.remarks(list, c.value)
		}
		n.Set("name", draft.Text(c.our))
		n.Set("match", t.match(list, c))
		if c.name == "DROP" {
			n.Set("deny", draft.Bool(true))
		}
		if c.value != nil {
			t.putClass(n, c)
		}
		if c.life != nil {
			t.putLifetimes(n.Map("lifetimes"), *c.life)
		}
		t.putOptions(n, c.options)
		putNever(n, c.never, c.options)
		list.Append(n)
	}
}

// match is a class's condition. One that can't be said is written so that nobody is in the class.
func (t *translator) match(list *draft.Node, c *class) *draft.Node {
	var any []condition
	switch {
	case c.fixed != nil:
		any = append(any, *c.fixed)
	case c.test != nil:
		found, err := t.conditionOf(c.test, c)
		if err == nil {
			any = append(any, found)
			break
		}
		t.lost(list, c.get("test").value, "the test of class "+c.name, fmt.Sprintf("%v; until you write a match, nobody is in it but by reservation: %s", err, c.get("test").text))
	case c.value == nil && len(c.assigned) == 0:
		t.d.Changed(list, t.kea.at, "class "+c.name, "it is named and isn't defined; nobody is in it")
	}
	for _, why := range c.different {
		t.d.Changed(list, c.at, "the test of class "+c.name, why)
	}
	if f := c.valueField("template-test"); f != nil {
		t.lost(list, f.value, "template-test of class "+c.name, "classes have their names from the configuration only")
	}
	any = t.requiredOnly(list, c, any)
	any = append(any, c.assigned...)
	switch len(any) {
	case 0:
		return never().node()
	case 1:
		return any[0].node()
	}
	return condition{op: "any", parts: any}.node()
}

func (c *class) valueField(name string) *field {
	if c.value == nil {
		return nil
	}
	return c.get(name)
}

// requiredOnly bounds a class to the links that require it, where Kea evaluates it for them only.
func (t *translator) requiredOnly(list *draft.Node, c *class, any []condition) []condition {
	if c.value == nil || !flag("only-if-required", false, c.value) && !flag("only-in-additional-list", false, c.value) {
		return any
	}
	if len(c.onlyOn) == 0 {
		t.d.Note(list, c.at, "class "+c.name, "no subnet or network requires it, so nobody is in it")
		return nil
	}
	where := test("link", textOrList(c.onlyOn))
	if len(any) == 0 || c.test != nil && c.test.op == "member" && string(c.test.data) == "ALL" {
		return []condition{where}
	}
	return []condition{{op: "all", parts: append([]condition{where}, any...)}}
}

// putClass writes what a class gives its members.
func (t *translator) putClass(n *draft.Node, c *class) {
	if c.has("valid-lifetime") || c.has("preferred-lifetime") || c.has("min-valid-lifetime") || c.has("min-preferred-lifetime") {
		life := n.Map("lifetimes")
		t.putLifetimes(life, t.classLifetimes(c.value))
		t.wishes(life, c.value)
	}
	if p := t.putOptions(n, t.readOptions(c.value)); p != nil {
		t.lost(n, p.field, "option-data preference", "a class's preference; server.preference is everybody's")
	}
}

// require notes classes that are evaluated for the clients of a link.
func (t *translator) require(l *link, v *value) {
	for _, name := range append(v.texts("require-client-classes"), v.texts("evaluate-additional-classes")...) {
		if c := t.classNamed(name); !slices.Contains(c.onlyOn, l.name) {
			c.onlyOn = append(c.onlyOn, l.name)
		}
	}
}
