package wire

import "encoding/binary"

// Octets of the fixed parts of messages and options.
const (
	optionHeader   = 4  // option-code and option-len (RFC 9915, Section 21.1)
	clientHeader   = 4  // msg-type and transaction-id (RFC 9915, Section 8)
	relayHeader    = 34 // msg-type, hop-count and two addresses (RFC 9915, Section 9)
	iaHeader       = 12 // IAID, T1 and T2 (RFC 9915, Sections 21.4 and 21.21)
	iaAddress      = 24 // address and two lifetimes (RFC 9915, Section 21.6)
	iaPrefix       = 25 // two lifetimes, length and prefix (RFC 9915, Section 21.22)
	prefixLengthAt = 8  // where the prefix-length stands in an IA Prefix option
)

// Options is an options block whose framing has been checked: whole options, one behind the other.
type Options []byte

// Next splits off the first option. ok is false at the end of the block, and where the block isn't well framed;
// so it is safe on any octets.
func (o Options) Next() (code OptionCode, data []byte, rest Options, ok bool) {
	if len(o) < optionHeader {
		return 0, nil, nil, false
	}
	end := optionHeader + int(binary.BigEndian.Uint16(o[2:]))
	if len(o) < end {
		return 0, nil, nil, false
	}
	return OptionCode(binary.BigEndian.Uint16(o)), o[optionHeader:end:end], o[end:], true
}

// Find is the data of the first instance of an option. ok is false where there is none.
func (o Options) Find(code OptionCode) (data []byte, ok bool) {
	for len(o) >= optionHeader {
		end := optionHeader + int(binary.BigEndian.Uint16(o[2:]))
		if len(o) < end {
			break
		}
		if OptionCode(binary.BigEndian.Uint16(o)) == code {
			return o[optionHeader:end:end], true
		}
		o = o[end:]
	}
	return nil, false
}

// WellFramed tells whether b is a block of whole options. An empty block is one.
func WellFramed(b []byte) bool {
	for len(b) >= optionHeader {
		end := optionHeader + int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < end {
			return false
		}
		b = b[end:]
	}
	return len(b) == 0
}

// wellItemed tells whether b is a series of one or more items, each behind its length in two octets,
// as in the User Class option.
func wellItemed(b []byte) bool {
	for len(b) >= 2 {
		end := 2 + int(binary.BigEndian.Uint16(b))
		if len(b) < end {
			return false
		}
		if b = b[end:]; len(b) == 0 {
			return true
		}
	}
	return false
}
