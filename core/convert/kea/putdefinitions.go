package kea

import (
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// cableLabs are the suboptions of the space of CableLabs that have names here, which are Kea's.
var cableLabs = []uint16{2, 10, 32, 33, 34, 36, 37, 38}

// putDefinitions writes option-def as option-definitions: of the outermost space, of vendors, and of what stands in either. What has no form
// here is set by its code.
func (t *translator) putDefinitions() {
	t.named = make(map[*definition]string)
	for _, d := range t.defs["vendor-4491"] {
		if !d.own && slices.Contains(cableLabs, d.code) {
			t.named[d] = d.name
		}
	}
	for _, d := range t.own {
		number, vendor := vendorOf(d.space)
		if !vendor && (d.space != "dhcp6" || d.code < 256) { // below 256 IANA has names, which are known here
			continue
		}
		entry := t.putDefinition(t.d.Root(), "option-definitions", d)
		if entry == nil {
			continue
		}
		if vendor {
			entry.Set("enterprise", draft.Number(number))
		}
		for _, sub := range t.defs[d.inner] {
			if d.inner != "" {
				t.putDefinition(entry, "suboptions", sub)
			}
		}
	}
}

// putDefinition writes one definition into a list, unless our configuration can't have it.
func (t *translator) putDefinition(table *draft.Node, list string, d *definition) *draft.Node {
	if !d.sayable() {
		return nil
	}
	name := ourName(d.name)
	for o, other := range t.named {
		if o != d && o.space == d.space && other == name {
			return nil
		}
	}
	t.named[d] = name
	entry := table.List(list).Append(draft.Map())
	entry.Set("name", draft.Text(name))
	entry.Set("code", draft.Number(d.code))
	entry.Set("type", d.typeNode())
	if d.array {
		entry.Set("array", draft.Bool(true))
	}
	return entry
}

// sayable tells whether our configuration has the definition's types.
func (d *definition) sayable() bool {
	last := len(d.types) - 1
	for i, word := range d.types {
		switch {
		case word == "record", word == "uint64",
			i < last && (word == "string" || word == "binary" || word == "empty"),
			d.array && (word == "string" || word == "binary" || word == "empty"):
			return false
		}
	}
	return d.inner == "" || d.holds()
}

// ourName is a name as option-definitions takes it.
func ourName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, name)
	if name[0] < 'a' || slices.Contains([]string{"custom", "always", "never", "withhold"}, name) {
		return "option-" + name
	}
	return name
}
