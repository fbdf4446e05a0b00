package config

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/wire"
)

// MaxOptions is the most octets that the options for one client can take, headers included:
// a reply carries them beside its leases and its relays' headers.
const MaxOptions = 4096

// A rawSet are the options of one part of the file, encoded.
type rawSet struct {
	options map[wire.OptionCode]Option
	places  map[wire.OptionCode]place // of all that stand there, also of those that couldn't be encoded
	always  []listedCode
	never   []listedCode
}

type listedCode struct {
	at   place
	code wire.OptionCode
}

// options are the options of a part of the file and what it inherits.
func (c *checker) options(raw *rawOptions, inherited []Option) []Option {
	if raw == nil {
		return inherited
	}
	set := c.set(raw)
	all := make(map[wire.OptionCode]Option)
	for _, o := range inherited {
		all[o.Code] = o
	}
	for _, l := range set.never {
		if _, ok := all[l.code]; !ok {
			c.fail(l.at, fmt.Sprintf("option %d isn't inherited here", l.code), "remove it from never")
		}
		delete(all, l.code)
	}
	for code, o := range set.options {
		o.Always = o.Always || all[code].Always
		all[code] = o
	}
	for _, l := range set.always {
		o, ok := all[l.code]
		if _, tried := set.places[l.code]; !ok && !tried {
			c.fail(l.at, fmt.Sprintf("option %d isn't set here", l.code), "set it, or remove it from always")
		}
		if ok {
			o.Always = true
			all[l.code] = o
		}
	}
	return c.sized(raw.place, all)
}

// ownOptions are a reservation's own options. One without octets is an option of the link that isn't sent.
func (c *checker) ownOptions(raw *rawOptions, link []Option) []Option {
	if raw == nil {
		return nil
	}
	set := c.set(raw)
	inherited := make(map[wire.OptionCode]Option)
	for _, o := range link {
		inherited[o.Code] = o
	}
	own := make(map[wire.OptionCode]Option)
	for code, o := range set.options {
		o.Always = o.Always || inherited[code].Always
		own[code] = o
	}
	for _, l := range set.never {
		if _, ok := inherited[l.code]; !ok {
			c.fail(l.at, fmt.Sprintf("option %d isn't inherited here", l.code), "remove it from never")
		}
		own[l.code] = Option{Code: l.code}
	}
	for _, l := range set.always {
		o, ok := own[l.code]
		if !ok {
			o, ok = inherited[l.code]
		}
		if _, tried := set.places[l.code]; !ok && !tried {
			c.fail(l.at, fmt.Sprintf("option %d isn't set here", l.code), "set it, or remove it from always")
		}
		if ok {
			o.Always = true
			own[l.code] = o
		}
	}
	maps.Copy(inherited, own)
	c.sized(raw.place, inherited)
	return slices.SortedFunc(maps.Values(own), byCode)
}

func byCode(a, b Option) int { return cmp.Compare(a.Code, b.Code) }

// sized sorts options and checks that a reply has room for them.
func (c *checker) sized(at place, all map[wire.OptionCode]Option) []Option {
	out := slices.SortedFunc(maps.Values(all), byCode)
	total := 0
	for i := range out {
		total += len(out[i].Encoded)
	}
	if total > MaxOptions {
		c.fail(at, fmt.Sprintf("the options here take %d octets, with those that are inherited", total),
			fmt.Sprintf("a reply has room for %d", MaxOptions))
	}
	return out
}

// set encodes the options of one part of the file.
func (c *checker) set(raw *rawOptions) rawSet {
	s := rawSet{options: make(map[wire.OptionCode]Option), places: make(map[wire.OptionCode]place)}
	for i := range raw.named {
		c.named(&s, &raw.named[i])
	}
	named := maps.Clone(s.places)
	for i := range raw.Custom {
		o := &raw.Custom[i]
		code := wire.OptionCode(o.Code.value)
		if !o.Code.ok || !c.free(code, o.Code.place) {
			continue
		}
		if other, twice := named[code]; twice {
			c.fail(o.Code.place, fmt.Sprintf("option %d is set in line %d already", code, other.line), "keep one of the two")
			continue
		}
		s.places[code] = o.Code.place
		before := len(c.errors)
		data := c.custom(o)
		if len(c.errors) == before {
			s.add(Option{Code: code, Encoded: appendOption(nil, code, data)})
		}
	}
	s.always = c.listed(raw.Always, func(l listedCode) (problem, remedy string) {
		if onlyAsked(l.code) {
			return fmt.Sprintf("option %d goes only to clients that ask for it (RFC 9915)", l.code), "remove it from always"
		}
		return "", ""
	})
	s.never = c.listed(raw.Never, func(l listedCode) (problem, remedy string) {
		if at, ok := s.places[l.code]; ok {
			return fmt.Sprintf("option %d is set in line %d", l.code, at.line), "keep one of the two"
		}
		return "", ""
	})
	return s
}

// onlyAsked tells whether the standard has an option sent only to a client that asks for it
// (RFC 9915, Sections 21.17, 21.24 and 21.25).
func onlyAsked(code wire.OptionCode) bool {
	return code == wire.OptionVendorInformation || code == wire.OptionSOLMaxRT || code == wire.OptionINFMaxRT
}

