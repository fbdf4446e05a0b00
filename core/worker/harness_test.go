package worker_test

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

const settings = `
listen: {interfaces: [eth0]}
relays: {named-pools: {preset: nokia}}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64", name: gold}]
`

var (
	serverID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}
	server   = netip.MustParseAddr("2001:db8:1::53").As16()
	groupAll = netip.MustParseAddr("ff02::1:2").As16()
)

// now is the clock's time, in nanoseconds; it stands still.
const now = int64(1_800_000_000_000_000_000)

// A bench is one worker between a fake socket and a fake journal. The test's goroutine steps it.
type bench struct {
	*worker.Worker
	t       *testing.T
	socket  *socket
	journal *journal
	marks   *engine.Marks
	ran     chan error
	stop    chan struct{} // abandons Deliver
	over    chan struct{} // Deliver has returned
	left    sending       // of what was sent, what no test has taken yet
}

func start(t *testing.T, observe func([]byte), with ...func(*worker.Options)) *bench {
	t.Helper()
	return startWith(t, settings, observe, with...)
}

// startWith starts a worker of another configuration.
func startWith(t *testing.T, settings string, observe func([]byte), with ...func(*worker.Options)) *bench {
	t.Helper()
	b := &bench{
		t: t, socket: newSocket(), journal: newJournal(), marks: new(engine.Marks),
		ran: make(chan error, 1), stop: make(chan struct{}), over: make(chan struct{}),
	}
	o := options(t, settings, b.socket, b.journal, b.marks, observe)
	for _, change := range with {
		change(&o)
	}
	b.Worker = worker.New(o)
	go func() { b.ran <- b.Run() }()
	go func() { defer close(b.over); b.Deliver(b.stop) }()
	<-b.socket.asked
	t.Cleanup(func() {
		b.socket.close()
		b.journal.release()
		<-b.over
	})
	return b
}

func options(t testing.TB, settings string, s worker.Socket, j worker.Journal, marks *engine.Marks, observe func([]byte)) worker.Options {
	t.Helper()
	c, faults := config.Parse("test.yaml", []byte(settings))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, err := policy.Compile(c, policy.Input{SingleDUID: serverID})
	if err != nil {
		t.Fatal(err)
	}
	table, err := binding.New(binding.Options{Capacity: 1 << 14})
	if err != nil {
		t.Fatal(err)
	}
	handle := table.NewHandle()
	site, err := engine.NewSite(p, engine.NewView(p, engine.Memory{}, 1024), handle, table.Shards())
	if err != nil {
		t.Fatal(err)
	}
	var current atomic.Pointer[engine.Site]
	current.Store(site)
	clock := func() int64 { return now }
	return worker.Options{
		ID: 3, Socket: s, Journal: j, Engine: engine.New(handle, marks),
		Marks: marks, Site: &current, Clock: clock, Wall: clock, Observe: observe,
	}
}

// step has the worker handle one batch, and returns when it asks for the next one.
func (b *bench) step(batch ...worker.Datagram) {
	b.t.Helper()
	b.socket.in <- batch
	<-b.socket.asked
}

// none fails the test if anything was sent.
func (b *bench) none(why string) {
	b.t.Helper()
	if len(b.left.replies) > 0 {
		b.t.Fatalf("sent by lane %d, %s: %x", b.left.lane, why, b.left.replies)
	}
	select {
	case s := <-b.socket.sent:
		b.t.Fatalf("sent by lane %d, %s: %x", s.lane, why, s.replies)
	default:
	}
}

// wantSent takes as many replies as there are ids of what was sent next, in one Send or several, and checks the lane,
// and by transaction-id what they answer.
func (b *bench) wantSent(lane int, ids ...byte) []worker.Reply {
	b.t.Helper()
	for len(b.left.replies) < len(ids) {
		s := <-b.socket.sent
		if len(b.left.replies) > 0 && s.lane != b.left.lane {
			b.t.Fatalf("lane %d sent after lane %d had sent %d of the %d replies", s.lane, b.left.lane, len(b.left.replies), len(ids))
		}
		b.left.lane, b.left.replies = s.lane, append(b.left.replies, s.replies...)
	}
	replies := b.left.replies[:len(ids)]
	b.left.replies = b.left.replies[len(ids):]
	var got []byte
	for i := range replies {
		got = append(got, replies[i].Data[3])
	}
	if b.left.lane != lane || string(got) != string(ids) {
		b.t.Fatalf("lane %d sent the answers to %v, want lane %d and %v", b.left.lane, got, lane, ids)
	}
	return replies
}

