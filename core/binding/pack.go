package binding

import (
	"encoding/binary"
	"unsafe"
)

// In memory an extension is packed: ten million subscribers' pieces are short, and half of what they say is the same.
//
// A slot starts with its content's length: one octet, or 255 and two more. The content is pieces. A piece starts with an
// octet of code and length, four bits each, and where that says so with more of the length:
//
//	code 0..10: that kind | length 0..13, or 14: one more octet has it, or 15: two
//	code 11:    a peer-address within fe80::/64     | 8:  its last 8 octets follow
//	code 12:    a piece that stands elsewhere, once | 4:  where (see shared.go)
//	code 15:    any other kind | upper 4 bits of the length; an octet with the lower 8, and one of kind follow
//
// Packed, no piece is longer than it is in the store. Only pack writes all this, so that whoever reads it has nothing to check.
const (
	codePeer   = 11
	codeShared = 12
	codeAny    = 15

	lengthOctet = 14 // and what is less is the length itself
	lengthTwo   = 15

	distanceSize = 4

	maxPacked = packedDUID + MaxDUID + MaxExtension

	packedDUID = 2 // octets in front of a long DUID
	longHeader = 3 // octets in front of a slot's content that is longBlob long or more
	longBlob   = 255
)

// These fail to compile when a bound moves: kinds have their codes, lengths have room, a long DUID's header is what
// packedDUID says, and the largest slot takes the longest extension and the longest DUID.
const (
	_ = uint(codePeer - 1 - ExtClientOptions)
	_ = uint(0xfff - MaxExtension)
	_ = uint(inlineDUID + 1 - lengthOctet)
	_ = uint(0xff - MaxDUID)
	_ = uint(extensionUnit*largestUnits - longHeader - maxPacked)
)

// linkLocal is what most peer-addresses start with (RFC 4291, Section 2.5.6).
var linkLocal = [8]byte{0xfe, 0x80}

// appendPacked appends a piece that stands here. Data is at most MaxExtension octets.
func appendPacked(dst []byte, kind ExtensionKind, data []byte) []byte {
	n := len(data)
	switch {
	case kind == ExtPeerAddress && n == 16 && [8]byte(data) == linkLocal:
		dst, data = append(dst, codePeer<<4|8), data[8:]
	case kind >= codePeer:
		dst = append(dst, codeAny<<4|byte(n>>8), byte(n), byte(kind))
	case n < lengthOctet:
		dst = append(dst, byte(kind)<<4|byte(n))
	case n <= 0xff:
		dst = append(dst, byte(kind)<<4|lengthOctet, byte(n))
	default:
		dst = append(dst, byte(kind)<<4|lengthTwo, byte(n>>8), byte(n))
	}
	return append(dst, data...)
}

// split reads the header of the first packed piece: its code and where its data are.
func split(b []byte) (code byte, start, end int) {
	code, n := b[0]>>4, int(b[0]&0xf)
	switch {
	case code == codeAny:
		return code, 3, 3 + n<<8 + int(b[1])
	case n == lengthOctet:
		return code, 2, 2 + int(b[1])
	case n == lengthTwo:
		return code, 3, 3 + int(b[1])<<8 + int(b[2])
	}
	return code, 1, 1 + n
}

// pack returns the draft's long DUID and extension, packed, in the handle's room. Where a shared piece stands, it has the
// unit of the other slot; write makes that the distance.
func (h *Handle) pack(draft *Draft) []byte {
	b := h.packed[:0]
	if len(draft.DUID) > inlineDUID {
		b = appendPacked(b, extDUID, draft.DUID)
	}
	e := Extension(draft.Extension)
	for kind, data, rest, ok := e.Next(); ok; kind, data, rest, ok = rest.Next() {
		if unit, ok := h.share(kind, data); ok {
			b = binary.BigEndian.AppendUint32(append(b, codeShared<<4|distanceSize), unit)
		} else {
			b = appendPacked(b, kind, data)
		}
	}
	return b
}

