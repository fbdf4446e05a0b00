package kea

import (
	"encoding/binary"
	"net/netip"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// structured writes an option that our configuration has as a table or in another form, and tells whether it could.
func (o *optionWriter) structured(d *datum, data []byte) bool {
	switch d.code {
	case 16:
		return o.vendorClass(data)
	case 56:
		return o.ntp(data)
	case 94, 95, 96:
		return o.softwire(d.code, data)
	}
	return false
}

// vendorClass reads an enterprise number and items with their lengths (RFC 9915, Section 21.16).
func (o *optionWriter) vendorClass(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	items := draft.List()
	for rest := data[4:]; len(rest) > 0; {
		item, size := decodeOne("tuple", rest)
		if item == nil {
			return false
		}
		items.Append(item)
		rest = rest[size:]
	}
	if items.Len() == 0 {
		return false
	}
	entry := draft.Map()
	entry.Set("enterprise", draft.Number(binary.BigEndian.Uint32(data)))
	entry.Set("data", items)
	o.out.Set("vendor-class", draft.List(entry))
	return true
}

// part is an option inside of another.
type part struct {
	code uint16
	data []byte
}

func parts(data []byte) (out []part, ok bool) {
	for len(data) > 0 {
		if len(data) < 4 || len(data) < 4+int(binary.BigEndian.Uint16(data[2:])) {
			return nil, false
		}
		size := int(binary.BigEndian.Uint16(data[2:]))
		out = append(out, part{binary.BigEndian.Uint16(data), data[4 : 4+size]})
		data = data[4+size:]
	}
	return out, true
}

// ntp reads the suboptions of option 56 (RFC 5908).
func (o *optionWriter) ntp(data []byte) bool {
	all, ok := parts(data)
	list := draft.List()
	for _, p := range all {
		kind := "ipv6-address"
		if p.code == 3 {
			kind = "fqdn"
		}
		v, size := decodeOne(kind, p.data)
		if v == nil || size != len(p.data) || p.code < 1 || p.code > 3 {
			return false
		}
		list.Append(v)
	}
	if !ok || list.Len() == 0 {
		return false
	}
	o.out.Set("ntp-servers", list)
	return true
}

// softwire reads a container (RFC 7598, Section 5).
func (o *optionWriter) softwire(code uint16, data []byte) bool {
	all, ok := parts(data)
	if !ok {
		return false
	}
	table := draft.Map()
	for _, p := range all {
		switch p.code {
		case 89:
			rule := softwireRule(p.data)
			if rule == nil {
				return false
			}
			table.List("rules").Append(rule)
		case 90:
			relay, size := decodeOne("ipv6-address", p.data)
			if relay == nil || size != len(p.data) {
				return false
			}
			table.List("border-relays").Append(relay)
		case 91:
			prefix, _ := decodePrefix(p.data)
			if prefix == nil {
				return false
			}
			table.Set("default-rule", prefix)
		case 92:
			bind := softwireBind(p.data)
			if bind == nil {
				return false
			}
			table.Set("bind", bind)
		default:
			return false
		}
	}
	return o.container(code, table)
}

// container writes a container where it has what our configuration needs.
func (o *optionWriter) container(code uint16, table *draft.Node) bool {
	needs := map[uint16][]string{94: {"rules", "border-relays"}, 95: {"rules", "default-rule"}, 96: {"border-relays"}}[code]
	for _, field := range needs {
		if table.Get(field) == nil {
			return false
		}
	}
	o.out.Set(map[uint16]string{94: "s46-mape", 95: "s46-mapt", 96: "s46-lw"}[code], table)
	return true
}

// softwireRule reads flags, EA length, IPv4 prefix, IPv6 prefix and port parameters (RFC 7598, Section 4.1).
func softwireRule(data []byte) *draft.Node {
	if len(data) < 8 {
		return nil
	}
	prefix, size := decodePrefix(data[7:])
	ipv4 := netip.PrefixFrom(netip.AddrFrom4([4]byte(data[3:7])), int(data[2]))
	if prefix == nil || !ipv4.IsValid() {
		return nil
	}
	rule := draft.Map()
	if data[0]&1 != 0 {
		rule.Set("forwarding", draft.Bool(true))
	}
	rule.Set("ea-length", draft.Number(data[1]))
	rule.Set("ipv4-prefix", draft.Text(ipv4.String()))
	rule.Set("ipv6-prefix", prefix)
	return withPorts(rule, data[7+size:])
}

// softwireBind reads an IPv4 address, an IPv6 prefix and port parameters (RFC 7598, Section 4.4).
func softwireBind(data []byte) *draft.Node {
	if len(data) < 5 {
		return nil
	}
	prefix, size := decodePrefix(data[4:])
	if prefix == nil {
		return nil
	}
	bind := draft.Map()
	bind.Set("ipv4-address", draft.Text(netip.AddrFrom4([4]byte(data[:4])).String()))
	bind.Set("ipv6-prefix", prefix)
	return withPorts(bind, data[4+size:])
}

// withPorts reads port parameters (RFC 7598, Section 4.5), if there are any.
func withPorts(n *draft.Node, data []byte) *draft.Node {
	all, ok := parts(data)
	for _, p := range all {
		if p.code != 93 || len(p.data) != 4 || p.data[1] > 16 {
			return nil
		}
		ports := n.Map("ports")
		ports.Set("offset", draft.Number(p.data[0]))
		ports.Set("psid-length", draft.Number(p.data[1]))
		ports.Set("psid", draft.Number(binary.BigEndian.Uint16(p.data[2:])>>(16-p.data[1])))
	}
	if !ok {
		return nil
	}
	return n
}
