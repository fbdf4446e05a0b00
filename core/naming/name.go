package naming

import (
	"bytes"
	"errors"
	"fmt"
)

// Sizes of names (RFC 1035, Section 2.3.4).
const (
	MaxName  = 255 // octets of a name, the root's label included
	maxLabel = 63
)

// A Name is a whole domain name in wire form and lower case: labels of 1 to 63 octets, the length in front of each, and
// the root's empty one at the end (RFC 1035, Section 3.1). Never compressed. Nil is no name. Names are compared octet by octet.
type Name []byte

// ParseName reads a name as people write it: labels with dots between them, a last dot or none; \. and \DDD are octets of
// a label (RFC 1035, Section 5.1). Upper case becomes lower case.
func ParseName(text string) (Name, error) {
	name := make(Name, 1, len(text)+2)
	start := 0 // of the label at hand: its length
	end := func() error {
		n := len(name) - start - 1
		if n == 0 || n > maxLabel {
			return fmt.Errorf("%q: a label has 1 to %d octets, this has %d", text, maxLabel, n)
		}
		name[start] = byte(n)
		start = len(name)
		name = append(name, 0)
		return nil
	}
	if text == "." {
		return Name{0}, nil
	}
	ended := false
	for rest := text; rest != ""; {
		octet, after, err := nextOctet(rest)
		ended = false
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q: %w", text, err)
		case rest[0] == '.':
			if err := end(); err != nil {
				return nil, err
			}
			ended = true
		default:
			name = append(name, lower(octet))
		}
		rest = after
	}
	if !ended {
		if err := end(); err != nil {
			return nil, err
		}
	}
	if len(name) > MaxName {
		return nil, fmt.Errorf("%q: a name has at most %d octets in its wire form, this has %d", text, MaxName, len(name))
	}
	return name, nil
}

var errDigits = errors.New("an octet is written as a backslash and three digits")

func nextOctet(text string) (octet byte, rest string, err error) {
	switch {
	case text[0] != '\\':
		return text[0], text[1:], nil
	case len(text) == 1:
		return 0, "", errors.New("a backslash has nothing behind it")
	case text[1] < '0' || text[1] > '9':
		return text[1], text[2:], nil
	case len(text) < 4:
		return 0, "", errDigits
	}
	value := 0
	for _, digit := range text[1:4] {
		if digit < '0' || digit > '9' {
			return 0, "", errDigits
		}
		value = value*10 + int(digit-'0')
	}
	if value > 255 {
		return 0, "", errors.New("an octet is at most 255")
	}
	return byte(value), text[4:], nil
}

// String is the name as people write it, with the last dot; what isn't a letter, a digit, a hyphen or an underscore is escaped.
func (n Name) String() string { return string(n.AppendTo(nil)) }

// AppendTo appends what String returns.
func (n Name) AppendTo(dst []byte) []byte {
	if len(n) <= 1 {
		return append(dst, '.')
	}
	for label := range n.Labels() {
		for _, octet := range label {
			switch {
			case hostOctet(octet) || octet == '*' || octet == '_':
				dst = append(dst, octet)
			case octet > ' ' && octet < 0x7f:
				dst = append(dst, '\\', octet)
			default:
				dst = append(dst, '\\', '0'+octet/100, '0'+octet/10%10, '0'+octet%10)
			}
		}
		dst = append(dst, '.')
	}
	return dst
}

// Labels yields the labels, the root's not, each with the name that it begins.
func (n Name) Labels() func(yield func(label []byte, from Name) bool) {
	return func(yield func([]byte, Name) bool) {
		for rest := n; len(rest) > 1; {
			size := int(rest[0])
			if size == 0 || size >= len(rest) || !yield(rest[1:1+size], rest) {
				return
			}
			rest = rest[1+size:]
		}
	}
}

// Under tells whether the name is the zone's own or lies in it.
func (n Name) Under(zone Name) bool {
	if len(zone) == 0 || len(n) < len(zone) {
		return false
	}
	if len(zone) == 1 {
		return true
	}
	for _, from := range n.Labels() {
		if len(from) == len(zone) {
			return bytes.Equal(from, zone)
		}
	}
	return false
}

// Longest is the number of the zone that the name is under and that has the most labels; negative: it is under none.
func Longest(zones []Name, name Name) int {
	best := -1
	for i, zone := range zones {
		if name.Under(zone) && (best < 0 || len(zone) > len(zones[best])) {
			best = i
		}
	}
	return best
}

// valid tells whether b is a whole name.
func valid(b []byte) bool {
	if len(b) == 0 || len(b) > MaxName {
		return false
	}
	for b[0] != 0 {
		size := int(b[0])
		if size > maxLabel || len(b) < size+2 {
			return false
		}
		b = b[1+size:]
	}
	return len(b) == 1
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// hostOctet tells whether an octet is one that names of hosts have (RFC 1123, Section 2.1). The underscore isn't one, and DNS servers refuse
// addresses of names with it, as they come.
func hostOctet(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}
