package ceiling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp"
)

// The processors of the echo's two ends.
const (
	ServerCore    = 0
	GeneratorCore = 1
)

// Sizes are the UDP payloads of a relayed exchange of four messages, in octets.
type Sizes struct {
	Solicit   int `json:"solicit"`
	Advertise int `json:"advertise"`
	Request   int `json:"request"`
	Reply     int `json:"reply"`
}

// EchoOptions say what is echoed and how.
type EchoOptions struct {
	Sizes    Sizes
	Segment  bool          // replies to the relay leave in super-packets (UDP_SEGMENT), as a node sends them
	Duration time.Duration // of the measurement, behind a third of a second to warm up
}

// An Echo is what the bare echo did. A packet is one in and one out.
type Echo struct {
	Segment    bool    `json:"udp_segment"`
	Packets    uint64  `json:"packets"`
	Lost       uint64  `json:"lost"`
	Seconds    float64 `json:"seconds"`
	Rate       float64 `json:"packets_per_second"`
	CoreCPU    float64 `json:"core_cpu_us_per_packet"`    // all that the server's processor did, softirq included
	ProcessCPU float64 `json:"process_cpu_us_per_packet"` // what the kernel charged to the server's process
}

// Parts are what this package runs in processes of their own: for child.Main.
func Parts() map[string]child.Part {
	return map[string]child.Part{"echo-server": echoServer, "echo-generator": generator}
}

// MeasureEcho runs a server on ServerCore and a generator on GeneratorCore, each a process of its own, over loopback.
func MeasureEcho(ctx context.Context, o EchoOptions) (e Echo, err error) {
	if s := o.Sizes; min(s.Solicit, s.Request) < smallest || max(s.Solicit, s.Request) > largest || min(s.Advertise, s.Reply) < smallest+worker.BatchSize || max(s.Advertise, s.Reply) > largest {
		return e, fmt.Errorf("sizes %+v: requests must be %d to %d octets, replies %d to %d", s, smallest, largest, smallest+worker.BatchSize, largest)
	}
	server, err := child.Start(ctx, "echo-server", ServerCore, o)
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	var address netip.AddrPort
	if err = server.Next(&address); err != nil {
		return e, err
	}
	err = child.Run(ctx, "echo-generator", GeneratorCore, generatorTask{o, address, server.PID(), ServerCore}, &e)
	e.Segment = o.Segment
	return e, err
}

// echoServer answers each datagram by one of the size that its own size asks for, and looks at nothing else.
func echoServer(in json.RawMessage, tell func(any) error, stop <-chan struct{}) error {
	var o EchoOptions
	if err := json.Unmarshal(in, &o); err != nil {
		return err
	}
	sockets, err := udp.Open(udp.Config{Workers: 1, Addresses: []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Loopback(), 0)}})
	if err != nil {
		return err
	}
	go func() {
		<-stop
		sockets.Drain()
	}()
	if err := tell(sockets.Addresses()[0]); err != nil {
		return errors.Join(err, sockets.Close())
	}
	runtime.LockOSThread()
	if err = newEchoer(o).run(sockets.Worker(0)); errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(err, sockets.Close())
}

// An echoer answers batches with the same octets again and again.
type echoer struct {
	sizes   Sizes
	segment bool
	batch   [worker.BatchSize]worker.Datagram
	replies [worker.BatchSize]worker.Reply
	octets  []byte
}

func newEchoer(o EchoOptions) *echoer {
	return &echoer{sizes: o.Sizes, segment: o.Segment, octets: make([]byte, largest+worker.BatchSize)}
}

func (e *echoer) run(socket worker.Socket) error {
	for {
		n, err := socket.Receive(e.batch[:])
		if err != nil {
			return err
		}
		socket.Send(0, e.answer(n))
	}
}

// answer makes the replies to the batch's first n datagrams. Without UDP_SEGMENT their lengths rise by an octet each and
// are right on average: io/udp merges only what has one length, or a shorter one at the end.
func (e *echoer) answer(n int) []worker.Reply {
	for i := range e.batch[:n] {
		d := &e.batch[i]
		size := e.sizes.Reply
		if len(d.Data) == e.sizes.Solicit {
			size = e.sizes.Advertise
		}
		if !e.segment {
			size += i - n/2
		}
		e.replies[i] = worker.Reply{
			Data: e.octets[:size], Destination: d.Source, Source: d.Destination, Port: d.SourcePort, Socket: d.Socket, Interface: d.Interface,
		}
	}
	return e.replies[:n]
}
