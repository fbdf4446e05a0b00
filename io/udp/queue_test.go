package udp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

// A player lets a socket's queue fill and a worker read it, every 5 ms.
type player struct {
	queue
	now    time.Duration
	length float64 // datagrams
}

const played = 5 * time.Millisecond

// play goes on for some time, in which offered datagrams come a second and the worker can take rate, 0: it stands still. It
// returns the longest wait, and how many found no room.
func (p *player) play(span time.Duration, offered, rate float64) (wait time.Duration, dropped float64) {
	for end := p.now + span; p.now < end; p.now += played {
		room := max(float64(p.limit)/perDatagram-p.length, 0)
		came := offered * played.Seconds()
		p.length += min(came, room)
		dropped += max(came-room, 0)
		if rate == 0 {
			continue
		}
		taken := min(p.length, rate*played.Seconds())
		age := time.Duration(p.length / rate * float64(time.Second))
		wait = max(wait, age)
		p.length -= taken
		p.note(int(taken+0.5), int64(age), int64(p.now))
	}
	return wait, dropped
}

// TestQueue: whatever a worker takes, under overload datagrams wait for about the target, and afterwards the queue is whole again.
func TestQueue(t *testing.T) {
	for _, rate := range []float64{1000, 10_000, 50_000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			p := player{queue: queue{limit: DefaultReceiveBuffer, most: DefaultReceiveBuffer}, now: time.Hour}
			if _, dropped := p.play(2*time.Second, rate/2, rate); p.limit != p.most || dropped > 0 {
				t.Errorf("under half the load: %d, %.0f dropped", p.limit, dropped)
			}
			// What had come before the queue was cut is read first.
			p.play(30*time.Second, 10*rate, rate)
			if wait, _ := p.play(3*time.Second, 10*rate, rate); wait < time.Duration(waitTarget)/2 || wait > 2*time.Duration(waitTarget) {
				t.Errorf("under overload: a wait of %v, want about %v", wait, time.Duration(waitTarget))
			}
			if p.play(3*time.Second, rate/2, rate); p.limit != p.most {
				t.Errorf("afterwards: %d", p.limit)
			}
		})
	}
}

// TestQueueAfterAStandstill: a worker that stood still for a moment, and catches up, loses nothing.
func TestQueueAfterAStandstill(t *testing.T) {
	for _, stood := range []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond} {
		p := player{queue: queue{limit: DefaultReceiveBuffer, most: DefaultReceiveBuffer}, now: time.Hour}
		dropped := 0.0
		for _, rate := range []float64{40_000, 0, 40_000} {
			length := 2 * time.Second
			if rate == 0 {
				length = stood
			}
			_, lost := p.play(length, 15_000, rate)
			dropped += lost
		}
		if dropped > 0 || p.limit != p.most {
			t.Errorf("%v: %.0f datagrams dropped, limit %d", stood, dropped, p.limit)
		}
	}
}

// TestQueueBounds: a queue is never cut to nothing, nor by what a clock says that was set.
func TestQueueBounds(t *testing.T) {
	q := queue{limit: 1 << 20, most: 1 << 20}
	for _, step := range []struct {
		age, now int64
		limit    int
	}{
		{int64(time.Minute), int64(time.Hour), 1 << 20}, // nobody read for an hour
		{int64(time.Minute), int64(time.Hour) + queueWindow, queueLeast},
		{int64(time.Minute), 0, queueLeast}, // set back
		{int64(time.Minute), queueWindow, queueLeast},
		{-5, 2 * queueWindow, 2 * queueLeast},
	} {
		if limit, _ := q.note(1, step.age, step.now); limit != step.limit {
			t.Errorf("%+v: %d", step, limit)
		}
	}
	small := queue{limit: 100, most: 100}
	if limit, changed := small.note(1, int64(time.Minute), queueWindow); limit != 100 || changed {
		t.Errorf("of a small buffer: %d, %v", limit, changed)
	}
}

// TestUrgency: whatever way a message comes by, one worker gets it, and with the class of its type as deep as the programs look.
func TestUrgency(t *testing.T) {
	for _, workers := range []int{1, 3} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			site, srv := udptest.NewNamespace(t), udptest.NewNamespace(t)
			udptest.Connect(t, srv, "srv0", site, "cli0")
			srv.AddAddress(t, "srv0", "2001:db8:9::547/64")
			site.AddAddress(t, "cli0", "2001:db8:9::1/64")
			server := netip.MustParseAddrPort("[2001:db8:9::547]:547")
			other := netip.MustParseAddrPort("[2001:db8:9::547]:10547")
			s := serve(t, srv, Config{Workers: workers, Interfaces: []string{"srv0"}, Addresses: []netip.AddrPort{other}, Urgency: true})
			c := collect(t, s, false)
			from, index := newClient(t, site, 0), site.Index(t, "cli0")
			all := append(ways(server), ways(other)...)
			for _, w := range all {
				for kind := range 14 {
					message := append([]byte{byte(kind)}, solicit(kind)[1:]...)
					source := netip.MustParseAddr("2001:db8:9::1")
					if w.direct {
						source = peer(kind)
					}
					if kind == relayForward { // a lone octet is no relay's message
						continue
					}
					from.send(t, w.wrap(kind, message), source, w.to, index)
					got := c.take(t, 1)[0]
					later := kind == 1 || kind > 9 || w.uneven
					if got.Later != later || number(got.Data) != kind {
						t.Errorf("%s, type %d: later %v, want %v", w.name, kind, got.Later, later)
					}
					if want := wantWorker(w, kind, workers); got.worker != want {
						t.Errorf("%s, type %d: worker %d, want %d", w.name, kind, got.worker, want)
					}
				}
			}
			flush(t, c, from, server, index, workers)
			if d := s.Stats().Dropped; d != 0 {
				t.Errorf("%d drops counted; nothing was lost", d)
			}
		})
	}
}

// TestUrgentFirst: however many Solicits wait, and have waited for longer, at whatever address.
func TestUrgentFirst(t *testing.T) {
	n := udptest.NewNamespace(t)
	s := serve(t, n, Config{Workers: 1, Addresses: []netip.AddrPort{loopback(0), loopback(0)}, Urgency: true})
	from := newClient(t, n, 0)
	for i := range 100 {
		from.send(t, relay(0, peer(i), 0, solicit(i)), netip.Addr{}, s.Addresses()[i%2], 0)
	}
	for i := range 10 {
		renew := append([]byte{5}, solicit(1000 + i)[1:]...)
		from.send(t, relay(0, peer(i), 0, renew), netip.Addr{}, s.Addresses()[i%2], 0)
	}
	batch := make([]worker.Datagram, worker.BatchSize)
	got, err := s.Worker(0).Receive(batch)
	if err != nil || got != worker.BatchSize {
		t.Fatalf("%d datagrams, %v", got, err)
	}
	for i, d := range batch {
		if urgent := number(d.Data) >= 1000; urgent != (i < 10) || d.Later == urgent {
			t.Errorf("datagram %d: number %d, later %v", i, number(d.Data), d.Later)
		}
	}
}
