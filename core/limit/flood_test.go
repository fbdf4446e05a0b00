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
	idle   bool // nothing is lost
	deaf   bool // nothing is thrown away, whatever is to be
	now    int64
}

func newDoor() *door { return &door{random: rand.New(rand.NewPCG(7, 8)), now: 1000 * second} }

func (d *door) lets(flow *Flow) bool {
	for _, f := range d.floods {
		if !d.deaf && f.Source == flow.Source && f.Interface == flow.Interface && f.Later == flow.Later && (!f.Relayed || f.Flow == *flow) {
			return d.random.Uint32() < f.Keep
		}
	}
	return true
}

// A sender offers so many messages a second, of which the limits admit so many.
type sender struct {
	flow             func(n int) Flow
	offered, allowed int
	own              bool // it is refused for its client's rate
}

func relay(n byte) Flow { return Flow{Source: [16]byte{0x20, n}} }

func client(of byte, n int) Flow {
	return Flow{Source: [16]byte{0x20, of}, Peer: [16]byte{0xfe, 0x80, byte(n >> 16), byte(n >> 8), byte(n)}, Relayed: true}
}

// play has senders send for some seconds, and returns what was read of each in the last one, and what was held behind it.
func (d *door) play(t *testing.T, seconds int, senders ...sender) (read []int, floods []Flood) {
	t.Helper()
	for range seconds {
		read = make([]int, len(senders))
		admitted, unread := make([]int, len(senders)), 0
		if !d.idle {
			d.Lost(d.now)
		}
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
					d.Refused(&flow, from.own, d.now)
				}
			}
		}
		held, thrown, over := d.Settle(d.now + second)
		if few := uint64(unread); thrown > few+few/4+200 || thrown+few/4+200 < few {
			t.Errorf("%d messages were thrown away, and it says %d", unread, thrown)
		}
		d.now += second
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
	flooding := sender{func(n int) Flow { return client(1, n) }, 50_000, 500, false}
	other := sender{func(n int) Flow { return client(2, n) }, 900, 800, false}
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
		sender{func(int) Flow { return client(1, 1) }, 20_000, 20, false},
		sender{func(n int) Flow { return client(1, 2+n) }, 3000, 1500, false},
		sender{func(n int) Flow { return client(2, n) }, 3000, 3000, false})
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
	read, floods := newDoor().play(t, 4, sender{neighbour(2), 9000, 10, true}, sender{neighbour(3), 100, 100, false})
	if read[0] > 120 || read[1] != 100 || len(floods) != 1 || floods[0].Interface != 2 {
		t.Errorf("%v messages were read, and %+v is held", read, floods)
	}
}

// TestNoFlood: refusals by the hundred, or of many senders alike, or beside as many that are admitted, hold nobody.
func TestNoFlood(t *testing.T) {
	for name, senders := range map[string][]sender{
		"few":      {{func(int) Flow { return relay(1) }, 900, 20, false}},
		"admitted": {{func(int) Flow { return relay(1) }, 9000, 3000, false}},
		"many":     {{func(n int) Flow { return Flow{Source: [16]byte{byte(n), byte(n >> 8)}} }, 60_000, 0, false}},
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
		senders = append(senders, sender{func(int) Flow { return relay(byte(i)) }, 5000, 100, false})
	}
	if read, floods := newDoor().play(t, 6, senders...); len(floods) != trackedFlows {
		t.Errorf("of %d relays that flood %d are held; %v messages were read", len(senders), len(floods), read)
	}
}

// TestLimitLoosens: when the limits admit more, more is read, until nobody is held.
func TestLimitLoosens(t *testing.T) {
	d := newDoor()
	flooding := sender{func(int) Flow { return relay(1) }, 20_000, 100, false}
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
				f.Refused(&flow, false, second)
			}
		})
	}
}

