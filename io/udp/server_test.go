package udp

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

// TestTruncated: a datagram that is too long is counted, and the next one comes through. Empty ones are datagrams.
func TestTruncated(t *testing.T) {
	for _, gro := range []bool{false, true} {
		t.Run(fmt.Sprint("gro=", gro), func(t *testing.T) {
			srv := udptest.NewNamespace(t)
			s := serve(t, srv, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}, GRO: gro})
			from := newClient(t, srv, 0)
			to := s.Addresses()[0]
			lengths := []int{worker.MaxDatagram + 1, 0, 1, 2, 3, 20000, worker.MaxDatagram, 4}
			for _, n := range lengths {
				from.send(t, make([]byte, n), netip.Addr{}, to, 0)
			}
			var got []int
			for _, r := range collect(t, s, false).take(t, len(lengths)-2) {
				got = append(got, len(r.Data))
			}
			if want := "[0 1 2 3 9216 4]"; fmt.Sprint(got) != want {
				t.Errorf("want %s, got %v", want, got)
			}
			if n := s.Stats().Truncated; n != 2 {
				t.Errorf("want 2 truncated, got %d", n)
			}
		})
	}
}

// TestUnanswerable: what comes from port 0 or the unspecified address never reaches a worker.
func TestUnanswerable(t *testing.T) {
	srv := udptest.NewNamespace(t)
	s := serve(t, srv, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}})
	to := s.Addresses()[0]
	var raw int
	srv.Do(t, func() (err error) {
		raw, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
		if err == nil {
			err = unix.SetsockoptInt(raw, unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, 6)
		}
		return err
	})
	defer func() { _ = unix.Close(raw) }()
	for _, source := range []uint16{0, 1000} {
		header := []byte{byte(source >> 8), byte(source), byte(to.Port() >> 8), byte(to.Port()), 0, 12, 0, 0, 1, 2, 3, byte(source)}
		if err := unix.Sendto(raw, header, 0, &unix.SockaddrInet6{Addr: to.Addr().As16()}); err != nil {
			t.Fatal(err)
		}
	}
	if r := collect(t, s, false).take(t, 1)[0]; r.SourcePort != 1000 {
		t.Errorf("source port %d", r.SourcePort)
	}
	if n := s.Stats().Unanswerable; n != 1 {
		t.Errorf("want 1 unanswerable, got %d", n)
	}
}

// TestCloseWakes: however many sockets a worker waits for. Drain ends receiving only.
func TestCloseWakes(t *testing.T) {
	for i, addresses := range [][]netip.AddrPort{{loopback(0)}, {loopback(0), loopback(0)}, {loopback(0)}} {
		for range 50 {
			s, err := Open(Config{Workers: 2, Addresses: addresses, Urgency: i == 2})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 2)
			for i := range 2 {
				go func() {
					_, err := s.Worker(i).Receive(make([]worker.Datagram, worker.BatchSize))
					ended <- err
				}()
			}
			s.Drain()
			for range 2 {
				if err := <-ended; !errors.Is(err, net.ErrClosed) {
					t.Errorf("want net.ErrClosed, got %v", err)
				}
			}
			last := []worker.Reply{{Data: solicit(1), Destination: netip.IPv6Loopback().As16(), Port: 9}}
			if refused := s.Worker(0).Send(1, last); refused != 0 {
				t.Error("no sending after Drain")
			}
			if err := errors.Join(s.Close(), s.Close()); err != nil {
				t.Error(err)
			}
			if refused := s.Worker(0).Send(1, last); refused != 1 {
				t.Error("sent after Close")
			}
			if _, err := s.Worker(0).Receive(make([]worker.Datagram, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("after Close: want net.ErrClosed, got %v", err)
			}
			s.Stats()
		}
	}
}

