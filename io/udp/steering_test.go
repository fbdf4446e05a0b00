package udp

import (
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

var (
	nodesAndRelays = netip.MustParseAddrPort("[ff02::1:2]:547")
	siteServers    = netip.MustParseAddrPort("[ff05::1:3]:547")
)

// A way is one of the ways in which a client's message reaches the server.
type way struct {
	name   string
	to     netip.AddrPort
	direct bool // the client itself sends it
	wrap   func(client int, message []byte) []byte
	uneven bool // the programs don't look so deep: one relay, one worker
}

func ways(server netip.AddrPort) []way {
	outer, outermost := netip.MustParseAddr("2001:db8:2::1"), netip.MustParseAddr("2001:db8:3::1")
	plain := func(_ int, m []byte) []byte { return m }
	relayed := func(client int, m []byte) []byte { return relay(0, peer(client), 0, m) }
	nested := func(client int, m []byte) []byte { return relay(1, outer, 2, relay(0, peer(client), 1, m)) }
	twice := func(client int, m []byte) []byte { return relay(2, outermost, 4, nested(client, m)) }
	tooDeep := func(client int, m []byte) []byte { return relay(3, outermost, 0, twice(client, m)) }
	lost := func(client int, m []byte) []byte { return relay(1, outer, maxWalk, relay(0, peer(client), 0, m)) }
	return []way{
		{name: "direct to ff02::1:2", to: nodesAndRelays, direct: true, wrap: plain},
		{name: "direct unicast", to: server, direct: true, wrap: plain},
		{name: "relayed to ff05::1:3", to: siteServers, wrap: relayed},
		{name: "relayed to ff02::1:2", to: nodesAndRelays, wrap: relayed},
		{name: "relayed unicast", to: server, wrap: relayed},
		{name: "nested to ff05::1:3", to: siteServers, wrap: nested},
		{name: "nested unicast", to: server, wrap: nested},
		{name: "nested twice to ff05::1:3", to: siteServers, wrap: twice},
		{name: "nested twice unicast", to: server, wrap: twice},
		{name: "nested three times to ff05::1:3", to: siteServers, wrap: tooDeep, uneven: true},
		{name: "nested three times unicast", to: server, wrap: tooDeep, uneven: true},
		{name: "too many options to ff05::1:3", to: siteServers, wrap: lost, uneven: true},
		{name: "too many options unicast", to: server, wrap: lost, uneven: true},
	}
}

// TestExactlyOnce counts: however a datagram comes, one worker gets it, one worker gets all of one client,
// and many clients are spread evenly. Each number of workers is a new steering program.
func TestExactlyOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 4, 16} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) { exactlyOnce(t, workers) })
	}
}

func exactlyOnce(t *testing.T, workers int) {
	const clients, chunk = 512, 128
	site, srv := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	srv.AddAddress(t, "srv0", "2001:db8:9::547/64")
	site.AddAddress(t, "cli0", "2001:db8:9::1/64")
	s := serve(t, srv, Config{Workers: workers, Interfaces: []string{"srv0"}})
	c := collect(t, s, false)
	from, index := newClient(t, site, 0), site.Index(t, "cli0")
	server := netip.MustParseAddrPort("[2001:db8:9::547]:547")

	next := 0
	for _, w := range ways(server) {
		met := make(map[int]int) // client -> worker
		share := make([]int, workers)
		for start := 0; start < clients; start += chunk {
			first := next
			for client := start; client < start+chunk; client++ {
				source := netip.MustParseAddr("2001:db8:9::1")
				if w.direct {
					source = peer(client)
				}
				from.send(t, w.wrap(client, solicit(next)), source, w.to, index)
				next++
			}
			for _, r := range c.take(t, chunk) {
				client := start + number(r.Data) - first
				if client < start || client >= start+chunk {
					t.Fatalf("%s: datagram %d once more", w.name, number(r.Data))
				}
				if before, ok := met[client]; ok {
					t.Errorf("%s: client %d's datagram was handled by worker %d and worker %d", w.name, client, before, r.worker)
				}
				met[client] = r.worker
				share[r.worker]++
				if r.Listen != 1 || r.Arrival == 0 {
					t.Errorf("%s: Listen %d, Arrival %d", w.name, r.Listen, r.Arrival)
				}
				if got := netip.AddrFrom16(r.Destination); got != w.to.Addr() {
					t.Errorf("%s: want destination %s, got %s", w.name, w.to.Addr(), got)
				}
			}
		}
		for client, worker := range met {
			if want := wantWorker(w, client, workers); worker != want {
				t.Errorf("%s: client %d: want worker %d, got %d", w.name, client, want, worker)
			}
		}
		even := clients / workers
		for worker, n := range share {
			if !w.uneven && (n < even*6/10 || n > even*14/10) {
				t.Errorf("%s: worker %d has %d of %d clients; all: %v", w.name, worker, n, clients, share)
			}
		}
	}
	flush(t, c, from, server, index, workers)
	if d := s.Stats().Dropped; d != 0 {
		t.Errorf("%d drops counted; nothing was lost", d)
	}
}

