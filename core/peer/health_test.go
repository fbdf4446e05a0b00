package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

// ask sends a client's message to peer 1 by a relay, and repeats it so often, a second apart.
func ask(v *peer.View, relay byte, client uint64, repeats int, now binding.Time) {
	number := v.Relays.Heard(relayAt(relay), 0, now)
	exchange := client<<44 ^ uint64(now)*7 ^ client
	for i := range repeats + 1 {
		v.Health.Asked(1, number, exchange, client, i > 0, now+binding.Time(i))
	}
}

// settled lets as much time pass as it takes to judge.
func settled(v *peer.View, now binding.Time) binding.Time {
	for range 8 {
		now += 4
		v.Tick(now.Moment())
	}
	return now
}

// TestLossIsNoSilence: one message in ten repeated, as on a lossy network, leaves a peer alive.
func TestLossIsNoSilence(t *testing.T) {
	v := newView(2, 1000)
	now := begin
	for client := range uint64(500) {
		ask(v, 1, client+1, map[bool]int{true: 1}[client%10 == 0], now)
		if client%10 == 0 {
			now++
			v.Tick(now.Moment())
		}
		if r := v.Health.Report(1, now); r.Condition == peer.Silent {
			t.Fatalf("silent after %d clients: %+v", client, r)
		}
	}
	now = settled(v, now)
	if r := v.Health.Report(1, now); r.Condition != peer.Alive || r.Unanswered == 0 || r.Answered == 0 {
		t.Errorf("want it alive with both kinds of evidence, got %+v", r)
	}
}

// TestQuietNetwork: nothing heard is nothing known, however long.
func TestQuietNetwork(t *testing.T) {
	v := newView(2, 1000)
	ask(v, 1, 1, 0, begin)
	now := settled(v, begin)
	if r := v.Health.Report(1, now); r.Condition != peer.Alive {
		t.Errorf("want it alive, got %+v", r)
	}
	now += 100_000
	v.Tick(now.Moment())
	if r := v.Health.Report(1, now); r.Condition != peer.Unknown {
		t.Errorf("a day later: want it unknown, got %+v", r)
	}
}

// TestSilence: three clients in vain, or two of which one insists, make a peer silent; behind one relay alone it is the path.
func TestSilence(t *testing.T) {
	for _, test := range []struct {
		name             string
		clients, repeats int
		want             peer.Condition
	}{{"two clients", 2, 2, peer.Unknown}, {"three clients", 3, 1, peer.Silent}, {"one insists", 1, 9, peer.Unknown}, {"one of two insists", 2, 3, peer.Silent}} {
		v := newView(2, 1000)
		for client := range test.clients {
			ask(v, 1, uint64(client)+1, test.repeats, begin)
		}
		now := settled(v, begin)
		r := v.Health.Report(1, now)
		if r.Condition != test.want || r.Clients != test.clients {
			t.Errorf("%s: want %v, got %+v", test.name, test.want, r)
		}
		number := v.Relays.Heard(relayAt(1), 0, now)
		if got := v.Health.Silent(1, number, now); got != (test.want == peer.Silent) {
			t.Errorf("%s: silent for its relay: %v", test.name, got)
		}
		ask(v, 2, 77, 0, now)
		now = settled(v, now)
		if r := v.Health.Report(1, now); test.want == peer.Silent && (r.Condition != peer.Alive || !r.Path) {
			t.Errorf("%s: answered behind another relay: want a broken path, got %+v", test.name, r)
		}
		ask(v, 1, 78, 0, now)
		now = settled(v, now)
		if r := v.Health.Report(1, now); r.Condition != peer.Alive || r.Path || r.Clients != 0 {
			t.Errorf("%s: answered there again: want it alive, got %+v", test.name, r)
		}
	}
}

// TestCopies: what comes twice by two relays on a link is no repetition.
func TestCopies(t *testing.T) {
	v := newView(2, 1000)
	number := v.Relays.Heard(relayAt(1), 0, begin)
	for client := range uint64(10) {
		for range 4 {
			v.Health.Asked(1, number, (client+1)<<44, client+1, false, begin)
		}
	}
	if r := v.Health.Report(1, settled(v, begin)); r.Condition != peer.Alive || r.Unanswered != 0 {
		t.Errorf("want it alive, got %+v", r)
	}
}

// TestSameSecond: what was asked in one second, some of it answered and then nothing any more, shows a silent peer: a repetition
// is younger than the message that was answered.
func TestSameSecond(t *testing.T) {
	v := newView(2, 1000)
	for client := range uint64(6) {
		ask(v, 1, client+1, int(client%2)*2, begin)
	}
	if r := v.Health.Report(1, settled(v, begin)); r.Condition != peer.Silent || r.Clients != 3 {
		t.Errorf("want it silent, got %+v", r)
	}
}

// TestRetransmissionTimes: of a peer that is dead throughout nothing counts as answered, though clients pause for longer than an
// exchange is watched (RFC 9915, Section 15: REN_TIMEOUT 10 s, doubled each time; REQ_TIMEOUT 1 s, up to 30 s).
func TestRetransmissionTimes(t *testing.T) {
	for name, at := range map[string][]binding.Time{
		"Renew": {0, 10, 30, 70, 150, 310, 630, 1200}, "Request": {0, 1, 3, 7, 15, 31, 61, 91, 121},
	} {
		v := newView(2, 1000)
		number := v.Relays.Heard(relayAt(1), 0, begin)
		for now := begin; now < begin+1300; now++ {
			for i, second := range at {
				for client := range uint64(20) {
					if now == begin+second+binding.Time(client) {
						v.Health.Asked(1, number, (client+1)<<44|client, client+1, i > 0, now)
					}
				}
			}
			v.Tick(now.Moment())
			if r := v.Health.Report(1, now); r.Answered != 0 || now > begin+60 && r.Condition != peer.Silent {
				t.Fatalf("%s, after %d s: %+v", name, now-begin, r)
			}
		}
	}
}

// TestElapsedFromSolicit: a client whose elapsed-time counts from its Solicit says with its first Request that it has waited.
// What is heard for the first time isn't a repetition, whatever it says.
func TestElapsedFromSolicit(t *testing.T) {
	v := newView(2, 1000)
	number := v.Relays.Heard(relayAt(1), 0, begin)
	for client := range uint64(20) {
		v.Health.Asked(1, number, (client+1)<<44|client, client+1, true, begin)
	}
	if r := v.Health.Report(1, settled(v, begin)); r.Condition != peer.Alive || r.Unanswered != 0 || r.Answered != 20 {
		t.Errorf("want it alive, got %+v", r)
	}
}
