package udp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

func TestMain(m *testing.M) { udptest.Main(m) }

// patience is when a test gives up waiting for what must come. No test passes by waiting.
const patience = 30 * time.Second

// serve opens a server in a namespace, or where the test runs if that is nil.
func serve(t testing.TB, n *udptest.Namespace, config Config) *Server {
	t.Helper()
	var s *Server
	open := func() (err error) {
		s, err = Open(config)
		return err
	}
	if n != nil {
		n.Do(t, open)
	} else if err := open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A record is one received datagram, copied.
type record struct {
	worker.Datagram
	worker int
}

// A collector runs a server's workers, and gathers what they receive.
type collector struct {
	records chan record
	done    sync.WaitGroup
	echo    bool // send each datagram back
}

// collect starts the workers; they end with the server.
func collect(t testing.TB, s *Server, echo bool) *collector {
	c := &collector{records: make(chan record, 1<<16), echo: echo}
	for i := range s.workers {
		c.done.Go(func() { c.run(t, s, i) })
	}
	t.Cleanup(func() {
		s.Drain()
		c.done.Wait()
	})
	return c
}

func (c *collector) run(t testing.TB, s *Server, i int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	batch := make([]worker.Datagram, worker.BatchSize)
	var replies []worker.Reply
	for {
		n, err := s.Worker(i).Receive(batch)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			return
		}
		if n < 1 {
			t.Errorf("worker %d: Receive returned %d datagrams", i, n)
		}
		replies = replies[:0]
		for _, d := range batch[:n] {
			replies = append(replies, replyTo(d, d.Data))
		}
		if c.echo {
			if refused := s.Worker(i).Send(0, replies); refused > 0 {
				t.Errorf("worker %d: %d of %d replies refused", i, refused, n)
			}
		}
		for _, d := range batch[:n] {
			d.Data = append([]byte(nil), d.Data...)
			c.records <- record{d, i}
		}
	}
}

func replyTo(d worker.Datagram, data []byte) worker.Reply {
	return worker.Reply{Data: data, Destination: d.Source, Source: d.Destination, Port: d.SourcePort,
		Socket: d.Socket, Interface: d.Interface}
}

// take waits for n datagrams.
func (c *collector) take(t testing.TB, n int) []record {
	t.Helper()
	timeout := time.After(patience)
	var records []record
	for len(records) < n {
		select {
		case r := <-c.records:
			records = append(records, r)
		case <-timeout:
			t.Fatalf("%d of %d datagrams arrived", len(records), n)
		}
	}
	return records
}

// A client is a socket in a namespace that sends from any source address.
type client struct {
	fd int
}

func newClient(t testing.TB, n *udptest.Namespace, port int) *client {
	t.Helper()
	c := &client{}
	n.Do(t, func() (err error) {
		c.fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
		if err != nil {
			return err
		}
		// The source of a datagram need not be an address of the namespace.
		for _, option := range []int{unix.IPV6_FREEBIND, unix.IPV6_RECVPKTINFO} {
			if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, option, 1); err != nil {
				return err
			}
		}
		if err := growReceiveBuffer(&socket{fd: c.fd, config: &Config{ReceiveBuffer: DefaultReceiveBuffer}}); err != nil {
			return err
		}
		timeout := unix.NsecToTimeval(patience.Nanoseconds())
		if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
			return err
		}
		return unix.Bind(c.fd, &unix.SockaddrInet6{Port: port})
	})
	t.Cleanup(func() { _ = unix.Close(c.fd) })
	return c
}

// send sends data to an address, from any source (invalid: the kernel's choice), by an interface (0: any).
func (c *client) send(t testing.TB, data []byte, from netip.Addr, to netip.AddrPort, index uint32) {
	t.Helper()
	var source [16]byte
	if from.IsValid() {
		source = from.As16()
	}
	var control [sendControlLen]byte
	used := writeControl(control[:], &source, index, 0)
	address := &unix.SockaddrInet6{Addr: to.Addr().As16(), Port: int(to.Port()), ZoneId: index}
	if err := unix.Sendmsg(c.fd, data, control[:used], address, 0); err != nil {
		t.Fatalf("send to %s from %s: %v", to, from, err)
	}
}

// receive waits for one datagram; it returns its data and source.
func (c *client) receive(t testing.TB) ([]byte, netip.AddrPort) {
	t.Helper()
	data := make([]byte, 65536)
	n, _, _, from, err := unix.RecvmsgBuffers(c.fd, [][]byte{data}, make([]byte, 128), 0)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	source := from.(*unix.SockaddrInet6)
	return data[:n], netip.AddrPortFrom(netip.AddrFrom16(source.Addr), uint16(source.Port))
}

// empty fails the test if a datagram is there.
func (c *client) empty(t testing.TB) {
	t.Helper()
	if n, _, err := unix.Recvfrom(c.fd, make([]byte, 65536), unix.MSG_DONTWAIT); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("a datagram of %d octets too many, or %v", n, err)
	}
}

// solicit is a message with a number in it, as a Client Identifier.
func solicit(number int) []byte {
	m := []byte{1, 0xab, byte(number >> 8), byte(number), 0, 1, 0, 8, 0, 3, 0, 1}
	return binary.BigEndian.AppendUint32(m, uint32(number))
}

// number is what solicit put into a message, at whatever depth: it stands last.
func number(data []byte) int { return int(binary.BigEndian.Uint32(data[len(data)-4:])) }

// relay wraps a message in a Relay-forward, with some options before the Relay Message.
func relay(hops int, peer netip.Addr, optionsBefore int, inner []byte) []byte {
	link := netip.MustParseAddr("2001:db8:1::1").As16()
	address := peer.As16()
	m := append([]byte{relayForward, byte(hops)}, link[:]...)
	m = append(m, address[:]...)
	for i := range optionsBefore {
		m = append(m, 0, 18, 0, 3+byte(i))
		m = append(m, make([]byte, 3+i)...)
	}
	m = binary.BigEndian.AppendUint16(m, relayMessage)
	m = binary.BigEndian.AppendUint16(m, uint16(len(inner)))
	return append(m, inner...)
}

// peer is a client's link-local address as its relay writes it.
func peer(client int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fe80::200:ff:fe%02x:%x", client>>16, client&0xffff))
}

// events gathers what a server notifies.
type events chan Event

func newEvents() events { return make(events, 1024) }

func (e events) notify(event Event) { e <- event }

// wait returns the next event of a kind, and skips others, but for those that mustn't come before it.
func (e events) wait(t testing.TB, kind EventKind, never ...EventKind) Event {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case event := <-e:
			if event.Kind == kind {
				return event
			}
			if slices.Contains(never, event.Kind) {
				t.Errorf("%s before %s", event.Kind, kind)
			}
		case <-timeout:
			t.Fatalf("no event: %s", kind)
		}
	}
}

func loopback(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.IPv6Loopback(), port) }

// await returns when a condition holds that nothing announces.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("not %s", what)
		}
	}
}
