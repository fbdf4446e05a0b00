package class

import (
	"bytes"
	"slices"

	"github.com/lockstep6/lockstep6/core/config"
)

// A comparison is config.Octets made for many values: a look-up for each length that they have, whatever their number.
type comparison struct {
	absent       bool
	equals       values
	starts, ends affixes
	contains     [][]byte
}

// values is a set of octets; nil holds for all.
type values map[string]struct{}

// affixes are what values begin or end with; without any, all do.
type affixes struct {
	lengths []int
	values  values
}

func compileOctets(o *config.Octets) comparison {
	return comparison{
		absent: o.Absent, equals: valuesOf(o.Equals), starts: affixesOf(o.Starts), ends: affixesOf(o.Ends), contains: o.Contains,
	}
}

func valuesOf(list [][]byte) values {
	if len(list) == 0 {
		return nil
	}
	set := make(values, len(list))
	for _, v := range list {
		set[string(v)] = struct{}{}
	}
	return set
}

func affixesOf(list [][]byte) (a affixes) {
	a.values = valuesOf(list)
	for v := range a.values {
		a.lengths = append(a.lengths, len(v))
	}
	slices.Sort(a.lengths)
	a.lengths = slices.Compact(a.lengths)
	return a
}

// holds tells whether a value that is there meets all that is asked of it.
func (c *comparison) holds(value []byte) bool {
	if c.equals != nil {
		if _, ok := c.equals[string(value)]; !ok {
			return false
		}
	}
	return c.starts.begin(value) && c.ends.end(value) && c.inside(value)
}

func (a *affixes) begin(value []byte) bool {
	for _, n := range a.lengths {
		if n > len(value) {
			break
		}
		if _, ok := a.values[string(value[:n])]; ok {
			return true
		}
	}
	return len(a.lengths) == 0
}

func (a *affixes) end(value []byte) bool {
	for _, n := range a.lengths {
		if n > len(value) {
			break
		}
		if _, ok := a.values[string(value[len(value)-n:])]; ok {
			return true
		}
	}
	return len(a.lengths) == 0
}

func (c *comparison) inside(value []byte) bool {
	for _, part := range c.contains {
		if bytes.Contains(value, part) {
			return true
		}
	}
	return len(c.contains) == 0
}
