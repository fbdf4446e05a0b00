package wire

import (
	"encoding/binary"
	"encoding/hex"
)

// Types of DUID (RFC 9915, Section 11.1; RFC 6355).
const (
	DUIDLLT  = 1 // link-layer address plus time
	DUIDEN   = 2 // enterprise-number
	DUIDLL   = 3 // link-layer address
	DUIDUUID = 4
)

// HardwareAddress is the link-layer address that a DUID-LLT or DUID-LL is made from (RFC 9915, Sections 11.2 and 11.4),
// and its hardware type. ok is false for other DUIDs and for those without an address. addr is a view over duid.
func HardwareAddress(duid []byte) (hwtype uint16, addr []byte, ok bool) {
	if len(duid) < 4 {
		return 0, nil, false
	}
	skip := 4 // type and hardware type
	switch binary.BigEndian.Uint16(duid) {
	case DUIDLLT:
		skip = 8 // and time
	case DUIDLL:
	default:
		return 0, nil, false
	}
	if len(duid) <= skip {
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(duid[2:]), duid[skip:], true
}

// AppendDUIDUUID appends a DUID-UUID (RFC 6355, Section 4), 18 octets.
func AppendDUIDUUID(dst []byte, uuid [16]byte) []byte {
	return append(append(dst, 0, DUIDUUID), uuid[:]...)
}

// FormatDUID writes a DUID as people do: octets in hexadecimal, joined by colons.
func FormatDUID(duid []byte) string {
	if len(duid) == 0 {
		return ""
	}
	text := make([]byte, 0, 3*len(duid))
	for i := range duid {
		text = append(hex.AppendEncode(text, duid[i:i+1]), ':')
	}
	return string(text[:len(text)-1])
}
