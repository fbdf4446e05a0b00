package naming

import "crypto/sha256"

// hexDigits are those of reverse names (RFC 3596, Section 2.5).
const hexDigits = "0123456789abcdef"

var reverseRoot = Name("\x03ip6\x04arpa\x00")

// AppendReverse appends the name under which PTR records of an address stand (RFC 3596, Section 2.5).
func AppendReverse(dst Name, addr *[16]byte) Name { return appendNibbles(dst, addr, 32) }

// ReverseZone is the name under which the records of a prefix' addresses stand, for a length of bits that is a multiple of 4.
func ReverseZone(addr *[16]byte, bits uint8) Name { return appendNibbles(nil, addr, int(bits)/4) }

func appendNibbles(dst Name, addr *[16]byte, nibbles int) Name {
	for i := nibbles - 1; i >= 0; i-- {
		digit := addr[i/2] >> 4
		if i%2 == 1 {
			digit = addr[i/2] & 15
		}
		dst = append(dst, 1, hexDigits[digit])
	}
	return append(dst, reverseRoot...)
}

// Wildcards are the names that stand for all addresses of a delegated prefix: one, or up to eight where its length isn't a multiple
// of 4 bits (RFC 4592). Of a prefix of more than 124 bits they are the addresses' own names, up to eight.
func Wildcards(addr [16]byte, bits uint8) (names []Name) {
	nibbles := (int(bits) + 3) / 4
	free := nibbles*4 - int(bits)
	for i := range 1 << free {
		a := addr
		if free > 0 {
			at := (nibbles - 1) / 2
			shift := 4 * (nibbles % 2) // an odd count ends in the upper half of its octet
			a[at] = a[at]&^(byte(1<<free-1)<<shift) | byte(i)<<shift
		}
		var name Name
		if nibbles < 32 {
			name = Name("\x01*")
		}
		names = append(names, appendNibbles(name, &a, nibbles))
	}
	return names
}

// DHCIDSize is how many octets the data of a DHCID record has.
const DHCIDSize = 35

// DHCID is the data of the record that says whose a name is: identifier type 2, the DUID; digest type 1, SHA-256 of the DUID and
// the name (RFC 4701, Sections 3.3 to 3.5). A DHCPv4 server makes the same of a client identifier with a DUID (RFC 4361).
func DHCID(duid []byte, name Name) (data [DHCIDSize]byte) {
	h := sha256.New()
	h.Write(duid)
	h.Write(name)
	data[1], data[2] = 2, 1
	h.Sum(data[:3])
	return data
}

// Reverse tells whether the name lies where reverse names do.
func (n Name) Reverse() bool { return n.Under(reverseRoot) }
