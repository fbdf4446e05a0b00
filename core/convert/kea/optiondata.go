package kea

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// datum is one entry of option-data.
type datum struct {
	field  *value
	at     draft.Place
	space  string
	code   uint16
	def    *definition // nil: a vendor's option without a definition
	data   []byte
	always bool
	never  bool
}

// name is what the option is called in remarks.
func (d *datum) name() string {
	name := strconv.Itoa(int(d.code))
	if d.def != nil {
		name = d.def.name
	}
	if d.space != "dhcp6" {
		name = d.space + "." + name
	}
	return "option-data " + name
}

// readOptions reads the option-data of a map, and finds what Kea refuses of it.
func (t *translator) readOptions(v *value) (all []*datum) {
	if known, ok := t.options[v]; ok {
		return known
	}
	for _, item := range v.list("option-data") {
		if d := t.readOption(item); d != nil {
			all = append(all, d)
		}
	}
	t.options[v] = all
	return all
}

func (t *translator) readOption(v *value) *datum {
	d := &datum{field: v, at: v.at, space: spaceOf(v.str("space"))}
	name := v.str("name")
	code := v.get("code")
	if code != nil {
		if code.number < 1 || code.number > 65535 {
			t.refuse(code.at, fmt.Sprintf("option-data has the code %d", code.number), "codes are from 1 to 65535")
			return nil
		}
		d.code = uint16(code.number)
		d.def = t.defs.byCode(d.space, d.code)
	} else if name != "" {
		d.def = t.defs.byName(d.space, name)
	}
	shown := name
	if shown == "" && code != nil {
		shown = code.text
	}
	csv := v.get("csv-format")
	switch {
	case code == nil && name == "":
		t.refuse(v.at, "option-data has neither name nor code", "give one of the two")
		return nil
	case d.def != nil && name != "" && d.def.name != name:
		t.refuse(v.at, fmt.Sprintf("option-data has the name %s and the code of %s", name, d.def.name), "")
		return nil
	case d.def == nil && (code == nil || csv == nil || csv.flag):
		t.refuse(v.at, fmt.Sprintf("option-data %s: there is no definition of it in the space %s", shown, d.space), "define it in option-def, or give its code and csv-format false")
		return nil
	case d.def != nil:
		d.code = d.def.code
	}
	d.flags(v)
	return t.octets(d, v, csv == nil || csv.flag, shown)
}

func (d *datum) flags(v *value) {
	if f := v.get("always-send"); f != nil {
		d.always = f.flag
	}
	if f := v.get("never-send"); f != nil {
		d.never = f.flag
	}
}

// octets reads the data of an option.
func (t *translator) octets(d *datum, v *value, csv bool, shown string) *datum {
	data := v.get("data")
	if data == nil {
		return d
	}
	var err error
	if csv {
		d.data, err = d.def.encode(data.text)
	} else {
		d.data, err = hexadecimal(data.text)
	}
	if err == nil && !csv && d.def != nil && !d.def.fits(d.data) {
		err = fmt.Errorf("its %d octets don't have the option's form", len(d.data))
	}
	if err != nil {
		t.refuse(data.at, fmt.Sprintf("option-data %s: %v", shown, err), "")
		return nil
	}
	if len(d.data) > 65535 {
		t.refuse(data.at, fmt.Sprintf("option-data %s has more than 65535 octets", shown), "")
		return nil
	}
	return d
}

// fits tells whether octets can be the option at all. What isn't decoded here isn't refused.
func (d *definition) fits(data []byte) bool {
	last := d.types[len(d.types)-1]
	if len(d.types) > 1 || last == "psid" || last == "string" || last == "tuple" || last == "empty" || last == "uint64" {
		return true
	}
	_, ok := d.decode(data)
	return ok
}

// vendorOf is the enterprise number of a vendor's space.
func vendorOf(space string) (number uint32, ok bool) {
	digits, ok := strings.CutPrefix(space, "vendor-")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil
}
