package config

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/wire"
)

var optionNameForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// cableLabs is the enterprise number of the suboptions that cable modems are told.
const cableLabs = 4491

// vendorSuboptions are suboptions of vendors whose names a file needs no definition for.
var vendorSuboptions = map[uint32][]optionSpec{
	cableLabs: {
		typed(2, false, "string", "", "", "device-type"),
		typed(10, false, "string", "", "", "vendor-type"),
		typed(32, true, "ipv6-address", "", "", "tftp-servers"),
		typed(33, false, "string", "", "", "config-file"),
		typed(34, true, "ipv6-address", "", "", "syslog-servers"),
		typed(36, false, "binary", "", "", "device-id"),
		typed(37, true, "ipv6-address", "", "", "time-servers"),
		typed(38, false, "int32", "", "", "time-offset"),
	},
}

// vendorSpecs are the suboptions of a vendor that have names: the file's, then those that need no definition.
func (c *checker) vendorSpecs(enterprise uint32) []optionSpec {
	return slices.Concat(c.vendors[enterprise], vendorSuboptions[enterprise])
}

// define takes the user's own options.
func (c *checker) define(raw []rawDefinition) {
	codes := make(map[uint64]int)
	for i := range raw {
		d := &raw[i]
		own := &rawSubdefinition{d.At, d.Name, d.Code, d.Type, d.Array}
		switch {
		case !d.Type.given && d.Suboptions == nil && d.At.given():
			c.fail(d.At.in("type"), "is missing", "add it: type: [uint16, fqdn]")
		case !d.Type.given:
			own.Type = texts{list: []text{{leaf: leaf{place: d.At, given: true, ok: true}, value: "suboptions"}}}
		}
		if d.Enterprise.given {
			enterprise := uint32(d.Enterprise.value)
			if spec, ok := c.subdefinition(own, c.vendors[enterprise]); ok {
				spec.subs = c.subdefinitions(d, spec.types)
				c.vendors[enterprise] = append(c.vendors[enterprise], spec)
			}
			continue
		}
		if !c.nameable(&d.Name) {
			continue
		}
		spec := c.typesOf(own)
		spec.subs = c.subdefinitions(d, spec.types)
		c.defined[d.Name.value] = &spec
		c.codeTaken(d, codes)
	}
}

// nameable checks the name of an option of the user's.
func (c *checker) nameable(t *text) bool {
	if !t.ok || !c.optionName(t) {
		return false
	}
	if spec, owned := c.specOf(t.value); spec != nil || owned != 0 {
		c.fail(t.place, "there is an option "+t.value+" already", "choose another name")
		return false
	}
	return true
}

func (c *checker) optionName(t *text) bool {
	if !optionNameForm.MatchString(t.value) || slices.Contains(reservedNames, t.value) {
		c.fail(t.place, printable(t.value)+" can't be an option's name", "write lower-case letters, digits and hyphens; "+
			strings.Join(reservedNames[:len(reservedNames)-1], ", ")+" and "+reservedNames[len(reservedNames)-1]+" have a meaning")
		return false
	}
	return true
}

// reservedNames are the fields of options that aren't options.
var reservedNames = []string{"custom", "always", "never", "withhold"}

// codeTaken reports a code that has a name.
func (c *checker) codeTaken(d *rawDefinition, codes map[uint64]int) {
	if !d.Code.ok || !c.free(wire.OptionCode(d.Code.value), d.Code.place) {
		return
	}
	if line := codes[d.Code.value]; line > 0 {
		c.fail(d.Code.place, fmt.Sprintf("option %d is defined in line %d already", d.Code.value, line), "keep one of the two")
	}
	codes[d.Code.value] = d.Code.line
	if known := slices.IndexFunc(optionSpecs, func(s optionSpec) bool { return uint64(s.code) == d.Code.value }); known >= 0 {
		c.fail(d.Code.place, fmt.Sprintf("option %d has a name: %s", d.Code.value, optionSpecs[known].names[0]), "use that one, or custom")
	}
}

// typesOf is a definition without its suboptions.
func (c *checker) typesOf(d *rawSubdefinition) optionSpec {
	types, array := c.types(&d.Type, d.Array.value)
	return optionSpec{code: wire.OptionCode(d.Code.value), names: []string{d.Name.value}, types: types, array: array}
}

// subdefinitions are the names of a definition's suboptions.
func (c *checker) subdefinitions(d *rawDefinition, types []dataType) (subs []optionSpec) {
	if d.Suboptions != nil && len(types) > 0 && types[len(types)-1] != "suboptions" {
		c.fail(d.At.in("suboptions"), "the option's last type isn't suboptions", "write type: suboptions, or let it be a record's last type")
	}
	for i := range d.Suboptions {
		if spec, ok := c.subdefinition(&d.Suboptions[i], subs); ok {
			subs = append(subs, spec)
		}
	}
	return subs
}

// subdefinition is the definition of a suboption beside those before it.
func (c *checker) subdefinition(d *rawSubdefinition, before []optionSpec) (spec optionSpec, ok bool) {
	if !d.Name.ok || !d.Code.ok || !c.optionName(&d.Name) {
		return spec, false
	}
	spec = c.typesOf(d)
	for i := range before {
		switch {
		case before[i].names[0] == d.Name.value:
			c.fail(d.Name.place, "there is a suboption "+d.Name.value+" already", "choose another name")
			return spec, false
		case before[i].code == spec.code:
			c.fail(d.Code.place, fmt.Sprintf("suboption %d has a name: %s", spec.code, before[i].names[0]), "keep one of the two")
			return spec, false
		}
	}
	return spec, true
}

// suboptions appends suboptions: those of a table by their names, those of a list as options.custom has them.
func (c *checker) suboptions(dst []byte, specs []optionSpec, n *yaml.Node, at place) []byte {
	if n.Kind != yaml.MappingNode {
		list := read[[]rawCustom](c, n, at.path, "")
		for i := range list {
			dst = appendOption(dst, wire.OptionCode(list[i].Code.value), c.custom(&list[i]))
		}
		return dst
	}
	c.pairs(n, at, func(key string, keyAt place, n *yaml.Node) {
		i := slices.IndexFunc(specs, func(s optionSpec) bool { return s.names[0] == key })
		if i < 0 {
			var known []string
			for k := range specs {
				known = append(known, specs[k].names[0])
			}
			remedy := "define it in option-definitions, or write [{code: 1, hex: 0a0b}]"
			if len(known) > 0 {
				remedy = suggest(key, known) + "; or define it in option-definitions"
			}
			c.fail(keyAt, "there is no such suboption", remedy)
			return
		}
		if n = c.resolve(n); n != nil {
			dst = appendOption(dst, specs[i].code, c.data(specs[i].shape(), n, placeOf(n, keyAt.path)))
		}
	})
	return dst
}

// appendPSID appends a port set's number, which stands at the left of its field (RFC 7598, Section 4.5).
func (c *checker) appendPSID(dst []byte, n *yaml.Node, at place) []byte {
	number, length, _ := strings.Cut(n.Value, "/")
	psid, err := strconv.ParseUint(number, 10, 16)
	bits, lengthErr := strconv.ParseUint(length, 10, 8)
	if err != nil || lengthErr != nil || bits > 16 || psid>>bits != 0 {
		c.fail(at, printable(n.Value)+" isn't a port set", "write its number and how many bits that has, such as 3/4, of 16 bits at most")
		return dst
	}
	return binary.BigEndian.AppendUint16(append(dst, byte(bits)), uint16(psid<<(16-bits)))
}
