package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// relayAt is the address of relay number n.
func relayAt(n byte) [16]byte { return [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: n} }

// TestRelayNumbers: each relay has its own number, which it keeps; clients without relay have 0.
func TestRelayNumbers(t *testing.T) {
	v := newView(2, 1000)
	seen := map[int]byte{}
	for n := range byte(200) {
		number := v.Relays.Heard(relayAt(n), 0, begin)
		if other, ok := seen[number]; ok || number == 0 {
			t.Fatalf("relay %d has the number %d of relay %d", n, number, other)
		}
		seen[number] = n
	}
	for n := range byte(200) {
		if number := v.Relays.Heard(relayAt(n), 0, begin); seen[number] != n {
			t.Errorf("relay %d got another number", n)
		}
	}
	if got := v.Relays.Heard([16]byte{}, 0, begin); got != 0 {
		t.Errorf("no relay: want 0, got %d", got)
	}
}

// TestCoverage counts, of the Solicits that were answered, those that led to a Request within 5 s.
func TestCoverage(t *testing.T) {
	v := newView(2, 1000)
	number := v.Relays.Heard(relayAt(1), 0, begin)
	offer := func(client uint64) { v.Relays.Offered(number, client<<44|client, begin) }
	state := func() peer.RelayState { return v.Relays.States()[0] }
	for client := range uint64(19) {
		offer(client + 1)
	}
	if s := state(); s.Known() || s.OursOnly(false) {
		t.Error("known with 19 samples")
	}
	offer(20)
	offer(20) // a retransmission
	v.Relays.Requested(1<<44|1, true, begin+5)
	v.Relays.Requested(1<<44|1, true, begin+5) // once
	v.Relays.Requested(2<<44|2, true, begin+6) // too late
	v.Relays.Requested(99<<44|99, false, begin)
	if s := state(); s.Solicits != 20 || s.Followed != 1 || s.Ours != 1 || !s.Known() || !s.OursOnly(false) {
		t.Errorf("want 20 solicits, 1 followed by a Request to us, and none heard to others: %+v", s)
	}
	v.Relays.Requested(3<<44|3, false, begin+1)
	if s := state(); s.Followed != 2 || s.Ours != 1 || s.OursOnly(false) {
		t.Errorf("want a Request to somebody else: %+v", s)
	}
}

// TestNoRenews: twenty Requests to peers and no Renew in twice T1 show a relay that doesn't copy them.
func TestNoRenews(t *testing.T) {
	v := newView(2, 1000)
	number := v.Relays.Heard(relayAt(1), 0, begin)
	for range 20 {
		v.Relays.Named(number, wire.Request, begin)
	}
	s := v.Relays.States()[0]
	if s.NoRenews(1000, begin+1999) || !s.NoRenews(1000, begin+2000) {
		t.Error("want the finding after twice T1")
	}
	v.Relays.Named(number, wire.Renew, begin+100)
	if s := v.Relays.States()[0]; s.NoRenews(1000, begin+5000) {
		t.Error("found though a Renew was heard")
	}
}

// heardFor lets relay 1 forward a message for link 1 each 30 s, and returns when the last one came.
func heardFor(v *peer.View, messages int) binding.Time {
	now := begin
	for range messages - 1 {
		v.Relays.Heard(relayAt(1), 1, now)
		v.Tick(now.Moment())
		now += 30
	}
	v.Relays.Heard(relayAt(1), 1, now)
	return now
}

