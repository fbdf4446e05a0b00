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
// With Config.Urgency both go on to the message's type and add the number of workers to the hash where the message may wait
// (class): the clients' excess of Solicits then fills the sockets of its own, and the kernel drops what doesn't fit at no cost
// to the worker.
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
	scratchWorker   = 2 // M[2]: the worker's index
	solicitType     = 1
	declineType     = 9 // the last of the types of clients that have, or were offered, a lease
)

// attachSteering gives the group of which fd is a member its program.
func attachSteering(fd, workers, classes int) error {
	return attach(fd, unix.SO_ATTACH_REUSEPORT_CBPF, steeringProgram(workers, classes))
}

// attachFilter gives one socket its filter.
func attachFilter(fd, index, workers, classes int) error {
	return attach(fd, unix.SO_ATTACH_FILTER, filterProgram(index, workers, classes))
}

func attach(fd, option int, code []unix.SockFilter) error {
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, option,
		&unix.SockFprog{Len: uint16(len(code)), Filter: unsafe.SliceData(code)})
}

func steeringProgram(workers, classes int) []unix.SockFilter {
	var a assembler
	a.hash(0, workers)
	end := func() { a.emit(unix.BPF_RET|unix.BPF_A, 0) }
	if classes > 1 {
		a.class(0, workers, end)
	} else {
		end()
	}
	return a.assemble()
}

func filterProgram(index, workers, classes int) []unix.SockFilter {
	var a assembler
	a.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_ABS, networkOffset+ipDestination)
	a.jump(unix.BPF_JEQ|unix.BPF_K, 0xff, "multicast", "unicast")
	a.label("unicast")
	a.emit(unix.BPF_RET|unix.BPF_K, acceptAll)
	a.label("multicast")
	a.hash(udpHeader, workers)
	end := func() {
		a.code = append(a.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(index), Jf: 1})
		a.emit(unix.BPF_RET|unix.BPF_K, acceptAll)
		a.emit(unix.BPF_RET|unix.BPF_K, 0)
	}
	if classes > 1 {
		a.class(udpHeader, workers, end)
	} else {
		end()
	}
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
	a.walk(found, "mix")
	a.jump(unix.BPF_JA, 0, "mix", "mix")
	a.label(found)
	a.advance(4)
	a.within(1, "mix")
	a.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_IND, 0)
	a.jump(unix.BPF_JEQ|unix.BPF_K, relayForward, "", "mix")
}

// walk looks for the Relay Message from X on, and falls through where maxWalk options don't hold it.
func (a *assembler) walk(found, lost string) {
	for range maxWalk {
		a.within(4, lost)
		a.emit(unix.BPF_LD|unix.BPF_H|unix.BPF_IND, 0)
		a.jump(unix.BPF_JEQ|unix.BPF_K, relayMessage, found, "")
		a.emit(unix.BPF_LD|unix.BPF_H|unix.BPF_IND, 2)
		a.emit(unix.BPF_ALU|unix.BPF_ADD|unix.BPF_X, 0)
		a.emit(unix.BPF_MISC|unix.BPF_TAX, 0)
		a.advance(4)
	}
}

// class adds the number of workers to the worker's index in A where the message may wait (queue.go): a Solicit, an
// Information-request or a type behind it, and what can't be told. Types between, which no client sends to a server, count as
// urgent: whoever sends them could send Renews as well. The payload begins at base. end ends the program by A; a copy of it
// stands at each way out, for jumps are short.
func (a *assembler) class(base uint32, workers int, end func()) {
	a.emit(unix.BPF_ST, scratchWorker)
	a.emit(unix.BPF_LDX|unix.BPF_W|unix.BPF_IMM, base)
	urgent := func() { a.emit(unix.BPF_LD|unix.BPF_MEM, scratchWorker); end() }
	later := func() {
		a.emit(unix.BPF_LD|unix.BPF_MEM, scratchWorker)
		a.emit(unix.BPF_ALU|unix.BPF_ADD|unix.BPF_K, uint32(workers))
		end()
	}
	for level := range maxLevels + 1 {
		direct, wait, unwrap := fmt.Sprint("direct ", level), fmt.Sprint("wait ", level), fmt.Sprint("unwrap ", level)
		a.within(1, wait)
		a.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_IND, 0)
		if level < maxLevels {
			a.jump(unix.BPF_JEQ|unix.BPF_K, relayForward, unwrap, direct)
		}
		a.label(direct)
		a.jump(unix.BPF_JEQ|unix.BPF_K, solicitType, wait, "")
		a.jump(unix.BPF_JGT|unix.BPF_K, declineType, wait, "")
		urgent()
		a.label(wait)
		later()
		if level == maxLevels {
			return
		}
		a.label(unwrap)
		a.advance(relayHeader)
		found, lost := fmt.Sprint("message ", level), fmt.Sprint("lost ", level)
		a.walk(found, lost)
		a.label(lost)
		later()
		a.label(found)
		a.advance(4)
	}
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
