package worker_test

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

const limits = settings + `
limits:
  messages-per-neighbour: {per-second: 1, burst: 2}
  messages-per-relay: {per-second: 1, burst: 3}
`

// limited starts a worker of a node that limits senders, whose clock the test sets.
func limited(t *testing.T, settings string) (*bench, *worker.Limits, *atomic.Int64) {
	t.Helper()
	limits, clock := worker.NewLimits(1024, 7), new(atomic.Int64)
	clock.Store(now)
	return startWith(t, settings, nil, func(o *worker.Options) {
		o.Limits, o.Refusals = limits, worker.NewRefusals(8)
		o.Clock = clock.Load
	}), limits, clock
}

// from gives a datagram another sender.
func from(address string, d worker.Datagram) worker.Datagram {
	d.Source = netip.MustParseAddr(address).As16()
	return d
}

func (b *bench) wantDropped(d wire.Drop, n uint64) {
	b.t.Helper()
	if got := b.Counters.Dropped(d); got != n {
		b.t.Fatalf("%d datagrams were dropped as %s, want %d", got, d, n)
	}
}

// wantSentRelayed takes the answers to so many relayed messages.
func (b *bench) wantSentRelayed(n int) {
	b.t.Helper()
	if s := <-b.socket.sent; len(s.replies) != n {
		b.t.Fatalf("%d answers to relays were sent, want %d", len(s.replies), n)
	}
}

// TestRates: a neighbour and a relay are answered as often as they may send; others aren't refused for it, and a link-local address on
// another interface is another neighbour.
func TestRates(t *testing.T) {
	b, _, clock := limited(t, limits)
	other := inform(5)
	other.Interface = 8
	b.step(inform(1), inform(2), inform(3), from("fe80::2", inform(4)), other)
	b.wantSent(0, 1, 2, 4, 5)
	b.wantDropped(wire.DropNeighbourRate, 1)
	b.step(relayed(inform(6)), relayed(inform(7)), relayed(inform(8)), relayed(inform(9)), from("2001:db8:1::2", relayed(inform(10))))
	b.wantSentRelayed(4)
	b.wantDropped(wire.DropRelayRate, 1)
	clock.Add(1e9)
	b.step(inform(11), inform(12))
	b.wantSent(0, 11)
	b.step(relayed(inform(13)))
	b.wantSentRelayed(1)
	b.wantDropped(wire.DropNeighbourRate, 2)
	all := kept(b.Refusals)
	if len(all) != 3 || all[0].Drop != wire.DropNeighbourRate || all[0].Type != wire.InformationRequest || len(all[0].Asker.DUID) == 0 {
		t.Errorf("kept of what was refused: %+v", all)
	}
}

// TestShares: while the kernel drops datagrams, who floods gets less and less, and the others all that they ask for; where shares are
// switched off nobody is refused.
func TestShares(t *testing.T) {
	if n := flooded(t, settings); n < 1000 || n > 3900 {
		t.Errorf("%d of the flood's 4000 messages were dropped", n)
	}
	if n := flooded(t, settings+"\nlimits: {fair-shares: false}\n"); n != 0 {
		t.Errorf("%d of the flood's messages were dropped without shares", n)
	}
}

// flooded has one relay send twenty times as much as another one, and returns how many of its messages were dropped.
func flooded(t *testing.T, settings string) uint64 {
	t.Helper()
	b, limits, clock := limited(t, settings)
	quiet := uint64(0)
	for second := range 20 {
		clock.Store(now + int64(second)*1e9)
		for range 10 {
			batch := []worker.Datagram{from("2001:db8:1::2", relayed(inform(1)))}
			for range 20 {
				batch = append(batch, relayed(inform(2)))
			}
			b.step(batch...)
			clock.Add(1e8)
		drain:
			for {
				select {
				case s := <-b.socket.sent:
					for _, r := range s.replies {
						if r.Destination == netip.MustParseAddr("2001:db8:1::2").As16() {
							quiet++
						}
					}
				default:
					break drain
				}
			}
		}
		if second < 5 {
			limits.Lost()
		}
	}
	if quiet != 200 {
		t.Errorf("the relay that doesn't flood got %d answers to 200 messages", quiet)
	}
	return b.Counters.Dropped(wire.DropShare)
}

// TestForeignRelays: what comes from a relay that isn't allowed goes nowhere: neither its clients' messages nor what is put aside, a Leasequery and
// a Reconfigure-request. Each counts once.
func TestForeignRelays(t *testing.T) {
	b := startWith(t, strings.Replace(settings, "{named-pools", `{allow: ["2001:db8:1::/64"], named-pools`, 1), nil, func(o *worker.Options) {
		aside := func(*worker.Datagram) bool { t.Error("a foreign relay's message was put aside"); return true }
		o.Aside, o.Requests, o.Refusals = aside, aside, worker.NewRefusals(8)
	})
	foreign := func(d worker.Datagram) worker.Datagram { return from("2001:db8:2::1", relayed(d)) }
	b.step(foreign(inform(1)), foreign(message(2, wire.Leasequery, nil)), foreign(message(3, wire.ReconfigureRequest, nil)), relayed(inform(4)))
	b.wantSentRelayed(1)
	b.wantDropped(wire.DropForeignRelay, 3)
	if all := kept(b.Refusals); len(all) != 3 || all[0].Drop != wire.DropForeignRelay || all[0].Source != netip.MustParseAddr("2001:db8:2::1").As16() {
		t.Errorf("kept of what was refused: %+v", all)
	}
}