// TestSilentRelay: a relay that is silent for ten times its longest usual interval closes the gate of its link, and
// so it does when it is heard again.
func TestSilentRelay(t *testing.T) {
	v := newView(2, 1000, 1000)
	now := heardFor(v, 121) + 300
	v.Tick(now.Moment())
	if !v.Gate.Open(1, now) {
		t.Error("closed at ten times the usual interval")
	}
	v.Tick((now + 1).Moment())
	if v.Gate.Open(1, now+1) || !v.Gate.Open(0, now+1) {
		t.Error("want link 1 closed, and link 0 open")
	}
	v.Tick((now + 900).Moment())
	if v.Gate.Open(1, now+1000) || !v.Gate.Open(1, now+1001) {
		t.Error("want it closed once: the relay may be gone for good")
	}
	v.Relays.Heard(relayAt(1), 1, now+5000)
	if v.Gate.Open(1, now+5999) || !v.Gate.Open(1, now+6000) {
		t.Error("want it open one T1 after the silence was over")
	}
	v.Tick((now + 5300).Moment())
	if v.Relays.States()[0].Silent {
		t.Error("silent after a pause like the last one")
	}
}

// TestQuietRelay: of a relay that was seldom heard, or not for long, nobody knows what is usual.
func TestQuietRelay(t *testing.T) {
	v := newView(2, 1000, 1000)
	now := heardFor(v, 99) + 40_000
	v.Tick(now.Moment())
	if !v.Gate.Open(1, now) || v.Relays.States()[0].Silent {
		t.Error("silent after 99 messages")
	}
	v = newView(2, 1000, 1000)
	for range 500 {
		v.Relays.Heard(relayAt(1), 1, begin)
	}
	v.Relays.Heard(relayAt(1), 1, begin+20)
	v.Tick((begin + 3000).Moment())
	if !v.Gate.Open(1, begin+3000) {
		t.Error("silent after 20 seconds with many messages")
	}
}

// TestLongSilence: however long a relay was silent, its return closes the gate, and the silence doesn't count as usual. What
// was usual days ago isn't for ever.
func TestLongSilence(t *testing.T) {
	v := newView(2, 1000, 1000)
	now := heardFor(v, 200)
	for _, seconds := range []binding.Time{1000, 30_000, 200_000} {
		v.Tick((now + seconds).Moment())
	}
	now += 300_000
	v.Relays.Heard(relayAt(1), 1, now)
	if v.Gate.Open(1, now+999) || !v.Gate.Open(1, now+1000) {
		t.Error("want the gate closed for one T1 from the relay's return on")
	}
	now += 500 // more than ten times the interval that was usual first, less than ten times the doubled one
	v.Tick(now.Moment())
	if v.Relays.States()[0].Silent {
		t.Error("silent after ten times the doubled interval")
	}
	for range 15 * 86_400 / 30 {
		v.Relays.Heard(relayAt(1), 1, now)
		v.Tick(now.Moment())
		now += 30
	}
	v.Tick((now + 271).Moment())
	if !v.Relays.States()[0].Silent {
		t.Error("not silent though fifteen days of one message each 30 s lie behind it")
	}
}

// TestSparseRelay: a relay that is heard each four hours is silent for an outage of some days, and not for its pauses
// afterwards; one that rests at night isn't silent every night for ever.
func TestSparseRelay(t *testing.T) {
	v := newView(2, 1000, 43_200)
	silent := 0
	now := begin
	quiet := func(seconds binding.Time) {
		was := v.Relays.States()[0].Silent
		for end := now + seconds; now < end; now += 600 {
			v.Tick(now.Moment())
			if is := v.Relays.States()[0].Silent; is && !was {
				silent++
				was = true
			}
		}
	}
	v.Relays.Heard(relayAt(1), 1, now)
	for day := range 60 {
		if day == 30 {
			quiet(60 * 3600)
		}
		for range 6 {
			v.Relays.Heard(relayAt(1), 1, now)
			quiet(4 * 3600)
		}
	}
	if silent > 1 {
		t.Errorf("silent %d times, want it for the outage at most", silent)
	}
	v, silent = newView(2, 1000, 43_200), 0
	v.Relays.Heard(relayAt(1), 1, now)
	for range 60 {
		for range 10 * 12 {
			v.Relays.Heard(relayAt(1), 1, now)
			quiet(300)
		}
		quiet(14 * 3600)
	}
	if silent > 8 {
		t.Errorf("silent in %d nights of 60, want it for the first ones only", silent)
	}
}
