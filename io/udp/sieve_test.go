package udp

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/limit"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

func flow(source string, index uint32, peer netip.Addr) limit.Flow {
	f := limit.Flow{Source: netip.MustParseAddr(source).As16(), Interface: index}
	if peer.IsValid() {
		f.Relayed, f.Peer = true, peer.As16()
	}
	return f
}

func (s *Server) sift(later bool, floods ...limit.Flood) {
	for i := range floods {
		floods[i].Later = later
	}
	for i := range s.workers {
		s.Worker(i).(worker.Sieve).Sift(floods)
	}
}

// hold has the sieves that are in place stay there, however long the test takes.
func (s *Server) hold() {
	for _, w := range s.workers {
		w.sieve.mu.Lock()
		w.sieve.renewed = 1 << 30
		w.sieve.mu.Unlock()
	}
}

// TestSieve: of what floods send nothing arrives where nothing is to, and of everybody else all; whatever the sockets' own filters are. What was
// thrown away isn't called lost.
func TestSieve(t *testing.T) {
	for _, urgency := range []bool{false, true} {
		for _, workers := range []int{1, 3} {
			sieves(t, workers, urgency)
		}
	}
}

func sieves(t *testing.T, workers int, urgency bool) {
	site, srv := udptest.NewNamespace(t), udptest.NewNamespace(t)
	udptest.Connect(t, srv, "srv0", site, "cli0")
	srv.AddAddress(t, "srv0", "2001:db8:9::547/64")
	site.AddAddress(t, "cli0", "2001:db8:9::1/64")
	alone := netip.MustParseAddrPort("[2001:db8:9::547]:10547")
	s := serve(t, srv, Config{Workers: workers, Interfaces: []string{"srv0"}, Addresses: []netip.AddrPort{alone}, Urgency: urgency})
	c := collect(t, s, false)
	from, index := newClient(t, site, 0), site.Index(t, "cli0")
	at := srv.Index(t, "srv0")
	senders := []struct {
		source string
		data   func(n int) []byte
		held   bool
	}{
		{"2001:db8:9::a", func(n int) []byte { return relay(0, peer(n), 0, solicit(n)) }, true},
		{"2001:db8:9::b", func(n int) []byte { return relay(0, peer(n), 0, solicit(n)) }, false},
		{"2001:db8:9::c", func(n int) []byte { return relay(0, peer(7), n%3, solicit(n)) }, true},
		{"2001:db8:9::c", func(n int) []byte { return relay(0, peer(8), 0, solicit(n)) }, false},
		{"2001:db8:9::c", solicit, false},
		{"2001:db8:9::c", func(int) []byte { return relay(0, peer(7), 0, solicit(0))[:33] }, false},
		{"2001:db8:9::c", func(n int) []byte { return relay(1, peer(7), 0, relay(0, peer(n), 0, solicit(n))) }, false},
		{"2001:db8:9::d", func(n int) []byte { return relay(0, peer(7), 0, solicit(n)) }, false},
		{"fe80::e", solicit, true},
		{"fe80::f", solicit, false},
	}
	floods := []limit.Flood{
		{Flow: flow("2001:db8:9::a", 0, netip.Addr{})}, {Flow: flow("2001:db8:9::c", 0, peer(7))},
		{Flow: flow("fe80::e", at, netip.Addr{})}, {Flow: flow("fe80::f", at+1, netip.Addr{})},
		{Flow: flow("2001:db8:9::b", 0, netip.Addr{}), Keep: 1<<32 - 1},
	}
	send := func(held bool) {
		const each = 50
		want, got := map[string]int{}, map[string]int{}
		for _, to := range []netip.AddrPort{netip.MustParseAddrPort("[2001:db8:9::547]:547"), alone, nodesAndRelays} {
			for _, sender := range senders {
				for n := range each {
					from.send(t, sender.data(n), netip.MustParseAddr(sender.source), to, index)
				}
				if held && sender.held {
					continue
				}
				want[sender.source] += each
				for _, r := range c.take(t, each) { // so few find room in the shortest queue
					got[netip.AddrFrom16(r.Source).String()]++
				}
			}
		}
		for source, n := range want {
			if got[source] != n {
				t.Errorf("held %t: %d of %d datagrams from %s arrived", held, got[source], n, source)
			}
		}
		if d := s.Stats().Dropped; d != 0 {
			t.Errorf("held %t: %d drops counted; nothing was lost", held, d)
		}
	}
	send(false)
	s.sift(urgency, floods...)
	s.hold()
	send(true)
	s.sift(false)
	send(false)
	s.sift(!urgency, floods...) // of the other class
	send(false)
}

