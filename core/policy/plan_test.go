package policy

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

func plan(t testing.TB, text string, clients int) *Plan {
	t.Helper()
	p, err := NewPlan(parse(t, text), input(""), clients)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlan(t *testing.T) {
	p := plan(t, fmt.Sprintf(cluster, "model: split\n  "+twoNodes)+pop1, 1000)
	if p.Model != "split" || p.Hash != "xxh64" || len(p.Nodes) != 2 || p.Clients != 1000 {
		t.Errorf("got %+v", p)
	}
	if one := compile(t, fmt.Sprintf(cluster, "model: split\n  "+twoNodes)+pop1, "b"); p.Fingerprint != hex.EncodeToString(one.Fingerprint[:]) {
		t.Errorf("the fingerprint %s isn't the policy's", p.Fingerprint)
	}
	duid := address.ServerDUID("5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11", "b")
	want := PlanNode{
		Name: "b", ServerID: hex.EncodeToString(duid[:]), Parts: []int{1},
		Links: []PlanLink{{
			Name: "pop1", OnLink: []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64")}, Reservations: 1,
			Pools: []PlanPool{{
				ID: 1, Kind: "addresses", Name: "2001:db8:1::/64 part 1 of 2", Length: 128,
				First: netip.MustParseAddr("2001:db8:1:0:8000::"), Last: netip.MustParseAddr("2001:db8:1:0:ffff:ffff:ffff:ffff"),
				Slots: "9223372036854775808", Sparse: true, Dense: "agree", Clients: 1000,
				Collisions: address.ExpectedCollisions(1000, address.U128{Lo: 1 << 63}),
			}, {
				ID: 3, Kind: "prefixes", Name: "2001:db8:8000::/40 part 1 of 2", Length: 56,
				First: netip.MustParseAddr("2001:db8:8080::"), Last: netip.MustParseAddr("2001:db8:80ff:ff00::"),
				Slots: "32768", Dense: "agree", Clients: 1000,
				Collisions: address.ExpectedCollisions(1000, address.U128{Lo: 1 << 15}),
			}},
		}},
	}
	if diff := cmp.Diff(want, p.Nodes[1], cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPlanShares: clients spread over a link's pools by slots.
func TestPlanShares(t *testing.T) {
	p := plan(t, `
listen: {interfaces: [eth0]}
links:
  - name: l
    match: {interface: eth0}
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}, {pool: "2001:db8:9000::/40", length: 54}]
`, 500)
	pools := p.Nodes[0].Links[0].Pools
	if len(pools) != 2 || pools[0].Clients != 400 || pools[1].Clients != 100 {
		t.Errorf("got %+v, want 400 and 100 clients", pools)
	}
	if p.Model != "single" || p.Nodes[0].Name != "" {
		t.Errorf("got %s, node %q; want a single one", p.Model, p.Nodes[0].Name)
	}
}

func TestWouldGet(t *testing.T) {
	const reserved, other = "\x00\x03\x00\x01\x02\x00\x00\x00\x00\x01", "\x00\x03\x00\x01\x02\x00\x00\x00\x00\x02"
	exclusive := `
links:
  - name: pop1
    match: {interface: eth0}
    prefixes: [{pool: "2001:db8:8000::/40", length: 56, dense: exclusive}]
`
	t.Run("identical nodes agree", func(t *testing.T) {
		p := plan(t, fmt.Sprintf(cluster, threeNodes)+pop1, 0)
		for _, kind := range []wire.Kind{wire.IANA, wire.IAPD} {
			got := p.WouldGet([]byte(other), 7, kind)
			if len(got) != 3 {
				t.Fatalf("got %v, want one lease from each node", got)
			}
			pool := p.policies[0].Pools[kindIndex(kind)]
			slot, ok := p.policies[0].Hasher.Primary(&pool.Range, &address.Identity{DUID: []byte(other), IAID: 7, Kind: kind})
			if !ok {
				t.Fatal("no primary")
			}
			want := netip.PrefixFrom(netip.AddrFrom16(pool.Range.Lease(slot)), int(pool.Range.Length()))
			for i, node := range []string{"a", "b", "c"} {
				if diff := got[i]; diff != (Prospect{Node: node, Link: "pop1", Pool: pool.Name, Lease: want, Chosen: true}) {
					t.Errorf("node %s: got %+v, want %v", node, got[i], want)
				}
			}
		}
	})
	t.Run("a reservation comes first", func(t *testing.T) {
		p := plan(t, fmt.Sprintf(cluster, twoNodes)+pop1, 0)
		got := p.WouldGet([]byte(reserved), 1, wire.IANA)
		want := Prospect{Node: "a", Link: "pop1", Pool: "2001:db8:1::/64", Lease: netip.MustParsePrefix("2001:db8:1::10/128"), Reserved: true, Chosen: true}
		if len(got) != 4 || got[0] != want || got[1].Chosen || got[1].Reserved {
			t.Errorf("got %+v, want first %+v", got, want)
		}
		if prefixes := p.WouldGet([]byte(reserved), 1, wire.IAPD); len(prefixes) != 2 || prefixes[0].Reserved {
			t.Errorf("got %+v, want a candidate: the reservation is of an address", prefixes)
		}
	})
	t.Run("split nodes differ", func(t *testing.T) {
		p := plan(t, fmt.Sprintf(cluster, "model: split\n  "+twoNodes)+pop1, 0)
		got := p.WouldGet([]byte(other), 7, wire.IANA)
		if len(got) != 2 {
			t.Fatalf("got %v, want one lease from each node", got)
		}
		for i, part := range []string{"2001:db8:1::/65", "2001:db8:1:0:8000::/65"} {
			if !netip.MustParsePrefix(part).Contains(got[i].Lease.Addr()) {
				t.Errorf("node %s gives %v, want one of %s", got[i].Node, got[i].Lease, part)
			}
		}
	})
	t.Run("exclusive nodes keep to their stripes", func(t *testing.T) {
		p := plan(t, fmt.Sprintf(cluster, threeNodes)+exclusive, 0)
		got := p.WouldGet([]byte(other), 7, wire.IAPD)
		if len(got) != 3 {
			t.Fatalf("got %v, want one lease from each node", got)
		}
		for i := range got {
			slot, ok := p.policies[0].Pools[0].Range.Slot(got[i].Lease.Addr().As16())
			if stripe := address.StripeOf(slot, 3); !ok || stripe != i {
				t.Errorf("node %s gives %v of stripe %d", got[i].Node, got[i].Lease, stripe)
			}
		}
		if own := p.Nodes[1].Links[0].Pools[0].Stripes; !cmp.Equal(own, []int{1}) || p.Stripes != 3 {
			t.Errorf("got stripes %v of %d, want 1 of 3", own, p.Stripes)
		}
	})
}

// TestRetiringPoolGivesNothing: in a plan a retiring pool has no clients to come.
func TestRetiringPoolGivesNothing(t *testing.T) {
	text := fmt.Sprintf(cluster, twoNodes) + `
links:
  - name: l
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64", retiring: true}, {pool: "2001:db8:2::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56, retiring: true}]
`
	p := plan(t, text, 100)
	if got := p.WouldGet([]byte("client"), 1, wire.IANA); len(got) != 2 || got[0].Pool != "2001:db8:2::/64" || !got[0].Chosen {
		t.Errorf("got %+v, want a lease of the other pool from each node", got)
	}
	if got := p.WouldGet([]byte("client"), 1, wire.IAPD); len(got) != 0 {
		t.Errorf("got %+v, want nothing", got)
	}
	for i, want := range []float64{0, 100, 0} {
		if pool := &p.Nodes[0].Links[0].Pools[i]; pool.Clients != want || pool.Retires != (want == 0) {
			t.Errorf("pool %s: %v clients, retiring %t; want %v", pool.Name, pool.Clients, pool.Retires, want)
		}
	}
}

// TestWouldGetPassesOverReservations: the primary that is reserved for another is passed over.
func TestWouldGetPassesOverReservations(t *testing.T) {
	for _, pool := range []string{`prefixes: [{pool: "2001:db8:8000::/40", length: 56}]`, `addresses: [{pool: "2001:db8:1::/64"}]`} {
		kind := wire.IANA
		if pool[0] == 'p' {
			kind = wire.IAPD
		}
		text := fmt.Sprintf(cluster, twoNodes) + "\nlinks:\n  - name: l\n    match: {interface: eth0}\n    " + pool + "\n"
		first := plan(t, text, 0).WouldGet([]byte("client"), 1, kind)[0].Lease
		field := "addresses: [\"" + first.Addr().String()
		if kind == wire.IAPD {
			field = "prefixes: [\"" + first.String()
		}
		p := plan(t, text+"    reservations: [{duid: \"00:04:01\", "+field+"\"]}]\n", 0)
		if got := p.WouldGet([]byte("client"), 1, kind); len(got) != 2 || got[0].Lease == first {
			t.Errorf("got %v, want something else than %v, which is reserved", got, first)
		}
		if got := p.WouldGet([]byte{0, 4, 1}, 1, kind); got[0].Lease != first || !got[0].Reserved {
			t.Errorf("the holder gets %v, want %v", got[0], first)
		}
	}
}

// TestPlanPrefixLength: what a client gets that asks for no length comes first.
func TestPlanPrefixLength(t *testing.T) {
	const lan = `
listen: {interfaces: [eth0]}
links:
  - name: lan
    match: {interface: eth0}
    %s
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}, {pool: "2001:db8:9000::/40", length: 64}, {pool: "2001:db8:a000::/40", length: 60}]
`
	for line, want := range map[string][]int{"prefix-length: 64": {64, 60, 56}, "prefix-length: 60": {60, 56, 64}, "prefix-length: 56": {56, 60, 64}} {
		plan := plan(t, fmt.Sprintf(lan, line), 1)
		for client := range byte(20) {
			var got []int
			for _, p := range plan.WouldGet([]byte{0, 3, 0, 1, client}, 1, wire.IAPD) {
				got = append(got, p.Lease.Bits())
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, client %d: %v, want %v", line, client, got, want)
			}
		}
	}
}

// A sequential pool's lowest lease is whoever's comes first; that isn't told as what is computed for the client.
func TestWouldGetTheLowest(t *testing.T) {
	p := plan(t, `
listen: {interfaces: [eth0]}
allocation: sequential
links:
  - {name: lan, match: {interface: eth0}, addresses: [{pool: "2001:db8:1::1-2001:db8:1::40", exclude: ["2001:db8:1::1"]}, {pool: "2001:db8:2::/64", allocation: hash}]}
`, 0)
	got := p.WouldGet([]byte("client"), 1, wire.IANA)
	if len(got) != 2 || got[0].Lease.Addr().String() != "2001:db8:1::2" || !got[0].Counted || !got[0].Chosen || got[1].Counted {
		t.Errorf("%+v", got)
	}
}
