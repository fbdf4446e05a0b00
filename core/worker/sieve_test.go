package worker_test

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/lockstep6/lockstep6/core/limit"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// A sieve is a socket that notes what it is to hold.
type sieve struct {
	worker.Socket
	calls  atomic.Int64
	floods atomic.Pointer[[]limit.Flood]

	refuses atomic.Bool
	limits  *worker.Limits
}

func (s *sieve) Sift(floods []limit.Flood) bool {
	held := slices.Clone(floods)
	s.floods.Store(&held)
	s.calls.Add(1)
	return !s.refuses.Load()
}

// sieved starts a worker behind a sieve.
func sieved(t *testing.T, settings string) (*bench, *sieve, *atomic.Int64) {
	t.Helper()
	s, clock := &sieve{}, new(atomic.Int64)
	clock.Store(now)
	b := startWith(t, settings, nil, func(o *worker.Options) {
		s.limits = worker.NewLimits(1024, 7)
		o.Limits, o.Clock = s.limits, clock.Load
		s.Socket = o.Socket
		o.Socket = s
	})
	return b, s, clock
}

// flood has a client behind a relay ask 1500 times within a second, and another one now and then, and begins the next second.
func (b *bench) flood(clock *atomic.Int64) {
	for range 50 {
		batch := []worker.Datagram{relayed(from("fe80::2", inform(2)))}
		for range 30 {
			batch = append(batch, relayed(inform(1)))
		}
		b.step(batch...)
		for len(b.socket.sent) > 0 {
			<-b.socket.sent
		}
	}
	clock.Add(1e9)
	b.step(relayed(from("fe80::2", inform(2))))
	for len(b.socket.sent) > 0 {
		<-b.socket.sent
	}
}

// TestWorkerSifts: a client that is refused by the thousand is held in front of the socket, alone, until it stops; about so many of its messages as
// weren't read count as dropped for that reason.
func TestWorkerSifts(t *testing.T) {
	b, s, clock := sieved(t, settings+"\nlimits: {messages-per-relay: {per-second: 100, burst: 100}}\n")
	if s.calls.Load() != 0 {
		t.Fatal("sifted without a flood")
	}
	b.flood(clock)
	if s.calls.Load() != 0 {
		t.Fatal("sifted where nothing is lost")
	}
	s.limits.Lost()
	b.flood(clock)
	floods := *s.floods.Load()
	peer := relayed(inform(1)).Data[18:34]
	if len(floods) != 1 || !floods[0].Relayed || floods[0].Peer != [16]byte(peer) || floods[0].Source != netip.MustParseAddr("2001:db8:1::1").As16() {
		t.Fatalf("held: %+v, want what the relay says of client 1", floods)
	}
	for range 40 {
		b.step(relayed(inform(1)))
		for len(b.socket.sent) > 0 {
			<-b.socket.sent
		}
	}
	clock.Add(1e9)
	b.step(relayed(from("fe80::2", inform(2))))
	if n, want := b.Counters.Dropped(wire.DropFlood), 40*(1<<32/uint64(floods[0].Keep)-1); n < want/2 || n > want*2 {
		t.Errorf("%d messages counted as a flood's, want some %d", n, want)
	}
	for range 3 {
		clock.Add(1e9)
		b.step(relayed(from("fe80::2", inform(2))))
	}
	if held := *s.floods.Load(); len(held) != 0 {
		t.Errorf("held when the flood is over: %+v", held)
	}
	calls := s.calls.Load()
	clock.Add(1e9)
	b.step(relayed(from("fe80::2", inform(2))))
	if s.calls.Load() != calls {
		t.Error("sifted when the flood is over")
	}
}

// TestWorkerSiftsNothing: where nobody is to be held for fairness, no flood is.
func TestWorkerSiftsNothing(t *testing.T) {
	b, s, clock := sieved(t, settings+"\nlimits: {fair-shares: false, messages-per-relay: {per-second: 1, burst: 1}}\n")
	s.limits.Lost()
	b.flood(clock)
	b.flood(clock)
	if s.calls.Load() != 0 {
		t.Errorf("held: %+v", *s.floods.Load())
	}
}

// TestWorkerWithoutSieve: where the socket can't hold a flood nothing counts as thrown away.
func TestWorkerWithoutSieve(t *testing.T) {
	b, s, clock := sieved(t, settings+"\nlimits: {messages-per-relay: {per-second: 100, burst: 100}}\n")
	s.refuses.Store(true)
	for range 4 {
		s.limits.Lost()
		b.flood(clock)
	}
	if s.calls.Load() == 0 || len(*s.floods.Load()) == 0 {
		t.Error("the socket wasn't asked")
	}
	b.wantDropped(wire.DropFlood, 0)
}

// TestWorkerSiftsClients: behind several relays there is no client to be told by its relay's peer-address.
func TestWorkerSiftsClients(t *testing.T) {
	b, s, clock := sieved(t, settings+"\nlimits: {messages-per-relay: {per-second: 100, burst: 100}}\n")
	twice := relayed(inform(1))
	twice.Data[1] = 1
	s.limits.Lost()
	for range 50 {
		b.step(slices.Repeat([]worker.Datagram{twice}, 30)...)
		for len(b.socket.sent) > 0 {
			<-b.socket.sent
		}
	}
	clock.Add(1e9)
	b.step(relayed(inform(2)))
	if floods := *s.floods.Load(); len(floods) != 1 || floods[0].Relayed {
		t.Errorf("held: %+v, want the relay", floods)
	}
}
