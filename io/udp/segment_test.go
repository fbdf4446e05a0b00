package udp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

// numbered makes replies of the given lengths to one address; each carries its number and is different from all others.
func numbered(to netip.AddrPort, lengths ...int) []worker.Reply {
	var replies []worker.Reply
	for i, n := range lengths {
		data := bytes.Repeat([]byte{byte(i)}, n)
		binary.BigEndian.PutUint16(data, uint16(i))
		replies = append(replies, worker.Reply{Data: data, Destination: to.Addr().As16(), Port: to.Port()})
	}
	return replies
}

// arrived checks that a client receives exactly the data of these replies, in any order.
func arrived(t *testing.T, c *client, replies []worker.Reply) {
	t.Helper()
	want := make([]string, 0, len(replies))
	got := make([]string, 0, len(replies))
	for _, r := range replies {
		want = append(want, string(r.Data))
		data, _ := c.receive(t)
		got = append(got, string(data))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("want %d datagrams %x, got %x", len(want), want, got)
	}
	c.empty(t)
}

func lengths(n, length int) []int { return slices.Repeat([]int{length}, n) }

// TestSuperPackets: what may leave together does, and what arrives is as if each had left alone.
func TestSuperPackets(t *testing.T) {
	srv, site := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	srv.SetMTU(t, "srv0", 1280)
	site.SetMTU(t, "cli0", 1280)
	srv.AddAddress(t, "srv0", "2001:db8::547/64")
	site.AddAddress(t, "cli0", "2001:db8::99/64")
	to := netip.MustParseAddrPort("[2001:db8::99]:10547")
	client := newClient(t, site, int(to.Port()))

	for _, test := range []struct {
		name    string
		lengths []int
		merged  uint64
	}{
		{"one", lengths(1, 200), 0},
		{"a batch", lengths(32, 200), 32},
		{"two lengths in turn", []int{100, 200, 100, 200, 100, 200}, 6},
		{"a shorter one last", []int{200, 200, 199}, 3},
		{"a longer one last", []int{200, 200, 201}, 2},
		{"a longer one first", []int{201, 200, 200}, 2}, // what is left of the 200s is one
		{"all different", []int{100, 101, 102, 103}, 0},
		{"as long as the path allows", lengths(32, maxSegment), 32},
		{"longer than the path allows", lengths(4, maxSegment+1), 0},
		{"many", lengths(64, 900), 64},
		{"more than one chunk", lengths(200, 300), 200},
		{"as short as can be", lengths(40, 2), 40},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, srv, Config{Workers: 1, Addresses: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::547]:547")}})
			replies := numbered(to, test.lengths...)
			if refused := s.Worker(0).Send(0, replies); refused != 0 {
				t.Errorf("%d refused", refused)
			}
			arrived(t, client, replies)
			if got := s.Stats(); got.Merged != test.merged || got.Unsegmented != 0 {
				t.Errorf("want %d in super-packets, got %+v", test.merged, got.Counters)
			}
		})
	}
}

