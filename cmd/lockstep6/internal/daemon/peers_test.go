package daemon

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

const clusterID = "5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11"

const threeNodes = `
cluster:
  id: ` + clusterID + `
  key: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
  nodes: [{name: a, preference: 255}, {name: b}, {name: c, preference: 7}]
listen: {addresses: ["[::1]:10547"]}
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
`

const testNow = binding.Time(800_000_000)

// nodeB is node b, without store and sockets. Of its table's owners number 9 was a node once.
func nodeB(t *testing.T) (*Daemon, *policy.Policy) {
	t.Helper()
	d, p := nodeOf(t, "b", 1, peer.Self, 2)
	d.owners.Store(&Owners{1: "a", 2: "c", 9: "00:04:09"})
	return d, p
}

// nodeOf is one of the three nodes, which numbers them all as owners so.
func nodeOf(t *testing.T, node string, owners ...uint8) (*Daemon, *policy.Policy) {
	t.Helper()
	c, faults := config.Parse("test.yaml", []byte(threeNodes))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, err := policy.Compile(c, policy.Input{File: "test.yaml", Node: node, Resolve: Resolver("test.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{clock: func() int64 { return testNow.Unix() * 1e9 }}
	if d.table, err = binding.New(binding.Options{Capacity: 100}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.table.Close() })
	h := d.table.NewHandle()
	defer h.Close()
	site, err := engine.NewSite(p, engine.NewView(p, engine.Memory{Owners: owners}, 100), h, d.table.Shards())
	if err != nil {
		t.Fatal(err)
	}
	d.site.Store(site)
	return d, p
}

// bind puts a lease into the table.
func bind(t *testing.T, d *Daemon, host byte, draft binding.Draft) binding.Key {
	t.Helper()
	h := d.table.NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	draft.Key = binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, 0, host}, Length: 56}
	draft.Kind, draft.DUID, draft.Since = wire.IAPD, []byte{0, 4, host}, testNow-100
	if _, outcome := h.Publish(nil, &draft); outcome != binding.Published {
		t.Fatal(outcome)
	}
	return draft.Key
}

func TestPeersCountsBindings(t *testing.T) {
	d, p := nodeB(t)
	stands, ended := testNow+10, testNow-1
	for i, draft := range []binding.Draft{
		{State: binding.Bound, Expires: stands},
		{State: binding.Bound, Expires: stands, Owner: 1, Flags: engine.FlagStrong | engine.FlagConfirmed},
		{State: binding.Bound, Expires: stands, Owner: 1, Flags: engine.FlagStrong},
		{State: binding.Bound, Expires: stands, Owner: 1},
		{State: binding.Bound, Expires: ended, Owner: 1},
		{State: binding.Released, Expires: stands, Owner: 1},
		{State: binding.Bound, Expires: stands, Owner: 9},
	} {
		bind(t, d, byte(i), draft)
	}
	got := newOperator(d).Peers()
	if got.Node != "b" || got.Fingerprint != hex.EncodeToString(p.Fingerprint[:]) || got.OwnBindings != 1 || len(got.Peers) != 2 {
		t.Errorf("got %+v", got)
	}
	want := admin.ObservedBindings{Confirmed: 1, Tentative: 2, Strong: 2, Weak: 1}
	if got.Peers[0].Bindings != want || got.Peers[1].Bindings != (admin.ObservedBindings{}) {
		t.Errorf("bindings %+v and %+v, want %+v of the first", got.Peers[0].Bindings, got.Peers[1].Bindings, want)
	}
	former := []admin.Former{{DUID: "00:04:09", Bindings: admin.ObservedBindings{Tentative: 1, Weak: 1}}}
	if diff := cmp.Diff(former, got.Former); diff != "" {
		t.Errorf("former (-want +got):\n%s", diff)
	}
}

