package naming

import (
	"bytes"
	"net/netip"
)

// maxAddress is the most octets of an address in text (RFC 5952).
const maxAddress = len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")

// MaxPrefix is the longest beginning of generated names: a hyphen and any address have room behind it.
const MaxPrefix = maxLabel - 1 - maxAddress

// appendGenerated appends the name that is made from an address: as in host-2001-db8--17 of 2001:db8::17.
func (r *Rules) appendGenerated(dst []byte, addr *[16]byte) []byte {
	start := len(dst)
	dst = append(append(dst, 0), r.Prefix...)
	dst = appendAddress(dst, addr)
	n := len(dst) - start - 1
	if n > maxLabel {
		return dst[:start]
	}
	dst[start] = byte(n)
	return r.complete(dst, start)
}

// appendAddress appends a hyphen and the address as it stands in names.
func appendAddress(dst []byte, addr *[16]byte) []byte {
	dst = append(dst, '-')
	from := len(dst)
	dst = netip.AddrFrom16(*addr).AppendTo(dst)
	for i := from; i < len(dst); i++ {
		if dst[i] == ':' || dst[i] == '.' {
			dst[i] = '-'
		}
	}
	if dst[len(dst)-1] == '-' {
		dst = append(dst, '0') // a label doesn't end with a hyphen (RFC 1123, Section 2.1)
	}
	return dst
}

// MadeOf tells whether a name was made from the address, by whatever rules.
func (n Name) MadeOf(addr *[16]byte) bool {
	var room [1 + maxAddress + 1]byte
	return len(n) > 1 && bytes.HasSuffix(n[1:1+int(n[0])], appendAddress(room[:0], addr))
}
