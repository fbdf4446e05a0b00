package wire_test

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A capture is a pcap file of UDP datagrams in bare IPv6 packets (link type 229).
type capture []byte

func newCapture() *capture {
	c := capture{0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 229}
	return &c
}

// add adds a datagram that a server sent: to a relay's port where it begins with a Relay-reply, else to a client's;
// what a client or relay sends goes to the server's port.
func (c *capture) add(payload []byte) {
	source, destination := uint16(wire.ServerPort), uint16(wire.ClientPort)
	switch wire.MessageType(payload[0]) {
	case wire.RelayReply, wire.RelayForward:
		destination = wire.ServerPort
	case wire.Advertise, wire.Reply, wire.Reconfigure:
	default:
		source, destination = wire.ClientPort, wire.ServerPort
	}
	udp := binary.BigEndian.AppendUint16(nil, source)
	udp = binary.BigEndian.AppendUint16(udp, destination)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(payload)))
	udp = append(append(udp, 0, 0), payload...)
	from, to := addr("fe80::1"), addr("fe80::2")
	binary.BigEndian.PutUint16(udp[6:], udpChecksum(from, to, udp))

	packet := []byte{0x60, 0, 0, 0, byte(len(udp) >> 8), byte(len(udp)), 17, 64}
	packet = append(append(append(packet, from[:]...), to[:]...), udp...)
	record := make([]byte, 8, 16+len(packet))
	record = binary.BigEndian.AppendUint32(record, uint32(len(packet)))
	record = binary.BigEndian.AppendUint32(record, uint32(len(packet)))
	*c = append(append(*c, record...), packet...)
}

// udpChecksum is that of RFC 8200, Section 8.1.
func udpChecksum(from, to [16]byte, udp []byte) uint16 {
	pseudo := append(append([]byte{}, from[:]...), to[:]...)
	pseudo = append(pseudo, 0, 0, byte(len(udp)>>8), byte(len(udp)), 0, 0, 0, 17)
	pseudo = append(pseudo, udp...)
	if len(pseudo)%2 == 1 {
		pseudo = append(pseudo, 0)
	}
	sum := uint32(0)
	for i := 0; i < len(pseudo); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(pseudo[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if sum == 0xffff {
		return 0xffff // zero would mean that there is none
	}
	return ^uint16(sum)
}
