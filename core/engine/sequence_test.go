package engine_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

const counting = `
listen: {interfaces: [eth0]}
lifetimes: {preferred: 3000, valid: 4000, renew: 1500, rebind: 2400}
allocation: sequential
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: %s}]
`

// countingSession is a server that gives addresses of a pool in sequence.
func countingSession(t testing.TB, pool string, capacity int) *session {
	t.Helper()
	text := fmt.Sprintf("store: {capacity: %d}\n"+counting, max(capacity, 1024), pool)
	return sessionOver(t, mustCompile(t, text, ""), binding.Options{Capacity: capacity})
}

// counter is a client of its own number, with one IA_NA.
func counter(kind wire.MessageType, number int, addr netip.Addr) []byte {
	m := wire.AppendHeader(nil, kind, [3]byte{1, 2, 3})
	m = wire.AppendOption(m, wire.OptionClientID, binary.BigEndian.AppendUint64([]byte{0, 3}, uint64(number)))
	if kind == wire.Request {
		m = wire.AppendOption(m, wire.OptionServerID, singleDUID)
	}
	m, mark := wire.OpenIA(m, wire.IANA, 1)
	if addr.IsValid() {
		a := addr.As16()
		m = wire.AppendIAAddress(m, &a, 0, 0)
	}
	return wire.CloseOption(m, mark)
}

// addressOf is the one address of a reply.
func addressOf(t testing.TB, reply []byte) netip.Addr {
	t.Helper()
	leases := leasesOf(t, reply)
	if len(leases) != 1 {
		t.Fatalf("%d leases", len(leases))
	}
	return netip.AddrFrom16(leases[0].key.Address)
}

// TestClientsAtOnce has a thousand clients at four workers that are all offered something before the first one asks for it. Each gets what it
// was offered, and no two get the same. The offers are the lowest ones.
func TestClientsAtOnce(t *testing.T) {
	const workers, clients = 4, 1000
	for _, pool := range []string{`"2001:db8:1::/64"`, `"2001:db8:1::1-2001:db8:1::ffff"`} {
		s := countingSession(t, pool, 10000)
		var loops [workers]*loop
		for i := range loops {
			loops[i] = newLoop(&session{site: s.site, marks: s.marks, now: s.now, engine: engine.New(s.table.NewHandle(), s.marks)})
			loops[i].writer = i
		}
		var offered, got [clients]netip.Addr
		each := func(handle func(l *loop, i int)) {
			var group sync.WaitGroup
			for k, l := range loops {
				group.Go(func() {
					for i := k; i < clients; i += workers {
						handle(l, i)
					}
				})
			}
			group.Wait()
		}
		each(func(l *loop, i int) {
			offered[i] = addressOf(t, l.handle(directInput(counter(wire.Solicit, i, netip.Addr{}))).Reply)
		})
		each(func(l *loop, i int) {
			got[i] = addressOf(t, l.handle(directInput(counter(wire.Request, i, offered[i]))).Reply)
		})
		kept, holders := 0, make(map[netip.Addr]int)
		for i := range clients {
			holders[got[i]]++
			if got[i] == offered[i] {
				kept++
			}
			if high := netip.MustParseAddr("2001:db8:1::480"); high.Less(got[i]) {
				t.Errorf("client %d has %s", i, got[i])
			}
		}
		if len(holders) != clients {
			t.Errorf("%d clients have %d addresses", clients, len(holders))
		}
		if kept < clients {
			t.Errorf("%d of %d clients got what they were offered", kept, clients)
		}
	}
}

// TestFloodOfSolicits has ten thousand clients that only ask. What is offered stays near the lowest free lease, and is the lowest
// one some seconds later. In a small pool everybody is offered something all the time.
func TestFloodOfSolicits(t *testing.T) {
	for pool, bound := range map[string]string{
		`"2001:db8:1::/64"`: "2001:db8:1::4000", `"2001:db8:1::1-2001:db8:1::40"`: "2001:db8:1::40",
	} {
		s := countingSession(t, pool, 1024)
		l := newLoop(s)
		for i := range 10_000 {
			result := l.handle(directInput(counter(wire.Solicit, i, netip.Addr{})))
			if i%97 != 0 {
				continue
			}
			if addr := addressOf(t, result.Reply); netip.MustParseAddr(bound).Less(addr) {
				t.Fatalf("%s: client %d is offered %s", pool, i, addr)
			}
		}
		s.now += 9
		last := newLoop(s)
		if addr := addressOf(t, last.handle(directInput(counter(wire.Solicit, 1<<20, netip.Addr{}))).Reply); addr.String() != "2001:db8:1::1" {
			t.Errorf("%s: after the flood a client is offered %s", pool, addr)
		}
	}
}

// TestLowestBehindExclusions holds that nothing excluded is given or looked at, however much it is, and nothing reserved.
func TestLowestBehindExclusions(t *testing.T) {
	text := `
listen: {interfaces: [eth0]}
store: {capacity: 1024}
allocation: sequential
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64", exclude: ["2001:db8:1::/65", "2001:db8:1:0:8000::2-2001:db8:1:0:fdff:ffff:ffff:ff7e"]}]
    reservations: [{duid: "00:03:00:01:00:00:00:00:00:99", addresses: ["2001:db8:1:0:fe00::1"]}]
`
	s := sessionOver(t, mustCompile(t, text, ""), binding.Options{Capacity: 1024})
	l := newLoop(s)
	want := []string{"2001:db8:1:0:8000::", "2001:db8:1:0:8000::1", "2001:db8:1:0:fdff:ffff:ffff:ff7f", "2001:db8:1:0:fe00::", "2001:db8:1:0:fe00::2"}
	for i, text := range want {
		if addr := addressOf(t, l.handle(directInput(counter(wire.Request, i, netip.Addr{}))).Reply); addr != netip.MustParseAddr(text) {
			t.Errorf("client %d has %s, not %s", i, addr, text)
		}
	}
}

// TestReleasesThatAreNotDurable has more released leases in front of the lowest free one than a search looks at. A client gets another
// lease then, and the released ones come back when their release is durable.
func TestReleasesThatAreNotDurable(t *testing.T) {
	s := countingSession(t, `"2001:db8:1::/64"`, 4096)
	s.autoSync = false
	ask := func(kind wire.MessageType, number int, addr netip.Addr) engine.Result {
		return s.handleOne(directInput(counter(kind, number, addr)))
	}
	for i := range 200 {
		ask(wire.Request, i, netip.Addr{})
	}
	s.settle()
	for i := range 200 {
		m := counter(wire.Request, i, netip.MustParseAddr(fmt.Sprintf("2001:db8:1::%x", i+1)))
		m[0] = byte(wire.Release)
		s.handleOne(directInput(m))
	}
	if addr := addressOf(t, ask(wire.Solicit, 1000, netip.Addr{}).Reply); addr.Compare(netip.MustParseAddr("2001:db8:1::c8")) <= 0 {
		t.Errorf("a client is offered %s, whose release isn't durable", addr)
	}
	s.settle()
	if addr := addressOf(t, ask(wire.Solicit, 1001, netip.Addr{}).Reply); addr.String() != "2001:db8:1::1" {
		t.Errorf("a client is offered %s, when all are released", addr)
	}
}
