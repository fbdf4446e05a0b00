package isc

import (
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// optionDefinition reads what stands behind `option NAME code`.
func (p *parser) optionDefinition(t *token, o *option) {
	code := p.peek()
	n, ok := number(code.text, 10)
	if code.kind != kindNumber || !ok {
		p.bad(code, fmt.Sprintf("the option's code is %s", code), "write a number")
		return
	}
	p.next()
	if !p.take("=") {
		p.bad(p.peek(), fmt.Sprintf("%s stands behind the option's code", p.peek()), "write = and the option's type")
		return
	}
	d := definition{parser: p}
	if !d.read() {
		return
	}
	if !p.semi() {
		return
	}
	defined := o.space.define(o.name, n, d.format.String())
	defined.defined = true
	if d.inside != nil && d.inside.inside == nil {
		d.inside.inside = defined
	}
	p.defined = append(p.defined, definedOption{t.at, defined})
}

// A definedOption is one that the file defines.
type definedOption struct {
	at     draft.Place
	option *option
}

// A definition is a type that is being read.
type definition struct {
	*parser
	format strings.Builder
	array  bool // of all
	record bool
	last   bool // what was read must be the record's last field
	inside *space
}

// read reads a type: one, an array of one, a record, or an array of records.
func (d *definition) read() bool {
	if d.takeWord("array") {
		if !d.takeWord("of") {
			return d.bad(d.peek(), "array stands without of", "write array of TYPE")
		}
		d.array = true
	}
	d.record = d.take("{")
	for {
		t := d.peek()
		if d.last {
			return d.bad(t, "what has no fixed length must be a record's last field", "put it at the end")
		}
		if !d.one() {
			return false
		}
		if !d.record {
			break
		}
		if d.take("}") {
			break
		}
		if !d.take(",") {
			return d.bad(d.peek(), fmt.Sprintf("%s stands in a record", d.peek()), "write , between its fields and } behind the last one")
		}
	}
	if d.array {
		d.format.WriteByte('A')
	}
	return true
}

// one reads a field's type.
func (d *definition) one() bool {
	each := false
	if t := d.peek(); d.takeWord("array") {
		if d.array {
			return d.bad(t, "an array stands in an array", "write one of them only")
		}
		if !d.takeWord("of") {
			return d.bad(d.peek(), "array stands without of", "write array of TYPE")
		}
		each = true
	}
	t := d.next()
	repeats := d.array || each
	switch w := t.word(); w {
	case "boolean":
		d.format.WriteByte('f')
	case "integer", "signed", "unsigned":
		if w != "integer" && !d.takeWord("integer") {
			return d.bad(d.peek(), w+" stands without integer", "write "+w+" integer 32")
		}
		if !d.width(w == "unsigned") {
			return false
		}
	case "ip-address":
		d.format.WriteByte('I')
	case "ip6-address":
		d.format.WriteByte('6')
	case "text", "string", "domain-name", "domain-list":
		if repeats {
			return d.bad(t, "there are no arrays of "+w, "write "+w+" alone, or domain-list for several names")
		}
		d.last = true
		d.format.WriteByte(map[string]byte{"text": 't', "string": 'X', "domain-name": 'd', "domain-list": 'D'}[w])
		if w == "domain-list" && d.takeWord("compressed") {
			d.format.WriteByte('c')
		}
	case "zerolen":
		if repeats {
			return d.bad(t, "there are no arrays of zerolen", "write zerolen alone")
		}
		d.last = true
		d.format.WriteByte('Z')
	case "encapsulate":
		return d.encapsulate(repeats)
	default:
		return d.bad(t, fmt.Sprintf("there is no type %s", t), "write integer 32, text, string, boolean, ip6-address, domain-list or encapsulate SPACE")
	}
	if each {
		d.format.WriteByte('a')
	}
	return true
}

func (d *definition) width(unsigned bool) bool {
	t := d.next()
	letters := map[string]string{"8": "bB", "16": "sS", "32": "lL"}[t.text]
	if t.kind != kindNumber || letters == "" {
		return d.bad(t, fmt.Sprintf("an integer has %s bits", t), "write integer 8, 16 or 32")
	}
	if unsigned {
		d.format.WriteByte(letters[1])
	} else {
		d.format.WriteByte(letters[0])
	}
	return true
}

func (d *definition) encapsulate(repeats bool) bool {
	t := d.next()
	if d.inside = d.spaces[strings.ToLower(t.text)]; !t.name() || d.inside == nil {
		return d.bad(t, fmt.Sprintf("there is no option space %s", t), "define it before this line: option space NAME;")
	}
	if repeats {
		return d.bad(t, "there are no arrays of encapsulate", "write encapsulate alone")
	}
	d.last = true
	d.format.WriteString("E" + strings.ToLower(t.text) + ".")
	return true
}
