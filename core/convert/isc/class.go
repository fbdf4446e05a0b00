package isc

import (
	"fmt"
	"slices"
)

// classDeclaration reads a class, a subclass, or what dhcpd of old called vendor-class and user-class.
func (p *parser) classDeclaration(t *token, s *scope) {
	name := p.next()
	if name.kind != kindText {
		p.bad(name, t.text+" is without a name in quotes", "write "+t.text+` "NAME"`)
		return
	}
	super := p.classes[name.text]
	if t.word() != "class" && super == nil {
		p.bad(name, fmt.Sprintf("there is no class %q", name.text), "declare it before this line")
		return
	}
	switch t.word() {
	case "class":
		class := super
		if class == nil {
			class = &scope{kind: scopeClass, at: t.at, name: name.text, parent: s, class: &classBody{}}
			p.classes[name.text] = class
			s.inner = append(s.inner, class)
		}
		p.classOnce(class)
	case "subclass":
		p.subclass(t, s, super)
	default:
		dead := &scope{kind: scopeClass, at: t.at, name: name.text, parent: s, class: &classBody{}}
		p.body(dead)
		s.odd(t.at, fmt.Sprintf("%s %q", t.text, name.text), "it is about options of DHCPv4")
	}
}

// classOnce reads a class's braces. Each pair of braces may say once whom it takes.
func (p *parser) classOnce(class *scope) {
	was := *class.class
	class.class.match, class.class.submatch = nil, nil
	p.body(class)
	if class.class.match == nil {
		class.class.match = was.match
	}
	if class.class.submatch == nil {
		class.class.submatch = was.submatch
	}
}

func (p *parser) subclass(t *token, s, super *scope) {
	value := p.peek()
	sub := &scope{kind: scopeClass, at: t.at, name: super.name, parent: super.parent, class: &classBody{super: super}}
	switch {
	case value.kind == kindText:
		p.next()
		sub.class.value = []byte(value.text)
	case value.digits():
		octets, ok := p.hexList()
		if !ok {
			return
		}
		sub.class.value = octets
	default:
		p.bad(value, fmt.Sprintf("the subclass's value is %s", value), "write text in quotes, or hexadecimal as 00:01:02")
		return
	}
	known := slices.IndexFunc(super.class.subs, func(o *scope) bool { return string(o.class.value) == string(sub.class.value) })
	if known >= 0 {
		sub = super.class.subs[known]
	} else {
		super.class.subs = append(super.class.subs, sub)
	}
	if p.take(";") {
		return
	}
	p.body(sub)
}

// classStatement reads whom a class takes, and how many of them.
func (p *parser) classStatement(t *token, s *scope) {
	p.next()
	if s.kind != scopeClass {
		p.bad(t, t.text+" stands outside of a class", "move it into a class")
		return
	}
	c := s.class
	switch {
	case t.word() == "lease":
		p.leaseLimit(t, s)
	case c.super != nil:
		p.bad(t, t.text+" stands in a subclass", "write it in the class "+s.name)
	case t.word() == "match" && p.takeWord("if"):
		if c.match != nil {
			p.bad(t, "the class has a match if already", "join the two conditions with and")
			return
		}
		if e := p.booleanExpression(); e != nil && p.semi() {
			c.match = e
		}
	default:
		if t.word() == "spawn" && !p.takeWord("with") {
			p.bad(p.peek(), "spawn stands without with", "write spawn with option ...;")
			return
		}
		if c.submatch != nil {
			p.bad(t, "the class says already what its subclasses are told apart by", "keep one of match and spawn with")
			return
		}
		if e := p.dataExpression(); e != nil && p.semi() {
			c.submatch, c.spawns = e, t.word() == "spawn"
		}
	}
}

func (p *parser) leaseLimit(t *token, s *scope) {
	if !p.takeWord("limit") {
		p.bad(p.peek(), "lease stands without limit", "write lease limit 4;")
		return
	}
	if n := p.next(); n.kind != kindNumber {
		p.bad(n, fmt.Sprintf("the limit is %s", n), "write a number")
		return
	}
	if p.semi() {
		s.odd(t.at, "lease limit", "dhcpd counts no leases of classes in DHCPv6 either; limits has limits per client and per relay port")
	}
}
