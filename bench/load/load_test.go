package load

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A fake is a server that gives client n the address with n in its last octets, unless told otherwise.
type fake struct {
	conn       *net.UDPConn
	id         []byte
	preference byte
	shift      int                                                 // added to the client's number in the address
	silent     func(kind wire.MessageType, client, times int) bool // times: how often the message came, from 1
	rapid      bool                                                // it grants Rapid Commit
	empty      bool                                                // it has no lease
	seen       map[[4]byte]int
}

func newFake(t *testing.T, id, preference byte) *fake {
	t.Helper()
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{
		conn: conn, id: []byte{0, 4, id}, preference: preference, seen: make(map[[4]byte]int),
		silent: func(wire.MessageType, int, int) bool { return false },
	}
	return f
}

func (f *fake) serve(t *testing.T) netip.AddrPort {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2048)
		for {
			n, from, err := f.conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if out := f.answer(b[:n]); out != nil {
				_, _ = f.conn.WriteToUDPAddrPort(out, from)
			}
		}
	}()
	t.Cleanup(func() { _ = f.conn.Close(); <-done })
	return f.conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func (f *fake) answer(b []byte) []byte {
	n := clientOf(b[18:34])
	inner, _ := wire.Options(b[relayHeader:]).Find(wire.OptionRelayMessage)
	kind := wire.MessageType(inner[0])
	f.seen[[4]byte(inner[:4])]++
	server, named := wire.Options(inner[clientHeader:]).Find(wire.OptionServerID)
	if named && string(server) != string(f.id) || f.silent(kind, n, f.seen[[4]byte(inner[:4])]) {
		return nil
	}
	out := append([]byte{byte(wire.RelayReply)}, b[1:relayHeader]...)
	out, outer := wire.OpenOption(out, wire.OptionRelayMessage)
	answer := wire.Reply
	_, wanted := wire.Options(inner[clientHeader:]).Find(wire.OptionRapidCommit)
	if rapid := f.rapid && wanted; kind == wire.Solicit && !rapid {
		answer = wire.Advertise
	}
	out = wire.AppendHeader(out, answer, [3]byte(inner[1:4]))
	duid := DUID(n)
	out = wire.AppendOption(out, wire.OptionClientID, duid[:])
	out = wire.AppendOption(out, wire.OptionServerID, f.id)
	out = wire.AppendOption(out, wire.OptionPreference, []byte{f.preference})
	if f.rapid && wanted {
		out = wire.AppendOption(out, wire.OptionRapidCommit, nil)
	}
	if f.empty {
		return wire.CloseOption(out, outer)
	}
	out, ia := wire.OpenIA(out, wire.IANA, IAID(n, wire.IANA))
	address := [16]byte{0x20, 1, 0xd, 0xb8}
	binary.BigEndian.PutUint32(address[12:], uint32(n+f.shift))
	out = wire.AppendIAAddress(out, &address, 100, 200)
	return wire.CloseOption(wire.CloseOption(out, ia), outer)
}

// open opens a generator of clients of these servers, a hundred times as fast as the standard.
func open(t *testing.T, clients int, servers ...netip.AddrPort) *Generator {
	t.Helper()
	return openConfig(t, Config{Clients: clients, Servers: servers, Times: StandardTimes().Scaled(100)})
}

func openConfig(t *testing.T, c Config) *Generator {
	t.Helper()
	c.Relays, c.Window, c.LinkAddress = 3, 60, netip.MustParseAddr("2001:db8::1")
	g, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// run runs a job in which nobody may fail.
func run(t *testing.T, g *Generator, job Job) *Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	report, err := g.Run(ctx, job)
	if err != nil {
		t.Fatal(err)
	}
	if report.Failed != 0 || int(report.Done) != report.Asked || report.Latency.TotalCount() != int64(report.Done) {
		t.Fatalf("%v: %d asked, %d done, %d failed, %d measured", job.Task, report.Asked, report.Done, report.Failed, report.Latency.TotalCount())
	}
	return report
}

func TestAllTasks(t *testing.T) {
	const clients = 500
	var mu sync.Mutex
	told := make(map[[2]int]netip.Addr) // by client and server
	a, b := newFake(t, 1, 0), newFake(t, 2, 255)
	times := StandardTimes()
	times.Solicit.Initial = 30 * time.Second // so that nobody goes on without the preferred server's Advertise
	g := openConfig(t, Config{Clients: clients, Servers: []netip.AddrPort{a.serve(t), b.serve(t)}, Times: times, Heard: func(a *Answer) {
		mu.Lock()
		defer mu.Unlock()
		told[[2]int{a.Client, a.Server}] = netip.AddrFrom16(a.Address)
	}})
	if r := run(t, g, Job{Task: Ask}); r.Asked != clients {
		t.Errorf("%d clients asked, want %d", r.Asked, clients)
	}
	mu.Lock()
	if len(told) != 2*clients {
		t.Errorf("%d answers by client and server, want %d", len(told), 2*clients)
	}
	mu.Unlock()
	if r := run(t, g, Job{Task: Acquire}); r.Counts.Bound != clients {
		t.Errorf("%d were bound, want %d", r.Counts.Bound, clients)
	}
	for n := range clients {
		lease, server, ok := g.Holding(n, wire.IANA)
		want := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(n >> 8), 15: byte(n)})
		if !ok || server != 1 || lease.Addr() != want {
			t.Fatalf("client %d has %v by server %d, want %v by the preferred server 1", n, lease, server, want)
		}
	}
	even := func(n int) bool { return n%2 == 0 }
	run(t, g, Job{Task: Renew})
	run(t, g, Job{Task: Rebind, Only: even})
	if r := run(t, g, Job{Task: Release, Only: even}); r.Asked != clients/2 {
		t.Errorf("%d released, want %d", r.Asked, clients/2)
	}
	if _, _, ok := g.Holding(0, wire.IANA); ok {
		t.Error("client 0 has its lease after the Release")
	}
	if _, _, ok := g.Holding(1, wire.IANA); !ok {
		t.Error("client 1 has lost its lease")
	}
}

