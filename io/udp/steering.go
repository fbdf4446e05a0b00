package udp

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Steering gives each client's datagrams to one worker. It is a hint for locality: nothing is wrong,
// only slower, where a client meets two workers. Exactly one worker per datagram is not a hint.
//
// Without it the kernel hashes addresses and ports, and a relay, having one of each, would keep one worker busy.
// Both programs compute the same hash of what names the client:
//
//	direct                      low 32 bits of the IPv6 source address
//	relayed, hop-count 0        low 32 bits of peer-address, which is the client's
//	relayed by several relays   the same of the innermost Relay-forward that maxWalk steps find
//	too short for any of this   0
//
// The group's program (unicast) returns hash mod workers. A socket's filter runs on what was steered to it and on
// all multicast; it lets unicast pass, and multicast whose hash mod workers is its own index. The hash must be
// a function of the packet: with a random number in it each filter would draw its own.
//
// A load outside the packet ends a classic BPF program with 0, which for a filter means drop: so each load of what
// might not be there is preceded by a comparison with the length.

// How far the programs look into relayed messages. 8-bit jumps bound the size of the program.
const (
	maxLevels = 3 // Relay-forwards
	maxWalk   = 6 // options of one of them before its Relay Message
)

// What the programs read of a packet (RFC 9915, Section 9).
const (
	udpHeader       = 8 // a filter's offset 0; the group's program begins at the payload
	relayForward    = 12
	relayHops       = 1  // offset of hop-count
	relayPeerLow    = 30 // offset of the low 32 bits of peer-address
	relayHeader     = 34
	relayMessage    = 9  // option code
	ipSourceLow     = 20 // offset in the IPv6 header of the low 32 bits of the source
	ipDestination   = 24
	networkOffset   = 0xfff00000 // SKF_NET_OFF: loads count from the IPv6 header
	hashMultiplier  = 0x9E3779B1 // 2^32 / golden ratio: peers' low bits are often sequential or aligned
	acceptAll       = 0xffffffff
	scratchPosition = 0 // M[0]: where the program reads
	scratchClient   = 1 // M[1]: what names the client, as far as known
)

// attachSteering gives the group of which fd is a member its program.
func attachSteering(fd, workers int) error {
	return attach(fd, unix.SO_ATTACH_REUSEPORT_CBPF, steeringProgram(workers))
}

// attachFilter gives one socket its filter.
func attachFilter(fd, index, workers int) error {
	return attach(fd, unix.SO_ATTACH_FILTER, filterProgram(index, workers))
}

func attach(fd, option int, code []unix.SockFilter) error {
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, option,
		&unix.SockFprog{Len: uint16(len(code)), Filter: unsafe.SliceData(code)})
}

func steeringProgram(workers int) []unix.SockFilter {
	var a assembler
	a.hash(0, workers)
	a.emit(unix.BPF_RET|unix.BPF_A, 0)
	return a.assemble()
}

func filterProgram(index, workers int) []unix.SockFilter {
	var a assembler
	a.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_ABS, networkOffset+ipDestination)
	a.jump(unix.BPF_JEQ|unix.BPF_K, 0xff, "multicast", "accept")
	a.label("multicast")
	a.hash(udpHeader, workers)
	a.jump(unix.BPF_JEQ|unix.BPF_K, uint32(index), "accept", "reject")
	a.label("accept")
	a.emit(unix.BPF_RET|unix.BPF_K, acceptAll)
	a.label("reject")
	a.emit(unix.BPF_RET|unix.BPF_K, 0)
	return a.assemble()
}

// hash leaves the worker's index in A. The payload begins at base.
func (a *assembler) hash(base uint32, workers int) {
	a.emit(unix.BPF_LD|unix.BPF_IMM, 0)
	a.emit(unix.BPF_ST, scratchClient)
	a.emit(unix.BPF_LDX|unix.BPF_W|unix.BPF_IMM, base)
	a.within(1, "mix")
	a.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_IND, 0)
	a.jump(unix.BPF_JEQ|unix.BPF_K, relayForward, "relay 0", "direct")
	a.label("direct")
	a.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, networkOffset+ipSourceLow)
	a.emit(unix.BPF_ST, scratchClient)
	a.jump(unix.BPF_JA, 0, "mix", "mix")
	for level := range maxLevels {
		a.relay(level)
	}
	a.label("mix")
	a.emit(unix.BPF_LD|unix.BPF_MEM, scratchClient)
	a.emit(unix.BPF_ALU|unix.BPF_MUL|unix.BPF_K, hashMultiplier)
	a.emit(unix.BPF_ALU|unix.BPF_RSH|unix.BPF_K, 16)
	a.emit(unix.BPF_ALU|unix.BPF_MOD|unix.BPF_K, uint32(workers))
}

// relay notes the peer-address of the Relay-forward at X. If that is another relay's, it goes on to the inner message.
func (a *assembler) relay(level int) {
	a.label(fmt.Sprint("relay ", level))
	a.within(relayHeader, "mix")
	a.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_IND, relayPeerLow)
	a.emit(unix.BPF_ST, scratchClient)
	if level == maxLevels-1 {
		return // falls through to mix
	}
	a.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_IND, relayHops)
	a.jump(unix.BPF_JEQ|unix.BPF_K, 0, "mix", "")
	a.advance(relayHeader)
	found := fmt.Sprint("found ", level)
	for range maxWalk {
		a.within(4, "mix")
		a.emit(unix.BPF_LD|unix.BPF_H|unix.BPF_IND, 0)
		a.jump(unix.BPF_JEQ|unix.BPF_K, relayMessage, found, "")
		a.emit(unix.BPF_LD|unix.BPF_H|unix.BPF_IND, 2)
		a.emit(unix.BPF_ALU|unix.BPF_ADD|unix.BPF_X, 0)
		a.emit(unix.BPF_MISC|unix.BPF_TAX, 0)
		a.advance(4)
	}
	a.jump(unix.BPF_JA, 0, "mix", "mix")
	a.label(found)
	a.advance(4)
	a.within(1, "mix")
	a.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_IND, 0)
	a.jump(unix.BPF_JEQ|unix.BPF_K, relayForward, "", "mix")
}

// advance moves X. A is lost.
func (a *assembler) advance(octets uint32) {
	a.emit(unix.BPF_MISC|unix.BPF_TXA, 0)
	a.emit(unix.BPF_ALU|unix.BPF_ADD|unix.BPF_K, octets)
	a.emit(unix.BPF_MISC|unix.BPF_TAX, 0)
}

// within jumps to otherwise unless the packet has that many octets from X on. X is kept, A is lost.
func (a *assembler) within(octets uint32, otherwise string) {
	a.emit(unix.BPF_STX, scratchPosition)
	a.emit(unix.BPF_MISC|unix.BPF_TXA, 0)
	a.emit(unix.BPF_ALU|unix.BPF_ADD|unix.BPF_K, octets)
	a.emit(unix.BPF_LDX|unix.BPF_W|unix.BPF_LEN, 0)
	a.jump(unix.BPF_JGT|unix.BPF_X, 0, otherwise, "")
	a.emit(unix.BPF_LDX|unix.BPF_MEM, scratchPosition)
}
