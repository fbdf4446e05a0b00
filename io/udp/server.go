// Package udp is the way between core/worker's Socket port and the kernel: it opens the server's sockets,
// spreads clients over the workers, joins the multicast groups, follows interfaces that come and go,
// and moves datagrams in batches. It never looks further into a datagram than the steering program does,
// and decides nothing about DHCPv6.
//
// Each worker has one socket per listen address, or with Config.Urgency two, so that nothing is shared between workers but the kernel's
// own structures. Sockets of one listen address form an SO_REUSEPORT group:
//
//	             group [::]:547        group [2001:db8::1]:10547
//	worker 0     socket 0, index 0     socket 1, index 0
//	worker 1     socket 0, index 1     socket 1, index 1
//
// A classic BPF program picks the socket by client (steering.go). The kernel doesn't ask it for multicast,
// which it delivers to every member of a group; there each socket's filter takes the clients of its own index.
//
// With Config.Urgency a group has twice as many sockets: those with indexes from the number of workers on are for what
// may wait, and come second among each worker's (steering.go, queue.go).
//
// What holds while a Server lives:
//
//  1. Descriptors are blocking, and unknown to the Go runtime's poller, which would cost 0.7 to 1 µs per packet.
//  2. A descriptor's number never changes and isn't closed while a Receive or Send runs (gate.go).
//     What is behind the number may be replaced (rebind.go).
//  3. Per packet there is no allocation and no lock; per batch a few uncontended atomic operations.
//  4. The watcher's goroutine alone changes memberships and publishes the table of interfaces (watch.go);
//     workers read that table through an atomic pointer.
package udp

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/worker"
)

// ServerPort is where servers and relay agents listen (RFC 9915, Section 7.2).
const ServerPort = 547

// MaxWorkers bounds the sockets of a group: the steering hash has 16 bits.
const MaxWorkers = 1024

// DefaultReceiveBuffer is one socket's, in octets. A small datagram is charged 768 to 1280 octets,
// so that this holds some eight thousand.
const DefaultReceiveBuffer = 8 << 20

// A Config says where to listen. At least one interface or address is needed.
type Config struct {
	Workers       int              // how many sockets to spread each address's clients over, 1 to MaxWorkers
	Interfaces    []string         // multicast on these, and unicast at any address, at Port; they may be absent and come later
	Port          uint16           // of the interfaces; 0: ServerPort
	Addresses     []netip.AddrPort // unicast only, each at its own port; port 0: any free one
	ReceiveBuffer int              // octets per socket; 0: DefaultReceiveBuffer
	Urgency       bool             // each address has two sockets for each worker, so that Solicits wait behind clients that have a lease (queue.go)
	GRO           bool             // let the kernel merge equal-sized datagrams of one sender on receive (64 KiB buffers)
	Logger        *slog.Logger     // nil: silent
	Notify        func(Event)      // called in Open and then by the watcher's goroutine; nil: nobody; must not call Close
}

// A Server is the open sockets. Its methods may be called from any goroutine.
type Server struct {
	config  Config
	logger  *slog.Logger
	groups  []*group
	workers []*endpoint
	table   atomic.Pointer[linkTable]
	watcher *watcher

	mutex    sync.Mutex // guards what follows: the control plane's, never a packet's
	draining bool
	closed   bool
	drops    dropCount
}

// Open opens all sockets and joins the groups of all interfaces that exist.
// The sockets belong to the network namespace of the calling thread.
// An error names the address and a remedy; nothing stays open then.
func Open(config Config) (*Server, error) {
	config, err := config.checked()
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, logger: config.Logger}
	s.table.Store(&linkTable{})
	if s.watcher, err = openWatcher(s); err != nil {
		return nil, err
	}
	if err := s.openSockets(); err != nil {
		s.watcher.close()
		return nil, err
	}
	s.drops.open(s.groups, s.multicastRead, s.sifts, s.logger)
	s.watcher.reconcile()
	go s.watcher.run()
	return s, nil
}