// A socket hands out the batches that it is fed.
type socket struct {
	asked  chan struct{} // Receive was called
	in     chan []worker.Datagram
	sent   chan sending
	refuse atomic.Int64 // how many of the next Send's replies the kernel refuses
	closed chan struct{}
	once   sync.Once
}

type sending struct {
	lane    int
	replies []worker.Reply
}

func newSocket() *socket {
	return &socket{
		asked: make(chan struct{}), in: make(chan []worker.Datagram),
		sent: make(chan sending, 2*worker.MaxInFlight), closed: make(chan struct{}),
	}
}

func (s *socket) close() { s.once.Do(func() { close(s.closed) }) }

// Receive implements worker.Socket.
func (s *socket) Receive(batch []worker.Datagram) (int, error) {
	select {
	case s.asked <- struct{}{}:
	case <-s.closed:
		return 0, net.ErrClosed
	}
	select {
	case in := <-s.in:
		return copy(batch, in), nil
	case <-s.closed:
		return 0, net.ErrClosed
	}
}

// Send implements worker.Socket. It copies, for a reply's memory is the worker's.
func (s *socket) Send(lane int, replies []worker.Reply) int {
	kept := make([]worker.Reply, len(replies))
	for i, r := range replies {
		r.Data = append([]byte(nil), r.Data...)
		kept[i] = r
	}
	s.sent <- sending{lane, kept}
	return int(s.refuse.Swap(0))
}

// A journal keeps writes until the test says that they are durable.
type journal struct {
	broken   atomic.Bool
	appended chan *worker.Write
}

func newJournal() *journal { return &journal{appended: make(chan *worker.Write, worker.MaxInFlight)} }

// Append implements worker.Journal.
func (j *journal) Append(w *worker.Write) { j.appended <- w }

// Healthy implements worker.Journal.
func (j *journal) Healthy() bool { return !j.broken.Load() }

// release makes everything durable that was appended.
func (j *journal) release() {
	for {
		select {
		case w := <-j.appended:
			w.Done <- w
		default:
			return
		}
	}
}

// solicit and the others are messages of client n with transaction-id n, sent to the multicast address.
func solicit(n byte) worker.Datagram { return message(n, wire.Solicit, nil) }

func request(n byte) worker.Datagram { return message(n, wire.Request, serverID) }

func inform(n byte) worker.Datagram { return message(n, wire.InformationRequest, nil) }

func message(n byte, kind wire.MessageType, server []byte) worker.Datagram {
	b := wire.AppendHeader(nil, kind, [3]byte{0, 0, n})
	b = wire.AppendOption(b, wire.OptionClientID, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, n})
	if server != nil {
		b = wire.AppendOption(b, wire.OptionServerID, server)
	}
	b = wire.AppendOption(b, wire.OptionElapsedTime, []byte{0, 0})
	if kind != wire.InformationRequest {
		var mark int
		b, mark = wire.OpenIA(b, wire.IANA, 1)
		b = wire.CloseOption(b, mark)
	}
	return worker.Datagram{
		Data: b, Source: netip.MustParseAddr("fe80::1").As16(), Destination: groupAll,
		SourcePort: 546, Socket: 2, Interface: 7, Listen: 1, Arrival: now,
	}
}

// relayed puts a message into a Relay-forward that was sent to the server's own address.
func relayed(d worker.Datagram) worker.Datagram {
	link, peer := netip.MustParseAddr("2001:db8:1::1").As16(), d.Source
	b := append([]byte{byte(wire.RelayForward), 0}, link[:]...)
	b = append(b, peer[:]...)
	d.Data = wire.AppendOption(b, wire.OptionRelayMessage, d.Data)
	d.Source, d.Destination = link, server
	return d
}

func wantClosed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run ended with %v, want %v", err, net.ErrClosed)
	}
}
