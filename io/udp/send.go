package udp

import (
	"math/bits"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/worker"
)

// Sizes of the send path.
const (
	sendMessages  = 64    // replies in flight to the kernel at once: taken is one word
	maxSegments   = 64    // of one super-packet: what every kernel with UDP_SEGMENT takes
	maxSegment    = 1232  // octets: with IPv6 and UDP headers the smallest path MTU, 1280
	maxSuper      = 65000 // octets of one super-packet's payload
	sendPatience  = 20e6  // nanoseconds that sendMessages replies wait for buffer space, once
	maxInterrupts = 8     // EINTR in a row before a message is given up
	plainBuckets  = 256   // of destinations that refused UDP_SEGMENT
)

// Send implements worker.Socket. Replies to one relay of equal length leave as one super-packet (UDP_SEGMENT),
// which costs the kernel a quarter per datagram; replies may therefore overtake one another.
func (e *endpoint) Send(lane int, replies []worker.Reply) (refused int) {
	s := &e.send[lane]
	if !s.gate.enter() {
		return len(replies)
	}
	s.merged = 0
	for rest := replies; len(rest) > 0; {
		n := min(len(rest), sendMessages)
		refused += s.send(rest[:n])
		rest = rest[n:]
	}
	s.gate.leave()
	s.counters.sent.Add(uint64(len(replies) - refused))
	if s.merged > 0 {
		s.counters.merged.Add(uint64(s.merged))
	}
	if refused > 0 {
		s.counters.refused.Add(uint64(refused))
	}
	return refused
}

// A sender owns the headers with which the replies of one lane of a worker are sent.
type sender struct {
	gate     gate
	fds      []int // by Reply.Socket
	counters *counters
	transmit func(fd int, messages []message) (int, unix.Errno) // sendNow; tests put a kernel that refuses here
	waited   bool                                               // this chunk had its wait for buffer space
	merged   int                                                // replies of this Send that left in super-packets

	messages [sendMessages]message // each a reply, or several of one length
	plain    [sendMessages]message // one super-packet's replies, each alone, after a refusal
	names    [sendMessages]unix.RawSockaddrInet6
	vectors  [sendMessages]unix.Iovec // one per reply; a message's are neighbours
	controls [sendMessages][sendControlLen]byte
	poll     [1]unix.PollFd
	patience unix.Timespec

	// refusing has a bit per bucket of destinations behind which UDP_SEGMENT was refused: an IPsec policy,
	// a tunnel without checksums. A bit stays until the server ends: what it costs is speed alone.
	refusing [plainBuckets / 64]uint64

	_ [64]byte // another lane's sender follows
}

func (s *sender) open(fds []int, counters *counters) {
	s.gate.open()
	s.fds, s.counters, s.transmit = fds, counters, sendNow
	s.patience = unix.NsecToTimespec(sendPatience)
	if _, err := unix.GetsockoptInt(fds[0], unix.IPPROTO_UDP, unix.UDP_SEGMENT); err != nil {
		for i := range s.refusing { // a kernel before 4.18
			s.refusing[i] = ^uint64(0)
		}
	}
}

// send sends at most sendMessages replies, socket by socket, and returns how many were refused.
func (s *sender) send(replies []worker.Reply) (refused int) {
	var taken uint64 // replies that need no more work
	for i := range replies {
		r := &replies[i]
		if int(r.Socket) >= len(s.fds) || len(r.Data) == 0 || !answerable(&r.Destination, r.Port) {
			s.counters.refusal.Store(uint32(unix.EDESTADDRREQ))
			taken |= 1 << i
			refused++
		}
	}
	s.waited = false
	all := ^uint64(0) >> (sendMessages - len(replies))
	for taken != all {
		socket := replies[bits.TrailingZeros64(^taken)].Socket
		n := s.plan(replies, socket, &taken)
		refused += s.push(s.fds[socket], s.messages[:n])
	}
	clear(s.vectors[:len(replies)]) // keep nothing of the replies' memory
	return refused
}

// plan makes messages of all replies for one socket that aren't taken yet, takes them, and returns how many messages.
func (s *sender) plan(replies []worker.Reply, socket uint16, taken *uint64) (messages int) {
	vectors := 0
	for i := range replies {
		first := &replies[i]
		if *taken>>i&1 != 0 || first.Socket != socket {
			continue
		}
		start := vectors
		vectors = s.vector(first, vectors)
		*taken |= 1 << i
		if s.mergeable(first) {
			vectors = s.merge(replies, i, vectors, taken)
		}
		s.address(messages, first, start, vectors-start)
		messages++
	}
	return messages
}

// merge adds to the message of reply i those behind it that can leave with it: same way, same length.
// One shorter reply may be the last.
func (s *sender) merge(replies []worker.Reply, i, vectors int, taken *uint64) int {
	first := &replies[i]
	size := len(first.Data)
	count := min(maxSegments, maxSuper/size) - 1 // how many more there may be
	shorter := -1
	for j := i + 1; j < len(replies) && count > 0; j++ {
		r := &replies[j]
		if *taken>>j&1 != 0 || len(r.Data) > size || !sameWay(first, r) {
			continue
		}
		if len(r.Data) < size {
			shorter = j
			continue
		}
		vectors = s.vector(r, vectors)
		*taken |= 1 << j
		count--
	}
	if shorter >= 0 && count > 0 {
		vectors = s.vector(&replies[shorter], vectors)
		*taken |= 1 << shorter
	}
	return vectors
}

