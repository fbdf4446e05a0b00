package failover

import (
	"slices"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	testMCLT  = 3_600_000
	testValid = 3 * 24 * 3_600_000
)

// A bench is two servers, a clock and the connection between them.
type bench struct {
	t       *testing.T
	now     int64
	plans   []plan
	servers [2]*Server
	disks   [2]*Disk
	starts  [2]int
	apart   bool
	states  [2][]State
	dice    uint64
	options Options
}

type plan struct {
	at  int64
	run func()
}

// A seat is one server's Host.
type seat struct {
	*bench
	me, start int
}

func (s *seat) Now() int64 { return s.now }
func (s *seat) After(delay int64, run func()) {
	s.plans = append(s.plans, plan{s.now + delay, func() {
		if s.starts[s.me] == s.start {
			run()
		}
	}})
}
func (s *seat) Random(n uint64) uint64 {
	s.dice = s.dice*6364136223846793005 + 1442695040888963407
	return (s.dice >> 1) % n
}
func (s *seat) Became(to State) { s.states[s.me] = append(s.states[s.me], to) }
func (s *seat) Send(m *Message) {
	if s.apart {
		return
	}
	s.plans = append(s.plans, plan{s.now + 1, func() {
		if other := s.servers[1-s.me]; other != nil {
			other.Receive(m)
		}
	}})
}

func newBench(t *testing.T, auto int64) *bench {
	b := &bench{t: t, options: Options{MCLT: testMCLT, AutoPartnerDown: auto, Preferred: testValid, Valid: testValid, Addresses: [16]byte{0x20, 1}}}
	for i := range 16 {
		b.options.Prefixes = append(b.options.Prefixes, binding.Key{Address: [16]byte{0x20, 2, byte(i)}, Length: 24})
	}
	for i := range b.servers {
		b.disks[i] = NewDisk(true)
		b.start(i)
	}
	b.pass(60_000)
	return b
}

func (b *bench) start(i int) {
	b.starts[i]++
	b.servers[i] = Start(b.options, &seat{b, i, b.starts[i]}, Role(i), []byte{'s', byte(i), 0}, b.disks[i])
}

func (b *bench) stop(i int) { b.starts[i]++; b.servers[i] = nil }

// pass lets time pass.
func (b *bench) pass(milliseconds int64) {
	for end := b.now + milliseconds; ; {
		next := -1
		for i := range b.plans {
			if b.plans[i].at <= end && (next < 0 || b.plans[i].at < b.plans[next].at) {
				next = i
			}
		}
		if next < 0 {
			b.now = end
			return
		}
		p := b.plans[next]
		b.plans = slices.Delete(b.plans, next, next+1)
		b.now = max(b.now, p.at)
		p.run()
	}
}

// asks sends a message of a client with one IA, and returns the lease in the answer; ok: there is one.
func (b *bench) asks(i int, kind wire.MessageType, who byte, of wire.Kind, named binding.Key) (key binding.Key, valid uint32, ok bool) {
	m := wire.AppendHeader(nil, kind, [3]byte{1})
	m = wire.AppendOption(m, wire.OptionClientID, []byte{0, 3, who})
	if kind == wire.Request || kind == wire.Renew {
		m = wire.AppendOption(m, wire.OptionServerID, []byte{'s', byte(i), 0})
	}
	m, mark := wire.OpenIA(m, of, 1)
	if named.Length != 0 {
		m = appendLease(m, of, named, 0, 0)
	}
	m = wire.CloseOption(m, mark)
	var p wire.Packet
	if drop := p.Parse(m); drop != wire.DropNone {
		b.t.Fatal(drop)
	}
	answer := b.servers[i].Answer(&p)
	if answer == nil || p.Parse(answer) != wire.DropNone || p.Message.IACount == 0 {
		return key, 0, false
	}
	ia := &p.Message.IAs[0]
	l, _, ok := ia.NextLease(ia.Options)
	return binding.Key{Address: l.Address, Length: l.Length}, l.Valid, ok
}

func (b *bench) want(i int, want State) {
	b.t.Helper()
	if got := b.servers[i].disk.state; got != want {
		b.t.Fatalf("server %d is in %s, and should be in %s; it was in %s", i, got, want, b.states[i])
	}
}

var none binding.Key

// TestMCLT is the example of RFC 8156, Section 4.4.1: an hour first, three days at the first Renew; and an hour beyond what was
// acknowledged where the partner can't acknowledge any more.
func TestMCLT(t *testing.T) {
	b := newBench(t, 0)
	key, valid, ok := b.asks(0, wire.Request, 1, wire.IANA, none)
	if !ok || valid != testMCLT/1000 {
		t.Fatalf("first: %d s, %v", valid, ok)
	}
	b.pass(testMCLT / 2)
	if _, valid, _ = b.asks(0, wire.Renew, 1, wire.IANA, key); valid != testValid/1000 {
		t.Errorf("after half an hour: %d s", valid)
	}
	b.apart = true
	b.pass(testValid * 2 / 3)
	b.want(0, CommunicationsInterrupted)
	acked := b.disks[0].leases[key].acked
	if _, valid, _ = b.asks(0, wire.Renew, 1, wire.IANA, key); b.now+int64(valid)*1000 > max(acked, b.now)+testMCLT {
		t.Errorf("alone: %d s, which is more than what the partner acknowledged", valid)
	}
	b.pass(testValid / 3 * 2)
	if _, valid, _ = b.asks(0, wire.Renew, 1, wire.IANA, key); valid != testMCLT/1000 {
		t.Errorf("alone for long: %d s", valid)
	}
}

