package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/lockstep6/lockstep6/core/wire"
)

var classNameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// classes checks the classes by themselves. Who uses them is looked at with the links.
func (c *checker) classes(raw *rawConfig) (out []Class) {
	if at, ok := c.positions["classes"]; ok && len(raw.Classes) > MaxClasses {
		c.fail(place{at.Line, at.Column, "classes"}, fmt.Sprintf("%d classes are too many", len(raw.Classes)), fmt.Sprintf("up to %d can be", MaxClasses))
		return nil
	}
	k := conditions{checker: c, raw: raw, codes: make(map[uint16]bool), names: make(map[string]int)}
	for i := range raw.Classes {
		r := &raw.Classes[i]
		class := Class{Name: r.Name.value, Deny: r.Deny.value}
		if r.Match.ok {
			class.Match = k.condition(&r.Match)
		}
		if r.Lifetimes != nil {
			lifetimes := c.lifetimes(r.Lifetimes, Lifetimes{})
			class.Lifetimes = &lifetimes
		}
		class.Options = c.classOptions(r.Options)
		class.Boot = c.bootLists(r.Boot, r.Options, nil)
		if class.Deny && (class.Lifetimes != nil || r.Options != nil || r.Boot != nil) {
			c.fail(r.Deny.place, "members get no answer, so that they get no lifetimes and no options", "leave these out, or deny")
		}
		line, twice := k.names[class.Name]
		switch {
		case !r.Name.ok:
		case !classNameForm.MatchString(class.Name):
			c.fail(r.Name.place, printable(class.Name)+" can't be a class's name",
				"write up to 63 letters, digits, dots, hyphens and underscores, and begin with a letter or a digit")
		case twice:
			c.fail(r.Name.place, fmt.Sprintf("another class is called %s, in line %d", class.Name, raw.Classes[line].Name.line), "give each its own name")
		default:
			k.names[class.Name] = i
		}
		out = append(out, class)
	}
	c.bounded(&k)
	c.unused(raw, out)
	return out
}

// bounded checks what all classes together ask of a message.
func (c *checker) bounded(k *conditions) {
	at := c.positions["classes"]
	for _, b := range []struct {
		n, most int
		what    string
	}{
		{k.tests, MaxTests, "tests"}, {k.relayOptions, MaxRelayOptions, "tests of relays' options"}, {len(k.codes), MaxOptionCodes, "different options that are tested"},
	} {
		if b.n > b.most {
			c.fail(place{at.Line, at.Column, "classes"}, fmt.Sprintf("has %d %s", b.n, b.what), fmt.Sprintf("up to %d can be", b.most))
		}
	}
}

// unused warns of classes that change nothing.
func (c *checker) unused(raw *rawConfig, classes []Class) {
	used := make(map[string]bool)
	note := func(lists ...texts) {
		for _, list := range lists {
			for i := range list.list {
				used[list.list[i].value] = true
			}
		}
	}
	var conditions func(r *rawCondition)
	conditions = func(r *rawCondition) {
		for i := range r.any {
			conditions(&r.any[i])
		}
		if r.tests == nil {
			return
		}
		note(r.tests.Class)
		conditions(&r.tests.Not)
		for _, list := range [][]rawCondition{r.tests.All, r.tests.Any} {
			for i := range list {
				conditions(&list[i])
			}
		}
	}
	for i := range raw.Classes {
		conditions(&raw.Classes[i].Match)
	}
	for i := range raw.Links {
		l := &raw.Links[i]
		note(l.Classes, l.Except)
		for k := range l.Addresses {
			note(l.Addresses[k].Classes, l.Addresses[k].Except)
		}
		for k := range l.Prefixes {
			note(l.Prefixes[k].Classes, l.Prefixes[k].Except)
		}
	}
	if raw.Reconfigure != nil {
		note(raw.Reconfigure.Classes, raw.Reconfigure.Except)
	}
	for i := range classes {
		if class := &classes[i]; class.Lifetimes == nil && len(class.Options) == 0 && !class.Deny && !used[class.Name] && raw.Classes[i].Name.ok {
			c.warn(raw.Classes[i].Name.place, "nothing uses the class", "give it lifetimes, options or deny, or name it in classes of a pool, a link or reconfigure")
		}
	}
}

// gate resolves the classes that a pool or a link names.
func (c *checker) gate(only, except *texts, classes []Class) (g Gate) {
	resolve := func(t *texts) (out []int) {
		if t.list != nil && len(t.list) == 0 {
			c.fail(t.place, "is an empty list", "name a class, or leave it out")
		}
		for i := range t.list {
			if name := &t.list[i]; name.ok {
				if at, ok := c.classCalled(name, classes); ok {
					out = append(out, at)
				}
			}
		}
		return out
	}
	g.Only, g.Except = resolve(only), resolve(except)
	for i, at := range g.Except {
		if slices.Contains(g.Only, at) && i < len(except.list) {
			c.fail(except.list[i].place, "the class stands in classes too", "keep it in one of the two")
		}
	}
	return g
}

func (c *checker) classCalled(name *text, classes []Class) (int, bool) {
	at := slices.IndexFunc(classes, func(class Class) bool { return class.Name == name.value })
	if at < 0 {
		known := make([]string, len(classes))
		for i := range classes {
			known[i] = classes[i].Name
		}
		remedy := "define it in classes"
		if len(known) > 0 {
			remedy = suggest(name.value, known)
		}
		c.fail(name.place, "there is no class "+printable(name.value), remedy)
	}
	return at, at >= 0
}

// classOptions are a class's or a pool's own options. A class counts on every link, and a pool's options come behind those of classes, so what is
// inherited isn't known here.
func (c *checker) classOptions(raw *rawOptions) []Option {
	if raw == nil {
		return nil
	}
	set := c.set(raw)
	own := make(map[wire.OptionCode]Option)
	maps.Copy(own, set.options)
	for _, l := range set.never {
		own[l.code] = Option{Code: l.code}
	}
	c.mark(set, own)
	return c.sized(raw.place, own)
}

// roomForClasses checks that a reply has room for a class's options beside those of each link.
func (c *checker) roomForClasses(raw []rawClass, cfg *Config) {
	for i := range cfg.Classes {
		if raw[i].Options == nil {
			continue
		}
		for k := range cfg.Links {
			all := make(map[wire.OptionCode]Option)
			overlay(all, cfg.Links[k].Defaults.Options)
			overlay(all, cfg.Classes[i].Options)
			before := len(c.errors)
			if c.sized(raw[i].Options.place, all); len(c.errors) > before {
				break
			}
		}
	}
}
