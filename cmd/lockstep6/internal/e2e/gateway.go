package e2e

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// A Gateway is a relay as access networks have it: it says of a client whatever its vendor's does. Debian's relays add an Interface-ID and
// nothing else.
type Gateway struct {
	Link  netip.Addr                                            // the link-address that it gives
	Dress func(r *dhcpv6.RelayMessage, client net.HardwareAddr) // adds what it says of the client
}

// gatewayPort is that of servers and relays; clients' is one below (RFC 9915, Section 7.2).
const gatewayPort = 547

// Gateway starts one between clients at eth0 and servers, to all of which it sends all. It ends with the test.
func (h *Host) Gateway(g Gateway, servers ...string) {
	t := h.lab.t
	t.Helper()
	var below *net.Interface
	var conn *net.UDPConn
	err := h.Inside(func() (err error) {
		if below, err = net.InterfaceByName("eth0"); err == nil {
			conn, err = net.ListenMulticastUDP("udp6", below, &net.UDPAddr{IP: dhcpv6.AllDHCPRelayAgentsAndServers, Port: gatewayPort})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.relay(t.Errorf, conn, strconv.Itoa(below.Index), servers) // its name means nothing where the packets are sent
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
}

// relay passes messages up and down until the socket is closed.
func (g *Gateway) relay(complain func(string, ...any), conn *net.UDPConn, zone string, servers []string) {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		m, err := dhcpv6.FromBytes(slices.Clone(buffer[:n]))
		if err != nil {
			complain("a gateway got what it can't read from %v: %v", from, err)
			continue
		}
		if !m.IsRelay() {
			err = g.up(conn, m, from.Addr(), servers)
		} else {
			err = g.down(conn, m.(*dhcpv6.RelayMessage), zone)
		}
		if err != nil && !errors.Is(err, net.ErrClosed) {
			complain("a gateway: %v", err)
		}
	}
}

func (g *Gateway) up(conn *net.UDPConn, m dhcpv6.DHCPv6, client netip.Addr, servers []string) error {
	r, err := dhcpv6.EncapsulateRelay(m, dhcpv6.MessageTypeRelayForward, g.Link.AsSlice(), client.WithZone("").AsSlice())
	if err != nil {
		return err
	}
	g.Dress(r, hardwareAddress(client))
	for _, server := range servers {
		to := netip.AddrPortFrom(netip.MustParseAddr(server), gatewayPort)
		if _, err := conn.WriteToUDPAddrPort(r.ToBytes(), to); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) down(conn *net.UDPConn, r *dhcpv6.RelayMessage, zone string) error {
	inner, err := dhcpv6.DecapsulateRelay(r)
	if err != nil {
		return err
	}
	client, ok := netip.AddrFromSlice(r.PeerAddr)
	if !ok {
		return errors.New("a Relay-reply without peer-address")
	}
	_, err = conn.WriteToUDPAddrPort(inner.ToBytes(), netip.AddrPortFrom(client.WithZone(zone), gatewayPort-1))
	return err
}

// hardwareAddress is that of which a link-local address is made (RFC 4291, Appendix A): all of a lab are.
func hardwareAddress(linkLocal netip.Addr) net.HardwareAddr {
	a := linkLocal.As16()
	return net.HardwareAddr{a[8] ^ 2, a[9], a[10], a[13], a[14], a[15]}
}
