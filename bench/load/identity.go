package load

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/wire"
)

// duidLength is that of a DUID-LL over Ethernet (RFC 9915, Section 11.4).
const duidLength = 10

// DUID is client number n's: a DUID-LL whose hardware address, 02:00 and the number, is local.
func DUID(n int) [duidLength]byte {
	d := [duidLength]byte{0, 3, 0, 1, 2, 0}
	binary.BigEndian.PutUint32(d[6:], uint32(n))
	return d
}

// IAID is client number n's for a kind. The two kinds' numbers differ so that nothing can confuse them unseen.
func IAID(n int, kind wire.Kind) uint32 { return uint32(n)<<1 | uint32(kind&1) }

// peerAddress is the client's link-local address, made of the hardware address (RFC 4291, Appendix A).
func peerAddress(n int) [16]byte {
	a := [16]byte{0: 0xfe, 1: 0x80, 11: 0xff, 12: 0xfe}
	a[10], a[13], a[14], a[15] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return a
}

// clientOf is peerAddress's inverse.
func clientOf(peer []byte) int {
	return int(peer[10])<<24 | int(peer[13])<<16 | int(peer[14])<<8 | int(peer[15])
}
