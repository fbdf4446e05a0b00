package config

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A dataType is one of the types that option data consists of.
type dataType string

// dataTypes are all of them: what is sent, and what stands in the file.
var dataTypes = []struct {
	name          dataType
	sent, written string
	example       string
}{
	{"uint8", "1 octet", "a number", "7"},
	{"uint16", "2 octets", "a number", "700"},
	{"uint32", "4 octets", "a number", "70000"},
	{"int8", "1 octet, two's complement", "a number", "-7"},
	{"int16", "2 octets, two's complement", "a number", "-700"},
	{"int32", "4 octets, two's complement", "a number", "-70000"},
	{"boolean", "1 octet, 0 or 1", "true or false", "true"},
	{"string", "its octets in UTF-8, nothing behind", "text", "hello"},
	{"tuple", "2 octets of length, then the octets", "text", "hello"},
	{"binary", "its octets", "hexadecimal", "0a0b"},
	{"ipv4-address", "4 octets", "an IPv4 address", "192.0.2.1"},
	{"ipv6-address", "16 octets", "an IPv6 address", "2001:db8::1"},
	{"ipv6-prefix", "1 octet of length, then as many octets as that needs", "a prefix", "2001:db8::/32"},
	{"psid", "1 octet of length, then the port set's number at the left of 2 octets", "number/length", "3/4"},
	{"fqdn", "a domain name (RFC 9915, Section 10), never compressed", "a domain name", "host.example.net"},
	{"empty", "nothing", "true", "true"},
	{"suboptions", "options with codes and lengths of 2 octets", "a table by name, or a list as of options.custom", "[{code: 1, hex: 0a0b}]"},
}

// typeSynonyms are other words for types; fqdn-list also repeats.
var typeSynonyms = map[string]dataType{"bool": "boolean", "hex": "binary", "fqdn-list": "fqdn"}

func typeNames() (out []string) {
	for i := range dataTypes {
		out = append(out, string(dataTypes[i].name))
	}
	return out
}

// A shape is what an option's data consists of.
type shape struct {
	types []dataType
	array bool         // the last type repeats
	subs  []optionSpec // names of suboptions
}

// endless are the types whose data ends where the option does.
var endless = []dataType{"string", "binary", "suboptions"}

// types reads the types of an option's data; none where one is wrong.
func (c *checker) types(raw *texts, repeats bool) (types []dataType, array bool) {
	for i := range raw.list {
		t := &raw.list[i]
		word := dataType(t.value)
		if synonym, ok := typeSynonyms[t.value]; ok {
			word = synonym
		}
		last := i == len(raw.list)-1
		switch {
		case !t.ok:
			return nil, false
		case !slices.Contains(typeNames(), string(word)):
			c.fail(t.place, printable(t.value)+" is no type", suggest(t.value, typeNames()))
			return nil, false
		case t.value == "fqdn-list" && !last:
			c.fail(t.place, "only the last type can be a list", "move it to the end, or write fqdn")
			return nil, false
		case word == "empty" && (len(raw.list) > 1 || repeats), slices.Contains(endless, word) && (!last || repeats):
			c.fail(t.place, "nobody could tell where "+string(word)+" ends", "let it be the last type, without array; tuple has a length")
			return nil, false
		}
		array = repeats || t.value == "fqdn-list"
		types = append(types, word)
	}
	if len(types) == 0 && raw.given {
		c.fail(raw.place, "names no type", "write one, or a list of them for a record")
	}
	return types, array
}

// data encodes an option's data. What can't be is reported, and the result is of no use then.
func (c *checker) data(of shape, n *yaml.Node, at place) (data []byte) {
	types, array := of.types, of.array
	if len(types) == 0 {
		return nil // reported where the types stand
	}
	values := []*yaml.Node{n}
	isList := n.Kind == yaml.SequenceNode && (len(types) > 1 || types[0] != "suboptions")
	if isList {
		values = n.Content
	}
	switch {
	case len(types) == 1 && !array && isList:
		c.fail(at, "is a list", "write one value of type "+string(types[0]))
		return nil
	case len(types) > 1 && !isList, len(values) < len(types) && len(types) > 1, len(values) > len(types) && !array:
		c.fail(at, fmt.Sprintf("doesn't have the record's %d values", len(types)), "write ["+joinTypes(types, array)+"]")
		return nil
	case len(values) == 0:
		c.fail(at, "is an empty list", "write ["+joinTypes(types, array)+"]")
		return nil
	}
	for i, item := range values {
		path := at.path
		if isList {
			path = element(path, i)
		}
		if item = c.resolve(item); item == nil {
			return nil
		}
		if t := types[min(i, len(types)-1)]; t == "suboptions" {
			data = c.suboptions(data, of.subs, item, placeOf(item, path))
		} else {
			data = c.datum(data, t, item, placeOf(item, path))
		}
	}
	if len(data) > 0xffff {
		c.fail(at, fmt.Sprintf("has %d octets of data", len(data)), "an option has room for 65535")
		return nil
	}
	return data
}

func joinTypes(types []dataType, array bool) string {
	var b strings.Builder
	for i, t := range types {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(t))
	}
	if array {
		b.WriteString(", ...")
	}
	return b.String()
}

