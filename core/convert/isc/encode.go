package isc

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// A sent option is one of DHCPv6 that dhcpd sends where it is asked for.
type sent struct {
	code    uint32
	data    []byte
	vendors []vendor // instead of data, of option 17
	from    []setting
}

// A vendor has its suboptions in option 17.
type vendor struct {
	enterprise uint32
	options    []suboption
}

type suboption struct {
	option *option
	code   uint32
	data   []byte
}

// unsent are options that this server writes itself, or that belong elsewhere in its configuration.
var unsent = []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 18, 19, 20, 25, 26, 37, 38, 39, 43, 44, 45, 46, 47, 48, 53, 62, 66, 67, 79, 80, 87,
	89, 90, 91, 92, 93, 135}

// sentOptions are the options in effect, in the order of their codes.
func (t *translator) sentOptions(v *values) []sent {
	all := make(map[uint32]*sent)
	get := func(code uint32) *sent {
		if all[code] == nil {
			all[code] = &sent{code: code}
		}
		return all[code]
	}
	for _, o := range v.order {
		set := v.of[o]
		if !set.fixed || o.space.name == "server" {
			continue
		}
		parents := o.carriers()
		switch {
		case o.space.name == "dhcp6" && o.code == 17:
			vendors, ok := splitVendor(set.data)
			if s := get(17); ok {
				s.vendors, s.from = append(s.vendors, vendors...), append(s.from, set)
			}
		case o.space.name == "dhcp6":
			if !slices.Contains(unsent, o.code) && o.code > 0 && o.code <= 65535 {
				s := get(o.code)
				s.data, s.from = set.data, append(s.from, set)
			}
		case o.space.name == "vsio":
			if subs, ok := splitSuboptions(set.data); ok {
				s := get(17)
				s.vendor(o.code, subs...)
				s.from = append(s.from, set)
			}
		case len(parents) > 0:
			s := get(17)
			if top := parents[len(parents)-1]; top.space.name == "dhcp6" {
				s = get(top.code)
			}
			s.carry(o, set.data, parents)
			s.from = append(s.from, set)
		}
	}
	var out []sent
	for _, s := range all {
		if len(s.from) > 0 {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b sent) int { return cmp.Compare(a.code, b.code) })
	return out
}

// carriers are the options that an option stands in, the innermost first, up to a vendor of option 17 or an option of DHCPv6; none: it is in none.
func (o *option) carriers() (out []*option) {
	for p := o.space.inside; p != nil && len(out) < 8; p = p.space.inside {
		out = append(out, p)
		if p.space.name == "dhcp6" || p.space.name == "vsio" {
			return out
		}
	}
	return nil
}

// carry puts an option into those that it stands in.
func (s *sent) carry(o *option, data []byte, parents []*option) {
	for _, p := range parents[:len(parents)-1] {
		data = o.space.encode(nil, o.code, data)
		o = p
	}
	top := parents[len(parents)-1]
	if top.space.name == "vsio" {
		s.vendor(top.code, suboption{o, o.code, data})
		return
	}
	s.data = o.space.encode(s.data, o.code, data)
}

func (s *sent) vendor(enterprise uint32, subs ...suboption) {
	i := slices.IndexFunc(s.vendors, func(v vendor) bool { return v.enterprise == enterprise })
	if i < 0 {
		s.vendors = append(s.vendors, vendor{enterprise: enterprise})
		i = len(s.vendors) - 1
	}
	s.vendors[i].options = append(s.vendors[i].options, subs...)
}

// encode adds an option as its space has it.
func (s *space) encode(out []byte, code uint32, data []byte) []byte {
	number := func(octets int, n uint32) {
		for i := octets - 1; i >= 0; i-- {
			out = append(out, byte(n>>(8*i)))
		}
	}
	number(s.codes, code)
	number(s.length, uint32(len(data)))
	return append(out, data...)
}

// splitSuboptions cuts suboptions with codes and lengths of two octets.
func splitSuboptions(data []byte) (out []suboption, ok bool) {
	for len(data) >= 4 {
		n := int(binary.BigEndian.Uint16(data[2:])) + 4
		if n > len(data) {
			return nil, false
		}
		out = append(out, suboption{nil, uint32(binary.BigEndian.Uint16(data)), data[4:n]})
		data = data[n:]
	}
	return out, len(data) == 0
}

func splitVendor(data []byte) ([]vendor, bool) {
	if len(data) < 4 {
		return nil, false
	}
	subs, ok := splitSuboptions(data[4:])
	return []vendor{{binary.BigEndian.Uint32(data), subs}}, ok
}

func (s *sent) same(o *sent) bool {
	return s.code == o.code && bytes.Equal(s.data, o.data) && slices.EqualFunc(s.vendors, o.vendors, func(a, b vendor) bool {
		return a.enterprise == b.enterprise && slices.EqualFunc(a.options, b.options, func(x, y suboption) bool {
			return x.code == y.code && bytes.Equal(x.data, y.data)
		})
	})
}

// without are the options that aren't the same among the inherited ones.
func without(all, inherited []sent) (out []sent) {
	for i := range all {
		if !slices.ContainsFunc(inherited, func(o sent) bool { return all[i].same(&o) }) {
			out = append(out, all[i])
		}
	}
	return out
}
