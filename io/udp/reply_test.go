package udp

import (
	"bytes"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

// TestReplyLeavesWhereTheRequestCame: two links, and on each a client with the same link-local address
// (RFC 9915, Section 18.3.10). Each hears its own answer, from the server's address on its own link.
func TestReplyLeavesWhereTheRequestCame(t *testing.T) {
	srv := udptest.NewNamespace(t)
	const address = "fe80::c"
	var clients []*client
	var indexes []uint32
	for _, name := range []string{"srv0", "srv1"} {
		site := udptest.NewNamespace(t)
		udptest.Connect(t, srv, name, site, "cli0")
		site.AddAddress(t, "cli0", address+"/64")
		clients = append(clients, newClient(t, site, 546))
		indexes = append(indexes, site.Index(t, "cli0"))
	}
	s := serve(t, srv, Config{Workers: 2, Interfaces: []string{"srv0", "srv1"}})
	c := collect(t, s, true)
	for round := range 20 {
		for i, from := range clients {
			want := solicit(round*2 + i)
			from.send(t, want, netip.MustParseAddr(address), nodesAndRelays, indexes[i])
			got, source := from.receive(t)
			if !bytes.Equal(want, got) {
				t.Errorf("client %d: want %x, got %x", i, want, got)
			}
			if server := srv.LinkLocal(t, []string{"srv0", "srv1"}[i]); source != netip.AddrPortFrom(server, 547) {
				t.Errorf("client %d: want an answer from %s port 547, got it from %s", i, server, source)
			}
			if r := c.take(t, 1)[0]; int(r.Listen) != i+1 {
				t.Errorf("client %d: want Listen %d, got %d", i, i+1, r.Listen)
			}
		}
	}
	for _, c := range clients {
		c.empty(t)
	}
}

// TestReplyComesFromTheAddressAsked: of a server's many addresses a relay hears the one that it asked,
// also where the kernel would choose another and where the way back leads through a router.
func TestReplyComesFromTheAddressAsked(t *testing.T) {
	srv, site := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	asked := []string{"2001:db8:9::1", "2001:db8:9::2", "2001:db8:aaaa::1", "2001:db8:bbbb::1"}
	srv.AddAddress(t, "srv0", asked[0]+"/64")
	srv.AddAddress(t, "srv0", asked[1]+"/64")
	srv.AddAddress(t, "lo", asked[2]+"/128")
	srv.AddAddress(t, "lo", asked[3]+"/128")
	site.AddAddress(t, "cli0", "2001:db8:9::99/64")
	site.AddAddress(t, "lo", "2001:db8:cccc::1/128")
	site.AddRoute(t, "cli0", "2001:db8::/32", asked[0])
	srv.AddRoute(t, "srv0", "2001:db8:cccc::/64", "2001:db8:9::99")

	s := serve(t, srv, Config{Workers: 2, Interfaces: []string{"srv0"}})
	c := collect(t, s, true)
	from := newClient(t, site, 547)
	for _, source := range []string{"2001:db8:9::99", "2001:db8:cccc::1"} {
		for _, address := range asked {
			to := netip.AddrPortFrom(netip.MustParseAddr(address), 547)
			from.send(t, relay(0, peer(1), 0, solicit(1)), netip.MustParseAddr(source), to, 0)
			if _, got := from.receive(t); got != to {
				t.Errorf("%s asked %s and was answered by %s", source, to, got)
			}
			c.take(t, 1)
		}
	}
	// To a group the kernel picks the source; it is an address of the link.
	from.send(t, relay(0, peer(1), 0, solicit(1)), netip.MustParseAddr("2001:db8:9::99"), siteServers, site.Index(t, "cli0"))
	if _, got := from.receive(t); !netip.MustParsePrefix("2001:db8:9::/64").Contains(got.Addr()) {
		t.Errorf("asked %s, answered by %s", siteServers, got)
	}
}

// TestUnservedInterfaces: a group isn't joined, even if somebody else joined it; unicast comes with Listen 0.
func TestUnservedInterfaces(t *testing.T) {
	srv, site := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	udptest.Connect(t, srv, "srv1", site, "cli1")
	site.AddAddress(t, "cli1", "2001:db8:9::99/64")
	srv.AddAddress(t, "srv1", "2001:db8:9::1/64")
	other := newClient(t, srv, 9999)
	if err := (&group{fds: []int{other.fd}}).join(srv.Index(t, "srv1")); err != nil {
		t.Fatal(err)
	}
	s := serve(t, srv, Config{Workers: 2, Interfaces: []string{"srv0"}})
	c := collect(t, s, false)
	from := newClient(t, site, 0)
	from.send(t, solicit(1), netip.Addr{}, nodesAndRelays, site.Index(t, "cli1"))
	for client := range 8 { // to both workers' sockets, behind what must not be there
		from.send(t, relay(0, peer(client), 0, solicit(2)), netip.Addr{}, netip.MustParseAddrPort("[2001:db8:9::1]:547"), 0)
	}
	for _, r := range c.take(t, 8) {
		if number(r.Data) != 2 || r.Listen != 0 || r.Interface != srv.Index(t, "srv1") {
			t.Errorf("want datagram 2 by an interface that isn't served, got datagram %d, Listen %d, interface %d",
				number(r.Data), r.Listen, r.Interface)
		}
	}
	if n := s.Stats().Unserved; n != 1 {
		t.Errorf("want 1 datagram by an interface that isn't served, got %d", n)
	}
}

// TestSeveralListenAddresses: a worker hears all its sockets, and answers by the one that was asked.
func TestSeveralListenAddresses(t *testing.T) {
	srv := udptest.NewNamespace(t)
	srv.AddAddress(t, "lo", "2001:db8::1/128")
	srv.AddAddress(t, "lo", "2001:db8::2/128")
	s := serve(t, srv, Config{Workers: 2, Interfaces: []string{"lo"}, Addresses: []netip.AddrPort{
		loopback(0), netip.MustParseAddrPort("[2001:db8::1]:10547"), netip.MustParseAddrPort("[2001:db8::2]:547"),
	}})
	c := collect(t, s, true)
	addresses := s.Addresses()
	if addresses[0].Port() != 547 || addresses[1].Port() == 0 {
		t.Errorf("addresses: %v", addresses)
	}
	addresses[0] = loopback(547)
	from := newClient(t, srv, 0)
	for client := range 8 {
		for i, to := range addresses {
			from.send(t, relay(0, peer(client), 0, solicit(i)), netip.Addr{}, to, 0)
			if _, got := from.receive(t); got != to {
				t.Errorf("asked %s, answered by %s", to, got)
			}
			if r := c.take(t, 1)[0]; int(r.Socket) != i || r.worker != wantWorker(way{}, client, 2) {
				t.Errorf("client %d, %s: socket %d, worker %d", client, to, r.Socket, r.worker)
			}
		}
	}
}

// TestRefusals: what can't be sent is counted and costs the others nothing.
func TestRefusals(t *testing.T) {
	srv := udptest.NewNamespace(t)
	s := serve(t, srv, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}})
	from := newClient(t, srv, 10546)
	good := worker.Reply{Data: solicit(1), Destination: netip.IPv6Loopback().As16(), Port: 10546}
	bad := []func(*worker.Reply){
		func(r *worker.Reply) { r.Destination = nodesAndRelays.Addr().As16() },
		func(r *worker.Reply) { r.Destination = [16]byte{} },
		func(r *worker.Reply) { r.Destination = netip.MustParseAddr("2001:db8::1").As16() }, // ENETUNREACH
		func(r *worker.Reply) { r.Destination = netip.MustParseAddr("fe80::1").As16() },     // EINVAL: no interface
		func(r *worker.Reply) { r.Source = netip.MustParseAddr("2001:db8::1").As16() },      // EINVAL: not ours
		func(r *worker.Reply) { r.Port = 0 },
		func(r *worker.Reply) { r.Data = nil },
		func(r *worker.Reply) { r.Data = make([]byte, 65536) }, // EMSGSIZE
		func(r *worker.Reply) { r.Socket = 1 },
	}
	var replies []worker.Reply
	for _, spoil := range bad {
		r := good
		spoil(&r)
		replies = append(replies, good, r, r)
	}
	for lane := range worker.Lanes {
		if refused := s.Worker(0).Send(lane, replies); refused != 2*len(bad) {
			t.Errorf("want %d replies refused, got %d", 2*len(bad), refused)
		}
		for range bad {
			if data, _ := from.receive(t); !bytes.Equal(data, good.Data) {
				t.Errorf("got %x", data)
			}
		}
	}
	from.empty(t)
	all := worker.Lanes * uint64(len(bad))
	want := Counters{Sent: all, Refused: 2 * all, Merged: all}
	if got := s.Stats().Counters; got != want {
		t.Errorf("want %+v, got %+v", want, got)
	}
}

// TestSendEnds: a kernel that never takes anything can't hold a worker.
func TestSendEnds(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EAGAIN, unix.ENOBUFS, unix.EINTR, unix.EPERM, unix.EIO, 0} {
		s := serve(t, nil, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}})
		s.workers[0].send[0].transmit = func(int, []message) (int, unix.Errno) { return 0, errno }
		replies := make([]worker.Reply, worker.BatchSize)
		for i := range replies {
			replies[i] = worker.Reply{Data: solicit(i), Destination: netip.IPv6Loopback().As16(), Port: 9}
		}
		if refused := s.Worker(0).Send(0, replies); refused != len(replies) {
			t.Errorf("%v: want %d refused, got %d", errno, len(replies), refused)
		}
	}
}
