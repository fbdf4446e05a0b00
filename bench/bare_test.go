package bench

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/node"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp"
)

// bare serves by the same sockets as a node, but decides nothing: it answers each client with the address that has
// the client's number in it, at once, and keeps nothing. That is the ceiling of the sockets and of the load generator.
func bare(tb testing.TB) netip.AddrPort {
	tb.Helper()
	sockets := openSockets(tb)
	var running sync.WaitGroup
	for i := range runtime.GOMAXPROCS(0) {
		running.Go(func() { run(tb, func() error { return answerAll(sockets, i) }) })
	}
	tb.Cleanup(func() {
		sockets.Drain()
		running.Wait()
	})
	return sockets.Addresses()[0]
}

func answerAll(sockets *udp.Server, i int) error {
	socket := sockets.Worker(i)
	batch := make([]worker.Datagram, worker.BatchSize)
	replies := make([]worker.Reply, 0, worker.BatchSize)
	arena := make([]byte, 0, worker.BatchSize*512)
	for {
		n, err := socket.Receive(batch)
		if err != nil {
			return err
		}
		replies, arena = replies[:0], arena[:0]
		for k := range batch[:n] {
			d := &batch[k]
			start := len(arena)
			arena = answer(arena, d.Data)
			replies = append(replies, worker.Reply{
				Data: arena[start:], Destination: d.Source, Source: d.Destination, Port: d.SourcePort, Socket: d.Socket,
			})
		}
		socket.Send(0, replies)
	}
}

// answer trusts that b comes from the load generator: a Relay-forward whose last option is the Relay Message.
func answer(dst, b []byte) []byte {
	inner, _ := wire.Options(b[34:]).Find(wire.OptionRelayMessage)
	duid, _ := wire.Options(inner[4:]).Find(wire.OptionClientID)
	n := int(binary.BigEndian.Uint32(duid[6:]))
	kind := wire.Reply
	if wire.MessageType(inner[0]) == wire.Solicit {
		kind = wire.Advertise
	}
	dst = append(dst, byte(wire.RelayReply))
	dst = append(dst, b[1:34]...)
	dst, outer := wire.OpenOption(dst, wire.OptionRelayMessage)
	dst = wire.AppendHeader(dst, kind, [3]byte(inner[1:4]))
	dst = wire.AppendOption(dst, wire.OptionClientID, duid)
	dst = wire.AppendOption(dst, wire.OptionServerID, node.ServerID)
	dst, ia := wire.OpenIA(dst, wire.IANA, load.IAID(n, wire.IANA))
	address := node.Link.As16()
	binary.BigEndian.PutUint32(address[12:], uint32(n))
	dst = wire.AppendIAAddress(dst, &address, 3000, 4800)
	dst = wire.CloseOption(dst, ia)
	dst = wire.AppendOption(dst, wire.OptionDNSServers, address[:])
	return wire.CloseOption(dst, outer)
}