func TestPeersTellsSilence(t *testing.T) {
	d, _ := nodeB(t)
	view := d.site.Load().View
	asked := testNow - 60
	relay := view.Relays.Heard([16]byte{0x20, 1, 15: 5}, 0, asked)
	for client := range uint64(3) {
		for again := range 2 { // asked, and asked again
			view.Heard(2, wire.Request, asked)
			view.Health.Asked(2, relay, (client+1)<<50|client, client, again > 0, asked)
		}
	}
	for second := range binding.Time(4) {
		view.Tick((asked + 20 + second).Moment())
	}
	got := newOperator(d).Peers().Peers[1]
	want := admin.Peer{
		Name: "c", DUID: got.DUID, Preference: 7, State: "silent", Messages: map[string]uint64{"Request": 6}, LastHeard: moment(asked),
		Repeated: 3, Unanswered: &admin.Unanswered{Clients: 3, Since: utc(asked), Relays: []string{"2001::5"}}, Divergence: []admin.Divergence{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("peer (-want +got):\n%s", diff)
	}
}

func TestPeersTellsTrouble(t *testing.T) {
	d, p := nodeB(t)
	view := d.site.Load().View
	key := bind(t, d, 1, binding.Draft{State: binding.Bound, Expires: testNow + 10, Owner: 1, Flags: engine.FlagStrong})
	view.Conflicts.Note(&key, peer.Claim{Node: peer.Nobody, Kind: wire.IAPD, DUID: []byte{0, 4, 77}, Since: testNow, Expires: testNow + 9}, false, testNow)
	view.Gate.Close(0, testNow-30, peer.ReasonAbsent)
	view.Foreign.Heard([]byte{0, 4, 8}, -1, testNow)
	for client := range uint64(3) {
		view.Divergence.Claimed(0, 0, 0, peer.ByNothing, (client+1)<<34, peer.Example{Lease: key, DUID: []byte{0, 4, 1}, IAID: 7, At: testNow})
		view.Twin.Renewed(client+1, testNow)
	}
	got := newOperator(d).Peers()
	wantDivergence := []admin.Divergence{{
		Link: "lan", Pool: p.Pools[0].Name, Claims: 3, Unexpected: 3,
		Example: admin.Claimed{Lease: admin.LeaseText(key), DUID: "00:04:01", IAID: 7, At: utc(testNow)},
	}}
	if diff := cmp.Diff(wantDivergence, got.Peers[0].Divergence); diff != "" || got.Peers[0].Claims.Nothing != 3 {
		t.Errorf("divergence (-want +got):\n%s\nclaims %+v", diff, got.Peers[0].Claims)
	}
	wantConflicts := admin.Conflicts{Standing: []admin.Conflict{{Lease: admin.LeaseText(key), Claims: []admin.Claim{
		{Node: "a", DUID: "00:04:01", Holds: true, Strong: true, Since: utc(testNow - 100)},
		{DUID: "00:04:4d", Since: utc(testNow)},
	}}}}
	if diff := cmp.Diff(wantConflicts, got.Conflicts); diff != "" {
		t.Errorf("conflicts (-want +got):\n%s", diff)
	}
	t1 := p.Links[0].Lifetimes.Renew
	wantGates := []admin.Gate{{
		Link: "lan", Reason: "the node was away", Since: moment(testNow - 30), Until: moment(testNow - 30 + binding.Time(t1)),
		Progress: 30 / float64(t1),
	}}
	nearly := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })
	if diff := cmp.Diff(wantGates, got.Gates, nearly); diff != "" || got.GateClosed != 1 {
		t.Errorf("gates (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]admin.ForeignServer{{DUID: "00:04:08", Messages: 1, LastHeard: utc(testNow)}}, got.Foreign); diff != "" || got.ForeignSeen != 1 {
		t.Errorf("foreign servers (-want +got):\n%s", diff)
	}
	if want := (admin.Twin{Suspected: true, Renews: 3}); got.Twin != want {
		t.Errorf("twin %+v, want %+v", got.Twin, want)
	}
}

// TestOwnersNames: an owner has the name that the configuration gives its DUID, else the DUID.
func TestOwnersNames(t *testing.T) {
	_, p := nodeB(t)
	duid := address.ServerDUID(clusterID, "a")
	m := clusterMemory{Owners: map[string]uint8{hex.EncodeToString(duid[:]): 3, "000409": 9}}
	got, err := m.names(nodeNames(p))
	if err != nil || got[3] != "a" || got[9] != "00:04:09" || got[0] != "" {
		t.Errorf("owners 3 and 9 are %q and %q, %v; want a and 00:04:09", got[3], got[9], err)
	}
	if _, err := (&clusterMemory{Owners: map[string]uint8{"no DUID": 1}}).names(nil); err == nil {
		t.Error("an owner that is no DUID was read")
	}
}
