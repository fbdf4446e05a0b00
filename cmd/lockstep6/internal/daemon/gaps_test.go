package daemon

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/io/udp"
)

// interfaces is a gate of one link, with a T1 of 1000 s and a valid lifetime of 8000, and what tells its node that things have happened to
// an interface.
func interfaces(now *binding.Time) (gate *peer.Gate, happens func(...udp.EventKind)) {
	gate = peer.NewGate([]uint32{1000}, []uint32{8000}, 300)
	d := &Daemon{}
	d.clock = func() int64 { return now.Unix() * 1e9 }
	return gate, func(kinds ...udp.EventKind) {
		for _, kind := range kinds {
			d.notified(udp.Event{Kind: kind, Interface: "eth0"})
		}
		for _, why := range d.gaps.take() {
			gate.CloseAll(*now, why)
		}
		d.gaps.silences(gate, *now)
	}
}

// TestDeafInterfaces: the gate closes when an interface goes down and again when it is heard, however much later; a lease that ended
// between stays apart, and the first coming up of an interface that was there at the start is no gap.
func TestDeafInterfaces(t *testing.T) {
	now := testNow
	gate, happens := interfaces(&now)
	happens(udp.InterfaceUp, udp.GroupsJoined)
	if !gate.Whole(now) {
		t.Fatal("a gap at the start")
	}
	happens(udp.InterfaceDown)
	if gate.Open(0, now) || !gate.ExpiredUnheard(0, now, now) {
		t.Error("down: want the gate closed, and apart what ends from now on")
	}
	for range 6 {
		now += 500
		happens()
	}
	if !gate.Open(0, now) || !gate.ExpiredUnheard(0, testNow, now) || gate.ExpiredUnheard(0, testNow-1, now) {
		t.Error("still down: want apart what ended since")
	}
	now += 1000
	happens(udp.InterfaceUp, udp.JoinFailed)
	if !gate.Open(0, now) {
		t.Error("up, and still deaf: it isn't over")
	}
	happens(udp.GroupsJoined)
	if gate.Open(0, now+999) || !gate.ExpiredUnheard(0, testNow+100, now+999) || gate.ExpiredUnheard(0, testNow+100, now+1000) {
		t.Error("heard again: want the gate closed for one T1, and apart what ended meanwhile")
	}
	now += 1000
	happens(udp.InterfaceUp, udp.GroupsJoined)
	if !gate.Whole(now) {
		t.Error("a gap where nothing was down")
	}
}

// TestInterfaceWithoutCarrier: an interface that is down at the start, or isn't there, is deaf until it is up, whatever was joined before; that it
// wasn't there is no gap until then.
func TestInterfaceWithoutCarrier(t *testing.T) {
	for name, start := range map[string][]udp.EventKind{
		"down":    {udp.InterfaceDown, udp.GroupsJoined},
		"missing": {udp.InterfaceMissing},
	} {
		now := testNow
		gate, happens := interfaces(&now)
		happens(start...)
		if gate.Open(0, now) != (name == "missing") {
			t.Errorf("%s: open at the start: %t", name, gate.Open(0, now))
		}
		now += 2000
		happens(udp.InterfaceUp)
		if !gate.Open(0, now) || !gate.ExpiredUnheard(0, testNow, now) {
			t.Errorf("%s: heard before its groups are joined", name)
		}
		happens(udp.GroupsJoined)
		if gate.Open(0, now) || !gate.ExpiredUnheard(0, testNow, now+999) || gate.ExpiredUnheard(0, testNow, now+1000) {
			t.Errorf("%s: want the gate closed when it is heard, and apart what ended before", name)
		}
	}
}
