package load

import (
	"net"
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

func TestMain(m *testing.M) { udptest.Main(m) }

// TestElsewhere: relays in another network namespace than the server, which they reach by its address from addresses of
// their own at port 547, from what the kernel chooses, and by its link-local address.
func TestElsewhere(t *testing.T) {
	here, there := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, here, "near", there, "far")
	for _, a := range []string{"2001:db8:f::2/64", "2001:db8:f::3/64"} {
		here.AddAddress(t, "near", a)
	}
	there.AddAddress(t, "far", "2001:db8:f::1/64")
	f := newFake(t, 1, 0)
	f.conn.Close()
	there.Do(t, func() (err error) {
		f.conn, err = net.ListenUDP("udp6", &net.UDPAddr{Port: 547})
		return err
	})
	f.serve(t)
	linkLocal := there.LinkLocal(t, "far").WithZone("near")
	for name, c := range map[string]Config{
		"own addresses": {
			Servers: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8:f::1]:547")}, SourcePort: 547,
			Sources: []netip.Addr{netip.MustParseAddr("2001:db8:f::2"), netip.MustParseAddr("2001:db8:f::3")},
		},
		"one socket": {
			Servers: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8:f::1]:547")}, Shared: true,
			Sources: []netip.Addr{netip.MustParseAddr("2001:db8:f::2"), netip.MustParseAddr("2001:db8:f::3")},
		},
		"any":        {Servers: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8:f::1]:547")}},
		"link-local": {Servers: []netip.AddrPort{netip.AddrPortFrom(linkLocal, 547)}, GRO: true},
	} {
		c.Clients, c.Relays, c.Window, c.LinkAddress = 20, 2, 10, netip.MustParseAddr("2001:db8::1")
		var g *Generator
		here.Do(t, func() (err error) {
			g, err = Open(c)
			return err
		})
		out := run(t, g, Job{Task: Acquire})
		if out.Done != 20 {
			t.Errorf("%s: %+v", name, out)
		}
		if c := out.Counts; c.SentOctets < 80*c.Sent || c.ReceivedOctets < 80*c.Received {
			t.Errorf("%s: %d octets in %d datagrams, %d in %d", name, c.SentOctets, c.Sent, c.ReceivedOctets, c.Received)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	// Without its interface a link-local address leads nowhere, and one that isn't there neither.
	c := Config{Clients: 1, Relays: 1, Window: 1, LinkAddress: netip.MustParseAddr("2001:db8::1"), Servers: []netip.AddrPort{netip.MustParseAddrPort("[fe80::1%none]:547")}}
	if _, err := Open(c); err == nil {
		t.Error("an interface that isn't there was found")
	}
}
