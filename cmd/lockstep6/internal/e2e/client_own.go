package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// An Agent is a relay on a host's loopback interface, with any number of clients of our own behind it. It is what
// asks where real clients ask too rarely or too slowly.
type Agent struct {
	conn   *net.UDPConn
	server *net.UDPAddr

	mu      sync.Mutex
	waiting map[question]chan *dhcpv6.Message
}

// A question tells a client's message from others': two clients may well choose one transaction ID.
type question struct {
	peer        netip.Addr
	transaction dhcpv6.TransactionID
}

// Agent opens the relay's socket. It ends with the test.
func (h *Host) Agent(server string) *Agent {
	t := h.lab.t
	t.Helper()
	a := &Agent{server: net.UDPAddrFromAddrPort(netip.MustParseAddrPort(server)), waiting: map[question]chan *dhcpv6.Message{}}
	err := h.Inside(func() (err error) {
		a.conn, err = net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.receive()
	}()
	t.Cleanup(func() {
		_ = a.conn.Close()
		<-done
	})
	return a
}

// receive hands each answer to whoever waits for it; the others came too late.
func (a *Agent) receive() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := a.conn.Read(buffer)
		if err != nil {
			return
		}
		m, err := dhcpv6.FromBytes(slices.Clone(buffer[:n]))
		if err != nil {
			continue // its question stays unanswered, and the test says so
		}
		_, inner := unwrap(m)
		outer, relayed := m.(*dhcpv6.RelayMessage)
		if inner == nil || !relayed {
			continue
		}
		peer, _ := netip.AddrFromSlice(outer.PeerAddr)
		q := question{peer, inner.TransactionID}
		a.mu.Lock()
		waiter := a.waiting[q]
		delete(a.waiting, q)
		a.mu.Unlock()
		if waiter != nil {
			waiter <- inner
		}
	}
}

// errUnanswered says that no answer came in time.
var errUnanswered = errors.New("no answer")

// Ask relays a client's message and waits for the answer. RFC 8357: the relay's own port is in its Relay Source Port
// option, as it isn't 547.
func (a *Agent) Ask(link, peer netip.Addr, m *dhcpv6.Message, limit time.Duration) (*dhcpv6.Message, error) {
	forward, err := dhcpv6.EncapsulateRelay(m, dhcpv6.MessageTypeRelayForward, link.AsSlice(), peer.AsSlice())
	if err != nil {
		return nil, err
	}
	forward.AddOption(dhcpv6.OptInterfaceID([]byte("port " + peer.String())))
	forward.AddOption(dhcpv6.OptRelayPort(0))
	answer := make(chan *dhcpv6.Message, 1)
	q := question{peer, m.TransactionID}
	a.mu.Lock()
	a.waiting[q] = answer
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.waiting, q)
		a.mu.Unlock()
	}()
	if _, err := a.conn.WriteTo(forward.ToBytes(), a.server); err != nil {
		return nil, err
	}
	select {
	case r := <-answer:
		return r, nil
	case <-time.After(limit):
		return nil, errUnanswered
	}
}

// An OwnClient is a gateway that wants one address and one prefix.
type OwnClient struct {
	agent *Agent
	link  netip.Addr
	mac   net.HardwareAddr
	peer  netip.Addr
}

// Client makes the agent's nth client on the link of an address.
func (a *Agent) Client(link string, n uint32) *OwnClient {
	c := &OwnClient{agent: a, link: netip.MustParseAddr(link), mac: net.HardwareAddr{2, 0, 0, 0, 0, 0}}
	binary.BigEndian.PutUint32(c.mac[2:], n)
	peer := [16]byte{0xfe, 0x80, 8: 0x00, 11: 0xff, 12: 0xfe}
	copy(peer[8:], c.mac[:3])
	copy(peer[13:], c.mac[3:])
	c.peer = netip.AddrFrom16(peer)
	return c
}

