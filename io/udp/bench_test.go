package udp

import (
	"net"
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/worker"
)

// An echoer sends batches from one server to another, which answers each datagram, and reads the answers:
// a relay and us, in one goroutine.
type echoer struct {
	near, far *Server
	requests  []worker.Reply
	replies   []worker.Reply
	batch     []worker.Datagram
	answer    []byte
	varied    bool // answers differ in length, so that none leave together
	spread    bool // requests go to all of the far server's addresses
}

func newEchoer(near, far *Server, batch, request, answer int) *echoer {
	e := &echoer{near: near, far: far, answer: make([]byte, answer+batch),
		requests: make([]worker.Reply, batch), replies: make([]worker.Reply, batch),
		batch: make([]worker.Datagram, worker.BatchSize)}
	data := make([]byte, request)
	for i := range e.requests {
		e.requests[i].Data = data
	}
	return e
}

// fill addresses the requests.
func (e *echoer) fill() {
	addresses := e.far.Addresses()
	for i := range e.requests {
		to := addresses[0]
		if e.spread {
			to = addresses[i%len(addresses)]
		}
		e.requests[i].Destination = to.Addr().As16()
		e.requests[i].Port = to.Port()
	}
}

// round sends one batch there and back.
func (e *echoer) round(t testing.TB) {
	if refused := e.near.Worker(0).Send(0, e.requests); refused != 0 {
		t.Fatalf("%d requests refused", refused)
	}
	for done := 0; done < len(e.requests); {
		n, err := e.far.Worker(0).Receive(e.batch)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range e.batch[:n] {
			length := len(e.answer) - len(e.requests)
			if e.varied {
				length += i
			}
			e.replies[i] = worker.Reply{Data: e.answer[:length], Destination: d.Source, Source: d.Destination,
				Port: d.SourcePort, Socket: d.Socket, Interface: d.Interface}
		}
		if refused := e.far.Worker(0).Send(0, e.replies[:n]); refused != 0 {
			t.Fatalf("%d replies refused", refused)
		}
		done += n
	}
	for done := 0; done < len(e.requests); {
		n, err := e.near.Worker(0).Receive(e.batch)
		if err != nil {
			t.Fatal(err)
		}
		done += n
	}
}

// BenchmarkEcho is one datagram of 110 octets there and one of 150 back over loopback, both ends and the kernel's part
// in one goroutine. Requests leave in super-packets in all cases, so that rows differ in the answering end alone:
// how it reads and how it sends.
func BenchmarkEcho(b *testing.B) {
	b.Run("super-packets", func(b *testing.B) { benchmarkEcho(b, Config{}, false) })
	b.Run("batches", func(b *testing.B) { benchmarkEcho(b, Config{}, true) })
	b.Run("super-packets and GRO", func(b *testing.B) { benchmarkEcho(b, Config{GRO: true}, false) })
	b.Run("net.UDPConn", benchmarkUDPConn)
}

func benchmarkEcho(b *testing.B, config Config, varied bool) {
	config.Workers, config.Addresses = 1, []netip.AddrPort{loopback(0)}
	e := newEchoer(serve(b, nil, config), serve(b, nil, config), worker.BatchSize, 110, 150)
	e.varied = varied
	e.fill()
	b.ReportAllocs()
	rounds := 0
	for b.Loop() {
		if rounds%worker.BatchSize == 0 {
			e.round(b)
		}
		rounds++
	}
}

// benchmarkUDPConn answers with the standard library, one datagram at a time.
func benchmarkUDPConn(b *testing.B) {
	near := serve(b, nil, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}})
	far, err := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(loopback(0)))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = far.Close() }()
	e := newEchoer(near, near, worker.BatchSize, 110, 150)
	to := far.LocalAddr().(*net.UDPAddr).AddrPort()
	for i := range e.requests {
		e.requests[i].Destination, e.requests[i].Port = to.Addr().As16(), to.Port()
	}
	buffer := make([]byte, worker.MaxDatagram)
	b.ReportAllocs()
	rounds := 0
	for b.Loop() {
		if rounds++; rounds%worker.BatchSize != 1 {
			continue
		}
		near.Worker(0).Send(0, e.requests)
		for range e.requests {
			_, from, err := far.ReadFromUDPAddrPort(buffer)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := far.WriteToUDPAddrPort(e.answer[:150], from); err != nil {
				b.Fatal(err)
			}
		}
		for done := 0; done < len(e.requests); {
			n, err := near.Worker(0).Receive(e.batch)
			if err != nil {
				b.Fatal(err)
			}
			done += n
		}
	}
}

// TestEcho runs the benchmarks' rounds once, so that they don't rot.
func TestEcho(t *testing.T) {
	for _, varied := range []bool{false, true} {
		config := Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}}
		near, far := serve(t, nil, config), serve(t, nil, config)
		e := newEchoer(near, far, worker.BatchSize, 110, 150)
		e.varied = varied
		e.fill()
		e.round(t)
		if got := far.Stats(); got.Received != worker.BatchSize || got.Sent != worker.BatchSize || (got.Merged > 0) == varied {
			t.Errorf("varied=%t: %+v", varied, got.Counters)
		}
	}
}
