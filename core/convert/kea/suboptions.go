package kea

import (
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// maxSpaces bounds how deep spaces lie in options.
const maxSpaces = 8

// inside is the octets of the options of the space that an option holds.
func (o *optionWriter) inside(def *definition) []byte { return o.space(def, 0) }

func (o *optionWriter) space(def *definition, depth int) (out []byte) {
	if def == nil || def.inner == "" || depth > maxSpaces {
		return nil
	}
	for _, d := range o.all {
		if d.space != def.inner {
			continue
		}
		o.used[d] = true
		data := append(d.data[:len(d.data):len(d.data)], o.space(d.def, depth+1)...)
		out = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(out, d.code), uint16(len(data)))
		out = append(out, data...)
	}
	return out
}

// value is an option's data as our configuration has it, with what stands in it; nil where its type has no equal here, or it can't be read.
// Where it may name suboptions they are a table by name.
func (o *optionWriter) value(d *datum, names bool) *draft.Node { return o.valueAt(d, names, 0) }

func (o *optionWriter) valueAt(d *datum, names bool, depth int) *draft.Node {
	def := d.def
	if def == nil || def.inner != "" && !def.holds() || depth > maxSpaces {
		return nil
	}
	values, ok := def.decode(d.data)
	switch {
	case !ok:
		return nil
	case def.inner == "":
		return def.node(values)
	}
	var in []*datum
	for _, sub := range o.all {
		if sub.space == def.inner {
			in, o.used[sub] = append(in, sub), true
		}
	}
	table := draft.Empty()
	if len(in) > 0 {
		table = o.tableAt(in, names, depth+1)
	}
	if def.types[0] == "empty" {
		return table
	}
	return draft.List(append(values, table)...)
}

// table is suboptions: by name where each of them has one, once, and its data can be read, else by code.
func (o *optionWriter) table(all []*datum, names bool) *draft.Node { return o.tableAt(all, names, 0) }

func (o *optionWriter) tableAt(all []*datum, names bool, depth int) *draft.Node {
	table, list := draft.Map(), draft.List()
	for _, d := range all {
		entry := list.Append(draft.Map())
		entry.Set("code", draft.Number(d.code))
		o.typedAt(entry, d, d.def != nil && !slices.Contains(d.def.types, "binary"), depth)
		name := o.t.named[d.def]
		v := o.valueAt(d, false, depth)
		if names = names && name != "" && v != nil && table.Get(name) == nil; names {
			table.Set(name, v)
		}
	}
	if names {
		return table
	}
	return list
}

// typed writes an option's data by its type, where it may and can be, else in hexadecimal.
func (o *optionWriter) typed(entry *draft.Node, d *datum, may bool) { o.typedAt(entry, d, may, 0) }

func (o *optionWriter) typedAt(entry *draft.Node, d *datum, may bool, depth int) {
	v := o.valueAt(d, false, depth)
	if v == nil || !may {
		data := append(d.data[:len(d.data):len(d.data)], o.space(d.def, depth)...)
		entry.Set("hex", draft.Text(hex.EncodeToString(data)))
		return
	}
	entry.Set("type", d.def.typeNode())
	if d.def.array {
		entry.Set("array", draft.Bool(true))
	}
	entry.Set("value", v)
}

// node is values in the form that our configuration has for the definition: one value, or a list.
func (d *definition) node(values []*draft.Node) *draft.Node {
	if len(values) == 1 && !d.array {
		return values[0]
	}
	return draft.List(values...)
}

// holds tells whether our configuration can say where the option's own data ends and what stands in it begins.
func (d *definition) holds() bool {
	return !d.array && (d.types[0] == "empty" || !slices.ContainsFunc(d.types, func(word string) bool { return word == "string" || word == "binary" || word == "empty" }))
}

// typeNode are the types of a definition.
func (d *definition) typeNode() *draft.Node {
	types := slices.Clone(d.types)
	switch {
	case d.inner != "" && types[0] == "empty":
		types = []string{"suboptions"}
	case d.inner != "":
		types = append(types, "suboptions")
	}
	if len(types) == 1 {
		return draft.Text(types[0])
	}
	return draft.Texts(types...)
}