// openSockets opens the groups, the interfaces' wildcard group first: where it binds, no other process can hold
// any address at that port. Each worker's Socket indexes follow the order of the groups.
func (s *Server) openSockets() error {
	if len(s.config.Interfaces) > 0 {
		wildcard := netip.AddrPortFrom(netip.IPv6Unspecified(), s.config.Port)
		s.groups = append(s.groups, &group{address: wildcard, multicast: true})
	}
	for _, address := range s.config.Addresses {
		s.groups = append(s.groups, &group{address: address})
	}
	for i, g := range s.groups {
		ours := i > 0 && s.groups[0].multicast && g.address.Port() == s.config.Port
		err := g.open(s.config, ours)
		if errors.Is(err, unix.ENOMEM) && s.config.Urgency {
			return s.withoutUrgency(err)
		}
		if err != nil {
			return s.abandon(err)
		}
		if g.freebound {
			s.logger.Warn("listen address isn't there yet; waiting for it", "id", "address-missing", "address", g.address)
		}
	}
	for i := range s.config.Workers {
		var sockets []sieved
		for _, g := range s.groups {
			for index := i; index < len(g.fds); index += s.config.Workers {
				sockets = append(sockets, sieved{g.fds[index], index, g.filtered(), index >= s.config.Workers})
			}
		}
		w, err := newEndpoint(sockets, &s.config, &s.table)
		if err != nil {
			return s.abandon(err)
		}
		s.workers = append(s.workers, w)
	}
	return nil
}

// withoutUrgency opens all sockets with the shorter programs of one class, where the kernel has no room for the longer ones: then
// Solicits and Renews share a queue, as bad as that is under overload.
func (s *Server) withoutUrgency(why error) error {
	s.logger.Warn("under overload, Solicits will push out clients that have a lease: the kernel has no room for the program that tells them apart; "+
		"raise the sysctl net.core.optmem_max to 20480 or more and start again", "id", "urgency-off", "error", why)
	_ = s.abandon(nil)
	s.groups, s.workers, s.config.Urgency = nil, nil, false
	return s.openSockets()
}

// abandon closes what openSockets has opened before it failed.
func (s *Server) abandon(err error) error {
	for _, w := range s.workers {
		w.receive.close()
	}
	for _, g := range s.groups {
		_ = g.close()
	}
	return err
}

// Worker returns worker i's socket, 0 <= i < Config.Workers. Its goroutine should be locked to a thread:
// Receive blocks in the kernel.
func (s *Server) Worker(i int) worker.Socket { return s.workers[i] }

// Addresses returns what is bound, the interfaces' wildcard address first, with the ports that the kernel chose.
func (s *Server) Addresses() []netip.AddrPort {
	var addresses []netip.AddrPort
	for _, g := range s.groups {
		addresses = append(addresses, g.address)
	}
	return addresses
}

// Drain ends receiving: every Receive returns net.ErrClosed, the running ones too, while Send goes on
// for the replies that wait for their write. What the kernel still holds is lost.
func (s *Server) Drain() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.drain()
}

// drain is Drain with the mutex held.
func (s *Server) drain() {
	if s.draining {
		return
	}
	s.draining = true
	for _, w := range s.workers {
		w.receive.gate.shut()
	}
	for _, g := range s.groups {
		g.wake()
	}
}

// Close ends receiving and sending, waits until no Receive or Send runs, and frees the addresses.
func (s *Server) Close() error {
	s.watcher.stop()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		return nil
	}
	s.drain()
	s.closed = true
	for _, w := range s.workers {
		for lane := range w.send {
			w.send[lane].gate.shut()
		}
	}
	for _, w := range s.workers {
		w.receive.gate.wait()
		w.receive.close()
		for lane := range w.send {
			w.send[lane].gate.wait()
		}
	}
	var errs []error
	for _, g := range s.groups {
		errs = append(errs, g.close())
	}
	s.drops.close()
	return errors.Join(errs...)
}

// checked fills in defaults and refuses what could never work.
func (c Config) checked() (Config, error) {
	if c.Port == 0 {
		c.Port = ServerPort
	}
	if c.ReceiveBuffer == 0 {
		c.ReceiveBuffer = DefaultReceiveBuffer
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Notify == nil {
		c.Notify = func(Event) {}
	}
	var errs []error
	if c.Workers < 1 || c.Workers > MaxWorkers {
		errs = append(errs, fmt.Errorf("%d workers: must be 1 to %d", c.Workers, MaxWorkers))
	}
	if c.ReceiveBuffer < 0 {
		errs = append(errs, fmt.Errorf("receive buffer of %d octets: must not be negative", c.ReceiveBuffer))
	}
	if len(c.Interfaces)+len(c.Addresses) == 0 {
		errs = append(errs, errors.New("nothing to listen on: name an interface or an address"))
	}
	if c.GRO && c.Urgency {
		errs = append(errs, errors.New("GRO with Urgency: what the kernel merged has one class, and no length that a queue could be cut to; leave one out"))
	}
	errs = append(errs, checkInterfaces(c.Interfaces)...)
	errs = append(errs, checkAddresses(c)...)
	return c, errors.Join(errs...)
}