// add takes an option into the set, behind others of its code. Vendor Class can't be asked for
// (RFC 9915, Section 21.7), so it is always sent.
func (s *rawSet) add(o Option) {
	o.Always = o.Code == wire.OptionVendorClass
	o.Encoded = append(s.options[o.Code].Encoded, o.Encoded...)
	s.options[o.Code] = o
}

func (c *checker) named(s *rawSet, o *namedOption) {
	spec, owned := c.specOf(o.name)
	if owned != 0 {
		c.fail(o.at, "it can't be set", ownedOptions[owned].reason)
		return
	}
	if spec == nil {
		c.fail(o.at, "there is no such option", suggest(o.name, c.optionNames())+
			" (option-definitions can name others, and custom takes any by its code)")
		return
	}
	before := len(c.errors)
	encoded := spec.encoded(c, o)
	if len(c.errors) > before {
		encoded = []Option{{Code: spec.code}} // its place is taken, though there is nothing to send
	}
	for _, e := range encoded {
		if other, twice := s.places[e.Code]; twice {
			c.fail(o.at, fmt.Sprintf("option %d is set in line %d already", e.Code, other.line), "keep one of the two")
			continue
		}
		s.places[e.Code] = o.at
		if len(e.Encoded) > 0 {
			s.add(e)
		}
	}
}

func (spec *optionSpec) encoded(c *checker, o *namedOption) []Option {
	if spec.encode != nil {
		return spec.encode(c, o.node, o.at)
	}
	var data []byte
	if !spec.bare || o.node.Kind != yaml.SequenceNode || len(o.node.Content) > 0 {
		data = c.data(spec.types, spec.array, o.node, o.at)
	}
	return []Option{{Code: spec.code, Encoded: appendOption(nil, spec.code, data)}}
}

// custom is the data of an option that is given by its code.
func (c *checker) custom(o *rawCustom) []byte {
	switch {
	case o.Hex.given == (o.Type.given || o.Value.given):
		c.fail(o.At, "must have either hex, or type and value", "write {code: 250, hex: 0a0b} or {code: 250, type: uint16, value: 7}")
		return nil
	case o.Hex.given:
		return o.Hex.value
	case !o.Type.given || !o.Value.given:
		c.fail(o.At, "has only one of type and value", "write {code: 250, type: uint16, value: 7}")
		return nil
	}
	types, array := c.types(&o.Type, o.Array.value)
	if len(types) == 0 {
		return nil
	}
	return c.data(types, array, o.Value.node, o.Value.place)
}

// free tells whether a file may set an option.
func (c *checker) free(code wire.OptionCode, at place) bool {
	owned, ok := ownedOptions[code]
	if ok {
		c.fail(at, fmt.Sprintf("option %d (%s) can't be set", code, owned.names[0]), owned.reason)
	}
	return !ok
}

// listed are the options of a list, but for those that have a problem.
func (c *checker) listed(refs []codeRef, check func(listedCode) (problem, remedy string)) (out []listedCode) {
	for i := range refs {
		code, ok := c.codeOf(&refs[i])
		if !ok {
			continue
		}
		l := listedCode{refs[i].place, code}
		if problem, remedy := check(l); problem != "" {
			c.fail(l.at, problem, remedy)
			continue
		}
		out = append(out, l)
	}
	return out
}

// codeOf is the code of an option that is given by name or code, and that a file may set.
func (c *checker) codeOf(ref *codeRef) (wire.OptionCode, bool) {
	if !ref.ok {
		return 0, false
	}
	if ref.name == "" {
		return wire.OptionCode(ref.code), c.free(wire.OptionCode(ref.code), ref.place)
	}
	spec, owned := c.specOf(ref.name)
	switch {
	case owned != 0:
		return owned, c.free(owned, ref.place)
	case spec == nil:
		c.fail(ref.place, "there is no option "+printable(ref.name), suggest(ref.name, c.optionNames())+" (a code will do too)")
		return 0, false
	}
	return spec.code, true
}

var optionNameForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// define takes the user's own options.
func (c *checker) define(raw []rawDefinition) {
	codes := make(map[uint64]int)
	for i := range raw {
		d := &raw[i]
		name := d.Name.value
		spec, owned := c.specOf(name)
		taken := slices.Contains([]string{"custom", "always", "never"}, name)
		switch {
		case !d.Name.ok:
			continue
		case !optionNameForm.MatchString(name) || taken:
			c.fail(d.Name.place, printable(name)+" can't be an option's name", "write lower-case letters, digits and hyphens; custom, always and never have a meaning")
			continue
		case spec != nil || owned != 0:
			c.fail(d.Name.place, "there is an option "+name+" already", "choose another name")
			continue
		}
		types, array := c.types(&d.Type, d.Array.value)
		c.defined[name] = &optionSpec{code: wire.OptionCode(d.Code.value), names: []string{name}, types: types, array: array}
		if !d.Code.ok || !c.free(wire.OptionCode(d.Code.value), d.Code.place) {
			continue
		}
		if line := codes[d.Code.value]; line > 0 {
			c.fail(d.Code.place, fmt.Sprintf("option %d is defined in line %d already", d.Code.value, line), "keep one of the two")
		}
		codes[d.Code.value] = d.Code.line
		if known := slices.IndexFunc(optionSpecs, func(s optionSpec) bool { return uint64(s.code) == d.Code.value }); known >= 0 {
			c.fail(d.Code.place, fmt.Sprintf("option %d has a name: %s", d.Code.value, optionSpecs[known].names[0]), "use that one, or custom")
		}
	}
}
