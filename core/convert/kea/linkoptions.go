package kea

import (
	"fmt"
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// linkOptions writes a link's options: its pool's where it has one only, its subnet's, and its shared network's, in this order.
func (t *translator) linkOptions(l *link) {
	var all []*datum
	add := func(more []*datum) {
		for _, d := range more {
			if !slices.ContainsFunc(all, func(o *datum) bool { return o.space == d.space && o.code == d.code && !slices.Contains(more, o) }) {
				all = append(all, d)
			}
		}
	}
	if p := l.onlyPool(); p != nil && len(guards(p.value)) == 0 && len(t.readOptions(p.value)) > 0 {
		add(t.readOptions(p.value))
		t.d.Changed(l.out, p.at, "option-data of the pool", "all clients of the link are sent it, since the link has this pool only")
	}
	if len(l.subnets) > 0 {
		base := l.base()
		add(t.readOptions(base.value))
		for _, s := range l.subnets {
			if s != base {
				t.otherSubnet(l, base, s)
			}
		}
	}
	if l.net != nil {
		add(t.readOptions(l.net))
	}
	t.override(l, all)
	if p := t.putOptions(l.out, all); p != nil {
		t.linkPreference(l, p)
	}
}

// base is the subnet whose settings are the link's: the first one that isn't for certain classes only.
func (l *link) base() *subnet {
	for _, s := range l.subnets {
		if len(guards(s.value)) == 0 {
			return s
		}
	}
	return l.subnets[0]
}

// otherSubnet deals with what a subnet has otherwise than the link. Where the subnet is for classes, a class can have it.
func (t *translator) otherSubnet(l *link, base, s *subnet) {
	var options []*datum
	for _, d := range t.readOptions(s.value) {
		if !slices.ContainsFunc(t.readOptions(base.value), func(o *datum) bool { return o.space == d.space && o.code == d.code && string(o.data) == string(d.data) }) {
			options = append(options, d)
		}
	}
	life := t.lifetimesOf(t.scopes(s)...)
	differs := !life.same(t.lifetimesOf(t.scopes(base)...))
	if len(options) == 0 && !differs {
		return
	}
	if g := guards(s.value); len(g) > 0 {
		c := t.specialClass(l, g, fmt.Sprintf("%s-%d", l.name, s.id), "What "+s.prefix.String()+" has otherwise than its link.")
		if c.options = options; differs {
			c.life = &life
		}
		return
	}
	if differs {
		t.d.Changed(l.out, s.at, "lifetimes of "+s.prefix.String(), "all of a link have the same; those of "+base.prefix.String()+" hold")
	}
	for _, d := range options {
		t.lost(l.out, d.field, d.name()+" of "+s.prefix.String(), "all clients of a link are sent the same; those of "+base.prefix.String()+" hold")
	}
}

// onlyPool is a link's pool where it has one only.
func (l *link) onlyPool() *pool {
	if len(l.subnets) != 1 || len(l.subnets[0].pools) != 1 {
		return nil
	}
	return l.subnets[0].pools[0]
}

// poolOptions deals with a pool's options: pools have none here, but their classes have.
func (t *translator) poolOptions(list *draft.Node, l *link, s *subnet, p *pool) {
	options := t.readOptions(p.value)
	g := guards(p.value)
	switch {
	case len(options) == 0, p == l.onlyPool() && len(g) == 0:
	case len(g) > 0:
		c := t.specialClass(l, g, fmt.Sprintf("%s-pool-%d", l.name, len(t.classes)), "Options of pool "+p.shown+".")
		c.options = options
		t.d.Changed(list, p.at, "option-data of the pool", "it is sent to the clients of its classes on this link, whichever pool they have their leases from")
	default:
		for _, d := range options {
			t.lost(list, d.field, d.name()+" of pool "+p.shown, "a pool has no options here; a class that the pool is for can have them")
		}
	}
}

// specialClass makes a class of those clients of a link who are in classes.
func (t *translator) specialClass(l *link, g gate, name, remark string) *class {
	all := condition{op: "all", parts: []condition{test("link", draft.Text(l.name))}}
	for _, names := range g {
		var ours []string
		for _, name := range names {
			ours = append(ours, t.classNamed(name).our)
		}
		all.parts = append(all.parts, test("class", textOrList(ours)))
	}
	return t.addClass(&class{name: name, fixed: &all, remark: remark})
}

// override makes a class of a link's clients where both the link and a class of Kea's set an option: of the two Kea sends the
// subnet's, and here the class's comes first.
func (t *translator) override(l *link, all []*datum) {
	var both []*datum
	for _, d := range all {
		for _, c := range t.classes {
			if c.value == nil {
				continue
			}
			if slices.ContainsFunc(t.readOptions(c.value), func(o *datum) bool { return o.space == d.space && o.code == d.code }) && !slices.Contains(both, d) {
				both = append(both, d)
			}
		}
	}
	if len(both) == 0 {
		return
	}
	where := test("link", draft.Text(l.name))
	c := t.addClass(&class{name: l.name + "-first", fixed: &where, options: both, remark: "What Kea sends on this link instead of what the classes below set."})
	t.classes = slices.Insert(t.classes[:len(t.classes)-1], 0, c)
}
