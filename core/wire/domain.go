package wire

// Limits of a domain name (RFC 1035, Section 2.3.4).
const (
	MaxLabel      = 63  // octets of one label
	MaxDomainName = 255 // octets of an encoded name, lengths of labels and the root's included
)

// Text of a name is as in a DNS zone file (RFC 1035, Section 5.1): labels joined by dots, a backslash in front of a dot
// or backslash that belongs to a label, \DDD for an octet that isn't printable. A dot at the end says that the name is
// fully qualified; "." is the root.

// AppendDomainName appends a fully qualified name as RFC 9915, Section 10 encodes it: never compressed, with the root's
// empty label at the end. The dot at the end of text may be missing. ok is false, and dst comes back as it was, where
// text is no name: an empty label, one over MaxLabel octets, more than MaxDomainName in all, a broken escape.
func AppendDomainName(dst []byte, text string) (out []byte, ok bool) {
	out, _, ok = appendLabels(dst, text)
	if !ok || len(out)+1-len(dst) > MaxDomainName {
		return dst, false
	}
	return append(out, 0), true
}

// AppendPartialName appends a name as the Client FQDN option has it (RFC 4704, Section 4.2): with the root's label only
// where text ends in a dot. An empty text is an empty name. ok is as in AppendDomainName.
func AppendPartialName(dst []byte, text string) (out []byte, ok bool) {
	if text == "" {
		return dst, true
	}
	out, full, ok := appendLabels(dst, text)
	// The limit counts the root's label, sent or not: the name is to become a whole one.
	if !ok || len(out)+1-len(dst) > MaxDomainName {
		return dst, false
	}
	if full {
		out = append(out, 0)
	}
	return out, true
}

// appendLabels appends the labels without the root's. full tells whether text ends in a dot.
func appendLabels(dst []byte, text string) (out []byte, full, ok bool) {
	if text == "." {
		return dst, true, true
	}
	mark := len(dst)
	dst = append(dst, 0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '.' {
			if !closeLabel(dst, mark) {
				return nil, false, false
			}
			if i == len(text)-1 {
				return dst, true, true
			}
			mark = len(dst)
			dst = append(dst, 0)
			continue
		}
		if c == '\\' {
			var used int
			if c, used = unescape(text[i+1:]); used == 0 {
				return nil, false, false
			}
			i += used
		}
		dst = append(dst, c)
	}
	return dst, false, closeLabel(dst, mark)
}

// closeLabel writes the length of the label that began at mark.
func closeLabel(dst []byte, mark int) bool {
	length := len(dst) - mark - 1
	dst[mark] = byte(length)
	return length >= 1 && length <= MaxLabel
}

// unescape reads what stands behind a backslash, and how many octets of text that took; 0 where it is broken.
func unescape(text string) (c byte, used int) {
	if text == "" {
		return 0, 0
	}
	if !isDigit(text[0]) {
		return text[0], 1
	}
	if len(text) < 3 || !isDigit(text[1]) || !isDigit(text[2]) {
		return 0, 0
	}
	value := int(text[0]-'0')*100 + int(text[1]-'0')*10 + int(text[2]-'0')
	if value > 255 {
		return 0, 0
	}
	return byte(value), 3
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// AppendNameText appends the text of the first name in data and returns the octets behind it. A name that ends with
// data and not with the root's label is a partial one (RFC 4704, Section 4.2): its text has no dot at the end.
// ok is false, and dst comes back as it was, where data begins with no name: a label that runs past the end,
// compression (RFC 9915, Section 10, forbids it), more than MaxDomainName octets.
func AppendNameText(dst, data []byte) (out, rest []byte, ok bool) {
	out = dst
	for at := 0; at < len(data); {
		length := int(data[at])
		at++
		if length == 0 {
			if at == 1 {
				out = append(out, '.')
			}
			return out, data[at:], true
		}
		// With the root's label, which a partial name is to get.
		if length > MaxLabel || at+length > len(data) || at+length+1 > MaxDomainName {
			return dst, data, false
		}
		out = appendLabelText(out, data[at:at+length])
		if at += length; at < len(data) {
			out = append(out, '.')
		}
	}
	return out, nil, true
}

func appendLabelText(dst, label []byte) []byte {
	for _, c := range label {
		switch {
		case c == '.' || c == '\\':
			dst = append(dst, '\\', c)
		case c <= ' ' || c >= 0x7f:
			dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
