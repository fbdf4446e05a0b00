// Package subscriber makes the messages of broadband subscribers behind one relay: what the benchmarks of scale feed to an
// engine or a worker without sockets. Each subscriber has a DUID-LLT of 14 octets, and the relay tells an Interface-ID
// of 10 octets and a Remote-ID of 16 behind its enterprise number. Nothing here waits, sends or allocates per message.
package subscriber

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Sizes of what identifies a subscriber, in octets.
const (
	DUIDLength        = 14
	RemoteIDLength    = 4 + 16 // enterprise number and remote-id
	InterfaceIDLength = 10
)

// MaxNumber is the highest number of a subscriber: its hardware address has room for no more.
const MaxNumber = 1<<40 - 1

// IAID is that of all subscribers' only identity association.
const IAID = 1

// DUID writes subscriber n's into dst: a DUID-LLT over Ethernet (RFC 9915, Section 11.2) whose hardware address is 02 and
// the number, spread by a multiplication that is its own kind of bijection, so that neighbours share no more than strangers.
func DUID(dst *[DUIDLength]byte, n uint64) {
	*dst = [DUIDLength]byte{0, 1, 0, 1, 0x2b, 0x1c, 0x9d, 0x40, 2}
	spread := n * 0x9e3779b97f4a7c15 & MaxNumber
	dst[9] = byte(spread >> 32)
	binary.BigEndian.PutUint32(dst[10:], uint32(spread))
}

// A Template is one kind of message that any subscriber can send. It belongs to one goroutine at a time.
type Template struct {
	data        []byte
	remote      int // where the remote-id begins
	iface       int // where the Interface-ID's number begins
	transaction int
	duid        int
	lease       int // where the address or prefix stands; 0: the message names none
}

const peerOffset = 18 // of a Relay-forward's peer-address

// New makes the template of a message type for an IA of that kind, sent from a link by a relay with that link-address.
// ServerID is put into the messages that need it. With named the IA names a lease, a prefix of length.
func New(t wire.MessageType, kind wire.Kind, link [16]byte, serverID []byte, named bool, length uint8) *Template {
	p := new(Template)
	b := append([]byte{byte(wire.RelayForward), 0}, link[:]...)
	b = append(b, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 0)
	b, mark := wire.OpenOption(b, wire.OptionInterfaceID)
	b = append(b, "ge"...)
	p.iface = len(b)
	b = wire.CloseOption(append(b, make([]byte, InterfaceIDLength-2)...), mark)
	b, mark = wire.OpenOption(b, wire.OptionRemoteID)
	b = append(b, 0, 0, 0x7e, 0xd9) // 32473, for documentation (RFC 5612)
	p.remote = len(b)
	b = wire.CloseOption(append(b, make([]byte, RemoteIDLength-4)...), mark)
	b, outer := wire.OpenOption(b, wire.OptionRelayMessage)
	p.transaction = len(b) + 1
	b = wire.AppendHeader(b, t, [3]byte{})
	b = wire.AppendOption(b, wire.OptionClientID, make([]byte, DUIDLength))
	p.duid = len(b) - DUIDLength
	if t == wire.Request || t == wire.Renew {
		b = wire.AppendOption(b, wire.OptionServerID, serverID)
	}
	b = wire.AppendOption(b, wire.OptionElapsedTime, []byte{0, 0})
	b = wire.AppendOption(b, wire.OptionORO, []byte{0, byte(wire.OptionDNSServers)})
	b, mark = wire.OpenIA(b, kind, IAID)
	switch start := len(b); {
	case named && kind == wire.IANA:
		b = wire.AppendIAAddress(b, new([16]byte), 0, 0)
		p.lease = start + 4
	case named:
		b = wire.AppendIAPrefix(b, new([16]byte), length, 0, 0, nil)
		p.lease = start + 4 + 9
	}
	p.data = wire.CloseOption(wire.CloseOption(b, mark), outer)
	return p
}

// Len is the length of every message of the template, in octets.
func (p *Template) Len() int { return len(p.data) }

// Write writes subscriber n's message to the front of dst, which has room for Len octets, and returns it. Of the
// transaction the lower 24 bits count. Lease is only read, and only where the template names one.
func (p *Template) Write(dst []byte, n uint64, transaction uint32, lease *[16]byte) []byte {
	dst = dst[:copy(dst, p.data)]
	var duid [DUIDLength]byte
	DUID(&duid, n)
	copy(dst[p.duid:], duid[:])
	copy(dst[peerOffset+8:], duid[8:11])
	copy(dst[peerOffset+13:], duid[11:14])
	dst[p.transaction], dst[p.transaction+1], dst[p.transaction+2] = byte(transaction>>16), byte(transaction>>8), byte(transaction)
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], n)
	hex.Encode(dst[p.remote:], number[:])
	hex.Encode(dst[p.iface:], number[4:])
	if p.lease != 0 {
		copy(dst[p.lease:], lease[:])
	}
	return dst
}

// Transaction returns the transaction-id of the client's message in a reply to one relay, 0 where there is none.
func Transaction(reply []byte) uint32 {
	if len(reply) < 34 {
		return 0
	}
	inner, _ := wire.Options(reply[34:]).Find(wire.OptionRelayMessage)
	if len(inner) < 4 {
		return 0
	}
	return uint32(inner[1])<<16 | uint32(inner[2])<<8 | uint32(inner[3])
}