// datum appends one value.
func (c *checker) datum(dst []byte, t dataType, n *yaml.Node, at place) []byte {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		c.fail(at, "is "+describe(n)+", not of type "+string(t), "write one value")
		return dst
	}
	if number, ok := strings.CutPrefix(string(t), "uint"); ok {
		return c.integer(dst, number, false, n, at)
	}
	if number, ok := strings.CutPrefix(string(t), "int"); ok {
		return c.integer(dst, number, true, n, at)
	}
	switch t {
	case "boolean":
		f := read[flag](c, n, at.path, "")
		if f.value {
			return append(dst, 1)
		}
		return append(dst, 0)
	case "empty":
		if f := read[flag](c, n, at.path, ""); f.ok && !f.value {
			c.fail(at, "the option has no data", "write true, or leave it out")
		}
		return dst
	case "string":
		return append(dst, c.plain(n, at)...)
	case "tuple":
		s := c.plain(n, at)
		return append(binary.BigEndian.AppendUint16(dst, uint16(min(len(s), 0xffff))), s...)
	case "binary":
		return append(dst, read[hexadecimal](c, n, at.path, `min:"1" max:"65535"`).value...)
	case "ipv4-address":
		return append(dst, read[ip4](c, n, at.path, "").value.AsSlice()...)
	case "ipv6-address":
		if a := read[ip](c, n, at.path, ""); a.ok {
			return append(dst, a.value.AsSlice()...)
		}
		return dst
	case "psid":
		return c.appendPSID(dst, n, at)
	case "ipv6-prefix":
		return appendPrefix(dst, read[subnet](c, n, at.path, "").value)
	default: // fqdn
		return c.appendDomain(dst, n.Value, at)
	}
}

// integer appends a number of that many bits.
func (c *checker) integer(dst []byte, width string, signed bool, n *yaml.Node, at place) []byte {
	size, _ := strconv.Atoi(width)
	low, high := int64(0), int64(1)<<size-1
	if signed {
		low, high = -1<<(size-1), 1<<(size-1)-1
	}
	v, err := strconv.ParseInt(n.Value, 0, 64)
	if err != nil || v < low || v > high || n.ShortTag() != "!!int" {
		c.fail(at, "is "+describe(n), fmt.Sprintf("write a whole number from %d to %d", low, high))
		return dst
	}
	for shift := size - 8; shift >= 0; shift -= 8 {
		dst = append(dst, byte(v>>shift))
	}
	return dst
}

// plain is text as it can be sent.
func (c *checker) plain(n *yaml.Node, at place) string {
	if n.Value == "" || len(n.Value) > 0xffff || strings.ContainsRune(n.Value, 0) {
		c.fail(at, "is empty, too long or contains NUL", "write text of 1 to 65535 octets")
	}
	return n.Value
}

// appendPrefix appends a length and the octets that it needs; the bits behind it are zero.
func appendPrefix(dst []byte, p netip.Prefix) []byte {
	if !p.IsValid() {
		return dst
	}
	return append(append(dst, byte(p.Bits())), p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
}

// Bounds of domain names (RFC 1035).
const (
	maxLabel  = 63
	maxDomain = 255 // octets as encoded
)

// appendDomain appends a domain name as labels (RFC 9915, Section 10).
func (c *checker) appendDomain(dst []byte, name string, at place) []byte {
	start := len(dst)
	trimmed := strings.TrimSuffix(name, ".")
	if top := trimmed[strings.LastIndexByte(trimmed, '.')+1:]; top != "" && strings.Trim(top, "0123456789") == "" {
		c.fail(at, printable(name)+" is no domain name", "no top level consists of digits; write a name such as host.example.net")
		return dst
	}
	for label := range strings.SplitSeq(trimmed, ".") {
		bad := strings.ContainsFunc(label, func(r rune) bool {
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
		})
		switch {
		case strings.ContainsFunc(label, func(r rune) bool { return r > 127 }):
			c.fail(at, printable(name)+" has letters beyond ASCII", "write it in the form xn--")
			return dst[:start]
		case label == "" || len(label) > maxLabel || bad || label[0] == '-' || label[len(label)-1] == '-':
			c.fail(at, printable(name)+" isn't a domain name", "write labels of up to 63 letters, digits and hyphens such as host.example.net")
			return dst[:start]
		}
		dst = append(append(dst, byte(len(label))), label...)
	}
	if dst = append(dst, 0); len(dst)-start > maxDomain {
		c.fail(at, "the domain name is too long", fmt.Sprintf("%d octets are possible", maxDomain))
	}
	return dst
}

// appendOption appends an option with its header. Longer data than an option has room for was reported.
func appendOption(dst []byte, code wire.OptionCode, data []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	dst = binary.BigEndian.AppendUint16(dst, uint16(min(len(data), 0xffff)))
	return append(dst, data...)
}

// ip4 is an IPv4 address.
type ip4 struct {
	leaf
	value netip.Addr
}

func (a *ip4) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	a.place, a.given = at, true
	addr, err := netip.ParseAddr(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || !addr.Is4() {
		c.fail(at, describe(n)+" isn't an IPv4 address", "write an address such as 192.0.2.1")
		return
	}
	a.value, a.ok = addr, true
}

// domain is a domain name.
type domain struct {
	leaf
	encoded []byte
}

func (d *domain) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	d.place, d.given = at, true
	if n.Kind != yaml.ScalarNode {
		c.fail(at, "is "+describe(n)+", not a domain name", "write a name such as host.example.net")
		return
	}
	before := len(c.errors)
	d.encoded = c.appendDomain(nil, n.Value, at)
	d.ok = len(c.errors) == before && !bytes.Equal(d.encoded, []byte{0})
}
