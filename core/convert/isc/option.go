package isc

import (
	"fmt"
	"strings"
)

// optionStatement reads `option`: a space, a definition, or a value.
func (p *parser) optionStatement(t *token, s *scope) {
	p.next()
	if w := p.peek(); w.word() == "space" {
		p.next()
		if s.kind != scopeRoot {
			p.bad(w, "option space stands inside of a "+s.kind.String(), "move it to the top of the file")
			return
		}
		p.optionSpace()
		return
	}
	name := p.peek()
	o, ok := p.optionName(true)
	if !ok {
		return
	}
	if p.peek().word() == "code" {
		if s.kind != scopeRoot {
			p.bad(name, "the option is defined inside of a "+s.kind.String(), "move the definition to the top of the file")
			return
		}
		p.next()
		p.optionDefinition(t, o)
		return
	}
	if o.format == "" {
		p.bad(name, o.full()+" isn't known", "define it before this line: "+o.full()+" code NUMBER = TYPE;")
		return
	}
	p.assign(t, s, "", o)
}

// optionName reads NAME or SPACE.NAME. One that isn't known is reported, unless it may be new: then it has no format.
func (p *parser) optionName(fresh bool) (*option, bool) {
	first := p.peek()
	if !first.name() {
		return nil, p.bad(first, fmt.Sprintf("%s stands where an option's name is expected", first), "write option dhcp6.name-servers ...;")
	}
	p.next()
	space, name := p.spaces["dhcp"], first.text
	if p.take(".") {
		second := p.peek()
		if !second.name() {
			return nil, p.bad(second, fmt.Sprintf("%s stands where an option's name is expected", second), "write option dhcp6.name-servers ...;")
		}
		p.next()
		name = second.text
		if space = p.spaces[strings.ToLower(first.text)]; space == nil {
			return nil, p.bad(first, "there is no option space "+first.text, "define it before this line: option space "+first.text+";")
		}
	}
	lower := strings.ToLower(name)
	if o := space.names[lower]; o != nil {
		return o, true
	}
	if digits, ok := strings.CutPrefix(lower, "unknown-"); ok {
		code, _ := number(digits, 10)
		if code == 0 || space.name == "dhcp" && code == 255 {
			return nil, p.bad(first, name+" names no option", "write the option's code behind unknown-")
		}
		if o := space.byCode(code); o != nil {
			return o, true
		}
		return &option{space: space, name: name, code: code, format: "X"}, true
	}
	if fresh {
		return &option{space: space, name: name}, true
	}
	o := option{space: space, name: name}
	return nil, p.bad(first, o.full()+" isn't known", "define it before this line: "+o.full()+" code NUMBER = TYPE;")
}

// optionSpace reads a space's name, and how many octets its codes and lengths have.
func (p *parser) optionSpace() {
	name := p.peek()
	if !name.name() {
		p.bad(name, fmt.Sprintf("the option space is called %s", name), "write option space NAME;")
		return
	}
	p.next()
	s := &space{name: strings.ToLower(name.text), codes: 1, length: 1, names: make(map[string]*option)}
	for !p.take(";") {
		what := p.next()
		second, allowed := "width", []uint32{1, 2, 4}
		switch what.word() {
		case "code":
		case "length":
			allowed = []uint32{1, 2}
		case "hash":
			second, allowed = "size", nil
		default:
			p.bad(what, fmt.Sprintf("%s isn't known of an option space", what), "write code width 2 length width 2")
			return
		}
		if !p.takeWord(second) {
			p.bad(p.peek(), what.text+" stands without "+second, "write "+what.text+" "+second+" 2")
			return
		}
		n := p.next()
		value, ok := number(n.text, 10)
		if n.kind != kindNumber || !ok || allowed != nil && !contains(allowed, value) {
			p.bad(n, fmt.Sprintf("%s %s is %s", what.text, second, n), "write 1 or 2")
			return
		}
		switch what.word() {
		case "code":
			s.codes = int(value)
		case "length":
			s.length = int(value)
		}
	}
	if old := p.spaces[s.name]; old == nil || old.inside == nil && s.name != "dhcp6" && s.name != "dhcp" && s.name != "server" {
		p.spaces[s.name] = s
	}
}

func contains(list []uint32, n uint32) bool {
	for _, m := range list {
		if n == m {
			return true
		}
	}
	return false
}

// assign reads an option's value and keeps it.
func (p *parser) assign(t *token, s *scope, verb string, o *option) {
	data, fixed, ok := p.optionValue(o)
	if !ok || !p.semi() {
		return
	}
	if o.space.name == "server" && o.name == "ddns-update-style" && fixed && len(data) == 1 && data[0] == 1 {
		p.fail(t, "ddns-update-style ad-hoc isn't supported any more", "write standard or none")
	}
	if o.space.name == "server" && o.name == "omapi-key" && fixed {
		if name, _, _ := decodeName(data); p.keys[name] == nil {
			p.fail(t, "there is no key "+name, "declare it before this line, or remove this one")
		}
	}
	s.settings = append(s.settings, setting{at: t.at, verb: verb, option: o, data: data, fixed: fixed})
}

// optionValue reads a value up to its semicolon. It isn't fixed where it is computed for each message.
func (p *parser) optionValue(o *option) (data []byte, fixed, ok bool) {
	if p.take("=") {
		e := p.dataExpression()
		if e == nil {
			return nil, false, false
		}
		data, fixed = e.constant()
		return data, fixed, true
	}
	if p.peek().is(";") && !strings.HasPrefix(o.format, "Z") {
		if p.at+1 < len(p.tokens) && p.tokens[p.at+1].is(";") {
			p.at++ // dhcpd takes two semicolons as a statement that says nothing
			return nil, false, true
		}
		return nil, false, p.bad(p.peek(), o.full()+" has no value", "write one before the semicolon")
	}
	data, ok = p.formatted(o.format)
	return data, true, ok
}

// formatted reads the fields of a format.
func (p *parser) formatted(format string) (out []byte, ok bool) {
	fields, repeat := splitFormat(format)
	for {
		for _, f := range fields {
			if f.optional && p.peek().is(";") {
				continue
			}
			again := f.repeats
			for {
				if out, ok = p.field(f, out); !ok {
					return nil, false
				}
				if !again || !p.take(",") {
					break
				}
			}
		}
		if !repeat || !p.take(",") {
			return out, true
		}
	}
}

// A fieldFormat is one field of a format.
type fieldFormat struct {
	letter   byte
	name     string // behind N and E
	optional bool
	repeats  bool
}

// splitFormat cuts a format into its fields, and tells whether all of them repeat.
func splitFormat(format string) (fields []fieldFormat, repeat bool) {
	for i := 0; i < len(format); i++ {
		last := len(fields) - 1
		switch c := format[i]; {
		case c == 'A':
			repeat = true
		case c == 'a' && last >= 0:
			fields[last].repeats = true
		case c == 'o' && last >= 0:
			fields[last].optional = true
		case c == 'c' && last >= 0:
		case c == 'N' || c == 'E':
			end := strings.IndexByte(format[i:], '.')
			fields = append(fields, fieldFormat{letter: c, name: format[i+1 : i+end]})
			i += end
		default:
			fields = append(fields, fieldFormat{letter: c})
		}
	}
	return fields, repeat
}