// TestClientsRates: what clients are refused for their own rates is nothing against their relay; those that flood are held, each alone.
func TestClientsRates(t *testing.T) {
	innocent := sender{func(n int) Flow { return client(1, 100+n) }, 200, 200, false}
	loops := []sender{innocent}
	for i := range 3 {
		loops = append(loops, sender{func(int) Flow { return client(1, i) }, 3000, 20, true})
	}
	read, floods := newDoor().play(t, 6, loops...)
	if read[0] != 200 || len(floods) != 3 || floods[0].Flow.source() == floods[0].Flow {
		t.Errorf("%d of 200 messages of the others were read; held: %+v", read[0], floods)
	}
	behindTwo := sender{func(int) Flow { return relay(1) }, 9000, 20, true}
	if _, floods := newDoor().play(t, 5, behindTwo); len(floods) > 0 {
		t.Errorf("a relay is held for its client's rate: %+v", floods)
	}
}

// TestFloodsOfManyClients: where more clients flood than can be held the others are as free as before, and what is said to be thrown away is what is.
func TestFloodsOfManyClients(t *testing.T) {
	var senders []sender
	for i := range byte(trackedFlows) {
		senders = append(senders, sender{func(int) Flow { return client(i, 1) }, 4000, 20, true}, sender{func(int) Flow { return relay(100 + i) }, 4000, 20, false})
	}
	if _, floods := newDoor().play(t, 6, senders...); len(floods) != trackedFlows {
		t.Errorf("%d are held: %+v", len(floods), floods)
	}
}

// TestCoveredFlood: a client that floods a little doesn't cover a flood of its relay.
func TestCoveredFlood(t *testing.T) {
	d, small := newDoor(), sender{func(int) Flow { return client(1, 1) }, 1500, 20, false}
	d.play(t, 3, small)
	read, floods := d.play(t, 4, small, sender{func(n int) Flow { return client(1, 2+n) }, 50_000, 300, false})
	if read[1] > 2000 || len(floods) != 1 || floods[0].Flow != relay(1) {
		t.Errorf("%v messages were read; held: %+v", read, floods)
	}
}

// TestHoldEnds: nobody begins to be held where nothing is lost; a hold that the socket doesn't keep, or that nobody renewed, is over.
func TestHoldEnds(t *testing.T) {
	d, flooding := newDoor(), sender{func(int) Flow { return relay(1) }, 20_000, 100, false}
	d.idle = true
	if _, floods := d.play(t, 3, flooding); len(floods) > 0 {
		t.Errorf("nothing is lost; held: %+v", floods)
	}
	d.idle = false
	if _, floods := d.play(t, 3, flooding); len(floods) != 1 {
		t.Fatalf("held: %+v", floods)
	}
	d.now += 10 * second
	if floods, thrown, over := d.Settle(d.now); len(floods) > 0 || thrown > 0 || !over {
		t.Errorf("after a pause held: %+v, %d thrown away, over %t", floods, thrown, over)
	}
	d.floods = nil
	d.play(t, 3, flooding)
	d.Unheld()
	flow := relay(1)
	for range 1000 {
		d.Admitted(&flow)
	}
	if _, thrown, _ := d.Settle(d.now); thrown > 0 {
		t.Errorf("%d messages were thrown away by nobody", thrown)
	}
}

// TestDeafSocket: where a hold isn't in force, whatever it is that keeps it from that, what is said to be thrown away stays within bounds.
func TestDeafSocket(t *testing.T) {
	f, flow, total := new(Floods), relay(1), uint64(0)
	for s := int64(1000); s < 1060; s++ {
		f.Lost(s * second)
		for range 50_000 {
			f.Refused(&flow, false, s*second)
		}
		_, thrown, _ := f.Settle((s + 1) * second)
		total += thrown
	}
	if total > 60*floodGrows*50_000 {
		t.Errorf("%d messages were thrown away of 3 million that were read", total)
	}
}

// TestFloodOfSolicits: who floods with what may wait has its other messages read.
func TestFloodOfSolicits(t *testing.T) {
	solicits := sender{func(n int) Flow { f := client(1, n); f.Later = true; return f }, 50_000, 300, false}
	read, floods := newDoor().play(t, 5, solicits, sender{func(n int) Flow { return client(1, n) }, 500, 500, false})
	if read[0] > 2000 || read[1] != 500 || len(floods) != 1 || !floods[0].Later {
		t.Errorf("%v messages were read; held: %+v", read, floods)
	}
}
