package exchange

import (
	"fmt"
	"strings"
)

// appendHex appends octets that are written in hexadecimal: 00:03:00:01, with colons or hyphens between octets of one or two digits, or
// two digits an octet without any.
func appendHex(dst []byte, text string) ([]byte, error) {
	start := len(dst)
	joined := !strings.ContainsAny(text, ":-")
	for rest := text; rest != ""; {
		end := 2
		if !joined {
			if end = strings.IndexAny(rest, ":-"); end < 0 {
				end = len(rest)
			}
		}
		value, ok := hexOctet(rest[:min(end, len(rest))])
		if !ok || joined && len(rest) < 2 || end == len(rest)-1 && !joined {
			return dst[:start], fmt.Errorf("%.60q isn't octets in hexadecimal", text)
		}
		dst = append(dst, value)
		if !joined {
			end++
		}
		rest = rest[min(end, len(rest)):]
	}
	return dst, nil
}

// hexOctet reads one or two digits.
func hexOctet(text string) (value byte, ok bool) {
	if len(text) == 0 || len(text) > 2 {
		return 0, false
	}
	for i := range len(text) {
		d, ok := hexDigit(text[i])
		if !ok {
			return 0, false
		}
		value = value<<4 | d
	}
	return value, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
