package sim

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/wire"
)

// onLink is the number that stands for the link itself where relays are counted.
const onLink = 0

// A host is whoever is behind a port.
type host interface {
	// receive takes a message that was meant for the host's port.
	receive(r *reply, message []byte)
}

// A port is where one or more clients are connected: to a relay, or to the link.
type port struct {
	number  int
	relay   int
	address [16]byte // link-local
	host    host
	asks    int  // polling: which node is asked
	waits   bool // polling: it hasn't answered yet
}

// A relay agent copies what its clients send to all nodes, or polls one of them (RFC 9915, Section 19).
type relay struct {
	*world
	number  int
	link    int      // number in the configuration
	address [16]byte // of its side towards the clients
	outer   bool     // another relay stands between it and the nodes
}

// connect makes a port on a relay, or on the first link itself.
func (w *world) connect(h host, relay int) *port {
	p := &port{number: len(w.ports), host: h, relay: relay}
	p.asks = w.rng.IntN(w.Nodes)
	p.address = [16]byte{0: 0xfe, 1: 0x80, 8: 2}
	binary.BigEndian.PutUint32(p.address[12:], uint32(p.number+1))
	w.ports = append(w.ports, p)
	return p
}

// send takes a client's message onto its way.
func (w *world) send(p *port, duid, message []byte) {
	w.stats.Sent++
	d := &datagram{data: message, source: p.address, port: wire.ClientPort, direct: true, duid: string(duid), relay: p.relay, at: p}
	if p.relay == onLink {
		for _, n := range w.nodes {
			w.toNode(d, n)
		}
		return
	}
	w.carry(func() { w.relays[p.relay].forward(d) })
}

// forward sends a Relay-forward with the client's message to the nodes.
func (r *relay) forward(d *datagram) {
	f := *d
	f.direct, f.port, f.source = false, wire.ServerPort, r.address
	f.data = r.wrap(d)
	if !r.Polling {
		for _, n := range r.nodes {
			r.toNode(&f, n)
		}
		return
	}
	if d.at.waits {
		d.at.asks = (d.at.asks + 1) % len(r.nodes)
	}
	d.at.waits = true
	r.toNode(&f, r.nodes[d.at.asks])
}

// label is what the relay says of a client's port: its number, or where ports share a VLAN the relay's own.
func (r *relay) label(p *port) uint32 {
	if r.Shared {
		return uint32(r.number)
	}
	return uint32(p.number)
}

// wrap makes the Relay-forward (RFC 9915, Section 19.1): the port as Interface-ID, the subscriber's line as Remote-ID,
// and where another relay follows, its header around it.
func (r *relay) wrap(d *datagram) []byte {
	b := make([]byte, 0, len(d.data)+160)
	mark := -1
	if r.outer {
		b = appendRelayHeader(b, 1, [16]byte{}, r.address)
		b, mark = wire.OpenOption(b, wire.OptionRelayMessage)
	}
	b = appendRelayHeader(b, 0, r.address, d.source)
	b = wire.AppendUint32Option(b, wire.OptionInterfaceID, r.label(d.at))
	b = wire.AppendOption(b, wire.OptionRemoteID, binary.BigEndian.AppendUint32([]byte{0, 0, 0, 9}, r.label(d.at)))
	b = wire.AppendOption(b, wire.OptionRelayMessage, d.data)
	if mark >= 0 {
		b = wire.CloseOption(b, mark)
	}
	return b
}

func appendRelayHeader(b []byte, hops uint8, link, peer [16]byte) []byte {
	b = append(b, byte(wire.RelayForward), hops)
	b = append(b, link[:]...)
	return append(b, peer[:]...)
}

// relayHeader is how many octets stand in front of a relay message's options (RFC 9915, Section 9).
const relayHeader = 34

// backward takes the Relay-reply apart and gives the client its message (RFC 9915, Section 19.2).
func (r *relay) backward(answer *reply) {
	message, port := answer.data, []byte(nil)
	for len(message) > relayHeader && wire.MessageType(message[0]) == wire.RelayReply {
		options := wire.Options(message[relayHeader:])
		port, _ = options.Find(wire.OptionInterfaceID)
		inner, ok := options.Find(wire.OptionRelayMessage)
		if !ok {
			r.fault("wire", "a Relay-reply of node %s relays nothing", answer.node.name)
			return
		}
		message = inner
	}
	to := answer.to.at
	if len(port) != 4 || binary.BigEndian.Uint32(port) != r.label(to) {
		r.fault("wire", "a Relay-reply of node %s has Interface-ID %x for port %d", answer.node.name, port, to.number)
		return
	}
	to.waits = false
	r.carry(func() { to.host.receive(answer, message) })
}
