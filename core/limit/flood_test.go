package limit

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A door is a socket's filter, in a model: it reads what Floods let it.
type door struct {
	Floods
	floods []Flood
	random *rand.Rand
}

func newDoor() *door { return &door{random: rand.New(rand.NewPCG(7, 8))} }

func (d *door) lets(flow *Flow) bool {
	for _, f := range d.floods {
		if f.Source == flow.Source && f.Interface == flow.Interface && (!f.Relayed || f.Flow == *flow) {
			return d.random.Uint32() < f.Keep
		}
	}
	return true
}

// A sender offers so many messages a second, of which the limits admit so many.
type sender struct {
	flow             func(n int) Flow
	offered, allowed int
}

func relay(n byte) Flow { return Flow{Source: [16]byte{0x20, n}} }

func client(of byte, n int) Flow {
	return Flow{Source: [16]byte{0x20, of}, Peer: [16]byte{0xfe, 0x80, byte(n >> 16), byte(n >> 8), byte(n)}, Relayed: true}
}

// play has senders send for some seconds, and returns what was read of each in the last one, and what was held behind it.
func (d *door) play(t *testing.T, seconds int, senders ...sender) (read []int, floods []Flood) {
	t.Helper()
	for s := range seconds {
		read = make([]int, len(senders))
		admitted, unread := make([]int, len(senders)), 0
		now := int64(1000+s) * second
		for who, from := range senders {
			for n := range from.offered {
				flow := from.flow(n)
				if !d.lets(&flow) {
					unread++
					continue
				}
				read[who]++
				if admitted[who]*from.offered <= from.allowed*n {
					admitted[who]++
					d.Admitted(&flow)
				} else {
					d.Refused(&flow, now)
				}
			}
		}
		held, thrown, over := d.Settle(now + second)
		if few := uint64(unread); thrown > few+few/4+200 || thrown+few/4+200 < few {
			t.Errorf("%d messages were thrown away, and it says %d", unread, thrown)
		}
		if over {
			d.floods = append([]Flood(nil), held...)
		}
	}
	return read, d.floods
}

// TestFloodOfARelay: of a relay that sends a hundred times what it may twice of that is read, of others everything; and all of it when it
// has stopped.
func TestFloodOfARelay(t *testing.T) {
	d := newDoor()
	flooding := sender{func(n int) Flow { return client(1, n) }, 50_000, 500}
	other := sender{func(n int) Flow { return client(2, n) }, 900, 800}
	read, floods := d.play(t, 5, flooding, other)
	if read[0] < 800 || read[0] > 1250 || read[1] != 900 {
		t.Errorf("%v messages were read, want 1000 and 900", read)
	}
	if len(floods) != 1 || floods[0].Flow != relay(1) {
		t.Errorf("held: %+v", floods)
	}
	flooding.offered = 400
	read, floods = d.play(t, 3, flooding, other)
	if read[0] != 400 || len(floods) > 0 {
		t.Errorf("after the flood %d of 400 are read, and %+v is held", read[0], floods)
	}
}

// TestFloodOfAClient: one client's flood behind a relay costs none of the relay's other clients a message.
func TestFloodOfAClient(t *testing.T) {
	d := newDoor()
	read, floods := d.play(t, 6,
		sender{func(int) Flow { return client(1, 1) }, 20_000, 20},
		sender{func(n int) Flow { return client(1, 2+n) }, 3000, 1500},
		sender{func(n int) Flow { return client(2, n) }, 3000, 3000})
	if read[0] > 120 || read[0] < 20 || read[1] != 3000 || read[2] != 3000 {
		t.Errorf("%v messages were read, want some 64, 3000 and 3000", read)
	}
	if len(floods) != 1 || floods[0].Flow != client(1, 1) {
		t.Errorf("held: %+v", floods)
	}
}

// TestFloodOfANeighbour: a client on the link is one of its interface.
func TestFloodOfANeighbour(t *testing.T) {
	neighbour := func(port uint32) func(int) Flow {
		return func(int) Flow { return Flow{Source: [16]byte{0xfe, 0x80, 15: 1}, Interface: port} }
	}
	read, floods := newDoor().play(t, 4, sender{neighbour(2), 9000, 10}, sender{neighbour(3), 100, 100})
	if read[0] > 120 || read[1] != 100 || len(floods) != 1 || floods[0].Interface != 2 {
		t.Errorf("%v messages were read, and %+v is held", read, floods)
	}
}

// TestNoFlood: refusals by the hundred, or of many senders alike, or beside as many that are admitted, hold nobody.
func TestNoFlood(t *testing.T) {
	for name, senders := range map[string][]sender{
		"few":      {{func(int) Flow { return relay(1) }, 900, 20}},
		"admitted": {{func(int) Flow { return relay(1) }, 9000, 3000}},
		"many":     {{func(n int) Flow { return Flow{Source: [16]byte{byte(n), byte(n >> 8)}} }, 60_000, 0}},
	} {
		if _, floods := newDoor().play(t, 5, senders...); len(floods) > 0 {
			t.Errorf("%s: held: %+v", name, floods)
		}
	}
}

// TestFloodsOfMany: eight relays that flood at once are all held.
func TestFloodsOfMany(t *testing.T) {
	var senders []sender
	for i := range trackedFlows {
		senders = append(senders, sender{func(int) Flow { return relay(byte(i)) }, 5000, 100})
	}
	if read, floods := newDoor().play(t, 6, senders...); len(floods) != trackedFlows {
		t.Errorf("of %d relays that flood %d are held; %v messages were read", len(senders), len(floods), read)
	}
}

// TestLimitLoosens: when the limits admit more, more is read, until nobody is held.
func TestLimitLoosens(t *testing.T) {
	d := newDoor()
	flooding := sender{func(int) Flow { return relay(1) }, 20_000, 100}
	before, _ := d.play(t, 5, flooding)
	flooding.allowed = 20_000
	after, floods := d.play(t, 12, flooding)
	if before[0] > 300 || after[0] != 20_000 || len(floods) > 0 {
		t.Errorf("%d, and then %d of 20000 were read; held: %+v", before[0], after[0], floods)
	}
}

// BenchmarkRefused is what noting a refusal costs, by who sends.
func BenchmarkRefused(b *testing.B) {
	for _, senders := range []int{1, 1 << 16} {
		b.Run(fmt.Sprint(senders), func(b *testing.B) {
			f := new(Floods)
			for i := 0; b.Loop(); i++ {
				flow := client(1, i%senders)
				f.Refused(&flow, second)
			}
		})
	}
}
