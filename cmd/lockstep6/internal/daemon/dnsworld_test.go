package daemon

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// worldOf is what a node of three knows of DNS. Alive are the peers that answer clients.
func worldOf(t *testing.T, node string, alive ...int) *dnsWorld {
	t.Helper()
	owners := []uint8{1, 2, 3} // by node, as this one numbers them
	owners[slices.Index([]string{"a", "b", "c"}, node)] = peer.Self
	d, _ := nodeOf(t, node, owners...)
	site := d.site.Load()
	asked := testNow - 60
	for _, peer := range alive {
		site.View.Health.Asked(peer, site.View.Relays.Heard([16]byte{0x20, 1, 15: 5}, 0, asked), uint64(peer+1)<<50|uint64(peer), uint64(peer), false, asked)
	}
	for second := range binding.Time(4) {
		site.View.Tick((asked + 20 + second).Moment())
	}
	w := newDNSWorld(d)
	t.Cleanup(w.close)
	return w
}

// TestRemoves: of whoever lives it is the owner; of a silent one, or one that nobody knows, exactly one of those that live, each of
// them in its turn.
func TestRemoves(t *testing.T) {
	const a, b, c = 0, 1, 2
	onA, onB := worldOf(t, "a", b), worldOf(t, "b", a) // c is dead
	for name, w := range map[string]*dnsWorld{"a": onA, "b": onB} {
		if report := w.d.site.Load().View.Health.Report(c, testNow); report.Condition == peer.Alive {
			t.Fatalf("for %s c is %v", name, report.Condition)
		}
	}
	turns := map[bool]int{}
	for i := range byte(200) {
		key := keyOf(i)
		if !onA.Removes(&key, peer.Self) || !onB.Removes(&key, peer.Self) {
			t.Fatalf("%v: a node doesn't remove what it granted", key)
		}
		if onA.Removes(&key, 2) || onB.Removes(&key, 1) {
			t.Fatalf("%v: a node removes what a living one granted", key)
		}
		first := onA.Removes(&key, 3)
		if first == onB.Removes(&key, 3) {
			t.Fatalf("%v: of the dead node's lease both remove, or none: %v", key, first)
		}
		for _, unknown := range []uint8{77, peer.Unnamed} {
			if onA.Removes(&key, unknown) != first || onB.Removes(&key, unknown) == first {
				t.Fatalf("%v: it is another one where nobody knows the owner %d", key, unknown)
			}
		}
		turns[first]++
	}
	if turns[true] < 50 || turns[false] < 50 {
		t.Errorf("of 200 leases one has %d", turns[true])
	}
	alone := worldOf(t, "b")
	for owner := range uint8(4) {
		if key := keyOf(1); !alone.Removes(&key, owner) {
			t.Errorf("who knows of nobody else doesn't remove what %d granted", owner)
		}
	}
}

// TestAfterAnAbsence: a node that is back has missed what was before, for good; it listens on its links until their clients have renewed.
func TestAfterAnAbsence(t *testing.T) {
	w := worldOf(t, "b")
	here, elsewhere := keyOf(1), binding.Key{Address: [16]byte{0xfd}, Length: 56}
	if w.Missed(testNow-100) || w.Listening(&here, wire.IAPD) {
		t.Error("a node that wasn't away has missed something")
	}
	gate := w.d.site.Load().View.Gate
	gate.Returned(testNow-5000, testNow)
	if !w.Missed(testNow-100) || !w.Missed(testNow) || w.Missed(testNow+1) || !w.Listening(&here, wire.IAPD) || w.Listening(&elsewhere, wire.IAPD) {
		t.Error("back, it isn't as it should be")
	}
	k := &dnsKeeper{d: w.d}
	later := binding.Time(gate.Longest())
	if k.heardAll(w.d.started.AddDate(1, 0, 0)) {
		t.Error("all are heard while the node listens")
	}
	w.d.clock = func() int64 { return (testNow + later).Unix() * 1e9 }
	if w.Listening(&here, wire.IAPD) || !w.Missed(testNow-100) {
		t.Error("when all have renewed it listens, or has missed nothing")
	}
	if !k.heardAll(w.d.started.AddDate(1, 0, 0)) || k.heardAll(w.d.started) {
		t.Error("all are heard too early, or never")
	}
	w.d.asking.Store(true)
	if k.heardAll(w.d.started.AddDate(1, 0, 0)) {
		t.Error("all are heard before the peers were asked")
	}
}

// TestServed: addresses that the servers give are those of pools and reservations, and what they delegate is a prefix in a pool.
func TestServed(t *testing.T) {
	c, faults := config.Parse("test.yaml", []byte(apiConfig))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, err := policy.Compile(c, policy.Input{File: "test.yaml", Node: "b", Resolve: Resolver("test.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	site := &engine.Site{Policy: p}
	for text, want := range map[string]bool{
		"2001:db8:1::5/128": true, "2001:db8:1::99/128": true, "2001:db8:3::5/128": false, "2001:db8:8000::/56": true,
		"2001:db8:9000::/56": true, "fd00::/56": false, "2001:db8:8000::1/128": false,
	} {
		prefix := netip.MustParsePrefix(text)
		if key := (binding.Key{Address: prefix.Addr().As16(), Length: uint8(prefix.Bits())}); served(site, &key) != want {
			t.Errorf("%s: want %v", text, want)
		}
	}
}
