package isc

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// field reads one field of an option's value, and adds it as it is sent.
func (p *parser) field(f fieldFormat, out []byte) ([]byte, bool) {
	t := p.peek()
	switch f.letter {
	case 'X', 'E':
		return p.stringOrHex(t, out)
	case 't':
		if t.kind != kindText && !t.name() {
			return nil, p.bad(t, fmt.Sprintf("%s stands where text is expected", t), "write it in quotes")
		}
		p.next()
		return append(out, t.text...), true
	case 'U':
		if !t.name() {
			return nil, p.bad(t, fmt.Sprintf("%s stands where a name is expected", t), "write an option space's name, without quotes")
		}
		p.next()
		return append(out, t.text...), true
	case 'd':
		return p.domainName(t, out)
	case 'D':
		return p.domainList(out)
	case 'N':
		return p.listed(t, f.name, out)
	case '6':
		a, ok := p.address6()
		return append(out, a.AsSlice()...), ok
	case 'I':
		return p.looksUp(out)
	case 'f':
		return p.flag(t, out)
	case 'Z':
		if !t.is(";") {
			return nil, p.bad(t, fmt.Sprintf("%s stands behind an option without a value", t), "write ; there")
		}
		return out, true
	default:
		return p.integer(t, f.letter, out)
	}
}

func (p *parser) stringOrHex(t *token, out []byte) ([]byte, bool) {
	switch {
	case t.kind == kindText:
		p.next()
		return append(out, t.text...), true
	case t.digits():
		octets, ok := p.hexList()
		return append(out, octets...), ok
	default:
		return nil, p.bad(t, fmt.Sprintf("%s is neither text in quotes nor hexadecimal", t), `write "text", or 00:01:02`)
	}
}

// hexList reads octets in hexadecimal with colons between them.
func (p *parser) hexList() (out []byte, ok bool) {
	for {
		t := p.peek()
		if !t.digits() {
			return nil, p.bad(t, fmt.Sprintf("%s stands where hexadecimal digits are expected", t), "write 00:01:02")
		}
		n, ok := number(t.text, 16)
		if !ok || n > 255 {
			return nil, p.bad(t, fmt.Sprintf("%s isn't one octet", t), "write pairs of digits with colons between them: 00:01:02")
		}
		p.next()
		out = append(out, byte(n))
		if !p.take(":") {
			return out, true
		}
	}
}

func (p *parser) domainName(t *token, out []byte) ([]byte, bool) {
	name := p.hostName()
	if name == "" {
		return nil, p.bad(t, fmt.Sprintf("%s isn't a domain name", t), "write it without quotes")
	}
	wire, ok := encodeName(out, name)
	if !ok {
		return nil, p.bad(t, name+" isn't a domain name", "labels have 1 to 63 octets, names up to 255")
	}
	return wire, true
}

func (p *parser) domainList(out []byte) ([]byte, bool) {
	for {
		t := p.peek()
		if t.kind != kindText {
			return nil, p.bad(t, fmt.Sprintf("%s stands where a domain is expected", t), `write domains in quotes: "example.com", "example.net"`)
		}
		wire, ok := encodeName(out, t.text)
		if !ok && t.text != "" {
			return nil, p.bad(t, fmt.Sprintf("%s isn't a domain name", t), "labels have 1 to 63 octets, names up to 255")
		}
		p.next()
		if ok {
			out = wire
		}
		if !p.take(",") {
			return out, true
		}
	}
}

// encodeName adds a domain name as it is sent (RFC 9915, Section 10).
func encodeName(out []byte, name string) ([]byte, bool) {
	from := len(out)
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 {
			return out[:from], false
		}
		out = append(append(out, byte(len(label))), label...)
	}
	out = append(out, 0)
	return out, len(out)-from <= 255
}

