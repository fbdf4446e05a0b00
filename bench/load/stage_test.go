package load

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// step is how far a stage's clock goes at a time: as far as a site's own at least sleeps.
const step = int64(shortest)

// A stage plays one site in virtual time against a server in memory: what it does depends on nothing else.
type stage struct {
	t      testing.TB
	site   *site
	fake   *fake
	now    int64
	takes  int64                          // from a message to its answer
	stalls func(now int64) (until int64)  // the server answers nothing before; nil: it never stalls
	mute   func(wire.MessageType) bool    // the server loses these; nil: none
	coming []answerAt                     // in the order in which they come
	began  map[wire.MessageType][]arrival // what the server was sent
}

type answerAt struct {
	at   int64
	data []byte
}

type arrival struct {
	at     int64
	client int
}

func newStage(t testing.TB, clients int, takes time.Duration) *stage {
	t.Helper()
	c, err := Config{
		Clients: clients, Relays: 1, Window: 1, LinkAddress: netip.MustParseAddr("2001:db8::1"),
		Servers: []netip.AddrPort{netip.MustParseAddrPort("[::1]:547")},
	}.checked()
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{
		t: t, site: newSite(&c, 0), takes: int64(takes), began: make(map[wire.MessageType][]arrival),
		fake: &fake{id: []byte{0, 4, 1}, seen: make(map[[4]byte]int), silent: func(wire.MessageType, int, int) bool { return false }},
	}
	s.site.socket, s.site.selves = s, [][16]byte{{15: 1}}
	s.site.now = func() int64 { return s.now }
	return s
}

// Receive implements worker.Socket; a stage hands datagrams over itself.
func (s *stage) Receive([]worker.Datagram) (int, error) { panic("nobody receives") }

// Send implements worker.Socket.
func (s *stage) Send(_ int, replies []worker.Reply) int {
	for i := range replies {
		b := replies[i].Data
		inner, _ := wire.Options(b[relayHeader:]).Find(wire.OptionRelayMessage)
		kind := wire.MessageType(inner[0])
		s.began[kind] = append(s.began[kind], arrival{s.now, clientOf(b[18:34])})
		if s.mute != nil && s.mute(kind) {
			continue
		}
		at := s.now + s.takes
		if s.stalls != nil {
			at = max(at, s.stalls(s.now))
		}
		if out := s.fake.answer(b); out != nil {
			s.coming = append(s.coming, answerAt{at, out})
		}
	}
	return 0
}

// play plays a whole Offer.
func (s *stage) play(o Offer) *stream {
	s.t.Helper()
	if o.Patience == 0 {
		o.Patience = DefaultPatience
	}
	if err := o.Check(); err != nil {
		s.t.Fatal(err)
	}
	idle := s.site.offer(&o, 0, 1)
	for limit := s.now + int64(o.For+o.Patience) + int64(time.Second); s.now < limit; {
		s.turn()
		select {
		case <-idle:
			stream := s.site.stream
			s.site.stream = nil
			return stream
		default:
		}
	}
	s.t.Fatal("the Offer doesn't end")
	return nil
}

// turn is one step of time.
func (s *stage) turn() {
	r := s.site
	s.now += step
	for len(s.coming) > 0 && s.coming[0].at <= s.now {
		d := worker.Datagram{Data: s.coming[0].data, Source: [16]byte{15: 1}, SourcePort: 547}
		s.coming = s.coming[1:]
		r.hear(&d, &r.boxes[0], s.now)
	}
	r.expire(&r.boxes[0], s.now)
	r.proceed(&r.boxes[0], s.now)
	r.flush(0, &r.boxes[0])
}