// TestCloseFreesTheAddress: while workers are busy, and for good.
func TestCloseFreesTheAddress(t *testing.T) {
	n := udptest.NewNamespace(t)
	for range 20 {
		s := serve(t, n, Config{Workers: 2, Interfaces: []string{"lo"}})
		c := collect(t, s, false)
		from := newClient(t, n, 0)
		for i := range 50 {
			from.send(t, relay(0, peer(i), 0, solicit(i)), netip.Addr{}, loopback(547), 0)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		c.done.Wait()
	}
}

func TestOpenErrors(t *testing.T) {
	n := udptest.NewNamespace(t)
	serve(t, n, Config{Workers: 2, Interfaces: []string{"lo"}, Addresses: []netip.AddrPort{loopback(10547)}})
	var plain net.PacketConn
	n.Do(t, func() (err error) {
		plain, err = net.ListenPacket("udp6", "[::1]:20547")
		return err
	})
	defer func() { _ = plain.Close() }()
	address := func(a string) []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort(a)} }
	for _, test := range []struct {
		name   string
		config Config
		want   string
	}{
		{"another process", Config{Workers: 1, Addresses: address("[::1]:20547")}, "ss -lunp 'sport = :20547'"},
		{"another process on one address", Config{Workers: 2, Interfaces: []string{"lo"}, Port: 20547}, "listen on [::]:20547"},
		{"a second server", Config{Workers: 2, Interfaces: []string{"lo"}}, "ss -lunp 'sport = :547'"},
		{"a second server's address", Config{Workers: 2, Addresses: address("[::1]:10547")}, "address already in use"},
		{"nothing", Config{Workers: 1}, "nothing to listen on"},
		{"no worker", Config{Interfaces: []string{"lo"}}, "0 workers: must be 1 to 1024"},
		{"IPv4", Config{Workers: 1, Addresses: address("127.0.0.1:547")}, "not an IPv6 address"},
		{"group", Config{Workers: 1, Addresses: address("[ff05::1:3]:547")}, "multicast is for interfaces"},
		{"no zone", Config{Workers: 1, Addresses: address("[fe80::1]:547")}, "[fe80::1%eth0]:547"},
		{"zone", Config{Workers: 1, Addresses: address("[2001:db8::1%lo]:547")}, "only a link-local address has a zone"},
		{"unknown zone", Config{Workers: 1, Addresses: address("[fe80::1%none0]:547")}, `no such interface: "none0"; there are: lo`},
		{"wildcard twice", Config{Workers: 1, Interfaces: []string{"lo"}, Addresses: address("[::]:547")}, "listen there already"},
		{"name", Config{Workers: 1, Interfaces: []string{"a/b"}}, "not a possible name"},
		{"twice", Config{Workers: 1, Interfaces: []string{"lo", "lo"}}, "named twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.Do(t, func() error {
				s, err := Open(test.config)
				if err == nil {
					_ = s.Close()
					return errors.New("no error")
				}
				if !strings.Contains(err.Error(), test.want) {
					t.Errorf("want an error with %q, got: %v", test.want, err)
				}
				return nil
			})
		})
	}
}

// TestPermission opens port 547 on a thread without the capability for it.
func TestPermission(t *testing.T) {
	udptest.NewNamespace(t).Do(t, func() error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var all [2]unix.CapUserData
		if err := unix.Capget(&header, &all[0]); err != nil {
			return err
		}
		all[0].Effective &^= 1 << unix.CAP_NET_BIND_SERVICE
		if err := unix.Capset(&header, &all[0]); err != nil {
			return err
		}
		s, err := Open(Config{Workers: 1, Interfaces: []string{"lo"}})
		if err == nil {
			_ = s.Close()
			return errors.New("no error")
		}
		if !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "CAP_NET_BIND_SERVICE") {
			t.Errorf("want EACCES and CAP_NET_BIND_SERVICE, got: %v", err)
		}
		return nil
	})
}

// TestAddressComesLater: an address that isn't there yet can be listened on.
func TestAddressComesLater(t *testing.T) {
	n := udptest.NewNamespace(t)
	to := netip.MustParseAddrPort("[2001:db8::7]:10547")
	s := serve(t, n, Config{Workers: 2, Addresses: []netip.AddrPort{to}})
	c := collect(t, s, true)
	n.AddAddress(t, "lo", "2001:db8::7/128")
	from := newClient(t, n, 0)
	from.send(t, solicit(1), netip.Addr{}, to, 0)
	if data, source := from.receive(t); source != to || !bytes.Equal(data, solicit(1)) {
		t.Errorf("answered by %s: %x", source, data)
	}
	c.take(t, 1)
}

