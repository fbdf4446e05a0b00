// Package class tells which classes a message is a member of: config's conditions, compiled. It decides nothing by that; policy
// says what a class is for, and the engine asks. It reads the message only, and allocates nothing after Compile.
package class

import (
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/config"
)

// A Set is all classes of a configuration. It is immutable.
type Set struct {
	conditions []condition // by class
	slots      [256]uint8  // of option codes below 256: 1 + their index in Evaluator.options; 0: nobody asks for it
	codes      []uint16    // of the others, by that index; below 256 they stand there as well
}

// A condition is config.Condition with its test compiled.
type condition struct {
	junction config.Junction
	parts    []condition
	test     test
}

// A test is config.Test compiled.
type test struct {
	field      config.Field
	octets     comparison
	any        bool // of any enterprise
	enterprise uint32
	code       uint16
	slot       int
	relay      int
	numbers    []uint32       // sorted
	prefixes   []netip.Prefix // sorted, and none lies in another one
	holds      bool
}

// Compile makes a set of classes that package config has checked.
func Compile(classes []config.Class) *Set {
	s := &Set{conditions: make([]condition, len(classes))}
	for i := range classes {
		s.conditions[i] = s.compile(&classes[i].Match)
	}
	return s
}

// Len is how many classes there are.
func (s *Set) Len() int { return len(s.conditions) }

func (s *Set) compile(from *config.Condition) condition {
	c := condition{junction: from.Junction, parts: make([]condition, len(from.Parts))}
	for i := range from.Parts {
		c.parts[i] = s.compile(&from.Parts[i])
	}
	if from.Test == nil {
		return c
	}
	t := from.Test
	c.test = test{
		field: t.Field, octets: compileOctets(&t.Octets), any: t.Enterprise == nil, code: t.Code, relay: t.Relay,
		numbers: slices.Clone(t.Numbers), prefixes: disjoint(t.Prefixes), holds: t.Holds,
	}
	slices.Sort(c.test.numbers)
	if t.Enterprise != nil {
		c.test.enterprise = *t.Enterprise
	}
	if t.Field == config.FieldOption {
		c.test.slot = s.slot(t.Code)
	}
	return c
}

// slot is where the data of an option will stand.
func (s *Set) slot(code uint16) int {
	at := slices.Index(s.codes, code)
	if at < 0 {
		at = len(s.codes)
		s.codes = append(s.codes, code)
		if code < 256 {
			s.slots[code] = uint8(at) + 1
		}
	}
	return at
}

// disjoint sorts prefixes and drops those that lie in another one.
func disjoint(prefixes []netip.Prefix) (out []netip.Prefix) {
	sorted := slices.Clone(prefixes)
	slices.SortFunc(sorted, netip.Prefix.Compare)
	for _, p := range sorted {
		if len(out) == 0 || !out[len(out)-1].Contains(p.Addr()) {
			out = append(out, p)
		}
	}
	return out
}

// has tells whether one of the prefixes has the address.
func (t *test) has(addr netip.Addr) bool {
	low, high := 0, len(t.prefixes)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if addr.Less(t.prefixes[middle].Addr()) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low > 0 && t.prefixes[low-1].Contains(addr)
}

// lists tells whether one of the numbers is n.
func (t *test) lists(n uint32) bool {
	_, ok := slices.BinarySearch(t.numbers, n)
	return ok
}
