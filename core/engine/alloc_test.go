//go:build !race

package engine_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestNothingIsAllocatedPerMessage handles each kind of message after a warm-up. A Request follows each Release and
// Decline, so that there is something to give up. Not under the race detector, which allocates by itself.
func TestNothingIsAllocatedPerMessage(t *testing.T) {
	t.Run("plain", func(t *testing.T) { nothingIsAllocatedPerMessage(t, accessSession(t)) })
	t.Run("history", func(t *testing.T) {
		p := mustCompile(t, "history: {keep: infinite}\n"+access, "")
		nothingIsAllocatedPerMessage(t, sessionOver(t, p, binding.Options{Capacity: 200_000}))
	})
}

func nothingIsAllocatedPerMessage(t *testing.T, s *session) {
	t.Helper()
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

// TestNothingIsAllocatedPerSparedRenewal renews what was written a moment ago, without a write.
func TestNothingIsAllocatedPerSparedRenewal(t *testing.T) {
	s := sessionOver(t, mustCompile(t, "store: {renew-cache: 0.5}\n"+access, ""), binding.Options{Capacity: 200_000})
	c := subscriberOf(t, s, "00030001020000000001")
	l := newLoop(s)
	l.relay(c.messages["Request"])
	for _, name := range []string{"Renew", "Rebind", "Request", "Solicit"} {
		spared := 0
		got := testing.AllocsPerRun(300, func() {
			if result := l.relay(c.messages[name]); result.Durable || result.Drop != wire.DropNone {
				t.Errorf("%s: waits for a write: %v, dropped: %v", name, result.Durable, result.Drop)
			}
			spared += s.engine.Spared
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
		if (spared > 0) != (name != "Solicit") {
			t.Errorf("%s: %d bindings counted as spared", name, spared)
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

// TestNothingIsAllocatedPerOverheardMessage lets a node of a cluster hear what a client asks and renews with a peer, what a
// stranger does, and then its Rebind here.
func TestNothingIsAllocatedPerOverheardMessage(t *testing.T) {
	s := sessionOver(t, mustCompile(t, threeNodes, "a"), binding.Options{Capacity: 200_000})
	l := newLoop(s)
	has := "na=1 2001:db8:1::77\npd=1 2001:db8:8000:9100::/56\nrelay link=2001:db8:1::1 peer=fe80::1 18:706f7274\n"
	for _, text := range []string{
		"request\nserver=b\n" + has, "renew\nserver=b\n" + has, "rebind\nelapsed=100\n" + has, "solicit\nelapsed=100\n" + has,
		"request\nserver=b\nduid=00030001020000000002\n" + has, "release\nserver=b\n" + has,
	} {
		m, err := parseMessage(text, s)
		if err != nil {
			t.Fatal(err)
		}
		l.relay(m.octets) // the first one may have to make room for a claim
		if got := testing.AllocsPerRun(300, func() { l.relay(m.octets) }); got != 0 {
			t.Errorf("%.20q: %v allocations", text, got)
		}
	}
}
