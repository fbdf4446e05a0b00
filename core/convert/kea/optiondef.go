package kea

import (
	"fmt"
	"strings"
)

// dataTypes are the types that Kea's option-def knows.
var dataTypes = strings.Fields("binary boolean empty fqdn int8 int16 int32 ipv4-address ipv6-address ipv6-prefix psid record string tuple uint8 uint16 uint32")

// defineAll reads option-def.
func (t *translator) defineAll(v *value) {
	t.defs = standardDefinitions()
	for _, item := range v.list("option-def") {
		if d := t.define(item); d != nil {
			t.defs[d.space] = append(t.defs[d.space], d)
			t.own = append(t.own, d)
		}
	}
}

// define reads one definition, and finds what Kea refuses of it.
func (t *translator) define(v *value) *definition {
	d := &definition{space: spaceOf(v.str("space")), name: v.str("name"), inner: v.str("encapsulate"), own: true}
	if d.inner != "" {
		d.inner = spaceOf(d.inner)
	}
	code := v.get("code")
	kind := v.get("type")
	v.get("record-types")
	switch {
	case d.name == "" || code == nil || kind == nil:
		t.refuse(v.at, "an option-def lacks its name, code or type", "give all three")
		return nil
	case code.number < 1 || code.number > 65535:
		t.refuse(code.at, fmt.Sprintf("option-def %s has the code %d", d.name, code.number), "codes are from 1 to 65535")
		return nil
	}
	d.code = uint16(code.number)
	if f := v.get("array"); f != nil {
		d.array = f.flag
	}
	d.types = []string{kind.text}
	if kind.text == "record" {
		d.types = strings.Split(v.str("record-types"), ",")
		for i := range d.types {
			d.types[i] = strings.TrimSpace(d.types[i])
		}
		if len(d.types) < 2 {
			t.refuse(kind.at, fmt.Sprintf("option-def %s is a record of %d fields", d.name, len(d.types)), "record-types lists two at least")
			return nil
		}
	}
	for _, word := range d.types {
		if !contains(dataTypes, word) || word == "record" && kind.text == "record" {
			t.refuse(kind.at, fmt.Sprintf("option-def %s has the type %q", d.name, word), "there is "+strings.Join(dataTypes, ", "))
			return nil
		}
	}
	last := d.types[len(d.types)-1]
	switch {
	case d.array && (last == "string" || last == "empty" || last == "binary"):
		t.refuse(v.at, fmt.Sprintf("option-def %s is an array of type %s", d.name, last), "")
		return nil
	case contains(d.types[:len(d.types)-1], "string"):
		t.refuse(v.at, fmt.Sprintf("option-def %s has a string before other fields", d.name), "a string comes last")
		return nil
	case d.inner == d.space:
		t.refuse(v.at, fmt.Sprintf("option-def %s holds the space that it is in", d.name), "")
		return nil
	case strings.ContainsAny(d.name, " \t.") || strings.ContainsAny(d.space, " \t."):
		t.refuse(v.at, fmt.Sprintf("option-def: %q in the space %q can't be names", d.name, d.space), "they have letters, digits, hyphens and underscores")
		return nil
	}
	if old := t.defs.byName(d.space, d.name); old != nil {
		t.refuse(v.at, fmt.Sprintf("there is an option %s in the space %s already", d.name, d.space), "")
		return nil
	}
	if old := t.defs.byCode(d.space, d.code); old != nil && !old.own && d.space == "dhcp6" {
		t.refuse(v.at, fmt.Sprintf("option-def %s defines option %d again, which is %s", d.name, d.code, old.name), "use it as it is")
		return nil
	} else if old != nil && old.own {
		t.refuse(v.at, fmt.Sprintf("option-def %s has the code %d of %s, in the same space", d.name, d.code, old.name), "")
		return nil
	}
	return d
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}
