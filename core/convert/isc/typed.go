package isc

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// typeWords are our types for the letters of formats.
var typeWords = map[byte]string{
	'B': "uint8", 'S': "uint16", 'L': "uint32", 'b': "int8", 's': "int16", 'l': "int32", 'f': "boolean", 'I': "ipv4-address", '6': "ipv6-address",
	't': "string", 'X': "binary", 'd': "fqdn", 'D': "fqdn", 'Z': "empty", 'E': "suboptions",
}

// shape are the types of an option's data as our configuration has them, of which the last one may repeat; ok is false where it can't say them.
func (o *option) shape() (types []string, array, ok bool) {
	if o == nil || strings.ContainsAny(o.format, "oc") && o.format[0] != 'E' {
		return nil, false, false
	}
	fields, repeat := splitFormat(o.format)
	if len(fields) == 0 || repeat && len(fields) > 1 {
		return nil, false, false
	}
	for i, f := range fields {
		word, last := typeWords[f.letter], i == len(fields)-1
		endless := slices.Contains([]string{"string", "binary", "empty", "suboptions"}, word)
		if word == "" || f.letter == 'E' && len(fields) > 1 || !last && (f.repeats || endless || f.letter == 'D') {
			return nil, false, false
		}
		array = f.repeats || repeat || f.letter == 'D'
		if array && endless {
			return nil, false, false
		}
		types = append(types, word)
	}
	return types, array, true
}

// value is an option's data by its type; nil: it can't be said so.
func (t *translator) value(o *option, data []byte, names bool) *draft.Node {
	types, array, ok := o.shape()
	switch {
	case !ok:
		return nil
	case types[0] == "suboptions":
		return t.inside(o, data, names)
	case types[0] == "empty" && len(data) == 0:
		return draft.Bool(true)
	}
	var values []*draft.Node
	for i := 0; i < len(types) || len(data) > 0; i++ {
		if i >= len(types) && !array {
			return nil
		}
		v, size := readValue(types[min(i, len(types)-1)], data)
		if v == nil {
			return nil
		}
		values, data = append(values, v), data[size:]
	}
	if len(types) == 1 && !array {
		return values[0]
	}
	return draft.List(values...)
}

// inside are the options in an option's data, by name where all have one.
func (t *translator) inside(o *option, data []byte, names bool) *draft.Node {
	in := t.spaceIn(o)
	subs, ok := splitSuboptions(data)
	if in == nil || !ok {
		return nil
	}
	if len(subs) == 0 {
		return draft.Empty()
	}
	for i := range subs {
		subs[i].option = in.byCode(subs[i].code)
	}
	return t.table(subs, names)
}

// table are suboptions: by name where each of them has one, once, and its data can be read, else by code.
func (t *translator) table(subs []suboption, names bool) *draft.Node {
	table, list := draft.Map(), draft.List()
	for _, o := range subs {
		name := t.nameOf(o.option)
		v := t.value(o.option, o.data, false)
		if names = names && name != "" && v != nil && table.Get(name) == nil; names {
			table.Set(name, v)
		}
		entry := list.Append(draft.Map())
		entry.Set("code", draft.Number(o.code))
		t.typed(entry, o.option, o.data)
	}
	if names {
		return table
	}
	return list
}

// typed writes an option's data by its type where that can be said, else in hexadecimal.
func (t *translator) typed(n *draft.Node, o *option, data []byte) {
	types, array, _ := o.shape()
	v := t.value(o, data, false)
	if v == nil || slices.Contains(types, "binary") {
		n.Set("hex", draft.Hex(data))
		return
	}
	setType(n, types, array)
	n.Set("value", v)
}

// setType writes the types of an option's data.
func setType(n *draft.Node, types []string, array bool) {
	n.Set("type", one(types))
	if array {
		n.Set("array", draft.Bool(true))
	}
}

// readValue reads one value of a type, and says how many octets it has. It is nil where it can't be read.
func readValue(kind string, data []byte) (v *draft.Node, size int) {
	sizes := map[string]int{"uint8": 1, "int8": 1, "boolean": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "ipv4-address": 4, "ipv6-address": 16}
	if size = sizes[kind]; len(data) < size || len(data) == 0 {
		return nil, 0
	}
	switch kind {
	case "string":
		if !utf8.Valid(data) || strings.ContainsRune(string(data), 0) {
			return nil, 0
		}
		return draft.Text(string(data)), len(data)
	case "binary":
		return draft.Hex(data), len(data)
	case "fqdn":
		name := decodeName(data)
		if len(domains(data)) == 0 {
			return nil, 0
		}
		return draft.Text(name), len(name) + 2
	case "ipv4-address", "ipv6-address":
		a, _ := netip.AddrFromSlice(data[:size])
		return draft.Text(a.String()), size
	case "boolean":
		if data[0] > 1 {
			return nil, 0
		}
		return draft.Bool(data[0] == 1), size
	}
	number := binary.BigEndian.Uint64(append(make([]byte, 8-size), data[:size]...))
	if strings.HasPrefix(kind, "int") {
		return draft.Number(int64(number<<(64-8*size)) >> (64 - 8*size)), size
	}
	return draft.Number(number), size
}
