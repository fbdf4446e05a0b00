package config

import (
	"fmt"
	"slices"
)

// conditions checks the conditions of classes, one class after the other.
type conditions struct {
	*checker
	raw          *rawConfig
	names        map[string]int // classes that stand before the one at hand
	tests        int
	relayOptions int
	codes        map[uint16]bool // of the client's options
}

// condition checks a condition and what is inside.
func (c *conditions) condition(raw *rawCondition) Condition {
	if raw.tests == nil {
		return c.several(JunctionAny, raw.any)
	}
	t := raw.tests
	var parts []Condition
	add := func(test Test) {
		c.tests++
		parts = append(parts, Condition{Test: &test})
	}
	c.clientFields(t, add)
	c.relayFields(t, add)
	c.optionFields(t, add)
	c.otherFields(t, add)
	if len(t.All) > 0 {
		parts = append(parts, c.several(JunctionAll, t.All))
	}
	if len(t.Any) > 0 {
		parts = append(parts, c.several(JunctionAny, t.Any))
	}
	if t.Not.ok {
		parts = append(parts, Condition{Junction: JunctionNot, Parts: []Condition{c.condition(&t.Not)}})
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return Condition{Junction: JunctionAll, Parts: parts}
}

func (c *conditions) several(j Junction, raw []rawCondition) Condition {
	joined := Condition{Junction: j}
	for i := range raw {
		if raw[i].ok {
			joined.Parts = append(joined.Parts, c.condition(&raw[i]))
		}
	}
	return joined
}

// clientFields are the tests of what the client says.
func (c *conditions) clientFields(t *rawTests, add func(Test)) {
	if m := &t.VendorClass; m.given {
		add(c.enterpriseTest(FieldVendorClass, m))
	}
	if m := &t.UserClass; m.given {
		add(Test{Field: FieldUserClass, Octets: c.octets(&m.table, m.place)})
	}
	if m := &t.DUID; m.given {
		d := &m.table
		same := rawComparisons{Equals: d.Equals, Starts: d.Starts, Ends: d.Ends, Contains: d.Contains}
		if compares(&same) {
			add(Test{Field: FieldDUID, Octets: c.octets(&same, m.place)})
		}
		if d.Type.given {
			test := Test{Field: FieldDUIDType}
			for i := range d.Type.list {
				// RFC 9915, Section 11.1: the types count from 1 in this order.
				test.Numbers = append(test.Numbers, 1+uint32(wordIndex(&d.Type.list[i], "llt|en|ll|uuid")))
			}
			add(test)
		}
		if !compares(&same) && !d.Type.given {
			c.fail(m.place, "asks for nothing, since every client has a DUID", "write type, equals, starts, ends or contains")
		}
	}
	if m := &t.Hardware; m.given {
		table := rawComparisons(m.table)
		add(Test{Field: FieldHardware, Octets: c.octets(&table, m.place)})
	}
	if t.Architecture.given {
		test := Test{Field: FieldArchitecture}
		for i := range t.Architecture.list {
			test.Numbers = append(test.Numbers, uint32(t.Architecture.list[i].value))
		}
		add(test)
	}
	if t.Enterprise.given {
		add(Test{Field: FieldEnterprise, Numbers: numbers(&t.Enterprise)})
	}
}

// relayFields are the tests of what relays add.
func (c *conditions) relayFields(t *rawTests, add func(Test)) {
	if m := &t.RemoteID; m.given {
		add(c.enterpriseTest(FieldRemoteID, m))
	}
	if m := &t.SubscriberID; m.given {
		add(Test{Field: FieldSubscriberID, Octets: c.octets(&m.table, m.place)})
	}
	if m := &t.InterfaceID; m.given {
		add(Test{Field: FieldInterfaceID, Octets: c.octets(&m.table, m.place)})
	}
	if m := &t.RelayID; m.given {
		table := rawComparisons(m.table)
		add(Test{Field: FieldRelayID, Octets: c.octets(&table, m.place)})
	}
	if l := &t.LinkAddresses; l.given {
		test := Test{Field: FieldLinkAddress}
		for i := range l.list {
			if l.list[i].ok {
				test.Prefixes = append(test.Prefixes, l.list[i].value)
			}
		}
		add(test)
	}
}

// optionFields are the tests of options by their codes.
func (c *conditions) optionFields(t *rawTests, add func(Test)) {
	if o := t.Option; o != nil && o.Code.given {
		code := c.anyCode(&o.Code)
		c.codes[code] = true
		add(Test{Field: FieldOption, Code: code, Octets: c.octets(&rawComparisons{o.At, o.Present, o.Equals, o.Starts, o.Ends, o.Contains}, o.At)})
	}
	if o := t.RelayOption; o != nil && o.Code.given {
		c.relayOptions++
		test := Test{Field: FieldRelayOption, Code: c.anyCode(&o.Code), Relay: -1,
			Octets: c.octets(&rawComparisons{o.At, o.Present, o.Equals, o.Starts, o.Ends, o.Contains}, o.At)}
		if o.Relay.ok {
			test.Relay = int(o.Relay.value)
		}
		add(test)
	}
	if o := t.VendorOption; o != nil && o.Enterprise.ok && o.Code.ok {
		enterprise := uint32(o.Enterprise.value)
		add(Test{Field: FieldVendorOption, Enterprise: &enterprise, Code: uint16(o.Code.value),
			Octets: c.octets(&rawComparisons{o.At, o.Present, o.Equals, o.Starts, o.Ends, o.Contains}, o.At)})
	}
	if r := &t.Requests; r.given {
		test := Test{Field: FieldRequests}
		for i := range r.list {
			test.Numbers = append(test.Numbers, uint32(c.anyCode(&r.list[i])))
		}
		add(test)
	}
}

// otherFields are the tests of what the server knows.
func (c *conditions) otherFields(t *rawTests, add func(Test)) {
	if t.Link.given {
		add(Test{Field: FieldLink, Numbers: c.linksCalled(&t.Link)})
	}
	if t.Reserved.given {
		add(Test{Field: FieldReserved, Holds: t.Reserved.value})
	}
	if !t.Class.given {
		return
	}
	test := Test{Field: FieldClass}
	for i := range t.Class.list {
		name := &t.Class.list[i]
		at, ok := c.names[name.value]
		switch {
		case !name.ok:
		case ok:
			test.Numbers = append(test.Numbers, uint32(at))
		case slices.ContainsFunc(c.raw.Classes, func(r rawClass) bool { return r.Name.value == name.value }):
			c.fail(name.place, "class "+printable(name.value)+" doesn't stand before this one", "move it up: a class can only build on earlier ones")
		default:
			known := make([]string, 0, len(c.names))
			for k := range c.raw.Classes {
				if r := &c.raw.Classes[k]; r.Name.ok {
					known = append(known, r.Name.value)
				}
			}
			c.fail(name.place, "there is no class "+printable(name.value), suggest(name.value, known))
		}
	}
	add(test)
}

func (c *conditions) linksCalled(t *texts) (out []uint32) {
	for i := range t.list {
		name := &t.list[i]
		if !name.ok {
			continue
		}
		index := 0 // as Config.Links counts: without what isn't a table
		found := false
		var known []string
		for k := range c.raw.Links {
			l := &c.raw.Links[k]
			if !l.At.given() {
				continue
			}
			if l.Name.value == name.value && !found {
				out, found = append(out, uint32(index)), true
			}
			known = append(known, l.Name.value)
			index++
		}
		if !found {
			c.fail(name.place, "there is no link "+printable(name.value), suggest(name.value, known))
		}
	}
	return out
}

func (c *conditions) enterpriseTest(field Field, m *matcher[rawEnterpriseComparisons]) Test {
	e := &m.table
	test := Test{Field: field, Octets: c.octets(&rawComparisons{e.At, e.Present, e.Equals, e.Starts, e.Ends, e.Contains}, m.place)}
	if e.Enterprise.ok {
		number := uint32(e.Enterprise.value)
		test.Enterprise = &number
	}
	return test
}

// compares tells whether a table asks for more than presence.
func compares(r *rawComparisons) bool {
	return r.Equals.given || r.Starts.given || r.Ends.given || r.Contains.given
}

func (c *conditions) octets(r *rawComparisons, at place) Octets {
	if r.Present.ok && !r.Present.value && compares(r) {
		c.fail(r.Present.place, "what isn't there can't be compared", "leave out present, or the comparisons")
	}
	if len(r.Contains.list) > MaxContains {
		c.fail(r.Contains.place, fmt.Sprintf("has %d values", len(r.Contains.list)), fmt.Sprintf("up to %d can be", MaxContains))
	}
	return Octets{
		Absent: r.Present.ok && !r.Present.value,
		Equals: values(&r.Equals), Starts: values(&r.Starts), Ends: values(&r.Ends), Contains: values(&r.Contains),
	}
}

func values(m *many[octets]) (out [][]byte) {
	for i := range m.list {
		out = append(out, m.list[i].value)
	}
	return out
}

func numbers(m *many[number]) (out []uint32) {
	for i := range m.list {
		out = append(out, uint32(m.list[i].value))
	}
	return out
}

// anyCode is the code of an option by name or code, also of one that a file can't set.
func (c *checker) anyCode(ref *codeRef) uint16 {
	if !ref.ok || ref.name == "" {
		return ref.code
	}
	spec, owned := c.specOf(ref.name)
	switch {
	case owned != 0:
		return uint16(owned)
	case spec == nil:
		c.fail(ref.place, "there is no option "+printable(ref.name), suggest(ref.name, c.optionNames())+" (a code will do too)")
		return 0
	}
	return uint16(spec.code)
}
