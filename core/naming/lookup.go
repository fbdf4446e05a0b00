package naming

import "bytes"

// ParseReverse is what a name under ip6.arpa stands for: an address, with 32 nibbles, or with fewer or as a wildcard the addresses that begin
// so (RFC 3596, Section 2.5; RFC 4592). Not ok: the name isn't one of those.
func ParseReverse(name Name) (addr [16]byte, bits uint8, wildcard, ok bool) {
	rest, ok := bytes.CutSuffix(name, reverseRoot)
	if !ok {
		return addr, 0, false, false
	}
	rest, wildcard = bytes.CutPrefix(rest, []byte("\x01*"))
	nibbles := len(rest) / 2
	if len(rest)%2 != 0 || nibbles > 32 {
		return addr, 0, false, false
	}
	for i := range nibbles {
		label := rest[2*(nibbles-1-i):]
		digit := bytes.IndexByte([]byte(hexDigits), label[1])
		if label[0] != 1 || digit < 0 {
			return addr, 0, false, false
		}
		addr[i/2] |= byte(digit) << (4 * (1 - i%2))
	}
	return addr, uint8(nibbles * 4), wildcard, true
}
