package kea

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// decode makes values for our configuration of an option's octets. It fails where the octets don't have the form, or a type
// has no equal in our configuration.
func (d *definition) decode(data []byte) (values []*draft.Node, ok bool) {
	if d.types[0] == "empty" {
		return []*draft.Node{draft.Bool(true)}, len(data) == 0
	}
	for i := 0; len(data) > 0 || i < len(d.types); i++ {
		if i >= len(d.types) && !d.array {
			return nil, false
		}
		v, size := decodeOne(d.types[min(i, len(d.types)-1)], data)
		if v == nil {
			return nil, false
		}
		values, data = append(values, v), data[size:]
	}
	return values, true
}

// decodeOne reads one value, and says how many octets it has. It is nil where it can't be read.
func decodeOne(kind string, data []byte) (v *draft.Node, size int) {
	if n, ok := integers[kind]; ok {
		if len(data) < n.octets || n.octets > 4 {
			return nil, 0
		}
		number := binary.BigEndian.Uint64(append(make([]byte, 8-n.octets), data[:n.octets]...))
		if n.signed {
			return draft.Number(int64(number<<(64-8*n.octets)) >> (64 - 8*n.octets)), n.octets
		}
		return draft.Number(number), n.octets
	}
	switch kind {
	case "boolean":
		if len(data) == 0 || data[0] > 1 {
			return nil, 0
		}
		return draft.Bool(data[0] == 1), 1
	case "ipv4-address", "ipv6-address":
		size := 16
		if kind == "ipv4-address" {
			size = 4
		}
		if len(data) < size {
			return nil, 0
		}
		addr, _ := netip.AddrFromSlice(data[:size])
		return draft.Text(addr.String()), size
	case "ipv6-prefix":
		return decodePrefix(data)
	case "psid":
		if len(data) < 3 || data[0] > 16 {
			return nil, 0
		}
		return draft.Text(fmt.Sprintf("%d/%d", uint32(binary.BigEndian.Uint16(data[1:]))>>(16-data[0]), data[0])), 3
	case "fqdn":
		name, size := decodeName(data)
		if size == 0 {
			return nil, 0
		}
		return draft.Text(name), size
	case "tuple":
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, 0
		}
		size := 2 + int(binary.BigEndian.Uint16(data))
		return textNode(data[2:size]), size
	case "string":
		return textNode(data), len(data)
	case "binary":
		return draft.Text(hex.EncodeToString(data)), len(data)
	}
	return nil, 0
}

// textNode is text, or nothing where the octets aren't text.
func textNode(data []byte) *draft.Node {
	if !utf8.Valid(data) || len(data) == 0 {
		return nil
	}
	return draft.Text(string(data))
}

func decodePrefix(data []byte) (v *draft.Node, size int) {
	if len(data) == 0 || data[0] > 128 || len(data) < 1+(int(data[0])+7)/8 {
		return nil, 0
	}
	size = 1 + (int(data[0])+7)/8
	var octets [16]byte
	copy(octets[:], data[1:size])
	return draft.Text(netip.PrefixFrom(netip.AddrFrom16(octets), int(data[0])).String()), size
}

// decodeName reads a domain name, and says how many octets it has: 0 where there is none.
func decodeName(data []byte) (name string, size int) {
	var labels []string
	for size < len(data) {
		n := int(data[size])
		size++
		if n == 0 {
			return strings.Join(labels, "."), size
		}
		if n > 63 || size+n > len(data) {
			return "", 0
		}
		labels = append(labels, string(data[size:size+n]))
		size += n
	}
	return "", 0
}
