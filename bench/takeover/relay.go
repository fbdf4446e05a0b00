package takeover

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// linkAddress is what the relay writes into its messages: the clients' link.
var linkAddress = net.ParseIP("2001:db8:1::1")

// inboxSize is how many answers wait for a client that is at something else. It asks for few.
const inboxSize = 16

// A relay copies each client's message to every server, and hands the answers to the clients.
type relay struct {
	conn    *net.UDPConn
	servers []netip.AddrPort
	inboxes []chan heard
	closed  chan struct{}
}

// Heard is a server's message to a client.
type heard struct {
	server  int // the sender's number
	message *dhcpv6.Message
}

// newRelay serves so many clients through a socket, which it closes in the end.
func newRelay(conn *net.UDPConn, servers []netip.AddrPort, clients int) *relay {
	r := &relay{conn: conn, servers: servers, closed: make(chan struct{})}
	for range clients {
		r.inboxes = append(r.inboxes, make(chan heard, inboxSize))
	}
	go r.receive()
	return r
}

func (r *relay) close() {
	_ = r.conn.Close()
	<-r.closed
}

// send sends a client's message to all servers. A server that is dead is none the wiser, as on any network.
func (r *relay) send(client int, m *dhcpv6.Message) error {
	forward, err := dhcpv6.EncapsulateRelay(m, dhcpv6.MessageTypeRelayForward, linkAddress, peerAddress(client))
	if err != nil {
		return err
	}
	forward.AddOption(dhcpv6.OptInterfaceID(fmt.Appendf(nil, "port %d", client)))
	data := forward.ToBytes()
	for _, s := range r.servers {
		if _, err := r.conn.WriteToUDPAddrPort(data, s); err != nil && !unreachable(err) {
			return err
		}
	}
	return nil
}

// receive runs until the socket is closed.
func (r *relay) receive() {
	defer close(r.closed)
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buffer)
		if unreachable(err) {
			continue
		} else if err != nil {
			return
		}
		server := slices.Index(r.servers, from)
		parsed, err := dhcpv6.FromBytes(slices.Clone(buffer[:n]))
		outer, relayed := parsed.(*dhcpv6.RelayMessage)
		if err != nil || !relayed || server < 0 {
			continue // its client asks again, and is counted as unanswered in the end
		}
		inner, err := outer.GetInnerMessage()
		client := clientOf(outer.PeerAddr)
		if err != nil || client >= len(r.inboxes) {
			continue
		}
		select {
		case r.inboxes[client] <- heard{server, inner}:
		default:
		}
	}
}

// peerAddress is a client's link-local address.
func peerAddress(client int) net.IP {
	return net.IP(binary.BigEndian.AppendUint32([]byte{0: 0xfe, 1: 0x80, 11: 0}, uint32(client)+1))
}

// clientOf is peerAddress's inverse.
func clientOf(peer net.IP) int { return int(binary.BigEndian.Uint32(peer.To16()[12:])) - 1 }
