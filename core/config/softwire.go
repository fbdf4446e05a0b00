package config

import (
	"fmt"
	"net/netip"
	"reflect"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Codes of the softwire options (RFC 7598).
const (
	s46Rule       wire.OptionCode = 89
	s46BR         wire.OptionCode = 90
	s46DMR        wire.OptionCode = 91
	s46Bind       wire.OptionCode = 92
	s46PortParams wire.OptionCode = 93
	s46MAPE       wire.OptionCode = 94
	s46MAPT       wire.OptionCode = 95
	s46LW         wire.OptionCode = 96
)

// softwireOptions are the containers of RFC 7598. Each is built as a whole.
func softwireOptions() []optionSpec {
	return []optionSpec{
		{
			code: s46MAPE, names: []string{"s46-mape", "s46-cont-mape"}, raw: reflect.TypeFor[rawMAPE](), encode: encodeMAPE,
			about:   "MAP-E: mapping rules and border relays (RFC 7598).",
			example: "{rules: [{ea-length: 16, ipv4-prefix: 192.0.2.0/24, ipv6-prefix: \"2001:db8::/40\"}], border-relays: [\"2001:db8::1\"]}",
		},
		{
			code: s46MAPT, names: []string{"s46-mapt", "s46-cont-mapt"}, raw: reflect.TypeFor[rawMAPT](), encode: encodeMAPT,
			about:   "MAP-T: mapping rules and the default mapping rule (RFC 7598).",
			example: "{rules: [{ea-length: 16, ipv4-prefix: 192.0.2.0/24, ipv6-prefix: \"2001:db8::/40\"}], default-rule: \"2001:db8:ffff::/64\"}",
		},
		{
			code: s46LW, names: []string{"s46-lw", "s46-cont-lw"}, raw: reflect.TypeFor[rawLW](), encode: encodeLW,
			about:   "Lightweight 4over6: the client's IPv4 address and border relays (RFC 7598).",
			example: "{bind: {ipv4-address: 192.0.2.1, ipv6-prefix: \"2001:db8:1::/64\", ports: {psid-length: 8, psid: 7}}, border-relays: [\"2001:db8::1\"]}",
		},
	}
}

type rawMAPE struct {
	At    place     `json:"-"`
	Rules []rawRule `json:"rules" jsonschema:"Mapping rules, at least one." example:"[{ea-length: 16, ipv4-prefix: 192.0.2.0/24, ipv6-prefix: \"2001:db8::/40\"}]"`
	BR    []ip      `json:"border-relays" jsonschema:"Border relays, at least one." example:"[\"2001:db8::1\"]"`
}

type rawMAPT struct {
	At    place     `json:"-"`
	Rules []rawRule `json:"rules" jsonschema:"Mapping rules, at least one." example:"[{ea-length: 16, ipv4-prefix: 192.0.2.0/24, ipv6-prefix: \"2001:db8::/40\"}]"`
	DMR   subnet    `json:"default-rule" jsonschema:"The default mapping rule's prefix." example:"2001:db8:ffff::/64"`
}

type rawLW struct {
	At   place    `json:"-"`
	Bind *rawBind `json:"bind,omitempty" jsonschema:"The client's IPv4 address; for reservations." example:"{ipv4-address: 192.0.2.1, ipv6-prefix: \"2001:db8:1::/64\"}"`
	BR   []ip     `json:"border-relays" jsonschema:"Border relays, at least one." example:"[\"2001:db8::1\"]"`
}

type rawRule struct {
	At         place     `json:"-"`
	Forwarding flag      `json:"forwarding,omitempty" jsonschema:"Whether the rule also forwards to other customers (the F flag)." default:"false" example:"true"`
	EALength   number    `json:"ea-length" jsonschema:"How many bits of the IPv6 prefix the IPv4 address and the port set take." min:"0" max:"48" zero:"the whole IPv4 address is in ipv4-prefix" example:"16"`
	IPv4       subnet4   `json:"ipv4-prefix" jsonschema:"The rule's IPv4 prefix." example:"192.0.2.0/24"`
	IPv6       subnet    `json:"ipv6-prefix" jsonschema:"The rule's IPv6 prefix." example:"2001:db8::/40"`
	Ports      *rawPorts `json:"ports,omitempty" jsonschema:"The port set." example:"{offset: 6, psid-length: 8, psid: 0}"`
}

type rawBind struct {
	At    place     `json:"-"`
	IPv4  ip4       `json:"ipv4-address" jsonschema:"The IPv4 address." example:"192.0.2.1"`
	IPv6  subnet    `json:"ipv6-prefix" jsonschema:"The prefix that tunnels begin in." example:"2001:db8:1::/64"`
	Ports *rawPorts `json:"ports,omitempty" jsonschema:"The port set." example:"{psid-length: 8, psid: 7}"`
}

type rawPorts struct {
	At     place  `json:"-"`
	Offset number `json:"offset,omitempty" jsonschema:"How many bits of the port come before the PSID." min:"0" max:"15" default:"0" zero:"the PSID comes first" example:"6"`
	Length number `json:"psid-length" jsonschema:"How many bits the PSID has." min:"0" max:"16" zero:"there is no PSID" example:"8"`
	PSID   number `json:"psid,omitempty" jsonschema:"Which of the port sets it is." min:"0" max:"65535" default:"0" zero:"the first one" example:"7"`
}

// subnet4 is an IPv4 prefix.
type subnet4 struct {
	leaf
	value netip.Prefix
}

func (p *subnet4) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	p.place, p.given = at, true
	prefix, err := netip.ParsePrefix(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() {
		c.fail(at, describe(n)+" isn't an IPv4 prefix", "write one such as 192.0.2.0/24, without bits behind its length")
		return
	}
	p.value, p.ok = prefix, true
}

func encodeMAPE(c *checker, n *yaml.Node, at place) []Option {
	raw := read[rawMAPE](c, n, at.path, "")
	return one(s46MAPE, c.appendRelays(c.rules(raw.Rules, raw.At), raw.BR, raw.At))
}

func encodeMAPT(c *checker, n *yaml.Node, at place) []Option {
	raw := read[rawMAPT](c, n, at.path, "")
	data := c.rules(raw.Rules, raw.At)
	return one(s46MAPT, appendOption(data, s46DMR, appendPrefix(nil, raw.DMR.value)))
}

func encodeLW(c *checker, n *yaml.Node, at place) []Option {
	raw := read[rawLW](c, n, at.path, "")
	var data []byte
	if b := raw.Bind; b != nil {
		bind := appendPrefix(b.IPv4.value.AsSlice(), b.IPv6.value)
		data = appendOption(nil, s46Bind, c.appendPorts(bind, b.Ports))
	}
	return one(s46LW, c.appendRelays(data, raw.BR, raw.At))
}

func (c *checker) appendRelays(data []byte, relays []ip, at place) []byte {
	if len(relays) == 0 && at.given() {
		c.fail(at, "has no border relay", "write border-relays: [\"2001:db8::1\"] (RFC 7598, Section 5)")
	}
	for _, a := range relays {
		if a.ok {
			data = appendOption(data, s46BR, a.value.AsSlice())
		}
	}
	return data
}

func (c *checker) rules(rules []rawRule, at place) (data []byte) {
	if len(rules) == 0 && at.given() {
		c.fail(at, "has no mapping rule", "write at least one in rules (RFC 7598, Section 5)")
	}
	for i := range rules {
		r := &rules[i]
		if !r.IPv4.ok || !r.IPv6.ok {
			continue
		}
		flags := byte(0)
		if r.Forwarding.value {
			flags = 1
		}
		rule := append([]byte{flags, byte(r.EALength.value), byte(r.IPv4.value.Bits())}, r.IPv4.value.Addr().AsSlice()...)
		data = appendOption(data, s46Rule, c.appendPorts(appendPrefix(rule, r.IPv6.value), r.Ports))
	}
	return data
}

// appendPorts appends a port set; the PSID stands at the left of its field (RFC 7598, Section 4.5).
func (c *checker) appendPorts(data []byte, p *rawPorts) []byte {
	if p == nil {
		return data
	}
	length := p.Length.value
	if p.Offset.value+length > 16 {
		c.fail(p.At, fmt.Sprintf("offset %d and psid-length %d are more than a port's 16 bits", p.Offset.value, length), "make one shorter")
	}
	if p.PSID.value>>length != 0 {
		c.fail(p.PSID.place, fmt.Sprintf("%d needs more than %d bits", p.PSID.value, length), fmt.Sprintf("write 0 to %d", uint64(1)<<length-1))
	}
	psid := uint16(p.PSID.value << (16 - length))
	return appendOption(data, s46PortParams, []byte{byte(p.Offset.value), byte(length), byte(psid >> 8), byte(psid)})
}