// TestDifferentWaysStaySeparate: replies that differ in anything but their data never share a super-packet.
func TestDifferentWaysStaySeparate(t *testing.T) {
	srv := udptest.NewNamespace(t)
	srv.AddAddress(t, "lo", "2001:db8::1/128")
	s := serve(t, srv, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0), loopback(0)}})
	clients := []*client{newClient(t, srv, 1001), newClient(t, srv, 1002)}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		var want [2][]worker.Reply
		var replies []worker.Reply
		for i := range 1 + random.IntN(sendMessages*2) {
			at := random.IntN(2)
			r := numbered(loopback(uint16(1001+at)), lengths(i+1, 50+random.IntN(3))...)[i]
			if random.IntN(2) == 0 {
				r.Source = netip.MustParseAddr("2001:db8::1").As16()
			}
			r.Socket = uint16(random.IntN(2))
			// The answer's source tells whether it went by the right socket.
			r.Data = append(r.Data, byte(r.Socket), r.Source[15])
			replies = append(replies, r)
			want[at] = append(want[at], r)
		}
		if refused := s.Worker(0).Send(0, replies); refused != 0 {
			t.Fatalf("%d refused", refused)
		}
		for i, c := range clients {
			for range want[i] {
				data, source := c.receive(t)
				tag := data[len(data)-2:]
				j := slices.IndexFunc(want[i], func(r worker.Reply) bool { return bytes.Equal(r.Data, data) })
				if j < 0 {
					t.Fatalf("client %d got %x, which isn't for it, or came twice", i, data)
				}
				want[i][j].Data = nil
				if source.Port() != s.Addresses()[tag[0]].Port() {
					t.Errorf("socket %d, but source %s", tag[0], source)
				}
				if tag[1] == 1 && source.Addr() != netip.MustParseAddr("2001:db8::1") {
					t.Errorf("want source 2001:db8::1, got %s", source)
				}
			}
		}
	}
}

// TestSuperPacketsRefused: a kernel that doesn't take super-packets to one destination is asked once,
// each reply leaves alone then, and other destinations aren't concerned.
func TestSuperPacketsRefused(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EIO, unix.EINVAL, unix.EMSGSIZE, unix.EOPNOTSUPP} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			srv := udptest.NewNamespace(t)
			srv.AddAddress(t, "lo", "2001:db8::2/128")
			s := serve(t, srv, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}})
			client := newClient(t, srv, 10547)
			asked := 0
			refusing := netip.IPv6Loopback().As16()
			s.workers[0].send[0].transmit = func(fd int, messages []message) (int, unix.Errno) {
				for i := range messages {
					h := &messages[i].header
					if h.Controllen == sendControlLen && nameOf(h).Addr == refusing {
						if i == 0 {
							asked++
							return 0, errno
						}
						return sendNow(fd, messages[:i])
					}
				}
				return sendNow(fd, messages)
			}
			for range 3 {
				replies := numbered(netip.MustParseAddrPort("[2001:db8::2]:10547"), lengths(4, 70)...)
				replies = append(replies, numbered(loopback(10547), lengths(20, 60)...)...)
				if refused := s.Worker(0).Send(0, replies); refused != 0 {
					t.Errorf("%d refused", refused)
				}
				arrived(t, client, replies)
			}
			want := Counters{Sent: 72, Merged: 12, Unsegmented: 1}
			if got := s.Stats().Counters; asked != 1 || got != want {
				t.Errorf("asked %d times; want %+v, got %+v", asked, want, got)
			}
		})
	}
}

// TestMergedOnReceive: with GRO a super-packet arrives as one message, and is handed out as datagrams,
// a batch at a time.
func TestMergedOnReceive(t *testing.T) {
	n := udptest.NewNamespace(t)
	relay := serve(t, n, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}})
	for _, size := range []int{1, 7, worker.BatchSize} {
		t.Run(fmt.Sprint("batches of ", size), func(t *testing.T) {
			s := serve(t, n, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}, GRO: true})
			replies := numbered(s.Addresses()[0], append(lengths(63, 300), 299)...)
			for range 20 {
				if refused := relay.Worker(0).Send(0, replies); refused != 0 {
					t.Fatalf("%d refused", refused)
				}
			}
			batch := make([]worker.Datagram, size)
			for i := 0; i < 20*len(replies); {
				n, err := s.Worker(0).Receive(batch)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range batch[:n] {
					want := replies[i%len(replies)]
					if !bytes.Equal(want.Data, d.Data) || d.SourcePort != relay.Addresses()[0].Port() || d.Arrival == 0 {
						t.Fatalf("datagram %d: want %x, got %+v", i, want.Data, d)
					}
					i++
				}
			}
			if got := s.Stats().Received; got != uint64(20*len(replies)) {
				t.Errorf("want %d received, got %d", 20*len(replies), got)
			}
		})
	}
}