// wantWorker is the steering rule once more, in Go.
func wantWorker(w way, client, workers int) int {
	address := peer(client).As16()
	if w.uneven {
		address = netip.MustParseAddr("2001:db8:2::1").As16()
	}
	low := uint32(address[12])<<24 | uint32(address[13])<<16 | uint32(address[14])<<8 | uint32(address[15])
	return int(low * hashMultiplier >> 16 % uint32(workers))
}

// flush sends a last datagram to each worker. A socket is a queue: what was before it has been read then,
// and a second copy of anything would show.
func flush(t *testing.T, c *collector, from *client, server netip.AddrPort, index uint32, workers int) {
	t.Helper()
	const marker = 1 << 24
	want := 0
	reached := make(map[int]bool)
	for client := 0; len(reached) < workers; client++ {
		if at := wantWorker(way{}, client, workers); !reached[at] {
			reached[at] = true
			from.send(t, relay(0, peer(client), 0, solicit(marker)), netip.MustParseAddr("2001:db8:9::1"), server, index)
			want++
		}
	}
	for _, r := range c.take(t, want) {
		if number(r.Data) != marker {
			t.Errorf("worker %d: datagram %d came twice", r.worker, number(r.Data))
		}
	}
}

// TestShortDatagrams: what is too short for the steering programs is still received, once.
func TestShortDatagrams(t *testing.T) {
	site, srv := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	srv.AddAddress(t, "srv0", "2001:db8:9::547/64")
	site.AddAddress(t, "cli0", "2001:db8:9::1/64")
	s := serve(t, srv, Config{Workers: 4, Interfaces: []string{"srv0"}})
	c := collect(t, s, false)
	from, index := newClient(t, site, 0), site.Index(t, "cli0")
	server := netip.MustParseAddrPort("[2001:db8:9::547]:547")

	full := relay(1, peer(1), 2, relay(0, peer(2), 0, solicit(1)))
	for _, to := range []netip.AddrPort{server, nodesAndRelays, siteServers} {
		for length := range full {
			from.send(t, full[:length], netip.Addr{}, to, index)
			if got := c.take(t, 1)[0]; len(got.Data) != length {
				t.Errorf("to %s: want %d octets, got %d", to, length, len(got.Data))
			}
		}
	}
	flush(t, c, from, server, index, 4)
}

// TestSteeringPrograms: the kernel takes the largest programs that there can be.
func TestSteeringPrograms(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := attachFilter(fd, 2*MaxWorkers-1, MaxWorkers, 2); err != nil {
		t.Errorf("filter: %v", err)
	}
	if err := setShared(fd); err != nil {
		t.Fatal(err)
	}
	if err := attachSteering(fd, MaxWorkers, 2); err != nil {
		t.Errorf("steering: %v", err)
	}
}
