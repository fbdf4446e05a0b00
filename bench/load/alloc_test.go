//go:build !race

package load

import (
	"math/rand/v2"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestExchangeAllocatesNothing: one exchange of a client, from its Solicit to the Reply.
func TestExchangeAllocatesNothing(t *testing.T) {
	m := &machine{times: StandardTimes(), servers: 1, rng: rand.New(rand.NewPCG(1, 2))}
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
