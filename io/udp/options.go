package udp

import (
	"golang.org/x/sys/unix"
)

// A socket is what an option needs to know before the socket is bound.
type socket struct {
	fd     int
	index  int // in its group
	group  *group
	config *Config
	shared bool // somebody of ours holds the address already
}

// options are set on every socket in this order, before it is bound.
var options = []struct {
	name string
	set  func(*socket) error
}{
	{"IPV6_V6ONLY", onlyIPv6},
	{"IPV6_MULTICAST_ALL", onlyJoinedGroups},
	{"SO_ATTACH_FILTER", filterMulticast},
	{"IPV6_RECVPKTINFO", tellDestination},
	{"SO_TIMESTAMPNS", tellArrival},
	{"SO_RCVBUF", growReceiveBuffer},
	{"SO_SNDBUF", growSendBuffer},
	{"UDP_GRO", mergeOnReceive},
	{"SO_REUSEPORT", shareAddress},
}

// onlyIPv6: else the wildcard socket would take the IPv4 port as well, and see IPv4-mapped senders.
func onlyIPv6(s *socket) error {
	return unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
}

// onlyJoinedGroups: by default a wildcard socket receives what any process of the namespace joined, on any interface.
// With 0 it receives groups that it joined itself, though still on any interface (receiver.describe). Since Linux 4.20; not inherited, so that each socket needs it.
func onlyJoinedGroups(s *socket) error {
	return unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
}

// filterMulticast: multicast is delivered to every socket of the group; each takes its own clients only.
// It is attached before the socket is bound, so that no datagram is seen twice.
func filterMulticast(s *socket) error {
	if !s.group.multicast || s.config.Workers*s.config.classes() == 1 {
		return nil
	}
	return attachFilter(s.fd, s.index, s.config.Workers, s.config.classes())
}

// tellDestination: a reply must come from the address that was asked, out of the interface that it came in by.
func tellDestination(s *socket) error {
	return unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
}

// tellArrival: real time, stamped when the device's driver handed the packet over.
// The first socket of a machine that asks for it switches the stamping on, a few microseconds late.
func tellArrival(s *socket) error {
	return unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
}

// growReceiveBuffer: SO_RCVBUFFORCE needs CAP_NET_ADMIN; SO_RCVBUF is silently held to net.core.rmem_max.
// The kernel doubles both for its own bookkeeping.
func growReceiveBuffer(s *socket) error { return setReceiveBuffer(s.fd, s.config.ReceiveBuffer) }

func setReceiveBuffer(fd, size int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) == nil {
		return nil
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
}

// growSendBuffer: 4 MiB holds the replies of all batches that may wait for the disk at once; Send doesn't block.
func growSendBuffer(s *socket) error {
	const size = 4 << 20
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, size) == nil {
		return nil
	}
	return unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, size)
}

// mergeOnReceive: since Linux 5.0. It pays only where a relay sends bursts of equal size.
func mergeOnReceive(s *socket) error {
	if !s.config.GRO {
		return nil
	}
	return unix.SetsockoptInt(s.fd, unix.IPPROTO_UDP, unix.UDP_GRO, 1)
}

// shareAddress: not on the first socket of an address (group.open).
func shareAddress(s *socket) error {
	if !s.shared {
		return nil
	}
	return setShared(s.fd)
}

// setShared may follow bind as well: the kernel makes the group when the second member binds,
// and the first one has index 0 in it.
func setShared(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}
