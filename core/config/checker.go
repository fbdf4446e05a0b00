package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A checker turns the YAML tree into raw structs, and these into a Config. It collects what is wrong on the way:
// a value that can't be read is left out, so that the checks behind don't report it again.
type checker struct {
	file      string
	errors    Errors
	warnings  Errors
	positions map[string]Position
	fields    map[reflect.Type][]field
	budget    int // how many more nodes may be visited; aliases could multiply them without end
	defined   map[string]*optionSpec
	vendors   map[uint32][]optionSpec // suboptions that the file names, by enterprise number
	depth     int                     // of conditions
	provided  map[string]Provided
	uses      []use // of provider's prefixes
	absent    int   // how many of them were left out, for no prefix is known
}

// spareVisits is how many nodes aliases may add to those that a file has.
const spareVisits = 1 << 20

func newChecker(file string, size int) *checker {
	return &checker{
		file:      file,
		positions: make(map[string]Position),
		fields:    make(map[reflect.Type][]field),
		budget:    size + spareVisits, // a node takes an octet of the file at least
		defined:   make(map[string]*optionSpec),
		vendors:   make(map[uint32][]optionSpec),
	}
}

// A place is where a value stands in the file, and its path.
type place struct {
	line, column int
	path         string
}

func placeOf(n *yaml.Node, path string) place { return place{n.Line, n.Column, path} }

// in is the place of a field that isn't there: its owner's position.
func (p place) in(name string) place {
	p.path = join(p.path, name)
	return p
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func (c *checker) fail(at place, problem, remedy string) {
	c.errors = append(c.errors, Error{c.file, max(at.line, 1), max(at.column, 1), at.path, problem, remedy})
}

func (c *checker) warn(at place, problem, remedy string) {
	c.warnings = append(c.warnings, Error{c.file, max(at.line, 1), max(at.column, 1), at.path, problem, remedy})
}

// A value is a raw type that reads itself.
type value interface {
	read(c *checker, n *yaml.Node, at place, tag reflect.StructTag)
}

// A field of a raw struct.
type field struct {
	name     string
	index    int
	required bool
	tag      reflect.StructTag
}

// fieldsOf lists the fields of a raw struct by their names in the file. One without omitempty is required.
func fieldsOf(t reflect.Type) (fields []field) {
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, rest, _ := strings.Cut(tag.Get("json"), ",")
		if name == "-" || name == "" {
			continue
		}
		fields = append(fields, field{name, i, rest != "omitempty", tag})
	}
	return fields
}

// resolve follows an alias and pays for the visit; nil: the budget is spent.
func (c *checker) resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	c.budget--
	if n == nil || c.budget < 0 {
		if c.budget == -1 {
			c.fail(place{1, 1, ""}, "its aliases multiply to too many values", "write fewer aliases of aliases")
		}
		return nil
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// into reads a node into a raw value: a struct, a list, a pointer to one, or a value that reads itself.
// What is null counts as not given.
func (c *checker) into(n *yaml.Node, path string, v reflect.Value, tag reflect.StructTag) {
	if n = c.resolve(n); n == nil || isNull(n) {
		return
	}
	at := placeOf(n, path)
	c.positions[path] = Position{n.Line, n.Column}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if reader, ok := v.Addr().Interface().(value); ok {
		reader.read(c, n, at, tag)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		c.object(n, at, v)
	case reflect.Slice:
		c.list(n, at, v, tag)
	default:
		panic("config: raw type " + v.Type().String())
	}
}

// read reads a node into a raw value outside of a struct.
func read[T any](c *checker, n *yaml.Node, path string, tag reflect.StructTag) (raw T) {
	c.into(n, path, reflect.ValueOf(&raw).Elem(), tag)
	return raw
}

func (c *checker) list(n *yaml.Node, at place, v reflect.Value, tag reflect.StructTag) {
	if n.Kind != yaml.SequenceNode {
		c.fail(at, "is "+describe(n)+", not a list", "write each entry behind a dash, or [a, b]")
		delete(c.positions, at.path)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		path := element(at.path, i)
		if r := c.resolve(item); r == nil {
			return
		} else if isNull(r) {
			c.fail(placeOf(item, path), "is empty", "remove it or fill it in")
		}
		c.into(item, path, v.Index(i), tag)
	}
}

func (c *checker) object(n *yaml.Node, at place, v reflect.Value) {
	if n.Kind == yaml.MappingNode {
		v.FieldByName("At").Set(reflect.ValueOf(at)) // checks of what a table lacks need one
	}
	fields, ok := c.fields[v.Type()]
	if !ok {
		fields = fieldsOf(v.Type())
		c.fields[v.Type()] = fields
	}
	given := make(map[string]bool, len(fields))
	c.pairs(n, at, func(key string, keyAt place, n *yaml.Node) {
		r := c.resolve(n)
		given[key] = r == nil || !isNull(r)
		for _, f := range fields {
			if f.name == key {
				c.into(n, keyAt.path, v.Field(f.index), f.tag)
				return
			}
		}
		c.unknown(keyAt, key, names(fields))
	})
	for _, f := range fields {
		if f.required && !given[f.name] && n.Kind == yaml.MappingNode {
			c.fail(at.in(f.name), "is missing", "add it: "+f.name+": "+f.tag.Get("example"))
		}
	}
}

func names(fields []field) []string {
	known := make([]string, len(fields))
	for i := range fields {
		known[i] = fields[i].name
	}
	return known
}

func (c *checker) unknown(at place, key string, known []string) {
	c.fail(at, "there is no such field here", suggest(key, known))
}

// pairs calls each for all entries of a mapping that may be read.
func (c *checker) pairs(n *yaml.Node, at place, each func(key string, keyAt place, n *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		c.fail(at, "is "+describe(n)+", not a table of fields", "write name: value")
		return
	}
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := c.resolve(n.Content[i])
		if k == nil {
			return
		}
		keyAt := placeOf(n.Content[i], join(at.path, printable(k.Value)))
		switch line, twice := lines[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			keyAt.path = at.path
			c.fail(keyAt, "has a field whose name is "+describe(k), "write name: value")
		case k.ShortTag() == "!!merge":
			c.fail(keyAt, "merge keys aren't understood", "write the fields out, or say them where they are inherited from")
		case twice:
			c.fail(keyAt, fmt.Sprintf("is given twice, first in line %d", line), "keep one of the two")
		default:
			lines[k.Value] = k.Line
			each(k.Value, keyAt, n.Content[i+1])
		}
	}
}

// printable is a name as it can stand in a message of one line.
func printable(name string) string {
	name = cut(name)
	if quoted := strconv.Quote(name); quoted[1:len(quoted)-1] != name || name == "" || strings.ContainsAny(name, " :;") {
		return quoted
	}
	return name
}

func cut(name string) string {
	const most = 64
	if len(name) > most {
		return name[:most] + "..."
	}
	return name
}

// describe names what stands in the file where something else should.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a table of fields"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "the number " + printable(n.Value)
	case "!!bool":
		return "the truth value " + printable(n.Value)
	case "!!null":
		return "empty"
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return strconv.Quote(cut(n.Value))
	}
	return printable(n.Value)
}
