package kea

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// encode makes an option's octets of its data as comma-separated values.
func (d *definition) encode(data string) ([]byte, error) {
	if d.types[0] == "empty" {
		if strings.TrimSpace(data) != "" {
			return nil, errors.New("the option has no data")
		}
		return nil, nil
	}
	values := split(data)
	if len(d.types) == 1 && !d.array && d.types[0] == "binary" {
		return hexadecimal(data)
	}
	var out []byte
	if d.array && len(values) > 1 && values[len(values)-1] == "" {
		values = values[:len(values)-1]
	}
	if len(values) == 0 && len(d.types) == 1 && d.array {
		return nil, nil
	}
	if len(values) < len(d.types) {
		return nil, fmt.Errorf("it has %d values, and needs %d", len(values), len(d.types))
	}
	if !d.array {
		values = values[:len(d.types)] // Kea takes no notice of more
	}
	for i, v := range values {
		kind := d.types[min(i, len(d.types)-1)]
		octets, err := encodeOne(kind, v, len(values) == 1)
		if err != nil {
			return nil, err
		}
		out = append(out, octets...)
	}
	return out, nil
}

// split cuts values apart at commas; "\," is a comma in a value.
func split(data string) []string {
	var out []string
	var b strings.Builder
	for i := 0; i < len(data); i++ {
		switch {
		case data[i] == '\\' && i+1 < len(data) && data[i+1] == ',':
			b.WriteByte(',')
			i++
		case data[i] == ',':
			out = append(out, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(data[i])
		}
	}
	if last := strings.TrimSpace(b.String()); last != "" || len(out) > 0 {
		out = append(out, last)
	}
	return out
}

// integers are the types of whole numbers: their octets, and whether they have a sign.
var integers = map[string]struct {
	octets int
	signed bool
}{
	"int8": {1, true}, "int16": {2, true}, "int32": {4, true}, "uint8": {1, false}, "uint16": {2, false}, "uint32": {4, false}, "uint64": {8, false},
}

func encodeOne(kind, v string, alone bool) ([]byte, error) {
	if n, ok := integers[kind]; ok {
		return encodeInteger(v, n.octets, n.signed)
	}
	switch kind {
	case "boolean":
		switch v {
		case "true", "1":
			return []byte{1}, nil
		case "false", "0":
			return []byte{0}, nil
		}
		return nil, fmt.Errorf("%q is neither true nor false", v)
	case "ipv4-address", "ipv6-address":
		addr, err := netip.ParseAddr(v)
		if err != nil || addr.Is4() != (kind == "ipv4-address") || addr.Zone() != "" {
			return nil, fmt.Errorf("%q isn't an %s", v, kind)
		}
		return addr.AsSlice(), nil
	case "ipv6-prefix":
		return encodePrefix(v)
	case "psid":
		return encodePSID(v)
	case "fqdn":
		return encodeName(v)
	case "tuple":
		if len(v) > 65535 {
			return nil, errors.New("a value is longer than 65535 octets")
		}
		return append(binary.BigEndian.AppendUint16(nil, uint16(len(v))), v...), nil
	case "string":
		if v == "" && alone {
			return nil, errors.New("it has no value")
		}
		return []byte(v), nil
	default:
		return hexadecimal(v)
	}
}

// encodeInteger reads a number in digits, or with or without 0x in hexadecimal where it can't be one in digits.
func encodeInteger(v string, octets int, signed bool) ([]byte, error) {
	base := 10
	digits := v
	if _, err := strconv.ParseInt(v, 10, 64); errors.Is(err, strconv.ErrSyntax) {
		base, digits = 16, strings.TrimPrefix(v, "0x")
	}
	var n uint64
	if signed {
		i, err := strconv.ParseInt(digits, base, octets*8)
		if err != nil {
			return nil, fmt.Errorf("%q isn't a number of %d bits", v, octets*8)
		}
		n = uint64(i)
	} else {
		var err error
		if n, err = strconv.ParseUint(digits, base, octets*8); err != nil {
			return nil, fmt.Errorf("%q isn't a number of %d bits without a sign", v, octets*8)
		}
	}
	return binary.BigEndian.AppendUint64(nil, n)[8-octets:], nil
}

func encodePrefix(v string) ([]byte, error) {
	p, err := netip.ParsePrefix(v)
	if err != nil || p.Addr().Is4() {
		return nil, fmt.Errorf("%q isn't an IPv6 prefix", v)
	}
	octets := p.Masked().Addr().As16()
	return append([]byte{byte(p.Bits())}, octets[:(p.Bits()+7)/8]...), nil
}

// encodePSID reads a port set as PSID/LENGTH (RFC 7597, Section 5.1).
func encodePSID(v string) ([]byte, error) {
	number, bits, ok := strings.Cut(v, "/")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 16)
	length, err2 := strconv.ParseUint(strings.TrimSpace(bits), 10, 8)
	if !ok || err != nil || err2 != nil || length > 16 || n>>length != 0 {
		return nil, fmt.Errorf("%q isn't a port set such as 3/4", v)
	}
	return binary.BigEndian.AppendUint16([]byte{byte(length)}, uint16(n<<(16-length))), nil
}

// encodeName writes a domain name (RFC 9915, Section 10).
func encodeName(v string) ([]byte, error) {
	var out []byte
	rest := strings.TrimSuffix(v, ".")
	if rest == "" {
		return nil, fmt.Errorf("%q isn't a domain name", v)
	}
	for label := range strings.SplitSeq(rest, ".") {
		if label == "" || len(label) > 63 {
			return nil, fmt.Errorf("%q isn't a domain name", v)
		}
		out = append(append(out, byte(len(label))), label...)
	}
	if len(out) > 254 {
		return nil, fmt.Errorf("%q is too long for a domain name", v)
	}
	return append(out, 0), nil
}

// hexadecimal reads octets as Kea does: digits, with 0x in front or colons or blanks between pairs, or text in single quotes.
func hexadecimal(v string) ([]byte, error) {
	v = strings.TrimSpace(v)
	if len(v) > 1 && v[0] == '\'' && v[len(v)-1] == '\'' {
		return []byte(v[1 : len(v)-1]), nil
	}
	digits, _ := strings.CutPrefix(v, "0x")
	digits, _ = strings.CutPrefix(digits, "0X")
	var out []byte
	for _, part := range strings.FieldsFunc(digits, func(r rune) bool { return r == ':' || r == ' ' }) {
		if len(part)%2 == 1 {
			part = "0" + part
		}
		octets, err := hex.DecodeString(part)
		if err != nil {
			return nil, fmt.Errorf("%q isn't hexadecimal", v)
		}
		out = append(out, octets...)
	}
	return out, nil
}