// vector points the next vector at a reply, and returns the number of those in use.
func (s *sender) vector(r *worker.Reply, vectors int) int {
	s.vectors[vectors].Base = &r.Data[0]
	s.vectors[vectors].SetLen(len(r.Data))
	return vectors + 1
}

// address fills in message i for a reply, or for several that go the same way.
//
// A reply leaves from the address that was asked. Where that was multicast the kernel picks the source,
// and the interface is the one it came in by (RFC 9915, Section 18.3.10). An interface is named only
// where the addresses don't say enough: a relay's way back is the routing table's business.
func (s *sender) address(i int, r *worker.Reply, vector, count int) {
	name := &s.names[i]
	*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: r.Destination}
	setPort(name, r.Port)
	source, iface := r.Source, uint32(0)
	if source[0] == 0xff {
		source = [16]byte{}
	}
	if linkLocal(&r.Destination) {
		name.Scope_id = r.Interface
	}
	if name.Scope_id != 0 || linkLocal(&source) || source == [16]byte{} {
		iface = r.Interface
	}
	segment := 0
	if count > 1 {
		segment = len(r.Data)
	}
	control := &s.controls[i]
	used := writeControl(control[:], &source, iface, segment)
	h := &s.messages[i].header
	*h = unix.Msghdr{Name: asName(name), Namelen: unix.SizeofSockaddrInet6, Iov: &s.vectors[vector], Control: &control[0]}
	h.SetIovlen(count)
	h.SetControllen(used)
}

// push sends all messages and returns how many replies were refused. It ends: each turn sends a message,
// gives one up, or uses one of a few chances to wait.
func (s *sender) push(fd int, messages []message) (refused int) {
	interrupts := 0
	for len(messages) > 0 {
		n, errno := s.transmit(fd, messages)
		switch {
		case errno == 0 && n > 0:
			s.countMerged(messages[:n])
			messages = messages[n:]
			interrupts = 0
		case errno == unix.EINTR && interrupts < maxInterrupts:
			interrupts++
		case (errno == unix.EAGAIN || errno == unix.ENOBUFS) && !s.waited:
			s.waited = true
			s.poll[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT}
			poll(s.poll[:], &s.patience)
		default:
			refused += s.refuse(fd, &messages[0], errno)
			messages = messages[1:]
		}
	}
	return refused
}

func (s *sender) countMerged(sent []message) {
	for i := range sent {
		if count := int(sent[i].header.Iovlen); count > 1 {
			s.merged += count
		}
	}
}

// refuse deals with a message that the kernel doesn't take. A super-packet's replies get their second chance, each alone.
func (s *sender) refuse(fd int, m *message, errno unix.Errno) (refused int) {
	count := int(m.header.Iovlen)
	if count == 1 || !refusesSegments(errno) {
		s.counters.refusal.Store(uint32(errno))
		return count
	}
	vectors := unsafe.Slice(m.header.Iov, count)
	for i := range vectors {
		single := &s.plain[i].header
		*single = m.header
		single.Iov = &vectors[i]
		single.SetIovlen(1)
		single.SetControllen(pktinfoSpace) // all but UDP_SEGMENT
	}
	refused = s.push(fd, s.plain[:count])
	if refused < count {
		// It was the super-packet that they didn't like, not the address.
		bucket := bucketOf(&nameOf(&m.header).Addr)
		s.refusing[bucket/64] |= 1 << (bucket % 64)
		s.counters.unsegmented.Add(1)
	}
	return refused
}

// refusesSegments is true for what kernels and devices say to a super-packet that they can't send:
// EIO where the device or an IPsec policy rules it out, EINVAL and EMSGSIZE where a segment exceeds the path's MTU.
func refusesSegments(errno unix.Errno) bool {
	return errno == unix.EIO || errno == unix.EINVAL || errno == unix.EMSGSIZE || errno == unix.EOPNOTSUPP
}

func (s *sender) mergeable(r *worker.Reply) bool {
	bucket := bucketOf(&r.Destination)
	return len(r.Data) <= maxSegment && s.refusing[bucket/64]>>(bucket%64)&1 == 0
}

func bucketOf(address *[16]byte) int {
	return int(address[15]^address[14]*31^address[7]*17^address[6]*7) % plainBuckets
}

// sameWay says whether two replies differ in nothing but their data.
func sameWay(a, b *worker.Reply) bool {
	return a.Port == b.Port && a.Socket == b.Socket && a.Interface == b.Interface &&
		a.Destination == b.Destination && a.Source == b.Source
}

func linkLocal(address *[16]byte) bool { return address[0] == 0xfe && address[1]&0xc0 == 0x80 }
