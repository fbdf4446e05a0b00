package udp

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A message is the kernel's struct mmsghdr of a 64-bit machine.
type message struct {
	header unix.Msghdr
	length uint32 // octets received or sent
	_      [4]byte
}

// The kernel walks an array of messages: their size is part of the interface.
var _ [64]byte = [unsafe.Sizeof(message{})]byte{}

// Sizes of ancillary data (struct cmsghdr and what follows it, aligned to 8 octets).
const (
	controlHeader     = unix.SizeofCmsghdr
	pktinfoSpace      = controlHeader + 24 // struct in6_pktinfo, 20 octets
	segmentSpace      = controlHeader + 8  // UDP_SEGMENT, uint16
	receiveControlLen = 128                // pktinfo 40, time stamp 32, UDP_GRO 24
	sendControlLen    = pktinfoSpace + segmentSpace
)

// receiveWait blocks until one datagram is there, and takes those that are there then.
// Syscall6 tells the scheduler that the thread may be away for long; RawSyscall6 would hold up the garbage collector.
func receiveWait(fd int, messages []message) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])),
		uintptr(len(messages)), unix.MSG_WAITFORONE, 0, 0)
	return int(n), errno
}

// receiveNow takes what is there.
func receiveNow(fd int, messages []message) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])),
		uintptr(len(messages)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// sendNow sends without waiting for buffer space. The kernel stops at the first message that it refuses and returns
// how many went before; only a refusal of the very first one shows its error.
func sendNow(fd int, messages []message) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])),
		uintptr(len(messages)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

// poll waits for an event on one of the descriptors; a nil timeout waits for ever.
func poll(fds []unix.PollFd, timeout *unix.Timespec) unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)),
		uintptr(unsafe.Pointer(timeout)), 0, 0, 0)
	return errno
}

// asName and nameOf go between a socket address and a header's Name field.
func asName(name *unix.RawSockaddrInet6) *byte { return (*byte)(unsafe.Pointer(name)) }

func nameOf(h *unix.Msghdr) *unix.RawSockaddrInet6 {
	return (*unix.RawSockaddrInet6)(unsafe.Pointer(h.Name))
}

// port and setPort read and write a socket address's port, which is in network order.
func port(name *unix.RawSockaddrInet6) uint16 {
	return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
}

func setPort(name *unix.RawSockaddrInet6, port uint16) {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], port)
}

// An origin is what the kernel tells beside a datagram.
type origin struct {
	destination [16]byte
	iface       uint32
	arrival     int64 // Unix nanoseconds; 0: unknown
	segment     int   // octets of each datagram that was merged into this one; 0: not merged
}

// readControl reads ancillary data as the kernel wrote it: headers of length, level and type in host order,
// each aligned to 8 octets. What it doesn't know it skips.
func readControl(control []byte) (o origin) {
	for len(control) >= controlHeader {
		length := int(binary.NativeEndian.Uint64(control))
		if length < controlHeader || length > len(control) {
			return o
		}
		level := int32(binary.NativeEndian.Uint32(control[8:]))
		kind := int32(binary.NativeEndian.Uint32(control[12:]))
		data := control[controlHeader:length]
		switch {
		case level == unix.IPPROTO_IPV6 && kind == unix.IPV6_PKTINFO && len(data) >= 20:
			o.destination = [16]byte(data)
			o.iface = binary.NativeEndian.Uint32(data[16:])
		case level == unix.SOL_SOCKET && kind == unix.SCM_TIMESTAMPNS && len(data) >= 16:
			o.arrival = int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
		case level == unix.IPPROTO_UDP && kind == unix.UDP_GRO && len(data) >= 4:
			o.segment = int(binary.NativeEndian.Uint32(data)) // an int, where UDP_SEGMENT is a uint16
		}
		control = control[min((length+7)&^7, len(control)):]
	}
	return o
}

// writeControl writes the source address and interface, and the segment size if it isn't 0.
// It returns how much of control it used.
func writeControl(control []byte, source *[16]byte, iface uint32, segment int) int {
	binary.NativeEndian.PutUint64(control, controlHeader+20)
	binary.NativeEndian.PutUint32(control[8:], unix.IPPROTO_IPV6)
	binary.NativeEndian.PutUint32(control[12:], unix.IPV6_PKTINFO)
	copy(control[controlHeader:], source[:])
	binary.NativeEndian.PutUint32(control[controlHeader+16:], iface)
	if segment == 0 {
		return pktinfoSpace
	}
	control = control[pktinfoSpace:]
	binary.NativeEndian.PutUint64(control, controlHeader+2)
	binary.NativeEndian.PutUint32(control[8:], unix.IPPROTO_UDP)
	binary.NativeEndian.PutUint32(control[12:], unix.UDP_SEGMENT)
	binary.NativeEndian.PutUint16(control[controlHeader:], uint16(segment))
	return pktinfoSpace + segmentSpace
}
