package e2e

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// An Agent is a relay on a host, with any number of clients of our own behind it. It sends each message to all of its
// servers, and is what asks where real clients ask too rarely or too slowly.
type Agent struct {
	conn    *net.UDPConn
	servers []*net.UDPAddr
	dress   func(r *dhcpv6.RelayMessage, client net.HardwareAddr) // adds what it says of a client; nil: an Interface-ID
	faults  atomic.Pointer[Faults]

	mu      sync.Mutex
	waiting map[question]chan *dhcpv6.Message
}

// A question tells a client's message from others': two clients may well choose one transaction ID.
type question struct {
	peer        netip.Addr
	transaction dhcpv6.TransactionID
}

// Faults are what the network between an agent and its servers does to each copy of a message, and to each answer.
type Faults struct {
	Loss   float64       // share of datagrams that are lost
	Spread time.Duration // copies arrive so much later or less, so that each server sees an order of its own

	mu   sync.Mutex
	dice *rand.Rand
}

// NewFaults makes faults that follow from a seed and the order in which they are asked for.
func NewFaults(seed uint64, loss float64, spread time.Duration) *Faults {
	return &Faults{Loss: loss, Spread: spread, dice: rand.New(rand.NewPCG(seed, 0))}
}

// draw tells what becomes of one datagram.
func (f *Faults) draw() (lost bool, after time.Duration) {
	if f == nil {
		return false, 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Spread > 0 {
		after = time.Duration(f.dice.Int64N(int64(f.Spread)))
	}
	return f.dice.Float64() < f.Loss, after
}

// Agent opens the relay's socket. It ends with the test.
func (h *Host) Agent(servers ...string) *Agent { return h.AgentAt(0, servers...) }

// AgentAt is an Agent at a port, for servers that know of no port but 547; 0: any.
func (h *Host) AgentAt(port int, servers ...string) *Agent {
	t := h.lab.t
	t.Helper()
	a := &Agent{waiting: map[question]chan *dhcpv6.Message{}}
	for _, s := range servers {
		a.servers = append(a.servers, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s)))
	}
	err := h.Inside(func() (err error) {
		a.conn, err = net.ListenUDP("udp6", &net.UDPAddr{Port: port})
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
		if lost, _ := a.faults.Load().draw(); lost {
			continue
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
		a.mu.Lock()
		waiter := a.waiting[question{peer, inner.TransactionID}]
		a.mu.Unlock()
		select {
		case waiter <- inner:
		default: // nobody asks any more, or has more answers than it reads
		}
	}
}

// listen returns where the answers to a client's message come in, until it is told that nobody listens any more.
func (a *Agent) listen(q question) (answers <-chan *dhcpv6.Message, end func()) {
	const room = 16
	c := make(chan *dhcpv6.Message, room)
	a.mu.Lock()
	a.waiting[q] = c
	a.mu.Unlock()
	return c, func() {
		a.mu.Lock()
		delete(a.waiting, q)
		a.mu.Unlock()
	}
}

// forward relays a client's message to every server. RFC 8357: the relay's own port is in its Relay Source Port option,
// as it isn't 547.
func (a *Agent) forward(link, peer netip.Addr, m *dhcpv6.Message) error {
	relayed, err := dhcpv6.EncapsulateRelay(m, dhcpv6.MessageTypeRelayForward, link.AsSlice(), peer.AsSlice())
	if err != nil {
		return err
	}
	if a.dress != nil {
		a.dress(relayed, hardwareAddress(peer))
	} else {
		relayed.AddOption(dhcpv6.OptInterfaceID([]byte("port " + peer.String())))
	}
	relayed.AddOption(dhcpv6.OptRelayPort(0))
	data := relayed.ToBytes()
	for _, server := range a.servers {
		lost, after := a.faults.Load().draw()
		switch {
		case lost:
		case after > 0:
			time.AfterFunc(after, func() { _, _ = a.conn.WriteTo(data, server) }) // the test may have ended
		default:
			if _, err := a.conn.WriteTo(data, server); err != nil {
				return err
			}
		}
	}
	return nil
}
