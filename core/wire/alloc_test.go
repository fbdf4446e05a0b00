//go:build !race

package wire_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Nothing on a packet's path allocates: every kind of packet, read, judged, walked and answered.
func TestNoAllocation(t *testing.T) {
	out := make([]byte, 0, 8192)
	p := new(wire.Packet)
	for _, name := range packets(t) {
		octets, _, _ := readPacket(t, name)
		got := testing.AllocsPerRun(100, func() {
			if drop := p.Parse(octets); drop != wire.DropNone {
				t.Fatal(drop)
			}
			out = answer(out[:0], p)
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func TestNoAllocationOfIdentifiers(t *testing.T) {
	out := make([]byte, 0, 1024)
	got := testing.AllocsPerRun(100, func() {
		uuid := wire.AppendDUIDUUID(out[:0], [16]byte{1})
		wire.PrefixExclude(uuid, [16]byte{}, 48, [16]byte{}, 64)
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// Drops cost nothing either.
func TestNoAllocationOfDrops(t *testing.T) {
	p := new(wire.Packet)
	for _, b := range [][]byte{nil, {12}, {99, 0, 0, 1}, rows(header, clientID, clientID), rows(header, clientID)[:10]} {
		got := testing.AllocsPerRun(100, func() {
			if p.Parse(b) == wire.DropNone {
				t.Fatalf("%x is in order", b)
			}
		})
		if got != 0 {
			t.Errorf("%x: %v allocations", b, got)
		}
	}
}
