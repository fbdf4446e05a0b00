package udp

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

// heard sends to both groups from the site's interface and checks that the server hears it by the interface of that name.
func heard(t *testing.T, c *collector, srv, site *udptest.Namespace, name string) {
	t.Helper()
	from := newClient(t, site, 0)
	srv.Ready(t, name)
	site.Ready(t, "cli0")
	for i, to := range []netip.AddrPort{nodesAndRelays, siteServers} {
		from.send(t, solicit(i), netip.Addr{}, to, site.Index(t, "cli0"))
		r := c.take(t, 1)[0]
		if want := srv.Index(t, name); number(r.Data) != i || r.Listen != 1 || r.Interface != want {
			t.Errorf("to %s: want datagram %d, Listen 1, interface %d; got %d, %d, %d",
				to, i, want, number(r.Data), r.Listen, r.Interface)
		}
	}
}

// TestInterfaceLife follows an interface: absent at the start, there, deleted, made anew, off and on,
// renamed and renamed back, its MTU too small for IPv6 for a while.
func TestInterfaceLife(t *testing.T) {
	srv := udptest.NewNamespace(t)
	told := newEvents()
	s := serve(t, srv, Config{Workers: 2, Interfaces: []string{"srv0"}, Notify: told.notify})
	c := collect(t, s, false)
	told.wait(t, InterfaceMissing)

	site := udptest.NewNamespace(t)
	for range 3 {
		udptest.Connect(t, srv, "srv0", site, "cli0")
		told.wait(t, InterfaceUp) // GroupsJoined may come before it and after it: without carrier, and again with it
		e := told.wait(t, GroupsJoined)
		if want := srv.Index(t, "srv0"); e.Index != want || e.Interface != "srv0" || e.Listen != 1 {
			t.Errorf("want interface srv0, index %d, got %+v", want, e)
		}
		heard(t, c, srv, site, "srv0")
		srv.Delete(t, "srv0")
		told.wait(t, InterfaceGone)
	}

	udptest.Connect(t, srv, "srv0", site, "cli0")
	told.wait(t, InterfaceUp)
	told.wait(t, GroupsJoined)
	srv.SetDown(t, "srv0")
	told.wait(t, InterfaceDown)
	srv.SetUp(t, "srv0")
	told.wait(t, GroupsJoined)
	heard(t, c, srv, site, "srv0")

	srv.Rename(t, "srv0", "other")
	told.wait(t, InterfaceGone)
	srv.Rename(t, "other", "srv0")
	told.wait(t, InterfaceUp)
	told.wait(t, GroupsJoined)
	heard(t, c, srv, site, "srv0")

	srv.SetDown(t, "srv0")
	told.wait(t, InterfaceDown)
	srv.SetMTU(t, "srv0", 1000)
	srv.SetUp(t, "srv0")
	told.wait(t, JoinFailed)
	srv.SetMTU(t, "srv0", 1500)
	told.wait(t, GroupsJoined)
	heard(t, c, srv, site, "srv0")
}

// TestCarrier: an interface whose peer is off is down, too.
func TestCarrier(t *testing.T) {
	srv, site := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	told := newEvents()
	c := collect(t, serve(t, srv, Config{Workers: 1, Interfaces: []string{"srv0"}, Notify: told.notify}), false)
	told.wait(t, InterfaceUp)
	told.wait(t, GroupsJoined)
	site.SetDown(t, "cli0")
	told.wait(t, InterfaceDown)
	site.SetUp(t, "cli0")
	told.wait(t, InterfaceUp)
	told.wait(t, GroupsJoined)
	heard(t, c, srv, site, "srv0")
}

// TestBridgePort: a bridge tells that an interface left it in the words that a deleted interface has.
func TestBridgePort(t *testing.T) {
	srv, site := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	told := newEvents()
	c := collect(t, serve(t, srv, Config{Workers: 1, Interfaces: []string{"srv0"}, Notify: told.notify}), false)
	told.wait(t, InterfaceUp)
	told.wait(t, GroupsJoined)
	srv.Do(t, func() error {
		bridge := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs()}
		bridge.Name = "br0"
		port, err := netlink.LinkByName("srv0")
		return errors.Join(err, netlink.LinkAdd(bridge), netlink.LinkSetMaster(port, bridge), netlink.LinkSetNoMaster(port))
	})
	srv.SetDown(t, "srv0")
	told.wait(t, InterfaceDown, InterfaceGone)
	srv.SetUp(t, "srv0")
	told.wait(t, GroupsJoined)
	heard(t, c, srv, site, "srv0")
}

// TestLostNotifications: the watcher is held up until the kernel can't queue what happens. It lists all anew then.
func TestLostNotifications(t *testing.T) {
	srv, site := udptest.NewNamespace(t), udptest.NewNamespace(t)
	told, hold := newEvents(), make(chan struct{})
	s := serve(t, srv, Config{Workers: 1, Interfaces: []string{"srv0"}, Notify: func(e Event) {
		told.notify(e)
		if e.Kind == InterfaceUp {
			<-hold
		}
	}})
	c := collect(t, s, false)
	if err := s.watcher.socket.SetReceiveBufferSize(4096, false); err != nil {
		t.Fatal(err)
	}
	udptest.Connect(t, srv, "srv0", site, "cli0")
	told.wait(t, InterfaceUp)
	for range 20 {
		udptest.Connect(t, srv, "other", site, "other")
		srv.Delete(t, "other")
	}
	srv.Delete(t, "srv0")
	udptest.Connect(t, srv, "srv0", site, "cli0")
	close(hold)
	told.wait(t, InterfaceGone)
	told.wait(t, GroupsJoined)
	heard(t, c, srv, site, "srv0")
}

// TestLinkLocalListenAddress: a socket bound to an interface's own address is bound anew when the interface is.
// Another address of the same server isn't disturbed.
func TestLinkLocalListenAddress(t *testing.T) {
	srv, site := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	address := netip.MustParseAddr("fe80::547")
	srv.AddAddress(t, "srv0", address.String()+"/64")
	listen := netip.AddrPortFrom(address.WithZone("srv0"), 10547)
	for _, others := range [][]netip.AddrPort{nil, {loopback(0)}} {
		t.Run("", func(t *testing.T) {
			s := serve(t, srv, Config{Workers: 2, Addresses: append(others, listen)})
			c := collect(t, s, true)
			for range 3 {
				from := newClient(t, site, 0)
				bound := s.groups[len(others)]
				await(t, "bound to the new interface", func() bool {
					s.mutex.Lock()
					defer s.mutex.Unlock()
					return bound.index == srv.Index(t, "srv0")
				})
				for client := range 8 {
					from.send(t, relay(0, peer(client), 0, solicit(client)), netip.Addr{}, netip.AddrPortFrom(address, 10547),
						site.Index(t, "cli0"))
					if _, source := from.receive(t); source != netip.AddrPortFrom(address, 10547) {
						t.Errorf("answered by %s", source)
					}
					if r := c.take(t, 1)[0]; r.worker != wantWorker(way{}, client, 2) {
						t.Errorf("client %d: worker %d", client, r.worker)
					}
				}
				srv.Delete(t, "srv0")
				udptest.Connect(t, srv, "srv0", site, "cli0")
				srv.AddAddress(t, "srv0", address.String()+"/64")
			}
		})
	}
}
