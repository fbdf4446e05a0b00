package engine_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// BenchmarkHandle is one message of a subscriber behind two relays, for an address and a prefix: parsed, decided, written
// to a table of 100,000 leases and answered, in a batch of its own. It is what a worker does per datagram beside the
// sockets and the journal. A Release needs something to give up, so a Request goes with it; history is told of both.
func BenchmarkHandle(b *testing.B) {
	const filled, asking = 50_000, 1024
	handle := func(b *testing.B, s *session, name string) {
		l := newLoop(s)
		fill(b, l, filled)
		s.sequence = l.n
		var requests, messages [asking][]byte
		for i := range asking {
			c := subscriberOf(b, s, fmt.Sprintf("00030001%012x", i))
			requests[i], messages[i] = c.messages["Request"], c.messages[name]
		}
		l.n = s.sequence
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			at := i * 331 % asking
			i++
			if name == "Release" {
				l.relay(requests[at])
			}
			if result := l.relay(messages[at]); result.Drop != wire.DropNone {
				b.Fatal(result.Drop)
			}
		}
	}
	for _, name := range exchanges {
		b.Run(name, func(b *testing.B) { handle(b, accessSession(b), name) })
	}
	for _, name := range []string{"Solicit", "Renew"} { // 20 classes; without any it is as above
		b.Run(name+"/classes", func(b *testing.B) {
			handle(b, sessionOver(b, mustCompile(b, classes(), ""), binding.Options{Capacity: 200_000}), name)
		})
	}
	for _, name := range []string{"Renew", "Release"} {
		b.Run(name+"/history", func(b *testing.B) {
			p := mustCompile(b, "history: {keep: infinite}\n"+access, "")
			handle(b, sessionOver(b, p, binding.Options{Capacity: 200_000}), name)
		})
	}
}

// fill binds an address and a prefix for each of n other subscribers.
func fill(b *testing.B, l *loop, n int) {
	b.Helper()
	c := subscriberOf(b, l.session, "00030001020000000000")
	l.n = l.session.sequence
	request := c.messages["Request"]
	duid := clientIDAt(b, request)
	for i := range n {
		duid[7], duid[8], duid[9] = byte(i>>16), byte(i>>8), byte(i)
		l.relay(request)
	}
}

// BenchmarkPublish is what it costs to count bindings: the next version of one, by the table alone and by the site, of a
// binding that stays what it is (a renewal) and of one that is another owner's each time.
func BenchmarkPublish(b *testing.B) {
	s := accessSession(b)
	h := s.table.NewHandle()
	defer h.Close()
	var keys [1023]binding.Key // an odd number, so that each changes its owner from one turn to the next
	draft := binding.Draft{Kind: wire.IANA, DUID: singleDUID, State: binding.Bound, Expires: start}
	h.Enter()
	for i := range keys {
		keys[i] = key128(fmt.Sprintf("2001:db8:1::%x", 0x100+i))
		draft.Key = keys[i]
		if _, outcome := s.site.Publish(h, 0, nil, &draft); outcome != binding.Published {
			b.Fatal(outcome)
		}
	}
	h.Leave()
	for _, way := range []struct {
		name    string
		publish func(old *binding.Record, draft *binding.Draft)
		change  uint8
	}{
		{"table", func(old *binding.Record, draft *binding.Draft) { h.Publish(old, draft) }, 0},
		{"renewal", func(old *binding.Record, draft *binding.Draft) { s.site.Publish(h, 0, old, draft) }, 0},
		{"change", func(old *binding.Record, draft *binding.Draft) { s.site.Publish(h, 0, old, draft) }, 1},
	} {
		b.Run(way.name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				h.Enter()
				draft.Key = keys[i%len(keys)]
				draft.Owner ^= way.change
				way.publish(h.Find(&draft.Key), &draft)
				h.Leave()
				i++
			}
		})
	}
}

// BenchmarkLowest is a Solicit for an address of a sequential pool of which so many are taken, from the lowest one on.
func BenchmarkLowest(b *testing.B) {
	for _, taken := range []uint32{0, 1_000_000} {
		b.Run(fmt.Sprint(taken), func(b *testing.B) {
			s := countingSession(b, `"2001:db8:1::/64"`, 1<<21)
			for i := range taken {
				key := key128("2001:db8:1::")
				binary.BigEndian.PutUint32(key.Address[12:], i+1)
				s.site.Take(&key, wire.IANA)
			}
			l := newLoop(s)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if s.now += 1; l.handle(directInput(counter(wire.Solicit, i, netip.Addr{}))).Drop != wire.DropNone {
					b.Fatal("no answer")
				}
			}
		})
	}
}