// TestSieveShare: a share of a flood arrives, whichever it is.
func TestSieveShare(t *testing.T) {
	const sent = 4000
	n := udptest.NewNamespace(t)
	s := serve(t, n, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}})
	c := collect(t, s, false)
	s.sift(false, limit.Flood{Flow: flow("::1", 0, netip.Addr{}), Keep: 1 << 30})
	s.hold()
	from := newClient(t, n, 0)
	for i := range sent {
		from.send(t, solicit(i), netip.Addr{}, s.Addresses()[0], 0)
	}
	s.sift(false)
	from.send(t, solicit(sent), netip.Addr{}, s.Addresses()[0], 0)
	arrived := 0
	for number(c.take(t, 1)[0].Data) != sent {
		arrived++
	}
	if arrived < sent/5 || arrived > sent*3/10 { // a quarter; ten times the deviation on either side
		t.Errorf("%d of %d datagrams arrived, want a quarter", arrived, sent)
	}
}

// TestSieveLosses: while a flood is thrown away what the kernel drops for want of room is still counted.
func TestSieveLosses(t *testing.T) {
	const sent = 3000
	n := udptest.NewNamespace(t)
	s := serve(t, n, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0)}, ReceiveBuffer: 1 << 14})
	n.AddAddress(t, "lo", "2001:db8::1/128")
	s.sift(false, limit.Flood{Flow: flow("2001:db8::1", 0, netip.Addr{})})
	s.hold()
	from := newClient(t, n, 0)
	for i := range sent {
		from.send(t, solicit(i), netip.MustParseAddr("2001:db8::1"), s.Addresses()[0], 0)
		from.send(t, solicit(i), netip.IPv6Loopback(), s.Addresses()[0], 0)
	}
	lost := s.Stats().Dropped
	if lost == 0 || lost >= sent {
		t.Fatalf("%d of %d lost", lost, sent)
	}
	collect(t, s, false).take(t, sent-int(lost))
	s.sift(false)
	if again := s.Stats().Dropped; again != lost {
		t.Errorf("%d lost, and later %d", lost, again)
	}
}

// swap puts another descriptor in the place of the first one.
func (s *sieve) swap(fd int) (was int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, s.sockets[0].fd = s.sockets[0].fd, fd
	return was
}

// TestSieveTold: a flood that is held is told of, once for all workers; and once that the kernel refuses to hold any.
func TestSieveTold(t *testing.T) {
	told := newEvents()
	s := serve(t, udptest.NewNamespace(t), Config{Workers: 2, Addresses: []netip.AddrPort{loopback(0)}, Notify: told.notify})
	held := limit.Flood{Flow: flow("2001:db8::1", 0, peer(1)), Keep: 5}
	s.sift(false, held)
	if e := told.wait(t, FloodHeld); e.Flood != held {
		t.Errorf("told of %+v", e.Flood)
	}
	fd := s.workers[1].sieve.swap(-1)
	if s.Worker(0).(worker.Sieve).Sift([]limit.Flood{held}) != true || s.Worker(1).(worker.Sieve).Sift([]limit.Flood{held}) != false {
		t.Error("want the second worker's sieve to fail")
	}
	s.workers[1].sieve.swap(fd)
	if e := told.wait(t, SieveFailed); !errors.Is(e.Err, unix.EBADF) {
		t.Errorf("told of %v", e.Err)
	}
	for len(told) > 0 {
		if e := <-told; e.Kind == FloodHeld || e.Kind == SieveFailed {
			t.Errorf("told again: %+v", e)
		}
	}
	await(t, "taken away, though nobody renewed it", func() bool { _, active := s.sifts(); return !active })
}

// TestSieveOfMany: the kernel takes the longest program that there can be, and replaces it by another one.
func TestSieveOfMany(t *testing.T) {
	s := serve(t, udptest.NewNamespace(t), Config{Workers: 2, Addresses: []netip.AddrPort{loopback(0)}, Urgency: true})
	for _, w := range s.workers {
		for i := range w.sieve.sockets {
			w.sieve.sockets[i].filtered = true // as the interfaces' are
		}
	}
	var floods []limit.Flood
	for i := range 8 {
		floods = append(floods, limit.Flood{Flow: flow("fe80::1", 7, peer(i))})
	}
	for range 3 {
		if !s.Worker(1).(worker.Sieve).Sift(floods) {
			t.Fatal(s.workers[1].sieve.failed)
		}
	}
}
