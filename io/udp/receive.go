package udp

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/worker"
)

// Sizes of the receive path.
const (
	groBuffer   = 64 << 10 // octets of one message into which the kernel may merge datagrams
	groMessages = 8        // so that a worker's buffers stay at half a megabyte
	maxSickness = 1000     // errors in a row after which a socket is given up
)

// An endpoint is one worker's sockets, one per listen address: worker.Socket.
// Receive and the lanes of Send share nothing but the descriptors.
type endpoint struct {
	receive  receiver
	_        [64]byte // what follows is other goroutines'
	send     [worker.Lanes]sender
	counters counters
	sieve    sieve
}

func newEndpoint(sockets []sieved, config *Config, table *atomic.Pointer[linkTable]) (*endpoint, error) {
	e := &endpoint{sieve: sieve{sockets: sockets, config: config}}
	var fds []int
	for _, s := range sockets {
		fds = append(fds, s.fd)
	}
	if err := e.receive.open(fds, config, table, &e.counters); err != nil {
		return nil, err
	}
	for lane := range e.send {
		e.send[lane].open(fds, &e.counters)
	}
	return e, nil
}

// Receive implements worker.Socket.
func (e *endpoint) Receive(batch []worker.Datagram) (int, error) {
	r := &e.receive
	if !r.gate.enter() {
		return 0, net.ErrClosed
	}
	n, err := r.receive(batch)
	r.gate.leave()
	return n, err
}

// A receiver owns the memory into which one worker's datagrams are received.
// Messages [next, filled) are received and not handed out yet.
type receiver struct {
	gate     gate
	fds      []int // by Datagram.Socket: of each address one for each class, the urgent one first
	classes  int
	queues   []queue       // by socket; with Config.Urgency only
	polls    []unix.PollFd // of several sockets: theirs, and the last one the bell's
	bell     int           // an eventfd that ends poll, where there are several sockets
	table    *atomic.Pointer[linkTable]
	counters *counters

	messages []message // they point into the four that follow
	names    []unix.RawSockaddrInet6
	vectors  []unix.Iovec
	controls []byte // receiveControlLen each
	buffers  []byte // size each
	size     int
	sockets  []uint16 // by which socket each message came
	rung     [8]byte  // what is read from the bell

	filled, next int
	offset       int // of the next datagram within message next, where the kernel merged several
	turn         int // the address whose socket is read first next time
	sickness     int // errors in a row
}

