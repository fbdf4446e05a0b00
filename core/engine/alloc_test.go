//go:build !race

package engine_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestNothingIsAllocatedPerMessage handles each kind of message after a warm-up. A Request follows each Release and
// Decline, so that there is something to give up. Not under the race detector, which allocates by itself.
func TestNothingIsAllocatedPerMessage(t *testing.T) {
	s := accessSession(t)
	c := subscriberOf(t, s, "00030001020000000001")
	l := newLoop(s)
	for name, message := range c.messages {
		var drop wire.Drop
		got := testing.AllocsPerRun(300, func() {
			drop = max(drop, l.relay(c.messages["Request"]).Drop)
			drop = max(drop, l.relay(message).Drop)
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
		if drop != wire.DropNone {
			t.Errorf("%s: dropped as %s", name, drop)
		}
	}
}

// TestNothingIsAllocatedPerNewClient binds clients that nobody knew, in a dense pool as well, and drops what is to drop.
func TestNothingIsAllocatedPerNewClient(t *testing.T) {
	s := accessSession(t)
	c := subscriberOf(t, s, "00030001020000000001")
	l := newLoop(s)
	for _, name := range []string{"Solicit", "Request", "Renew", "Rebind"} {
		message := c.messages[name]
		duid := clientIDAt(t, message)
		number := uint32(0)
		got := testing.AllocsPerRun(2000, func() {
			number++
			duid[6], duid[7], duid[8], duid[9] = message[0]^byte(len(name)), byte(number>>16), byte(number>>8), byte(number)
			if result := l.relay(message); result.Drop > wire.DropStoreBroken {
				t.Error(result.Drop)
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}
