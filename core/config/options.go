package config

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
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

	withheld []listedCode
}

type listedCode struct {
	at   place
	code wire.OptionCode
}

// mark enters in options which of them are sent always, and which are withheld.
func (c *checker) mark(set rawSet, options map[wire.OptionCode]Option) {
	for _, l := range set.always {
		o, ok := options[l.code]
		if _, tried := set.places[l.code]; !ok && !tried {
			c.fail(l.at, fmt.Sprintf("option %d isn't set here", l.code), "set it, or remove it from always")
		}
		if ok {
			o.Always = true
			options[l.code] = o
		}
	}
	for _, l := range set.withheld {
		options[l.code] = Option{Code: l.code, Withheld: true}
	}
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
		if !all[l.code].Withheld {
			delete(all, l.code)
		}
	}
	for _, o := range set.options {
		c.laid(set.places[o.Code], all, o)
	}
	c.mark(set, all)
	return c.sized(raw.place, all)
}

// laid lays an option over what is inherited. Always is inherited too, and so is that it is withheld; of a vendor's suboptions
// those that the option doesn't have.
func (c *checker) laid(at place, all map[wire.OptionCode]Option, o Option) {
	under := all[o.Code]
	if under.Withheld {
		c.warn(at, fmt.Sprintf("option %d is withheld further up, so that it isn't sent", o.Code), "remove it here, or from withhold")
		return
	}
	o.Always = o.Always || under.Always
	if o.Code == wire.OptionVendorInformation && len(under.Encoded) > 0 {
		o.Encoded = MergeVendor(o.Encoded, under.Encoded)
	}
	all[o.Code] = o
}

// MergeVendor lays Vendor-specific Information options over others: whole options, one for each enterprise number.
func MergeVendor(upper, lower []byte) []byte {
	return wire.AppendVendorInformation(nil, 2, func(i int) []byte { return [...][]byte{upper, lower}[i] })
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
		if inherited[code].Withheld {
			c.warn(set.places[code], fmt.Sprintf("option %d is withheld further up, so that it isn't sent", code), "remove it here, or from withhold")
			continue
		}
		own[code] = o
	}
	for _, l := range set.never {
		if _, ok := inherited[l.code]; !ok {
			c.fail(l.at, fmt.Sprintf("option %d isn't inherited here", l.code), "remove it from never")
		}
		own[l.code] = Option{Code: l.code, Withheld: inherited[l.code].Withheld}
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
	for _, l := range set.withheld {
		own[l.code] = Option{Code: l.code, Withheld: true}
	}
	overlay(inherited, slices.Collect(maps.Values(own)))
	c.sized(raw.place, inherited)
	return slices.SortedFunc(maps.Values(own), byCode)
}

// overlay lays a list over what is there, so that its size is known.
func overlay(all map[wire.OptionCode]Option, list []Option) {
	for _, o := range list {
		if o.Code == wire.OptionVendorInformation && len(o.Encoded) > 0 {
			o.Encoded = MergeVendor(o.Encoded, all[o.Code].Encoded)
		}
		all[o.Code] = o
	}
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
		before, absent := len(c.errors), c.absent
		data := c.custom(o)
		c.timed(code, data, o.Code.place, before)
		if code == wire.OptionVendorInformation && len(data) < 4 && len(c.errors) == before && c.absent == absent {
			c.fail(o.Code.place, "option 17 doesn't begin with an enterprise number", "set it by its name, vendor-options")
		}
		if len(c.errors) == before && c.absent == absent {
			s.add(Option{Code: code, Encoded: appendOption(nil, code, data)})
		}
	}
	s.always = c.listed(raw.Always, func(l listedCode) (problem, remedy string) {
		if l.code == wire.OptionVendorInformation {
			c.warn(l.at, "vendor-options go to clients that don't ask for them", "the standard has them sent to those that do (RFC 9915, Section 21.17); remove them from always unless your clients need it")
		}
		if onlyAsked(l.code) {
			return fmt.Sprintf("option %d goes only to clients that ask for it (RFC 9915)", l.code), "remove it from always"
		}
		return "", ""
	})
	unset := func(l listedCode) (problem, remedy string) {
		if at, ok := s.places[l.code]; ok {
			return fmt.Sprintf("option %d is set in line %d", l.code, at.line), "keep one of the two"
		}
		return "", ""
	}
	s.never, s.withheld = c.listed(raw.Never, unset), c.listed(raw.Withhold, unset)
	return s
}

// onlyAsked tells whether the standard has an option sent only to a client that asks for it
// (RFC 9915, Sections 21.24 and 21.25).
func onlyAsked(code wire.OptionCode) bool {
	return code == wire.OptionSOLMaxRT || code == wire.OptionINFMaxRT
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
	before, absent := len(c.errors), c.absent
	encoded := spec.encoded(c, o)
	if len(c.errors) > before || c.absent > absent {
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
		data = c.data(spec.shape(), o.node, o.at)
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
	return c.data(shape{types, array, nil}, o.Value.node, o.Value.place)
}

// timed checks a time that the standard bounds where a file gives it by its code: Information Refresh Time must not be below
// IRT_MINIMUM (RFC 9915, Section 21.23), SOL_MAX_RT and INF_MAX_RT have both bounds (Sections 21.24 and 21.25).
func (c *checker) timed(code wire.OptionCode, data []byte, at place, errors int) {
	tag, ok := boundedTimes[code]
	if !ok || len(c.errors) > errors {
		return
	}
	low, high := bounds(tag)
	if len(data) != 4 || uint64(binary.BigEndian.Uint32(data)) < low || uint64(binary.BigEndian.Uint32(data)) > high {
		c.fail(at, fmt.Sprintf("option %d isn't 4 octets with a time from %s to %s", code, FormatSpan(uint32(low)), FormatSpan(uint32(high))),
			"set it by its name, with a time such as 1h")
	}
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
