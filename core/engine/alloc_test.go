//go:build !race

package engine_test

import (
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestNothingIsAllocatedPerMessage handles each kind of message after a warm-up. A Request follows each Release and
// Decline, so that there is something to give up. Not under the race detector, which allocates by itself.
func TestNothingIsAllocatedPerMessage(t *testing.T) {
	const duid = "00030001020000000001"
	session := func(more string) *session {
		return sessionOver(t, mustCompile(t, more+access, ""), binding.Options{Capacity: 200_000})
	}
	t.Run("plain", func(t *testing.T) {
		s := accessSession(t)
		nothingIsAllocatedPerMessage(t, s, subscriberOf(t, s, duid))
	})
	t.Run("history", func(t *testing.T) {
		s := session("history: {keep: infinite}")
		nothingIsAllocatedPerMessage(t, s, subscriberOf(t, s, duid))
	})
	t.Run("names", func(t *testing.T) {
		s := session(named)
		nothingIsAllocatedPerMessage(t, s, namedSubscriber(t, s, duid))
	})
	t.Run("generated names", func(t *testing.T) {
		s := session(named)
		nothingIsAllocatedPerMessage(t, s, subscriberOf(t, s, duid))
	})
	t.Run("classes", func(t *testing.T) {
		s := sessionOver(t, mustCompile(t, classes(), ""), binding.Options{Capacity: 200_000})
		nothingIsAllocatedPerMessage(t, s, subscriberOf(t, s, duid))
	})
	t.Run("reconfigure", func(t *testing.T) {
		s := session("reconfigure: {}")
		s.shared.Awaited.Await(1)
		nothingIsAllocatedPerMessage(t, s, subscriberWith(t, s, "duid="+duid+"\nreconfigure-accept"+subscriberHead))
	})
	t.Run("address registration", func(t *testing.T) {
		s := session("address-registration: {}\n" + named)
		c := subscriberOf(t, s, duid)
		m, err := parseMessage("register\nduid="+duid+"\nfqdn=S Laptop\nia=2001:db8:1::1:1,100,200\nrelay link=2001:db8:1::1 peer=2001:db8:1::1:1 18:6765302f302f31", s)
		if err != nil {
			t.Fatal(err)
		}
		c.messages["ADDR-REG-INFORM"] = m.octets
		nothingIsAllocatedPerMessage(t, s, c)
	})
	t.Run("retiring", func(t *testing.T) {
		s := accessSession(t)
		c := subscriberOf(t, s, duid)
		more := strings.NewReplacer(`"2001:db8:1::1"]}`, `"2001:db8:1::1"], retiring: true}, {pool: "2001:db8:1:1::/64"}`,
			"id: 0}}", "id: 0}, retiring: true}", `["2001:db8:1::/64"]`, `["2001:db8:1::/63"]`)
		s.install(t, mustCompile(t, more.Replace(access), ""))
		nothingIsAllocatedPerMessage(t, s, c)
	})
	t.Run("boot files and limits per client", func(t *testing.T) {
		s := session("limits: {addresses-per-client: 3, prefixes-per-client: 3}\nboot: [{architecture: [7, 16], user-class: x, url: \"tftp://[::1]/a\"}, {url: \"tftp://[::1]/b\", always: true}]")
		nothingIsAllocatedPerMessage(t, s, subscriberOf(t, s, duid))
	})
	for _, identity := range []string{"duid-rank", "hardware-address", "relay-port"} {
		t.Run(identity, func(t *testing.T) {
			s := session("identity: " + identity)
			nothingIsAllocatedPerMessage(t, s, subscriberOf(t, s, duid))
			s.handle.Enter()
			defer s.handle.Leave()
			if !s.handle.HasDerived() {
				t.Error("the subscriber isn't known by that")
			}
		})
	}
	for name, identity := range map[string]string{"sequential": "duid-iaid", "sequential by relay port": "relay-port"} {
		t.Run(name, func(t *testing.T) {
			s := session("allocation: sequential\nidentity: " + identity)
			nothingIsAllocatedPerMessage(t, s, subscriberOf(t, s, duid))
		})
	}
	t.Run("pools that relays name", func(t *testing.T) {
		s := sessionOver(t, mustCompile(t, calledPools(), ""), binding.Options{Capacity: 200_000})
		nothingIsAllocatedPerMessage(t, s, subscriberOf(t, s, duid))
	})
	t.Run("anonymous", func(t *testing.T) {
		s := accessSession(t)
		for n := range byte(2) { // of the same client, so that a Solicit looks for them
			s.handle.Enter()
			s.handle.Publish(nil, &binding.Draft{
				Key: binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0xff, 15: n}, Length: 128}, Kind: wire.IANA, DUID: mustHex("00030001020000000001"),
				State: binding.Bound, Flags: binding.FlagAnonymous, Owner: 1, Expires: binding.Never,
			})
			s.handle.Leave()
		}
		nothingIsAllocatedPerMessage(t, s, subscriberOf(t, s, duid))
	})
}

func nothingIsAllocatedPerMessage(t *testing.T, s *session, c *subscriber) {
	t.Helper()
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

// TestNothingIsAllocatedPerIAID has a Renew tell the IAIDs of its leases each time.
func TestNothingIsAllocatedPerIAID(t *testing.T) {
	s := accessSession(t)
	c := subscriberOf(t, s, "00030001020000000001")
	l := newLoop(s)
	l.relay(c.messages["Request"])
	var leases []binding.Key
	s.records(func(r *binding.Record) { leases = append(leases, r.Key()) })
	known := 0
	got := testing.AllocsPerRun(300, func() {
		s.handle.Enter()
		for i := range leases {
			r := s.handle.Find(&leases[i])
			d := engine.DraftOf(r)
			d.IAID, d.Flags, d.Owner = 0, engine.FlagAnonymous|engine.FlagHeld, 1
			s.handle.Publish(r, &d)
		}
		s.handle.Leave()
		l.relay(c.messages["Renew"])
		s.handle.Enter()
		for i := range leases {
			if !s.handle.Find(&leases[i]).Anonymous() {
				known++
			}
		}
		s.handle.Leave()
	})
	if got != 0 || len(leases) == 0 || known != 301*len(leases) {
		t.Errorf("%v allocations; of %d leases %d became known", got, len(leases), known)
	}
}

// TestNothingIsAllocatedPerSparedRenewal renews what was written a moment ago, without a write.
func TestNothingIsAllocatedPerSparedRenewal(t *testing.T) {
	s := sessionOver(t, mustCompile(t, "store: {renew-cache: 0.5}\n"+named+access, ""), binding.Options{Capacity: 200_000})
	c := namedSubscriber(t, s, "00030001020000000001")
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
	for name, more := range map[string]string{"hash": "", "sequential": "allocation: sequential", "hardware address": "identity: hardware-address\nlimits: {prefixes-per-client: 1}"} {
		t.Run(name, func(t *testing.T) {
			nothingIsAllocatedPerNewClient(t, sessionOver(t, mustCompile(t, more+access, ""), binding.Options{Capacity: 200_000}))
		})
	}
}

func nothingIsAllocatedPerNewClient(t *testing.T, s *session) {
	t.Helper()
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
	s := sessionOver(t, mustCompile(t, named+threeNodes, "a"), binding.Options{Capacity: 200_000})
	l := newLoop(s)
	has := "fqdn=S Laptop\noro=39\nna=1 2001:db8:1::77\npd=1 2001:db8:8000:9100::/56\nrelay link=2001:db8:1::1 peer=fe80::1 18:706f7274\n"
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
