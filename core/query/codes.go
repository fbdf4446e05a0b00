package query

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Wants tells whether the query's own Option Request option lists the code. It is asked some ten times for each client.
func (q *Question) Wants(code wire.OptionCode) bool {
	if q.listed != nil {
		return q.listed.has(code)
	}
	for codes := q.Options; len(codes) >= 2; codes = codes[2:] {
		if wire.OptionCode(binary.BigEndian.Uint16(codes)) == code {
			return true
		}
	}
	return false
}

// fewCodes is how many codes are searched one by one. A message has room for 32,000.
const fewCodes = 16

// A codeSet has a bit for each code.
type codeSet [(1 << 16) / 64]uint64

func setOf(codes []byte) *codeSet {
	s := new(codeSet)
	for ; len(codes) >= 2; codes = codes[2:] {
		code := binary.BigEndian.Uint16(codes)
		s[code/64] |= 1 << (code % 64)
	}
	return s
}

func (s *codeSet) has(code wire.OptionCode) bool { return s[code/64]&(1<<(code%64)) != 0 }
