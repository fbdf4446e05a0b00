package udp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

// play lets a socket's queue stand at a load for some seconds: a worker takes rate datagrams a second, of more that come; of less,
// the queue is empty. It returns the limit at the end and the longest wait of the last second.
func (q *queue) play(from time.Duration, seconds, offered, rate float64) (limit int, wait time.Duration) {
	const step = 5 * time.Millisecond
	length := 0.0
	for at := time.Duration(0); at < time.Duration(seconds*float64(time.Second)); at += step {
		length = min(length+offered*step.Seconds(), max(float64(q.limit)/perDatagram, length))
		taken := min(length, rate*step.Seconds())
		age := time.Duration(length / rate * float64(time.Second))
		length -= taken
		q.note(int(taken+0.5), int64(age), int64(from+at))
		if at > time.Duration((seconds-1)*float64(time.Second)) {
			wait = max(wait, age)
		}
	}
	return q.limit, wait
}

// TestQueue: whatever a worker takes, under overload datagrams wait for about the target, and afterwards the queue is whole again.
func TestQueue(t *testing.T) {
	for _, rate := range []float64{1000, 10_000, 50_000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			q := queue{limit: DefaultReceiveBuffer, most: DefaultReceiveBuffer}
			if limit, _ := q.play(0, 2, rate/2, rate); limit != DefaultReceiveBuffer {
				t.Errorf("under half the load: %d", limit)
			}
			hour := time.Hour
			_, wait := q.play(hour, 30, 10*rate, rate)
			if wait < time.Duration(waitTarget)/3 || wait > 2*time.Duration(waitTarget) {
				t.Errorf("under overload: a wait of %v, want about %v", wait, time.Duration(waitTarget))
			}
			if limit, _ := q.play(2*hour, 2, rate/2, rate); limit != DefaultReceiveBuffer {
				t.Errorf("afterwards: %d", limit)
			}
		})
	}
}

// TestQueueBounds: a worker that stood still doesn't cut its queue to nothing, and a clock that is set back changes nothing.
func TestQueueBounds(t *testing.T) {
	q := queue{limit: 1 << 20, most: 1 << 20, since: int64(time.Hour)}
	if limit, changed := q.note(1, int64(time.Minute), int64(2*time.Hour)); limit != queueLeast || !changed {
		t.Errorf("after an hour: %d, %v", limit, changed)
	}
	if limit, changed := q.note(1, int64(time.Minute), 0); limit != queueLeast || changed {
		t.Errorf("with the clock set back: %d, %v", limit, changed)
	}
	if limit, changed := q.note(1, -5, queueWindow); limit != 2*queueLeast || !changed {
		t.Errorf("in time again: %d, %v", limit, changed)
	}
	small := queue{limit: 100, most: 100}
	if limit, changed := small.note(1, int64(time.Minute), int64(time.Hour)); limit != 100 || changed {
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
