package wire

import "encoding/binary"

// The encoder appends to a buffer and returns it, as append does. An option's data is at most 65,535 octets, the most
// that option-len can say; the caller sees to that by the size of its datagrams.

// AppendHeader appends the head of a message between client and server (RFC 9915, Section 8).
func AppendHeader(dst []byte, t MessageType, xid [3]byte) []byte {
	return append(dst, byte(t), xid[0], xid[1], xid[2])
}

// AppendOption appends a whole option (RFC 9915, Section 21.1).
func AppendOption(dst []byte, code OptionCode, data []byte) []byte {
	return append(appendOptionHeader(dst, code, len(data)), data...)
}

// AppendUint8Option appends an option of one octet, like Preference (RFC 9915, Section 21.8).
func AppendUint8Option(dst []byte, code OptionCode, value uint8) []byte {
	return append(appendOptionHeader(dst, code, 1), value)
}

// AppendUint16Option appends an option of two octets, like Elapsed Time (RFC 9915, Section 21.9).
func AppendUint16Option(dst []byte, code OptionCode, value uint16) []byte {
	return binary.BigEndian.AppendUint16(appendOptionHeader(dst, code, 2), value)
}

// AppendUint32Option appends an option of four octets, like Information Refresh Time, SOL_MAX_RT and INF_MAX_RT
// (RFC 9915, Sections 21.23 to 21.25).
func AppendUint32Option(dst []byte, code OptionCode, value uint32) []byte {
	return binary.BigEndian.AppendUint32(appendOptionHeader(dst, code, 4), value)
}

// OpenOption appends the head of an option whose content follows. CloseOption with the mark ends it;
// options opened in between are closed before.
func OpenOption(dst []byte, code OptionCode) (out []byte, mark int) {
	return appendOptionHeader(dst, code, 0), len(dst)
}

// CloseOption writes the length of the option that was opened at mark: all that stands behind its head now.
func CloseOption(dst []byte, mark int) []byte {
	binary.BigEndian.PutUint16(dst[mark+2:], uint16(len(dst)-mark-optionHeader))
	return dst
}

func appendOptionHeader(dst []byte, code OptionCode, length int) []byte {
	return append(dst, byte(code>>8), byte(code), byte(length>>8), byte(length))
}

// AppendStatus appends a Status Code option with a text in UTF-8 for people (RFC 9915, Section 21.13).
func AppendStatus(dst []byte, code StatusCode, message string) []byte {
	dst = appendOptionHeader(dst, OptionStatusCode, 2+len(message))
	dst = append(dst, byte(code>>8), byte(code))
	return append(dst, message...)
}

// OpenIA appends the head of an IA_NA or IA_PD option with T1 and T2 zero, which leaves them to the client
// (RFC 9915, Sections 21.4 and 21.21). SetTimes sets them; CloseOption ends the IA.
func OpenIA(dst []byte, kind Kind, iaid uint32) (out []byte, mark int) {
	code := OptionIANA
	if kind == IAPD {
		code = OptionIAPD
	}
	mark = len(dst)
	out = append(dst,
		byte(code>>8), byte(code), 0, 0,
		byte(iaid>>24), byte(iaid>>16), byte(iaid>>8), byte(iaid),
		0, 0, 0, 0,
		0, 0, 0, 0)
	return out, mark
}

// SetTimes sets T1 and T2, in seconds, of the IA that was opened at mark, closed or not.
func SetTimes(dst []byte, mark int, t1, t2 uint32) {
	times := dst[mark+optionHeader+4 : mark+optionHeader+iaHeader]
	binary.BigEndian.PutUint32(times, t1)
	binary.BigEndian.PutUint32(times[4:], t2)
}

// AppendIAAddress appends an IA Address option without options of its own (RFC 9915, Section 21.6).
// Lifetimes are seconds, Infinity allowed.
func AppendIAAddress(dst []byte, addr *[16]byte, preferred, valid uint32) []byte {
	dst = appendOptionHeader(dst, OptionIAAddress, iaAddress)
	dst = append(dst, addr[:]...)
	return appendLifetimes(dst, preferred, valid)
}

// AppendIAPrefix appends an IA Prefix option (RFC 9915, Section 21.22). Lifetimes are seconds, Infinity allowed;
// length is bits, at most 128. exclude is the data of a Prefix Exclude option inside, as PrefixExclude makes it,
// or empty for none.
func AppendIAPrefix(dst []byte, prefix *[16]byte, length uint8, preferred, valid uint32, exclude []byte) []byte {
	size := iaPrefix
	if len(exclude) > 0 {
		size += optionHeader + len(exclude)
	}
	dst = appendOptionHeader(dst, OptionIAPrefix, size)
	dst = appendLifetimes(dst, preferred, valid)
	dst = append(dst, length)
	dst = append(dst, prefix[:]...)
	if len(exclude) > 0 {
		dst = AppendOption(dst, OptionPrefixExclude, exclude)
	}
	return dst
}

func appendLifetimes(dst []byte, preferred, valid uint32) []byte {
	return append(dst,
		byte(preferred>>24), byte(preferred>>16), byte(preferred>>8), byte(preferred),
		byte(valid>>24), byte(valid>>16), byte(valid>>8), byte(valid))
}

// PrefixExclude appends the data of a Prefix Exclude option (RFC 6603, Section 4.2): the length of the excluded prefix,
// and its bits behind the delegated prefix, from an octet boundary on and padded with zeros. It appends nothing
// unless the excluded prefix is longer than the delegated one, at most 128 bits, and lies in it.
func PrefixExclude(dst []byte, delegated [16]byte, delegatedLength uint8, excluded [16]byte, excludedLength uint8) []byte {
	if excludedLength <= delegatedLength || excludedLength > 128 || !sharesPrefix(&delegated, &excluded, delegatedLength) {
		return dst
	}
	dst = append(dst, excludedLength)
	octet, shift := int(delegatedLength/8), delegatedLength%8
	for left := int(excludedLength - delegatedLength); left > 0; left -= 8 {
		id := excluded[octet] << shift
		if octet++; octet < len(excluded) {
			id |= excluded[octet] >> (8 - shift)
		}
		if left < 8 {
			id &= 0xff << (8 - left)
		}
		dst = append(dst, id)
	}
	return dst
}

// sharesPrefix tells whether the first length bits, at most 128, are the same.
func sharesPrefix(a, b *[16]byte, length uint8) bool {
	whole := int(length / 8)
	if string(a[:whole]) != string(b[:whole]) {
		return false
	}
	return length%8 == 0 || (a[whole]^b[whole])>>(8-length%8) == 0
}