// DUID is the client's, a DUID-LL.
func (c *OwnClient) DUID() dhcpv6.DUID {
	return &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: c.mac}
}

// A Lease is what an OwnClient was told that it has.
type Lease struct {
	Server  dhcpv6.DUID
	Address netip.Addr
	Prefix  netip.Prefix
}

// message makes a message with the IAs of the client; what the lease names is asked for.
func (c *OwnClient) message(kind dhcpv6.MessageType, l Lease) (*dhcpv6.Message, error) {
	m, err := dhcpv6.NewMessage(dhcpv6.WithClientID(c.DUID()), dhcpv6.WithOption(dhcpv6.OptElapsedTime(0)))
	if err != nil {
		return nil, err
	}
	m.MessageType = kind
	if l.Server != nil {
		m.AddOption(dhcpv6.OptServerID(l.Server))
	}
	na := &dhcpv6.OptIANA{IaId: [4]byte{0, 0, 0, 1}}
	if l.Address.IsValid() {
		na.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: l.Address.AsSlice()})
	}
	m.AddOption(na)
	if kind == dhcpv6.MessageTypeConfirm || kind == dhcpv6.MessageTypeDecline {
		return m, nil // they are about addresses only
	}
	pd := &dhcpv6.OptIAPD{IaId: [4]byte{0, 0, 0, 1}}
	if l.Prefix.IsValid() {
		pd.Options.Add(&dhcpv6.OptIAPrefix{Prefix: &net.IPNet{IP: l.Prefix.Addr().AsSlice(), Mask: net.CIDRMask(l.Prefix.Bits(), 128)}})
	}
	m.AddOption(pd)
	return m, nil
}

// Send asks one kind of message about a lease.
func (c *OwnClient) Send(kind dhcpv6.MessageType, l Lease, limit time.Duration) (*dhcpv6.Message, error) {
	m, err := c.message(kind, l)
	if err != nil {
		return nil, err
	}
	return c.agent.Ask(c.link, c.peer, m, limit)
}

// Acquire does Solicit, Advertise, Request, Reply.
func (c *OwnClient) Acquire(limit time.Duration) (Lease, error) {
	advertise, err := c.Send(dhcpv6.MessageTypeSolicit, Lease{}, limit)
	if err != nil {
		return Lease{}, err
	}
	offer, err := readLease(advertise, dhcpv6.MessageTypeAdvertise)
	if err != nil {
		return Lease{}, err
	}
	return c.extend(dhcpv6.MessageTypeRequest, offer, limit)
}

// Renew extends a lease and returns what the server says that it is now.
func (c *OwnClient) Renew(l Lease, limit time.Duration) (Lease, error) {
	return c.extend(dhcpv6.MessageTypeRenew, l, limit)
}

func (c *OwnClient) extend(kind dhcpv6.MessageType, l Lease, limit time.Duration) (Lease, error) {
	reply, err := c.Send(kind, l, limit)
	if err != nil {
		return Lease{}, err
	}
	return readLease(reply, dhcpv6.MessageTypeReply)
}

// readLease reads the one address and the one prefix of an answer.
func readLease(m *dhcpv6.Message, kind dhcpv6.MessageType) (Lease, error) {
	p := &Packet{Inner: m}
	addresses, prefixes := granted(p), delegations(p)
	if m.MessageType != kind || len(addresses) != 1 || len(prefixes) != 1 {
		return Lease{}, fmt.Errorf("want a %v with one address and one prefix, got\n%s", kind, m.Summary())
	}
	return Lease{m.Options.ServerID(), addresses[0], prefixes[0]}, nil
}

// retry repeats a question that stays unanswered, as clients do, until the deadline.
func retry(deadline time.Time, ask func() (Lease, error)) (Lease, error) {
	for {
		l, err := ask()
		if !errors.Is(err, errUnanswered) && !errors.Is(err, os.ErrDeadlineExceeded) || time.Now().After(deadline) {
			return l, err
		}
	}
}