// write puts what is packed into a slot that nobody else knows yet.
func (h *Handle) write(packed []byte) (unit uint32, ok bool) {
	n := len(packed)
	header := 1
	if n >= longBlob {
		header = longHeader
	}
	if unit, ok = h.takeExtension(header + n); !ok {
		return 0, false
	}
	slot := h.table.area[uint64(unit)*extensionUnit:][:header+n]
	if header == 1 {
		slot[0] = byte(n)
	} else {
		slot[0], slot[1], slot[2] = longBlob, byte(n>>8), byte(n)
	}
	slot = slot[header:]
	copy(slot, packed)
	for len(slot) > 0 {
		code, start, end := split(slot)
		if code == codeShared {
			at := slot[start:end]
			binary.BigEndian.PutUint32(at, binary.BigEndian.Uint32(at)-unit)
		}
		slot = slot[end:]
	}
	return unit, true
}

// A blob is what is left to read of a slot's content.
type blob struct {
	slot unsafe.Pointer // from which shared pieces' distances count
	rest []byte
}

// blobAt returns the content of a slot.
func blobAt(slot unsafe.Pointer) blob {
	n, header := int(*(*byte)(slot)), 1
	if n == longBlob {
		n, header = int(binary.BigEndian.Uint16(unsafe.Slice((*byte)(unsafe.Add(slot, 1)), 2))), longHeader
	}
	return blob{slot, unsafe.Slice((*byte)(unsafe.Add(slot, header)), n)}
}

// A piece is one piece of a record's extension: its data are front and then data, views both.
type piece struct {
	kind        ExtensionKind
	front, data []byte
}

func (p *piece) length() int { return len(p.front) + len(p.data) }

// next returns the first piece and goes on behind it; false at the end.
func (b *blob) next() (p piece, ok bool) {
	if len(b.rest) == 0 {
		return p, false
	}
	header := b.rest
	code, start, end := split(header)
	b.rest = header[end:]
	switch p.kind, p.data = ExtensionKind(code), header[start:end:end]; code {
	case codePeer:
		p.kind, p.front = ExtPeerAddress, linkLocal[:]
	case codeAny:
		p.kind = ExtensionKind(header[2])
	case codeShared:
		other := blobAt(unsafe.Add(b.slot, int(int32(binary.BigEndian.Uint32(p.data)))*extensionUnit)).rest
		code, start, _ = split(other)
		p.kind, p.data = ExtensionKind(code), other[start:]
		if code == codeAny {
			p.kind = ExtensionKind(other[2])
		}
	}
	return p, true
}

// length is how many octets the rest takes in the store.
func (b blob) length() (n int) {
	for p, ok := b.next(); ok; p, ok = b.next() {
		n += extensionHeader + p.length()
	}
	return n
}

// appendTo appends the rest as the store has it.
func (b blob) appendTo(dst []byte) []byte {
	for p, ok := b.next(); ok; p, ok = b.next() {
		n := p.length()
		dst = append(dst, byte(p.kind), byte(n>>8), byte(n))
		dst = append(append(dst, p.front...), p.data...)
	}
	return dst
}

// equal tells whether the rest is e, without unpacking it. Every renewal asks, so what stands as it is in e is compared
// without more ado.
func (b blob) equal(e []byte) bool {
	for len(b.rest) > 0 {
		if len(e) < extensionHeader {
			return false
		}
		end := extensionHeader + int(binary.BigEndian.Uint16(e[1:]))
		if end > len(e) {
			return false
		}
		data := e[extensionHeader:end]
		if code, from, to := split(b.rest); code < codePeer {
			if code != e[0] || string(b.rest[from:to]) != string(data) {
				return false
			}
			b.rest = b.rest[to:]
		} else if p, _ := b.next(); byte(p.kind) != e[0] || p.length() != len(data) ||
			string(p.front) != string(data[:len(p.front)]) || string(p.data) != string(data[len(p.front):]) {
			return false
		}
		e = e[end:]
	}
	return len(e) == 0
}