// TestPools: addresses are odd and even, free prefixes are halved, and each server gives its own only; after PARTNER-DOWN and the
// MCLT the other's prefixes too.
func TestPools(t *testing.T) {
	b := newBench(t, 10*60_000)
	b.want(0, Normal)
	b.want(1, Normal)
	if _, _, ok := b.asks(1, wire.Solicit, 9, wire.IANA, none); ok {
		t.Error("the secondary answers a Solicit in NORMAL")
	}
	b.stop(0)
	b.pass(2 * 60_000)
	b.want(1, CommunicationsInterrupted)
	if key, _, _ := b.asks(1, wire.Request, 1, wire.IANA, none); key.Address[15]&1 != 0 {
		t.Errorf("the secondary gives %x", key.Address)
	}
	given := map[binding.Key]bool{}
	take := func() {
		for who := byte(20); who < 60; who++ {
			if key, _, ok := b.asks(1, wire.Request, who, wire.IAPD, none); ok {
				given[key] = true
			}
		}
	}
	if take(); len(given) != 8 {
		t.Errorf("it gives %d of 16 prefixes while it doesn't know whether its partner is dead", len(given))
	}
	b.pass(20 * 60_000)
	b.want(1, PartnerDown)
	if take(); len(given) != 8 {
		t.Errorf("it gives %d prefixes before the MCLT is over", len(given))
	}
	b.pass(testMCLT)
	if take(); len(given) != 16 {
		t.Errorf("it gives %d prefixes in the end", len(given))
	}
}

// TestRecover: a server that returns without its disk to a partner that took over gets all back, and waits for the MCLT (RFC
// 8156, Figure 7).
func TestRecover(t *testing.T) {
	b := newBench(t, 10*60_000)
	key, _, _ := b.asks(0, wire.Request, 1, wire.IANA, none)
	b.pass(60_000)
	b.stop(0)
	b.pass(20 * 60_000)
	b.disks[0] = NewDisk(false)
	b.start(0)
	b.pass(60_000)
	b.want(0, RecoverWait)
	if l := b.disks[0].leases[key]; l == nil || l.status != Active {
		t.Errorf("it has %+v", l)
	}
	b.pass(testMCLT)
	b.want(0, Normal)
	b.want(1, Normal)
}

// TestConflict: both took the other for dead, and one lease got two clients. Both servers end in NORMAL and know one of them
// (RFC 8156, Figures 4 and 9).
func TestConflict(t *testing.T) {
	b := newBench(t, 10*60_000)
	b.apart = true
	b.pass(2*testMCLT + 20*60_000)
	b.want(0, PartnerDown)
	b.want(1, PartnerDown)
	held := map[binding.Key]int{}
	for i := range 2 {
		for who := byte(0); who < 16; who++ {
			if key, _, ok := b.asks(i, wire.Request, 100*byte(i)+who, wire.IAPD, none); ok {
				held[key]++
			}
			b.pass(10_000)
		}
	}
	if len(held) != 16 || held[b.options.Prefixes[0]] != 2 {
		t.Fatalf("both should have given all: %v", held)
	}
	b.apart = false
	b.pass(5 * 60_000)
	b.want(0, Normal)
	b.want(1, Normal)
	if !slices.Contains(b.states[0], ConflictDone) || !slices.Contains(b.states[1], PotentialConflict) {
		t.Errorf("states %s and %s", b.states[0], b.states[1])
	}
	for _, key := range b.options.Prefixes {
		if x, y := b.disks[0].leases[key], b.disks[1].leases[key]; x.client != y.client || x.status != Active || y.status != Active {
			t.Errorf("%x: %+v and %+v", key.Address, x, y)
		}
	}
}

// TestRelease: what a client gave up is free for others when the partner has acknowledged that, and not before.
func TestRelease(t *testing.T) {
	b := newBench(t, 0)
	key, _, _ := b.asks(0, wire.Request, 1, wire.IAPD, none)
	b.pass(1000)
	l := b.disks[0].leases[key]
	b.apart = true
	l.status, l.since = Released, b.now
	b.servers[0].changed(l)
	b.pass(2 * keepalive)
	if b.servers[0].available(l, Client{DUID: "another"}) {
		t.Error("it is free before the partner knows")
	}
	b.apart = false
	b.pass(5 * 60_000)
	if l.status != Free || b.disks[1].leases[key].status != Free {
		t.Errorf("afterwards: %d here, %d there", l.status, b.disks[1].leases[key].status)
	}
}
