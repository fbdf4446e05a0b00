package kea

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// linkLifetimes writes a link's lifetimes where they aren't the global ones. Subnets of a shared network can differ, and pools can't.
func (t *translator) linkLifetimes(l *link) {
	global := t.lifetimesOf(t.kea)
	if len(l.subnets) == 0 {
		return
	}
	own := t.lifetimesOf(t.scopes(l.base())...)
	for _, s := range l.subnets {
		t.cache(l.out, s.value)
		t.wishes(l.out, s.value)
	}
	if l.net != nil {
		t.cache(l.out, l.net)
		t.wishes(l.out, l.net)
	}
	if !own.same(global) {
		t.putLifetimes(l.out.Map("lifetimes"), own)
	}
}

// linkRapid writes rapid-commit where it isn't the global one.
func (t *translator) linkRapid(l *link) {
	global := flag("rapid-commit", false, t.kea)
	own := global
	if len(l.subnets) > 0 {
		own = flag("rapid-commit", false, t.scopes(l.subnets[0])...)
		for _, s := range l.subnets {
			s.get("rapid-commit")
		}
	}
	if own != global {
		l.out.Set("rapid-commit", draft.Text(map[bool]string{true: "all", false: "off"}[own]))
	}
}

// linkGate writes who gets leases on a link at all.
func (t *translator) linkGate(l *link) {
	g := guards(l.net)
	if l.net == nil && len(l.subnets) == 1 {
		g = guards(l.subnets[0].value)
	}
	t.putGate(l.out, "classes", g)
}

// gatePool writes who gets leases from a pool: members of its own classes, and of those of its subnet where the link has others too.
func (t *translator) gatePool(n, list *draft.Node, l *link, s *subnet, p *pool) {
	var g gate
	if l.net != nil || len(l.subnets) > 1 {
		g = guards(s.value)
	}
	t.putGate(n, "classes", append(g, guards(p.value)...))
	if l.net == nil {
		t.exceptEarlier(n, l, s)
	}
	for _, name := range append(p.texts("require-client-classes"), p.texts("evaluate-additional-classes")...) {
		c := t.classNamed(name)
		if !slices.Contains(c.onlyOn, l.name) {
			c.onlyOn = append(c.onlyOn, l.name)
		}
		t.d.Changed(list, p.at, "require-client-classes "+name, "the class is evaluated for all clients of the link, not for those of the pool only")
	}
}

// exceptEarlier keeps clients out of a pool whom Kea serves from an earlier subnet of the interface.
func (t *translator) exceptEarlier(n *draft.Node, l *link, s *subnet) {
	var names []string
	for _, earlier := range l.subnets {
		if earlier == s {
			break
		}
		for _, list := range guards(earlier.value) {
			for _, name := range list {
				if our := t.classNamed(name).our; !slices.Contains(names, our) {
					names = append(names, our)
				}
			}
		}
	}
	if len(names) > 0 {
		n.Set("except-classes", textOrList(names))
	}
}