func (r *receiver) open(fds []int, config *Config, table *atomic.Pointer[linkTable], counters *counters) (err error) {
	r.gate.open()
	r.fds, r.table, r.counters, r.classes = fds, table, counters, config.classes()
	if config.Urgency {
		r.queues = make([]queue, len(fds))
		for i := range r.queues {
			r.queues[i] = queue{limit: config.ReceiveBuffer, most: config.ReceiveBuffer}
		}
	}
	slots := worker.BatchSize
	r.size = worker.MaxDatagram
	if config.GRO {
		slots, r.size = groMessages, groBuffer
	}
	r.messages = make([]message, slots)
	r.names = make([]unix.RawSockaddrInet6, slots)
	r.vectors = make([]unix.Iovec, slots)
	r.controls = make([]byte, slots*receiveControlLen)
	r.buffers = make([]byte, slots*r.size)
	r.sockets = make([]uint16, slots)
	for i := range r.messages {
		h := &r.messages[i].header
		r.vectors[i].Base = &r.buffers[i*r.size]
		r.vectors[i].SetLen(r.size)
		h.Iov = &r.vectors[i]
		h.SetIovlen(1)
		h.Name = asName(&r.names[i])
		h.Control = &r.controls[i*receiveControlLen]
	}
	if len(fds) == 1 {
		return nil
	}
	if r.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	for _, fd := range append(fds[:len(fds):len(fds)], r.bell) {
		r.polls = append(r.polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	return nil
}

// ring ends poll, or the next one: what is behind a descriptor's number was replaced. poll itself wouldn't notice.
// Woken by the old socket it looks at the new one under that number, finds nothing there, and sleeps on
// without being in the new one's queue of waiters.
func (r *receiver) ring() {
	if len(r.fds) > 1 {
		_, _ = unix.Write(r.bell, []byte{7: 1}) // an eventfd's counter in either byte order is not 0
	}
}

// close comes after the gate is shut and empty.
func (r *receiver) close() {
	if len(r.fds) > 1 {
		_ = unix.Close(r.bell)
	}
}

// receive hands out what is left, or waits for more. Messages of which nothing can be handed out are counted and skipped.
func (r *receiver) receive(batch []worker.Datagram) (int, error) {
	if len(batch) == 0 {
		return 0, fmt.Errorf("udp: %w: receive into an empty batch", os.ErrInvalid)
	}
	for {
		if n := r.hand(batch); n > 0 {
			r.counters.received.Add(uint64(n))
			return n, nil
		}
		if r.gate.isShut() {
			return 0, net.ErrClosed
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// fill blocks until it has at least one message, or was woken.
// One socket needs one system call. Of several the urgent ones are read first, and those of one class in turns, so that a busy
// address can't starve the others.
func (r *receiver) fill() error {
	r.next, r.filled, r.offset = 0, 0, 0
	r.reset()
	if len(r.fds) == 1 {
		n, errno := receiveWait(r.fds[0], r.messages)
		return r.took(0, n, errno)
	}
	addresses := len(r.fds) / r.classes
	for i := range r.fds {
		class, address := i/addresses, (r.turn+i)%addresses
		if r.filled == len(r.messages) {
			break
		}
		socket := address*r.classes + class
		n, errno := receiveNow(r.fds[socket], r.messages[r.filled:])
		if err := r.took(socket, n, errno); err != nil {
			return err
		}
	}
	r.turn = (r.turn + 1) % addresses
	if r.filled > 0 {
		return nil
	}
	if errno := poll(r.polls, nil); errno != 0 && errno != unix.EINTR {
		return os.NewSyscallError("ppoll", errno)
	}
	if r.polls[len(r.fds)].Revents != 0 {
		_, _ = unix.Read(r.bell, r.rung[:])
	}
	return nil
}

// took notes what a system call on one socket gave.
func (r *receiver) took(socket, n int, errno unix.Errno) error {
	switch errno {
	case 0:
		r.sickness = 0
		for i := r.filled; i < r.filled+n; i++ {
			r.sockets[i] = uint16(socket)
		}
		r.filled += n
		if r.queues != nil && n > 0 {
			r.watch(socket, r.filled-n, n)
		}
		return nil
	case unix.EAGAIN, unix.EINTR:
		return nil
	case unix.ENOMEM, unix.ENOBUFS, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.ENETDOWN, unix.EPROTO:
		// What an earlier packet left on the socket, or a shortage: reading on clears it, or it stays and we must not spin.
		if r.sickness++; r.sickness <= maxSickness {
			return nil
		}
	}
	return os.NewSyscallError("recvmmsg", errno)
}

// watch looks at how long the oldest of n messages has waited, and cuts the socket's queue to what is read in time.
func (r *receiver) watch(socket, first, n int) {
	start, now := first*receiveControlLen, time.Now().UnixNano()
	arrival := readControl(r.controls[start : start+min(int(r.messages[first].header.Controllen), receiveControlLen)]).arrival
	if arrival == 0 {
		return
	}
	if limit, changed := r.queues[socket].note(n, now-arrival, now); changed {
		_ = setReceiveBuffer(r.fds[socket], limit) // a kernel that refuses keeps the old one
	}
}

// reset undoes what the kernel wrote into the headers.
func (r *receiver) reset() {
	for i := range r.messages {
		h := &r.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(receiveControlLen)
	}
}
