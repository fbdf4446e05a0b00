package udp

import (
	"golang.org/x/sys/unix"
)

// followZone binds a group anew when the interface of its link-local address has another index than it was bound to.
// The kernel ties such a socket to the index; after the interface was deleted and made anew it hears nothing.
// It is called with the server's mutex held.
func (s *Server) followZone(g *group, index uint32) {
	if index == 0 || index == g.index || s.draining {
		return
	}
	fresh := &group{address: g.address}
	if err := fresh.open(s.config, false); err != nil {
		s.logger.Error("interface is back, but its address can't be bound", "id", "address-unbound", "address", g.address, "error", err)
		return
	}
	s.logger.Info("interface is back; bound anew", "id", "address-rebound", "address", g.address, "index", fresh.index)
	old := &group{}
	for i := range g.fds {
		if size, err := unix.GetsockoptInt(g.fds[i], unix.SOL_SOCKET, unix.SO_RCVBUF); err == nil {
			_ = setReceiveBuffer(fresh.fds[i], size/2) // the worker may have cut the queue, and goes on from there (queue.go)
		}
		old.replace(g.fds[i], fresh.fds[i])
	}
	g.index = fresh.index
	old.wake() // who waits in recvmmsg
	for _, w := range s.workers {
		w.receive.ring() // who waits in poll
	}
	_ = old.close()
	_ = fresh.close() // the sockets live on under the old numbers
	s.drops.forget(g)
}

// replace puts another socket behind a descriptor's number and keeps the former one in g. Workers use
// the number meanwhile: dup3 replaces it at once for later calls, and those that run keep what they began with.
func (g *group) replace(number, by int) {
	former, err := unix.FcntlInt(uintptr(number), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		g.fds = append(g.fds, former)
	}
	for {
		if err := unix.Dup3(by, number, unix.O_CLOEXEC); err != unix.EBUSY && err != unix.EINTR {
			return
		}
	}
}
