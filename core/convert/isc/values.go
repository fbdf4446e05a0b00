package isc

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Values are settings in effect: of each option the last one, in the order in which they were first set.
type values struct {
	order []*option
	of    map[*option]setting
}

// add lays a scope's own settings over what is there, as dhcpd executes them.
func (v *values) add(s *scope) {
	for _, set := range s.settings {
		old, was := v.of[set.option]
		switch {
		case set.verb == "default" && was:
			continue
		case was && (set.verb == "append" || set.verb == "prepend"):
			set.fixed = set.fixed && old.fixed
			if set.verb == "append" {
				set.data = slices.Concat(old.data, set.data)
			} else {
				set.data = slices.Concat(set.data, old.data)
			}
		}
		if !was {
			v.order = append(v.order, set.option)
		}
		v.of[set.option] = set
	}
}

// chain are the scopes from the file as a whole down to this one.
func (s *scope) chain() (out []*scope) {
	for ; s != nil; s = s.parent {
		out = append(out, s)
	}
	slices.Reverse(out)
	return out
}

// inEffect are the settings in effect in a scope.
func inEffect(scopes ...*scope) *values {
	v := &values{of: make(map[*option]setting)}
	for _, s := range scopes {
		v.add(s)
	}
	return v
}

func (a setting) same(b setting) bool {
	return a.fixed == b.fixed && bytes.Equal(a.data, b.data) && (a.fixed || a.at == b.at)
}

// beyond are the settings that differ from those of another scope, or are only here.
func (v *values) beyond(other *values) *values {
	out := &values{of: make(map[*option]setting)}
	for _, o := range v.order {
		if was, ok := other.of[o]; !ok || !was.same(v.of[o]) {
			out.order = append(out.order, o)
			out.of[o] = v.of[o]
		}
	}
	return out
}

// parameter is what a parameter of the server is in effect.
func (v *values) parameter(k *known, name string) (setting, bool) {
	s, ok := v.of[k.spaces["server"].names[name]]
	return s, ok && s.fixed
}

func (v *values) flag(k *known, name string, def bool) bool {
	if s, ok := v.parameter(k, name); ok && len(s.data) == 1 {
		return s.data[0] == 1
	}
	return def
}

func (v *values) seconds(k *known, name string) (uint32, bool) {
	s, ok := v.parameter(k, name)
	if !ok || len(s.data) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(s.data), true
}
