//go:build !race

package load

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// TestExchangeAllocatesNothing: one exchange of a client, from its Solicit to the Reply.
func TestExchangeAllocatesNothing(t *testing.T) {
	m := &machine{times: StandardTimes(), servers: 1, wants: [2]bool{0: true}, rng: rand.New(rand.NewPCG(1, 2))}
	f := &fake{id: []byte{0, 4, 1}, preference: 255, seen: make(map[[4]byte]int), silent: func(wire.MessageType, int, int) bool { return false }}
	c, buffer := newClient(), make([]byte, 0, 2048)
	m.start(c, Acquire, 0)
	advertise := f.answer(testScript.append(nil, 7, c, nil, 0))
	solicited := *c
	m.hear(c, 0, mustParse(t, advertise), 0)
	granted := f.answer(testScript.append(nil, 7, c, f.id, 0))
	requested := *c
	var r reply
	r.answers = make([]Answer, 0, 8)
	if n := testing.AllocsPerRun(100, func() {
		*c = solicited
		buffer = testScript.append(buffer[:0], 7, c, nil, 0)
		if !r.parse(advertise) || m.hear(c, 0, &r, 0) != transmit {
			t.Fatal("the Advertise was ignored")
		}
		*c = requested
		buffer = testScript.append(buffer[:0], 7, c, f.id, 0)
		if !r.parse(granted) || m.hear(c, 0, &r, 0) != done {
			t.Fatal("the Reply was ignored")
		}
	}); n != 0 {
		t.Errorf("%v allocations per exchange, want 0", n)
	}
}

func mustParse(t *testing.T, b []byte) *reply {
	t.Helper()
	r := new(reply)
	if !r.parse(b) {
		t.Fatalf("%x isn't read", b)
	}
	return r
}

// TestOfferAllocatesNothing: in a running Offer time goes on by a tenth of a second, in which a thousand exchanges begin,
// end and are measured, and some are lost.
func TestOfferAllocatesNothing(t *testing.T) {
	s := newStage(t, 5000, 0)
	o := Offer{Rate: 10000, For: time.Hour, Mix: Mix{Acquire: 1, Renew: 2, Release: 1}, Patience: 100 * time.Millisecond}
	s.site.offer(&o, 0, 1)
	// The server's answers must not allocate either: they are made beforehand, and given their transaction-ids here.
	f := newReplayer(s, 5000)
	s.site.socket = f
	tenth := func() {
		for range 1000 {
			s.turn()
			f.deliver()
		}
	}
	for range 5 {
		tenth() // buffers grow to their size
	}
	before := s.site.stream.tally.Sum().Done
	if n := testing.AllocsPerRun(5, tenth); n != 0 {
		t.Errorf("%v allocations per thousand exchanges, want 0", n)
	}
	if after := s.site.stream.tally.Sum(); after.Done < before+5000 || after.Lost == 0 {
		t.Errorf("%d were done meanwhile, %d lost", after.Done-before, after.Lost)
	}
}

// A replayer answers from a store of answers, one for each client, and loses every hundredth message.
type replayer struct {
	stage   *stage
	answers [][]byte
	pending []int
	count   int
}

func newReplayer(s *stage, clients int) *replayer {
	f := &replayer{stage: s, pending: make([]int, 0, clients)}
	for n := range clients {
		c := newClient()
		c.phase = soliciting
		f.answers = append(f.answers, s.fake.answer(s.site.script.append(nil, n, c, nil, 0)))
	}
	return f
}

// Receive implements worker.Socket.
func (f *replayer) Receive([]worker.Datagram) (int, error) { panic("nobody receives") }

// Send implements worker.Socket.
func (f *replayer) Send(_ int, replies []worker.Reply) int {
	for i := range replies {
		if f.count++; f.count%100 == 0 {
			continue
		}
		inner, _ := wire.Options(replies[i].Data[relayHeader:]).Find(wire.OptionRelayMessage)
		n := clientOf(replies[i].Data[18:34])
		answer, _ := wire.Options(f.answers[n][relayHeader:]).Find(wire.OptionRelayMessage)
		answer[0] = byte(wire.Reply)
		if wire.MessageType(inner[0]) == wire.Solicit {
			answer[0] = byte(wire.Advertise)
		}
		copy(answer[1:4], inner[1:4])
		f.pending = append(f.pending, n)
	}
	return 0
}

// deliver hands the answers over, and those to what is sent upon them.
func (f *replayer) deliver() {
	r, box := f.stage.site, &f.stage.site.boxes[0]
	for len(f.pending) > 0 {
		for _, n := range f.pending {
			d := worker.Datagram{Data: f.answers[n]}
			r.hear(&d, box, f.stage.now)
		}
		f.pending = f.pending[:0]
		r.flush(0, box)
	}
}
