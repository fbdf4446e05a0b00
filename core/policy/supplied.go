package policy

import (
	"encoding/binary"
	"slices"

	"github.com/lockstep6/lockstep6/core/wire"
)

// AppendSupplied appends the options that relays supply for the client (RFC 6422, Section 6): those that are enabled,
// of which the server has none itself in answered, and that the client asks for, as it must for the server's own.
// Of an option that several relays supply, the one of the relay nearest to the client is taken; each at most once.
func (p *Policy) AppendSupplied(dst []byte, answered Layers, pkt *wire.Packet) []byte {
	if !asks(pkt.Message.Type) {
		return dst
	}
	var room [maxSupplied]wire.OptionCode
	taken, left := room[:0], maxSupplied
	for i := range pkt.RelayCount {
		for rest := wire.Options(inward(pkt, i).RSOO); len(rest) > 0; {
			var code wire.OptionCode
			var data []byte
			var ok bool
			if code, data, rest, ok = rest.Next(); !ok {
				break
			}
			if left--; left < 0 {
				return dst
			}
			if !p.isSupplied(code) || answered.Has(code) || answered.boots(code) || !lists(pkt.Message.ORO, code) || slices.Contains(taken, code) {
				continue
			}
			taken = append(taken, code)
			dst = wire.AppendOption(dst, code, data)
		}
	}
	return dst
}

// lists tells whether an Option Request option has the code among those that are read.
func lists(oro []byte, code wire.OptionCode) bool {
	oro = oro[:min(len(oro), 2*maxRequested)]
	for ; len(oro) >= 2; oro = oro[2:] {
		if wire.OptionCode(binary.BigEndian.Uint16(oro)) == code {
			return true
		}
	}
	return false
}