// TestDrops: what the kernel throws away for want of space is counted to the datagram, filtered multicast included,
// and told of.
func TestDrops(t *testing.T) {
	const sent = 3000
	for _, test := range []struct {
		name    string
		to      netip.AddrPort
		urgency bool
	}{
		{"unicast", netip.MustParseAddrPort("[2001:db8::547]:547"), false},
		{"one address", netip.MustParseAddrPort("[2001:db8::547]:10547"), false},
		{"multicast", nodesAndRelays, false},
		{"unicast by urgency", netip.MustParseAddrPort("[2001:db8::547]:547"), true},
		{"multicast by urgency", nodesAndRelays, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv, site := udptest.NewNamespace(t), udptest.NewNamespace(t)
			udptest.Connect(t, srv, "srv0", site, "cli0")
			srv.AddAddress(t, "srv0", "2001:db8::547/64")
			site.AddAddress(t, "cli0", "2001:db8::99/64")
			told := newEvents()
			s := serve(t, srv, Config{Workers: 4, Interfaces: []string{"srv0"}, ReceiveBuffer: 1 << 14, Notify: told.notify, Urgency: test.urgency,
				Addresses: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::547]:10547")}})
			from := newClient(t, site, 0)
			for i := range sent {
				from.send(t, relay(0, peer(i%64), 0, solicit(i)), netip.Addr{}, test.to, site.Index(t, "cli0"))
			}
			e := told.wait(t, DropsGrew)
			stats := s.Stats()
			if e.Dropped == 0 || stats.Dropped == 0 || stats.Dropped >= sent {
				t.Fatalf("%d of %d dropped; told of %d", stats.Dropped, sent, e.Dropped)
			}
			kept := collect(t, s, false).take(t, sent-int(stats.Dropped))
			from.send(t, solicit(0), netip.Addr{}, test.to, site.Index(t, "cli0"))
			if again := s.Stats(); again.Dropped != stats.Dropped || again.Received > uint64(len(kept)+1) {
				t.Errorf("%d kept and %d dropped of %d, now %+v", len(kept), stats.Dropped, sent, again)
			}
		})
	}
}

// TestOthersLosses: what a filter rejects isn't taken for lost where another process of the namespace loses datagrams.
func TestOthersLosses(t *testing.T) {
	const sent = 200
	srv, site := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	srv.AddAddress(t, "srv0", "2001:db8::547/64")
	site.AddAddress(t, "cli0", "2001:db8::99/64")
	s := serve(t, srv, Config{Workers: 1, Interfaces: []string{"srv0"}, Urgency: true})
	c := collect(t, s, false)
	other := newClient(t, srv, 9999) // never reads
	_ = unix.SetsockoptInt(other.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1)
	from := newClient(t, site, 0)
	for i := range sent {
		from.send(t, make([]byte, 1000), netip.Addr{}, netip.MustParseAddrPort("[2001:db8::547]:9999"), 0)
		from.send(t, solicit(i), netip.Addr{}, nodesAndRelays, site.Index(t, "cli0"))
		c.take(t, 1)
	}
	// What waits to be read at the moment of a look, and there is one each second, may be taken for lost.
	if got := s.Stats(); got.Dropped > sent/10 || got.Received != sent {
		t.Errorf("%d received and %d dropped of %d, want none dropped", got.Received, got.Dropped, sent)
	}
}

// TestWithoutUrgency: where the kernel has no room for the longer program, the server opens with the shorter one.
func TestWithoutUrgency(t *testing.T) {
	srv := udptest.NewNamespace(t)
	config, err := Config{Workers: 2, Addresses: []netip.AddrPort{loopback(0)}, Urgency: true}.checked()
	if err != nil {
		t.Fatal(err)
	}
	srv.Do(t, func() error {
		s := &Server{config: config, logger: config.Logger}
		if err := s.openSockets(); err != nil {
			return err
		}
		if err := s.withoutUrgency(unix.ENOMEM); err != nil {
			return err
		}
		if len(s.groups) != 1 || len(s.groups[0].fds) != 2 || len(s.workers) != 2 || len(s.workers[1].receive.fds) != 1 {
			t.Errorf("%d groups, the first of %d sockets, %d workers", len(s.groups), len(s.groups[0].fds), len(s.workers))
		}
		return s.abandon(nil)
	})
}
