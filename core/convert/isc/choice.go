package isc

import (
	"fmt"
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// A branch is one of the ways that if, elsif and else go.
type branch struct {
	when *expression // what holds then; nil: what the others leave
	then *scope
}

// aside is a scope for what is read and has no place of its own.
func aside() *scope { return &scope{kind: scopeAside} }

// conditional reads the rest of if: a condition, statements, and else or elsif, behind the branches that there are before.
func (p *parser) conditional(before []branch) ([]branch, bool) {
	paren := p.take("(")
	when := p.booleanExpression()
	if when == nil {
		return nil, false
	}
	if paren && !p.take(")") {
		return nil, p.bad(p.peek(), fmt.Sprintf("%s stands where ) is expected", p.peek()), "close the parenthesis")
	}
	then := aside()
	if !p.statements(false, then) {
		return nil, false
	}
	all := append(before, branch{when, then})
	switch t := p.peek(); {
	case p.takeWord("elsif"):
		return p.otherwise(t, all)
	case p.takeWord("else"):
		if p.takeWord("if") {
			return p.otherwise(t, all)
		}
		last := aside()
		return append(all, branch{nil, last}), p.statements(false, last)
	}
	return all, true
}

func (p *parser) otherwise(t *token, before []branch) ([]branch, bool) {
	if !p.deeper(t) {
		return nil, false
	}
	defer p.up()
	return p.conditional(before)
}

// choose makes a class of each branch of an if in this scope, whose members are told what the branch sets. A later if counts before an earlier
// one, as dhcpd executes it later.
func (s *scope) choose(at draft.Place, all []branch) {
	if why := s.unchosen(all); why != "" {
		s.odd(at, "if", why)
		return
	}
	var not *expression // what no branch up to here took
	for i, b := range all {
		when := both(not, b.when)
		if b.when != nil {
			not = both(not, &expression{op: "not", gives: typeBoolean, args: []*expression{b.when}})
		}
		if len(b.then.settings) == 0 {
			continue
		}
		name := fmt.Sprintf("if-line-%d", at.Line)
		if i > 0 {
			name = fmt.Sprintf("%s-%d", name, i+1)
		}
		s.inner = append(s.inner, &scope{kind: scopeClass, at: at, name: name, parent: s, settings: b.then.settings, class: &classBody{match: when, branch: true}})
	}
}

// unchosen tells why an if can't be classes; empty: it can.
func (s *scope) unchosen(all []branch) string {
	if s.kind != scopeRoot && (s.kind != scopeShared && s.kind != scopeSubnet || s.link() != s) {
		return "within a " + s.kind.String() + " nothing depends on the client's message; write a class with this condition and these options; with the condition link it is for one link"
	}
	set := false
	for _, b := range all {
		if len(b.then.oddities) > 0 {
			o := b.then.oddities[0]
			return fmt.Sprintf("a class sets options and lifetimes, and can't do what %s in line %d does; write a class with this condition for what is left", o.what, o.at.Line)
		}
		for _, set := range b.then.settings {
			if !set.fixed || set.verb != "" {
				return fmt.Sprintf("a class sets options to values that are the same for all members, and %s in line %d isn't of that kind", set.option.full(), set.at.Line)
			}
		}
		set = set || len(b.then.settings) > 0
	}
	if !set {
		return "it does nothing"
	}
	return ""
}

// both is what holds where both do; nil stands for always.
func both(a, b *expression) *expression {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return &expression{op: "and", gives: typeBoolean, args: []*expression{a, b}}
}

// byPrecedence puts what if became behind the classes, the last one first: dhcpd executes the statements of classes after those of the file
// and of its links, and lets the last count; here the first class does.
func byPrecedence(classes []*scope) []*scope {
	var named, branches []*scope
	for _, c := range classes {
		if c.class.branch {
			branches = append(branches, c)
		} else {
			named = append(named, c)
		}
	}
	slices.SortStableFunc(branches, func(a, b *scope) int { return depth(b) - depth(a) })
	slices.SortStableFunc(branches, func(a, b *scope) int {
		if depth(a) != depth(b) || a.at.File != b.at.File {
			return 0
		}
		return b.at.Line - a.at.Line
	})
	return append(named, branches...)
}

func depth(s *scope) int { return len(s.chain()) }

// putBranch writes the class of a branch, with what it sets.
func (t *translator) putBranch(list *draft.Node, c *scope) {
	within := inEffect(c.parent.chain()...)
	v := inEffect(c.chain()...)
	options := without(t.sentOptions(v), t.sentOptions(within))
	lives := t.lifetimeSettings(inEffect(c))
	if len(options)+len(lives) == 0 {
		t.d.Note(list, c.at, "if", "it sets nothing that its place doesn't set anyway, or that is sent, so it is left out")
		return
	}
	n := draft.Map().From(c.at)
	n.Set("name", draft.Text(t.classNames[c]))
	match, why := t.membership(c, nil)
	if match != nil && c.parent.kind != scopeRoot {
		match = t.onLink(match, c.parent)
	}
	t.overridden(list, c)
	t.finishClass(list, n, c, match, why, options, lives)
}

// onLink is a condition for one link only.
func (t *translator) onLink(match *draft.Node, s *scope) *draft.Node {
	for _, l := range t.links {
		if l.scope == s {
			all := draft.Map()
			there := draft.Map()
			there.Set("link", draft.Text(l.title))
			all.Set("all", draft.List(there, match))
			return all
		}
	}
	return nobody()
}

// overridden tells where dhcpd executes a setting after a branch that sets the same: here the class counts.
func (t *translator) overridden(list *draft.Node, c *scope) {
	for _, s := range t.all {
		inside := s != c.parent && slices.Contains(s.chain(), c.parent) && s.kind != scopeClass && s.kind != scopeHost
		for _, set := range s.settings {
			later := s == c.parent && set.at.File == c.at.File && set.at.Line > c.at.Line
			if !inside && !later {
				continue
			}
			if slices.ContainsFunc(c.settings, func(own setting) bool { return own.option == set.option }) {
				t.d.Changed(list, c.at, "if", fmt.Sprintf("line %d sets %s too, and dhcpd lets that count as it comes later; here the class counts", set.at.Line, set.option.full()))
			}
		}
	}
}
