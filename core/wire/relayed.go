package wire

import "encoding/binary"

// AppendRelayed appends a chain of Relay-reply headers, as OpenRelays and CloseRelays make it without a message, with the message in
// it. In each header the Relay Message option stands last.
func AppendRelayed(dst, chain, message []byte) []byte {
	start := len(dst)
	dst = append(append(dst, chain...), message...)
	level := dst[start : start+len(chain)]
	for len(level) >= relayHeader {
		level = level[relayHeader:]
		for len(level) >= optionHeader {
			code, n := OptionCode(binary.BigEndian.Uint16(level)), int(binary.BigEndian.Uint16(level[2:]))
			if code == OptionRelayMessage {
				binary.BigEndian.PutUint16(level[2:], uint16(n+len(message)))
				level = level[optionHeader:]
				break
			}
			level = level[min(len(level), optionHeader+n):]
		}
	}
	return dst
}