// decodeName is the first domain name of what encodeName made, and what is behind it. False: the octets, which may have been written as those of
// another type, are none.
func decodeName(wire []byte) (name string, rest []byte, ok bool) {
	var labels []string
	for len(wire) > 0 && wire[0] > 0 {
		n := int(wire[0])
		if n > 63 || n >= len(wire) {
			return "", nil, false
		}
		labels, wire = append(labels, string(wire[1:1+n])), wire[1+n:]
	}
	if len(wire) == 0 {
		return "", nil, false
	}
	return strings.Join(labels, "."), wire[1:], true
}

// listed reads a word of a list.
func (p *parser) listed(t *token, list string, out []byte) ([]byte, bool) {
	if !t.name() {
		return nil, p.bad(t, fmt.Sprintf("%s stands where a word is expected", t), "write one of "+strings.Join(words[list], ", "))
	}
	for i, w := range words[list] {
		if w != "" && strings.EqualFold(w, t.text) {
			p.next()
			if list == "status-codes" {
				out = append(out, 0)
			}
			return append(out, byte(i)), true
		}
	}
	return nil, p.bad(t, fmt.Sprintf("%s isn't known here", t), "write one of "+strings.Join(words[list], ", "))
}

// looksUp reads an IPv4 address. dhcpd would look up a name; its address isn't known here.
func (p *parser) looksUp(out []byte) ([]byte, bool) {
	t := p.peek()
	if t.kind == kindNumber && p.at+2 < len(p.tokens) && p.tokens[p.at+1].is(".") && p.tokens[p.at+2].kind == kindNumber {
		a, ok := p.address4()
		return append(out, a.AsSlice()...), ok
	}
	return out, p.hostOrAddress4()
}

func (p *parser) flag(t *token, out []byte) ([]byte, bool) {
	values := map[string]byte{"true": 1, "on": 1, "false": 0, "off": 0, "ignore": 2}
	v, ok := values[t.word()]
	if !ok {
		return nil, p.bad(t, fmt.Sprintf("%s stands where true or false is expected", t), "write true or false")
	}
	p.next()
	return append(out, v), true
}

// integer reads a number of 8, 16 or 32 bits, or a time.
func (p *parser) integer(t *token, letter byte, out []byte) ([]byte, bool) {
	if letter == 'T' && t.word() == "infinite" {
		p.next()
		return append(out, 0xff, 0xff, 0xff, 0xff), true
	}
	bits := map[byte]int{'b': 8, 'B': 8, 's': 16, 'S': 16}[letter]
	if bits == 0 {
		bits = 32
	}
	if !t.digits() {
		return nil, p.bad(t, fmt.Sprintf("%s stands where a number is expected", t), "write a number")
	}
	digits, negative := strings.CutPrefix(t.text, "-")
	n, ok := number(digits, 0)
	most := uint32(1)<<(bits%32) - 1 // with 32 bits all are taken
	if bits == 32 {
		most = 1<<32 - 1
	}
	if negative {
		most = 1 << (bits - 1)
	}
	if !ok || n > most {
		return nil, p.bad(t, fmt.Sprintf("%s isn't a number of %d bits", t, bits), fmt.Sprintf("write a number up to %d", most))
	}
	p.next()
	if negative {
		n = -n
	}
	switch bits {
	case 8:
		return append(out, byte(n)), true
	case 16:
		return binary.BigEndian.AppendUint16(out, uint16(n)), true
	default:
		return binary.BigEndian.AppendUint32(out, n), true
	}
}

// number reads digits as dhcpd does: base 0 is that of their prefix 0x or 0, and what is more than 32 bits can hold is cut off.
func number(s string, base uint32) (n uint32, ok bool) {
	if base == 0 || base == 16 {
		switch rest, hex := strings.CutPrefix(s, "0x"); {
		case hex:
			s, base = rest, 16
		case base == 0 && len(s) > 1 && s[0] == '0':
			s, base = s[1:], 8
		case base == 0:
			base = 10
		}
	}
	for _, c := range []byte(s) {
		if !isHexDigit(c) || uint32(nibble(c)) >= base {
			return 0, false
		}
		n = n*base + uint32(nibble(c))
	}
	return n, s != ""
}
