package isc

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// The names of classes that permissions of dhcpd become.
const (
	classKnown   = "known-clients"
	classUnknown = "unknown-clients"
)

var notInClassNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// putClasses writes the classes that something depends on. dhcpd lets the settings of the first class count that a client is in, as this server does;
// a subclass comes before its class.
func (t *translator) putClasses() {
	t.nameClasses()
	list := draft.List().Open()
	if t.needsKnown() {
		t.putKnown(list)
	}
	t.hostLifetimes(list)
	for _, c := range t.ordered {
		for i, sub := range c.class.subs {
			if len(sub.settings) > 0 {
				t.putSubclass(list, c, sub, i)
			}
		}
		t.putClass(list, c)
	}
	if list.Len() > 0 {
		t.d.Root().Set("classes", list)
	} else {
		t.d.Root().Comments(list)
	}
}

// nameClasses gives classes names that this server takes.
func (t *translator) nameClasses() {
	t.usedClasses = map[string]bool{classKnown: true, classUnknown: true}
	for _, c := range t.ordered {
		t.classNames[c] = t.className(c.name)
	}
}

// className is a name that no other class has.
func (t *translator) className(want string) string {
	name := strings.TrimLeft(notInClassNames.ReplaceAllString(want, "-"), "._-")
	if name = name[:min(len(name), 50)]; name == "" {
		name = "class"
	}
	base := name
	for i := 2; t.usedClasses[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	t.usedClasses[name] = true
	return name
}

// permissions are those of all pools.
func (t *translator) permissions() (out []permission) {
	for _, s := range t.all {
		if s.kind == scopePool && !s.ipv4 {
			out = append(append(out, s.allow...), s.deny...)
		}
	}
	return out
}

func (t *translator) needsKnown() bool {
	if slices.ContainsFunc(t.permissions(), func(p permission) bool { return p.what == "known" || p.what == "unknown" }) {
		return true
	}
	return slices.ContainsFunc(t.ordered, func(c *scope) bool { return c.class.match.uses("known") })
}

// uses tells whether an operation stands in an expression.
func (e *expression) uses(op string) bool {
	if e == nil {
		return false
	}
	return e.op == op || slices.ContainsFunc(e.args, func(a *expression) bool { return a.uses(op) })
}

// putKnown writes the classes of known and unknown clients: dhcpd knows a client for which there is any host.
func (t *translator) putKnown(list *draft.Node) {
	any := draft.List()
	var duids, hardware []string
	for _, h := range t.declared {
		key, _ := h.host.identity()
		kind, hex, _ := strings.Cut(key, " ")
		switch kind {
		case "duid":
			duids = append(duids, "0x"+hex)
		case "hardware":
			hardware = append(hardware, "0x"+hex)
		}
	}
	slices.Sort(duids)
	slices.Sort(hardware)
	any.Append(draft.Map()).Set("reserved", draft.Bool(true))
	if len(duids) > 0 {
		any.Append(draft.Map()).Set("duid", one(slices.Compact(duids)))
	}
	if len(hardware) > 0 {
		any.Append(draft.Map()).Set("hardware-address", one(slices.Compact(hardware)))
	}
	n := list.Append(draft.Map())
	n.Set("name", draft.Text(classKnown))
	n.Set("match", any)
	t.d.Note(list, t.root.at, "known clients", "who has a host anywhere is one; add new clients here too")
	n = list.Append(draft.Map())
	n.Set("name", draft.Text(classUnknown))
	n.Map("match").Map("not").Set("class", draft.Text(classKnown))
}

// wanted tells whether pools name a class.
func (t *translator) wanted(c *scope) bool {
	return slices.ContainsFunc(t.permissions(), func(p permission) bool { return p.class == c })
}

func (t *translator) putClass(list *draft.Node, c *scope) {
	t.remarks(list, c)
	settings := t.beyondRoot(c)
	options := without(t.sentOptions(inEffect(c.chain()...)), t.sentOptions(t.global))
	lives := t.lifetimeSettings(settings)
	if !t.wanted(c) && len(options)+len(lives) == 0 {
		t.d.Note(list, c.at, "class "+c.name, "nothing depends on it, so it is left out")
		return
	}
	n := draft.Map().From(c.at)
	n.Set("name", draft.Text(t.classNames[c]))
	match, why := t.membership(c, nil)
	t.finishClass(list, n, c, match, why, options, lives)
}

func (t *translator) putSubclass(list *draft.Node, c, sub *scope, i int) {
	t.remarks(list, sub)
	// What the class says counts for the subclass too, but the class comes behind it anyway.
	v := inEffect(sub)
	n := draft.Map().From(sub.at)
	n.Set("name", draft.Text(fmt.Sprintf("%s-sub%d", t.classNames[c], i+1)))
	match, why := t.membership(c, sub.class.value)
	t.finishClass(list, n, sub, match, why, t.sentOptions(v), t.lifetimeSettings(v))
}

// finishClass writes who is in a class and what is said to members. Where that can't be said nobody is in it.
func (t *translator) finishClass(list, n *draft.Node, c *scope, match *draft.Node, why string, options []sent, lives []setting) {
	if match == nil {
		t.d.Lost(list, c.at, "class "+c.name, why+"; nobody is in it until you say who")
		match = nobody()
	} else {
		t.d.Took(1)
	}
	n.Set("match", match)
	if len(lives) > 0 {
		scopes := c.chain()
		if c.class.super != nil {
			scopes = append(c.class.super.chain(), c)
		}
		t.putLifetimes(n, c.at, t.lifetimesOf(inEffect(scopes...)), lives)
	}
	t.putOptions(n, options)
	list.Append(n)
}

// nobody is a condition that never holds.
func nobody() *draft.Node {
	all := draft.List()
	all.Append(draft.Map()).Map("option").Set("code", draft.Number(1))
	absent := all.Append(draft.Map()).Map("option")
	absent.Set("code", draft.Number(1))
	absent.Set("present", draft.Bool(false))
	n := draft.Map()
	n.Set("all", all)
	return n
}

// gates are the classes whose members may use a pool, and those whose may not; why is set where nobody may, or it can't be said.
func (t *translator) gates(pool *scope) (only, except []string, why string) {
	if pool == nil {
		return nil, nil, ""
	}
	everybody := false
	name := func(p permission) string {
		switch p.what {
		case "members":
			return t.classNames[p.class]
		case "known":
			return classKnown
		case "unknown":
			return classUnknown
		}
		return ""
	}
	for _, p := range pool.allow {
		switch class := name(p); {
		case class != "":
			only = append(only, class)
		case p.what == "all" || p.what == "unauthenticated":
			everybody = true
		}
	}
	if len(pool.allow) > 0 && len(only) == 0 && !everybody {
		return nil, nil, "only clients of a kind that DHCPv6 doesn't have, or after a time, may use it"
	}
	for _, p := range pool.deny {
		switch class := name(p); {
		case class != "":
			except = append(except, class)
		case p.what == "all" || p.what == "unauthenticated":
			return nil, nil, "nobody may use it"
		}
	}
	if everybody {
		only = nil
	}
	slices.Sort(only)
	slices.Sort(except)
	only, except = slices.Compact(only), slices.Compact(except)
	only = slices.DeleteFunc(only, func(c string) bool { return slices.Contains(except, c) })
	if len(pool.allow) > 0 && len(only) == 0 && !everybody {
		return nil, nil, "nobody may use it: who is allowed is denied too"
	}
	return only, except, ""
}
