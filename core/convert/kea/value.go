package kea

import (
	"fmt"
	"strconv"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// A kind is the type of a JSON value. Integers and reals differ: Kea doesn't take one for the other.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindInteger
	kindReal
	kindString
	kindList
	kindMap
)

var kindNames = [...]string{"null", "true or false", "an integer", "a number with a point", "a string", "a list", "a map"}

// value is one value of the file.
type value struct {
	kind   kind
	at     draft.Place
	flag   bool
	number int64
	real   float64
	text   string
	items  []*value
	fields []*field
}

// field is one field of a map, and what became of it.
type field struct {
	name string
	at   draft.Place
	*value
	fate fate
}

// fate is what became of a field.
type fate uint8

const (
	fateUnseen fate = iota // nobody asked for it: the end of the translation finds it and says so
	fateTaken
	fateLost
	fateNoted // there is nothing to translate
)

// parse reads a file and all that it includes.
func parse(name string, data []byte, source Source) (*value, error) {
	l := &lexer{source: source}
	if err := l.file(name, data, 0); err != nil {
		return nil, err
	}
	last := draft.Place{File: name, Line: 1}
	if len(l.out) > 0 {
		last = l.out[len(l.out)-1].at
	}
	p := &parser{tokens: append(l.out, token{kind: tokenEnd, at: last})}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if t := p.tokens[0]; t.kind != tokenEnd {
		return nil, fault(t.at, fmt.Sprintf("%s stands behind the end of the configuration", t.show()), "")
	}
	return v, nil
}

type parser struct{ tokens []token }

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

// mark takes one of {}[],: where it comes next.
func (p *parser) mark(text string) bool {
	if t := p.tokens[0]; t.kind == tokenMark && t.text == text {
		p.next()
		return true
	}
	return false
}

func (t token) show() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the file"
	case tokenString:
		return strconv.Quote(t.text)
	default:
		return t.text
	}
}

func (p *parser) value(depth int) (*value, error) {
	t := p.next()
	if depth > maxDepth {
		return nil, fault(t.at, fmt.Sprintf("values are more than %d deep in one another", maxDepth), "")
	}
	v := &value{at: t.at, text: t.text}
	switch {
	case t.kind == tokenString:
		v.kind = kindString
	case t.kind == tokenInteger:
		v.kind = kindInteger
		v.number, _ = strconv.ParseInt(t.text, 10, 64)
	case t.kind == tokenReal:
		v.kind = kindReal
		v.real, _ = strconv.ParseFloat(t.text, 64)
	case t.kind == tokenWord && t.text != "null":
		v.kind, v.flag = kindBool, t.text == "true"
	case t.kind == tokenWord:
		v.kind = kindNull
	case t.kind == tokenMark && t.text == "[":
		v.kind = kindList
		return v, p.list(v, depth)
	case t.kind == tokenMark && t.text == "{":
		v.kind = kindMap
		return v, p.fields(v, depth)
	default:
		return nil, fault(t.at, t.show()+" stands where a value must be", "")
	}
	return v, nil
}

// list reads items up to the bracket. A comma behind the last one is taken, as Kea takes it.
func (p *parser) list(v *value, depth int) error {
	for !p.mark("]") {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
		if !p.mark(",") && (p.tokens[0].kind != tokenMark || p.tokens[0].text != "]") {
			return fault(p.tokens[0].at, p.tokens[0].show()+" stands in a list where a comma or ] must be", "")
		}
	}
	return nil
}

func (p *parser) fields(v *value, depth int) error {
	seen := make(map[string]draft.Place)
	for !p.mark("}") {
		key := p.next()
		if key.kind != tokenString {
			return fault(key.at, key.show()+" stands where a field's name must be", "names stand in double quotes")
		}
		if !p.mark(":") {
			return fault(p.tokens[0].at, fmt.Sprintf("%s stands behind %q where a colon must be", p.tokens[0].show(), key.text), "")
		}
		if before, ok := seen[key.text]; ok {
			return fault(key.at, fmt.Sprintf("%s stands here and in %v", key.text, before), "keep one of the two")
		}
		seen[key.text] = key.at
		inner, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.fields = append(v.fields, &field{name: key.text, at: key.at, value: inner})
		if !p.mark(",") && (p.tokens[0].kind != tokenMark || p.tokens[0].text != "}") {
			return fault(p.tokens[0].at, p.tokens[0].show()+" stands in a map where a comma or } must be", "")
		}
	}
	return nil
}

// get is a map's field, or nil; it counts as seen.
func (v *value) get(name string) *field {
	if v == nil {
		return nil
	}
	for _, f := range v.fields {
		if f.name == name {
			if f.fate == fateUnseen {
				f.fate = fateTaken
			}
			return f
		}
	}
	return nil
}

// atOr is where a value stands, or another place where there is none.
func (v *value) atOr(other draft.Place) draft.Place {
	if v == nil {
		return other
	}
	return v.at
}

// has tells whether there is a field, without taking it.
func (v *value) has(name string) bool {
	if v != nil {
		for _, f := range v.fields {
			if f.name == name {
				return true
			}
		}
	}
	return false
}

// str is a field's text, or "".
func (v *value) str(name string) string {
	if f := v.get(name); f != nil && f.kind == kindString {
		return f.text
	}
	return ""
}

// list is the items of a field.
func (v *value) list(name string) []*value {
	if f := v.get(name); f != nil {
		return f.items
	}
	return nil
}

// texts is the strings of a field that is a list of them.
func (v *value) texts(name string) (out []string) {
	for _, item := range v.list(name) {
		if item.kind == kindString {
			out = append(out, item.text)
		}
	}
	return out
}
