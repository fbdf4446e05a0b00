package policy

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/wire"
)

// append appends the option as it goes to the client of a message.
func (opt *option) append(dst []byte, m *wire.Message) []byte {
	if opt.code == wire.OptionClientArchitecture {
		return appendArchitectures(dst, opt.encoded, m)
	}
	return append(dst, opt.encoded...)
}

// appendArchitectures appends which of the architectures that the boot file is for the client has asked about, in the client's
// order, which is that of priority (RFC 5970, Section 3.3). To a client that lists them the option is sent without being in its
// Option Request option; one that lists none, or none of these, isn't sent it.
func appendArchitectures(dst, configured []byte, m *wire.Message) []byte {
	types, ok := wire.Options(configured).Find(wire.OptionClientArchitecture)
	queried := architecturesOf(m)
	if !ok || len(queried) == 0 {
		return dst
	}
	start := len(dst)
	dst, mark := wire.OpenOption(dst, wire.OptionClientArchitecture)
	empty := len(dst)
	for ; len(queried) > 0; queried = queried[2:] {
		one := binary.BigEndian.Uint16(queried)
		if hasType(types, one) && !hasType(dst[empty:], one) {
			dst = binary.BigEndian.AppendUint16(dst, one)
		}
	}
	if len(dst) == empty {
		return dst[:start]
	}
	return wire.CloseOption(dst, mark)
}

// hasType tells whether a list of 2 octets each has a type.
func hasType(types []byte, one uint16) bool {
	for ; len(types) >= 2; types = types[2:] {
		if binary.BigEndian.Uint16(types) == one {
			return true
		}
	}
	return false
}
