package udp

import (
	"net/netip"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Counters count one worker's datagrams, or all workers'.
type Counters struct {
	Received     uint64 // handed to the worker
	Truncated    uint64 // longer than worker.MaxDatagram; dropped
	Unanswerable uint64 // from multicast, the unspecified address or port 0; dropped
	Unserved     uint64 // multicast by an interface that isn't configured; dropped
	Sent         uint64 // taken by the kernel
	Merged       uint64 // of these, sent in super-packets (UDP_SEGMENT)
	Refused      uint64 // not taken by the kernel; dropped
	Unsegmented  uint64 // how often a destination's super-packets were given up
}

// SocketDrops are the datagrams that the kernel dropped at one socket since Open, mostly because its buffer was full.
type SocketDrops struct {
	Worker  int
	Address netip.AddrPort
	Dropped uint64
}

// Stats is what a server did since Open.
type Stats struct {
	Counters            // of all workers
	Dropped  uint64     // of all sockets
	Workers  []Counters // by worker
	Sockets  []SocketDrops
}

// Stats reads all counters. It costs a system call per socket.
func (s *Server) Stats() Stats {
	var stats Stats
	for _, w := range s.workers {
		c := w.counters.read()
		stats.Workers = append(stats.Workers, c)
		stats.Counters = stats.Counters.plus(c)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.closed {
		s.drops.update()
	}
	for i := range s.drops.sockets {
		d := &s.drops.sockets[i]
		stats.Sockets = append(stats.Sockets, SocketDrops{d.index % s.config.Workers, d.group.address, d.dropped})
	}
	stats.Dropped = s.drops.total
	return stats
}

func (c Counters) plus(d Counters) Counters {
	c.Received += d.Received
	c.Truncated += d.Truncated
	c.Unanswerable += d.Unanswerable
	c.Unserved += d.Unserved
	c.Sent += d.Sent
	c.Merged += d.Merged
	c.Refused += d.Refused
	c.Unsegmented += d.Unsegmented
	return c
}

// counters are written by one worker's two goroutines, each on a cache line of its own.
type counters struct {
	_                      [64]byte
	received, truncated    atomic.Uint64
	unanswerable, unserved atomic.Uint64
	multicast              atomic.Uint64 // read, whatever became of it
	_                      [64]byte
	sent, merged, refused  atomic.Uint64
	unsegmented            atomic.Uint64
	refusal                atomic.Uint32 // the latest errno
	_                      [64]byte
}

func (c *counters) read() Counters {
	return Counters{
		Received: c.received.Load(), Truncated: c.truncated.Load(), Unanswerable: c.unanswerable.Load(), Unserved: c.unserved.Load(),
		Sent: c.sent.Load(), Merged: c.merged.Load(), Refused: c.refused.Load(), Unsegmented: c.unsegmented.Load(),
	}
}

// multicastRead is how many multicast datagrams all workers have read.
func (s *Server) multicastRead() (n uint64) {
	for _, w := range s.workers {
		n += w.counters.multicast.Load()
	}
	return n
}

// tick looks at the counters and tells of drops, and of refusals at most once a minute.
func (s *Server) tick() {
	s.mutex.Lock()
	if s.closed {
		s.mutex.Unlock()
		return
	}
	s.drops.update()
	grown := s.drops.total - s.drops.told
	s.drops.told = s.drops.total
	s.mutex.Unlock()
	if grown > 0 {
		s.notify(Event{Kind: DropsGrew, Dropped: grown})
	}
	s.watcher.tellFloods()
	s.tellRefusals()
}

const refusalTicks = 60 // between two warnings

func (s *Server) tellRefusals() {
	w := s.watcher
	if w.quiet > 0 {
		w.quiet--
		return
	}
	var refused uint64
	var errno uint32
	for _, e := range s.workers {
		refused += e.counters.refused.Load()
		errno = max(errno, e.counters.refusal.Swap(0))
	}
	if refused > w.refused {
		s.logger.Warn("the kernel refused replies", "id", "replies-refused", "replies", refused-w.refused, "error", unix.Errno(errno))
		w.refused, w.quiet = refused, refusalTicks
	}
}
