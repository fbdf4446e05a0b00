package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

var lease = binding.Key{Address: [16]byte{0x20, 0x01, 0x0d, 0xb8}, Length: 56}

func claim(duid string, expires binding.Time) peer.Claim {
	return peer.Claim{Node: 1, Kind: wire.IAPD, IAID: 1, DUID: []byte(duid), Since: begin, Expires: expires}
}

// TestClaims: a claim is confirmed by a Renew 30 s later, extended by any message, and ends by itself.
func TestClaims(t *testing.T) {
	c := newView(2, 1000).Conflicts
	if c.On(&lease) != nil {
		t.Fatal("claims before any was noted")
	}
	c.Note(&lease, claim("one", begin+100), false, begin)
	c.Note(&lease, claim("one", begin+150), false, begin+60) // a Request confirms nothing
	c.Note(&lease, claim("one", begin+120), true, begin+29)
	got := c.On(&lease)
	if len(got) != 1 || got[0].Confirmed || got[0].Expires != begin+150 || got[0].Since != begin {
		t.Fatalf("want one tentative claim until +150, got %+v", got)
	}
	unknown := claim("one", begin+150)
	unknown.Node = peer.Nobody
	c.Note(&lease, unknown, true, begin+30)
	if got := c.On(&lease); !got[0].Confirmed || got[0].Node != 1 {
		t.Errorf("want it confirmed, and its node kept, got %+v", got)
	}
	v := newView(2, 1000)
	v.Conflicts.Note(&lease, claim("one", begin+100), false, begin)
	v.Tick((begin + 99 + peer.Grace).Moment())
	if len(v.Conflicts.Leases()) != 1 {
		t.Error("over before its end")
	}
	v.Tick((begin + 100 + peer.Grace).Moment())
	if len(v.Conflicts.Leases()) != 0 || v.Conflicts.On(&lease) != nil {
		t.Error("a claim outlives its end")
	}
}

// TestClaimWithoutIAID: a claim whose IAID isn't known is one with that of the same client, whichever comes first, and can be found by
// its IAID as soon as that is known.
func TestClaimWithoutIAID(t *testing.T) {
	unknown := claim("one", begin+100)
	unknown.IAID, unknown.Anonymous, unknown.Node = 0, true, 2
	for name, order := range map[string][2]peer.Claim{"before": {unknown, claim("one", begin+150)}, "after": {claim("one", begin+150), unknown}} {
		c := newView(3, 1000).Conflicts
		c.Note(&lease, order[0], false, begin)
		if !c.Has(&lease, &peer.Claim{Kind: wire.IAPD, IAID: 1, DUID: []byte("one")}) || c.Has(&lease, &peer.Claim{Kind: wire.IAPD, IAID: 1, DUID: []byte("two")}) || c.Has(&lease, &peer.Claim{Kind: wire.IANA, IAID: 1, DUID: []byte("one")}) {
			t.Errorf("%s: whose claim it is isn't known", name)
		}
		c.Note(&lease, order[1], false, begin+40)
		got := c.On(&lease)
		if len(got) != 1 || got[0].Anonymous || got[0].IAID != 1 || got[0].Expires != begin+150 || got[0].Since != begin {
			t.Fatalf("%s: want one claim of IAID 1, got %+v", name, got)
		}
		// It only asked for that one, and got another.
		c.Moved(&peer.Claim{Kind: wire.IAPD, IAID: 0, DUID: []byte("one")}, begin+40, func(*binding.Key) bool { return false })
		if len(c.On(&lease)) != 1 {
			t.Errorf("%s: IAID 0 took it along", name)
		}
		c.Moved(&peer.Claim{Kind: wire.IAPD, IAID: 1, DUID: []byte("one")}, begin+40, func(*binding.Key) bool { return false })
		if len(c.On(&lease)) != 0 || len(c.Leases()) != 0 {
			t.Errorf("%s: it isn't found by its IAID", name)
		}
	}
}

// TestClaimsBounds: a lease takes four claims besides the table's; further ones are counted.
func TestClaimsBounds(t *testing.T) {
	c := newView(2, 1000).Conflicts
	for _, duid := range []string{"one", "two", "three", "four", "five"} {
		c.Note(&lease, claim(duid, begin+100), false, begin)
	}
	if contended, _, lost := c.Counts(); contended != 1 || lost != 1 || len(c.On(&lease)) != 4 {
		t.Errorf("want four claims and one lost, got %d, lost %d", len(c.On(&lease)), lost)
	}
	c.Drop(&lease, &peer.Claim{Kind: wire.IAPD, IAID: 2, DUID: []byte("one")}) // another IA
	c.Drop(&lease, &peer.Claim{Kind: wire.IAPD, IAID: 1, DUID: []byte("one")})
	if len(c.On(&lease)) != 3 {
		t.Errorf("want three claims left, got %d", len(c.On(&lease)))
	}
}

// TestFirsts tells how long a message has been repeated.
func TestFirsts(t *testing.T) {
	v := newView(2, 1000)
	at := begin.Moment()
	const hash = 0xabcde<<44 | 7
	for _, test := range []struct {
		after binding.Moment
		want  uint64
	}{{0, 0}, {900, 900}, {119_999, 119_999}, {120_000, 0}, {120_500, 500}} {
		if got := v.Firsts.Age(hash, at+test.after); got != test.want {
			t.Errorf("after %d ms: want %d, got %d", test.after, test.want, got)
		}
	}
	if got := v.Firsts.Age(0xabcdf<<44|7, at+121_000); got != 0 {
		t.Errorf("another message at the same place: want 0, got %d", got)
	}
}

