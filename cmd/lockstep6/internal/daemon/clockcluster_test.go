package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A stepped cluster is two nodes that keep history and answer leasequeries, each on a machine whose clocks a test sets.
type stepped struct {
	t        *testing.T
	ports    [2]netip.AddrPort // for leasequery
	machines [2]*fakeMachine
	nodes    [2]*reloading
}

func newStepped(t *testing.T, begin int64) *stepped {
	t.Helper()
	s := &stepped{t: t, ports: [2]netip.AddrPort{freePort(t), freePort(t)}}
	for i := range s.nodes {
		s.machines[i] = new(fakeMachine).at(begin)
		s.start(i)
	}
	return s
}

// start starts a node with an empty store.
func (s *stepped) start(i int) {
	s.t.Helper()
	config := edited(s.t, reloadCluster, "nodes: [{name: a}, {name: b}]",
		fmt.Sprintf("nodes: [{name: a, leasequery: %q}, {name: b, leasequery: %q}]", s.ports[0], s.ports[1])) +
		fmt.Sprintf("history: {keep: 2d}\nleasequery: {requestors: [\"::1\"], listen: [%q]}\n", s.ports[i])
	s.nodes[i] = startNode(s.t, shortDir(s.t), string(rune('a'+i)), config, s.machines[i].options)
}

// both are one client's sides towards both nodes.
func (s *stepped) both(n byte) (a, b *client) {
	return s.nodes[0].client(n, "2001:db8:1::1"), s.nodes[1].client(n, "2001:db8:1::1")
}

// left is for how many seconds a node still has a lease as bound; 0: it hasn't, or the lease has ended.
func (s *stepped) left(i int, lease netip.Prefix) uint32 {
	r := s.nodes[i]
	h := r.table.NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	record := h.Find(&binding.Key{Address: lease.Addr().As16(), Length: uint8(lease.Bits())})
	if record == nil || record.State() != binding.Bound || !record.Live(r.second()) {
		return 0
	}
	return uint32(record.Expires() - r.second())
}

// overhears has b hear what the client says to a, again now and then: on a busy machine a message that waited for long is dropped, and what isn't answered
// nobody would send again.
func (s *stepped) overhears(a, b *client, m wire.MessageType, address, prefix netip.Prefix, heard func() bool) {
	s.t.Helper()
	b.server = a.server
	polls := 0
	s.nodes[1].until(fmt.Sprintf("b hears of the %v", m), func() bool {
		if polls%500 == 0 && !heard() {
			b.send(m, ia(ia(nil, wire.IANA, address), wire.IAPD, prefix), true)
		}
		polls++
		return heard()
	})
}

// later is what passes between two steps. All of it together is less than what a node takes for a gap, in which it gives of its own share only.
const later = time.Second

// TestClockStepsInACluster: the wall clocks of two nodes are set apart by hours and years while they serve. No lease ends early or late at either of them, what
// one overhears from the other's clients and what a node that lost its disk learns by leasequery lasts as long as the client has it, both offer the same,
// and history is where it was.
func TestClockStepsInACluster(t *testing.T) {
	for name, begin := range map[string]int64{"2026": 1_795_000_000, "2038": lastMoments["2038"], "2000": 946684800 + 86400} {
		t.Run(name, func(t *testing.T) { clockStepsInACluster(t, begin) })
	}
}

func clockStepsInACluster(t *testing.T, begin int64) {
	s := newStepped(t, begin)
	ca, cb := s.both(1)
	address, prefix := ca.acquire()
	s.overhears(ca, cb, wire.Request, address, prefix, func() bool { return s.left(1, address) > 0 })
	lifetime := s.left(0, address)
	if lifetime < 3600 || s.left(1, address) != lifetime {
		t.Fatalf("the lease lasts %d s at a and %d s at b", lifetime, s.left(1, address))
	}
	for k, step := range []time.Duration{6 * time.Hour, -12 * time.Hour, 400 * 24 * time.Hour, -800 * 24 * time.Hour, 400 * 24 * time.Hour} {
		s.machines[0].wall.Add(int64(step))
		s.machines[1].wall.Add(-int64(step))
		for _, m := range s.machines {
			m.passes(later)
		}
		for i := range s.nodes {
			if got := s.left(i, address); got != lifetime-1 {
				t.Errorf("clocks set by %v: later the lease lasts %d s more at node %d, want %d", step, got, i, lifetime-1)
			}
		}
		if got := ca.renew(address, prefix); len(got) != 2 || got[0].prefix != address || got[0].valid != lifetime {
			t.Errorf("clocks set by %v: the client is told %v", step, got)
		}
		s.overhears(ca, cb, wire.Renew, address, prefix, func() bool { return s.left(1, address) == lifetime })
		s.agree(byte(10 + k))
	}
	s.history(address, begin)
	s.loses(address, lifetime)
}

// agree has both nodes offer a new client the same.
func (s *stepped) agree(n byte) {
	s.t.Helper()
	ca, cb := s.both(n)
	var offers [2][]lease
	for i, c := range []*client{ca, cb} {
		c.send(wire.Solicit, ia(ia(nil, wire.IANA), wire.IAPD), false)
		offers[i] = c.receive()
	}
	if len(offers[0]) != 2 || !slices.Equal(offers[0], offers[1]) {
		s.t.Errorf("client %d is offered %v by a and %v by b", n, offers[0], offers[1])
	}
}

// history looks whether the lease's one period is there, and when it began and was renewed last: five times later, by the node's clock.
func (s *stepped) history(address netip.Prefix, begin int64) {
	s.t.Helper()
	_, periods, err := s.nodes[0].operator.History(s.t.Context(), admin.HistoryQuery{Lease: address})
	if err != nil {
		s.t.Fatal(err)
	}
	count := 0
	for p, err := range periods {
		if count++; err != nil || !p.Lasts || p.Since.Unix() != begin || p.LastTransaction.Unix() != begin+5 {
			s.t.Errorf("history has %+v, %v; want a period from %d on, and the last Renew at %d", p, err, begin, begin+5)
		}
	}
	if count != 1 {
		s.t.Errorf("history has %d periods of the lease, want one", count)
	}
}

// loses has b lose its disk while its clock is hours ahead, and learn again by leasequery what a has, a while after the last Renew.
func (s *stepped) loses(address netip.Prefix, lifetime uint32) {
	s.t.Helper()
	for _, m := range s.machines {
		m.passes(later)
	}
	s.nodes[1].end()
	s.machines[1].wall.Add(int64(6 * time.Hour))
	s.start(1)
	b := s.nodes[1]
	b.until("b has caught up", func() bool { return s.left(1, address) > 0 })
	if got := s.left(1, address); got < lifetime-3 || got > lifetime {
		s.t.Errorf("b has learned that the lease lasts %d s more, want %d", got, lifetime-1)
	}
	if got, want := worker.Time(b.clock()).Unix(), s.machines[1].wall.Load()/1e9; got != want {
		s.t.Errorf("b goes by %d after its start, want its machine's clock, %d", got, want)
	}
}