// TestNobodyToRun: a job for no client ends, also where only some relays have none.
func TestNobodyToRun(t *testing.T) {
	g := open(t, 9, newFake(t, 1, 0).serve(t))
	run(t, g, Job{Task: Ask, Only: func(int) bool { return false }})
	run(t, g, Job{Task: Ask, Only: func(n int) bool { return n == 4 }})
}

func TestLossIsRepaired(t *testing.T) {
	f := newFake(t, 1, 0)
	f.silent = func(_ wire.MessageType, client, times int) bool { return times == 1 && client%3 == 0 }
	g := open(t, 90, f.serve(t))
	if r := run(t, g, Job{Task: Acquire}); r.Counts.Retransmitted < 60 {
		t.Errorf("%d retransmissions, want 60 or more: 30 clients lost a Solicit and a Request each", r.Counts.Retransmitted)
	}
}

// TestServerDies: clients whose Request keeps unanswered begin anew, and find the other server.
func TestServerDies(t *testing.T) {
	dead, other := newFake(t, 1, 255), newFake(t, 2, 0)
	gone := 0
	dead.silent = func(kind wire.MessageType, _, _ int) bool {
		if kind == wire.Request {
			gone++
		}
		return gone > 0
	}
	g := open(t, 30, dead.serve(t), other.serve(t))
	for _, r := range g.sites {
		r.machine.times.Request.Count = 3
	}
	run(t, g, Job{Task: Acquire})
	for n := range 30 {
		if _, server, ok := g.Holding(n, wire.IANA); !ok || server != 1 {
			t.Fatalf("client %d is bound (%t) by server %d, want server 1", n, ok, server)
		}
	}
}

func TestFailuresAreTold(t *testing.T) {
	// The standard's times: a hundred times as fast a Release is given up within a third of a second.
	g := openConfig(t, Config{Clients: 6, Servers: []netip.AddrPort{newFake(t, 1, 0).serve(t)}})
	run(t, g, Job{Task: Acquire})
	r, err := g.Run(t.Context(), Job{Task: Release, Only: func(n int) bool { return n < 3 }})
	if err != nil || r.Failed != 0 {
		t.Fatal(err, r.Failed)
	}
	// Who has no lease can't renew it.
	if r, err = g.Run(t.Context(), Job{Task: Renew}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(r.Failures)
	if !slices.Equal(r.Failures, []int{0, 1, 2}) || r.Failed != 3 || r.Done != 3 {
		t.Errorf("failures %v, %d failed, %d done", r.Failures, r.Failed, r.Done)
	}
}

func TestContextEndsARun(t *testing.T) {
	f := newFake(t, 1, 0)
	f.silent = func(wire.MessageType, int, int) bool { return true }
	g := open(t, 30, f.serve(t))
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for g.Counts().Sent < 16 { // all sites have begun
			time.Sleep(time.Millisecond)
		}
		cancel(reason)
	}()
	if _, err := g.Run(ctx, Job{Task: Ask}); !errors.Is(err, reason) {
		t.Errorf("the run ended with %v, want %v", err, reason)
	}
}

func TestPace(t *testing.T) {
	g := open(t, 60, newFake(t, 1, 255).serve(t))
	if r := run(t, g, Job{Task: Acquire, Pace: 300}); r.Took < 150*time.Millisecond {
		t.Errorf("60 clients at 300 a second took %v", r.Took)
	}
	fast := make(chan struct{})
	go func() {
		defer close(fast)
		g.SetPace(0)
	}()
	<-fast
	run(t, g, Job{Task: Renew})
}

func TestWrongConfigs(t *testing.T) {
	good := Config{
		Clients: 1, Servers: []netip.AddrPort{netip.MustParseAddrPort("[::1]:1")}, Relays: 1, Window: 1,
		LinkAddress: netip.MustParseAddr("2001:db8::1"),
	}
	for name, spoil := range map[string]func(*Config){
		"no clients":      func(c *Config) { c.Clients = 0 },
		"no servers":      func(c *Config) { c.Servers = nil },
		"too many relays": func(c *Config) { c.Relays = 2 },
		"no window":       func(c *Config) { c.Window = 0 },
		"IPv4":            func(c *Config) { c.LinkAddress = netip.MustParseAddr("192.0.2.1") },
	} {
		c := good
		spoil(&c)
		if g, err := Open(c); err == nil {
			t.Errorf("%s: opened", name)
			_ = g.Close()
		}
	}
}