// TestHoldsOther: only a Renew or Rebind shows that a client has another lease.
func TestHoldsOther(t *testing.T) {
	c := newView(2, 1000).Conflicts
	other := lease
	other.Address[15] = 1
	one, two := claim("one", begin+100), claim("two", begin+100)
	c.Note(&lease, one, false, begin)
	c.Note(&other, one, false, begin)
	c.Note(&other, two, true, begin)
	if c.HoldsOther(&lease, &one) {
		t.Error("a Request passes for a Renew")
	}
	c.Note(&other, one, true, begin)
	if !c.HoldsOther(&lease, &one) {
		t.Error("the Renew is forgotten")
	}
	if c.HoldsOther(&other, &one) || !c.HoldsOther(&lease, &two) {
		t.Error("want the other lease's claims, and no others, to count")
	}
}

// TestClaimsByPort: one relay port has one weak claim to a lease, and no more of the table than its share. Weak claims
// count with the port's bindings.
func TestClaimsByPort(t *testing.T) {
	v := peer.NewView(peer.Options{Nodes: 2, Listen: []uint32{1000}, Owners: []uint8{0, 1}, Ports: 10})
	const port = 1<<20 | 1
	from := func(duid string, port uint64, strong bool) peer.Claim {
		c := claim(duid, begin+100)
		c.Port, c.Strong = port, strong
		return c
	}
	v.Conflicts.Note(&lease, from("one", port, false), false, begin)
	v.Conflicts.Note(&lease, from("two", port, false), false, begin)
	v.Conflicts.Note(&lease, from("three", port, true), false, begin)
	v.Conflicts.Note(&lease, from("four", 2<<20|1, false), false, begin)
	if n := len(v.Conflicts.On(&lease)); n != 3 || v.Ports.Count(port) != 1 {
		t.Errorf("want the second weak claim of the port refused, and one counted; got %d claims, %d counted", n, v.Ports.Count(port))
	}
	v.Conflicts.Note(&lease, from("one", port, true), false, begin)
	v.Conflicts.Note(&lease, from("three", port, false), false, begin)
	v.Conflicts.Drop(&lease, &peer.Claim{Kind: wire.IAPD, IAID: 1, DUID: []byte("one")})
	if v.Ports.Count(port) != 1 {
		t.Errorf("want the one that is weak now counted, got %d", v.Ports.Count(port))
	}
	v.Conflicts.Drop(&lease, &peer.Claim{Kind: wire.IAPD, IAID: 1, DUID: []byte("three")})
	if v.Ports.Count(port) != 0 || v.Conflicts.Has(&lease, &peer.Claim{Kind: wire.IAPD, IAID: 1, DUID: []byte("one")}) || !v.Conflicts.Has(&lease, &peer.Claim{Kind: wire.IAPD, IAID: 1, DUID: []byte("four")}) {
		t.Error("want nothing of the port left")
	}
	for i := range 300 {
		key := lease
		key.Address[5], key.Address[6] = byte(i>>8), byte(i)
		v.Conflicts.Note(&key, from("one", port, false), false, begin)
	}
	if n := len(v.Conflicts.Leases()); n != 256 {
		t.Errorf("want 256 leases with claims of the port, got %d", n)
	}
	v.Tick((begin + 100 + peer.Grace).Moment())
	if n := len(v.Conflicts.Leases()); n != 0 || v.Ports.Count(port) != 0 {
		t.Errorf("want all claims over, got %d, %d counted", n, v.Ports.Count(port))
	}
}

// TestDecisions: who lost which lease to whom is told once while its claim stands, and what found no room is counted.
func TestDecisions(t *testing.T) {
	v := newView(2, 1000)
	decide := func(i int) {
		key := lease
		key.Address[6] = byte(i)
		v.Conflicts.Note(&key, claim("two", begin+100), true, begin)
		v.Conflicts.Decided(peer.Decision{Lease: key, Winner: claim("one", begin), Loser: claim("two", begin)})
	}
	for range 3 {
		for i := range 70 {
			decide(i)
		}
	}
	kept, untold := v.Conflicts.Decisions()
	if len(kept) != 64 || untold != 6 || string(kept[0].Winner.DUID) != "one" || string(kept[0].Loser.DUID) != "two" {
		t.Errorf("got %d kept, %d untold", len(kept), untold)
	}
	decide(3)
	if kept, untold := v.Conflicts.Decisions(); len(kept) != 0 || untold != 0 {
		t.Error("told twice")
	}
	v.Tick((begin + 100 + peer.Grace).Moment())
	decide(3)
	if kept, _ := v.Conflicts.Decisions(); len(kept) != 1 {
		t.Error("not told of a new claim")
	}
	if _, mended, _ := v.Conflicts.Counts(); mended != 71 {
		t.Errorf("want 71 mended, got %d", mended)
	}
}

// TestMissed: a pool's bindings are known not to be known until the last claim that wasn't taken in would have ended.
func TestMissed(t *testing.T) {
	v := newView(2, 1000)
	v.Missed.Until(1, begin+50)
	v.Missed.Until(1, begin+20)
	if got := v.Missed.Pools(begin + 49); len(got) != 1 || got[1] != begin+50 || len(v.Missed.Pools(begin+50)) != 0 {
		t.Errorf("got %v", got)
	}
	if v.Missed.In(0, begin) || !v.Missed.In(1, begin+49) || v.Missed.In(1, begin+50) {
		t.Error("want pool 1 missed until +50")
	}
}
