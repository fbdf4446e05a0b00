package peer_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

var successorKey = binding.Key{Address: [16]byte{0x20, 1}, Length: 56}

// known is a view of nodes 0 (this one), 1 and 2, links 0 and 1 and pools 0 and 1, that knows something of everything.
func known(t *testing.T) *peer.View {
	t.Helper()
	v := peer.NewView(peer.Options{Nodes: 3, Listen: []uint32{1000, 2000}, Pools: 2, After: 300, Owners: []uint8{0, 5, 7}, Ports: 10})
	v.Heard(2, wire.Renew, begin)
	relay := v.Relays.Heard([16]byte{0x20, 15: 9}, 1, begin)
	for client := range uint64(3) {
		v.Health.Asked(2, relay, (client+1)<<50|client, client, false, begin)
		v.Health.Asked(2, relay, (client+1)<<50|client, client, true, begin+1)
		v.Divergence.Claimed(2, 1, 1, peer.ByNothing, (client+1)<<34, peer.Example{Lease: successorKey, DUID: []byte{0, 4, 1}, At: begin})
		v.Divergence.Claimed(2, -1, 1, peer.ByNothing, (client+1)<<34, peer.Example{Lease: successorKey, DUID: []byte{0, 4, 1}, At: begin})
		v.Twin.Renewed(client+1, begin)
	}
	v.Gate.Close(1, begin, peer.ReasonDrops)
	v.Foreign.Heard([]byte("kea"), 1, begin)
	v.Foreign.Heard([]byte("isc"), 0, begin)
	v.Missed.Until(1, begin+500)
	v.Ports.Add(77, 1)
	v.Conflicts.Note(&successorKey, claimOf(2, 1), true, begin)
	v.Conflicts.Note(&successorKey, claimOf(1, 2), true, begin)
	v.Firsts.Age(0xabc<<44|7, begin.Moment())
	return v
}

func claimOf(node int, client byte) peer.Claim {
	return peer.Claim{Node: node, Kind: wire.IAPD, DUID: []byte{0, 4, client}, Port: portOf(client), Since: begin, Expires: begin + 900}
}

// portOf is the relay port of a client: its number in the bits that Ports counts by.
func portOf(client byte) uint64 { return uint64(client)<<40 | 1 }

// TestSuccessorKeepsTheView: where no index moves it is the same view, which listens as long as is said now.
func TestSuccessorKeepsTheView(t *testing.T) {
	v := known(t)
	from := peer.Lineage{Nodes: []int{0, 1, 2}, Links: []int{0, 1}, Pools: []int{0, 1}}
	if next := v.Successor(peer.Options{Nodes: 3, Listen: []uint32{3000, 100}, Pools: 2, Owners: []uint8{0, 5, 7}}, from, begin); next != v {
		t.Fatal("it is another view")
	}
	v.Gate.Close(0, begin, peer.ReasonLink)
	if v.Gate.Open(0, begin+2999) || !v.Gate.Open(0, begin+3000) || v.Gate.Longest() != 3000 {
		t.Error("the gate closes for another time than the new one")
	}
}

// TestSuccessor: node 1 is gone, a new one comes first, links and pools swap, and there is a new link without a pool.
func TestSuccessor(t *testing.T) {
	v := known(t)
	from := peer.Lineage{Nodes: []int{peer.Nobody, 0, 2}, Links: []int{1, 0, peer.Nobody}, Pools: []int{1, 0}}
	next := v.Successor(peer.Options{
		Nodes: 3, Self: 1, Listen: []uint32{2000, 1000, 50}, Pools: 2, Owners: []uint8{9, 0, 7}, Salt: [8]byte{1},
	}, from, begin)
	if next == v || next.Salt != v.Salt || next.Owner(2) != 7 {
		t.Fatal("not a successor of that view")
	}
	if node, ok := next.Node(5); ok {
		t.Errorf("the owner that is gone is node %d", node)
	}
	if next.Messages(2, wire.Renew) != 1 || next.Messages(0, wire.Renew) != 0 {
		t.Error("messages are counted at another node")
	}
	for second := range binding.Time(4) {
		next.Tick((begin + 20 + second).Moment())
	}
	if r := next.Health.Report(2, begin+30); r.Condition != peer.Silent || len(r.Relays) != 1 ||
		next.Relays.Address(r.Relays[0]) != ([16]byte{0x20, 15: 9}) {
		t.Errorf("node 2 is %+v", r)
	}
	if next.Gate.Open(0, begin+1999) || !next.Gate.Open(1, begin) || !next.Gate.Open(2, begin) {
		t.Error("gates are open or closed of other links")
	}
	if next.Gate.Fresh(0, begin) || !next.Gate.Fresh(2, begin+49) || next.Gate.Fresh(2, begin+50) {
		t.Error("not the new link alone is new")
	}
	next.Gate.Evidence(2, begin+10)
	if next.Gate.Open(2, begin+59) || next.Gate.BackSeat(begin+10) || !next.Gate.Open(1, begin+10) {
		t.Error("evidence of a history on the new link must close that link's gate")
	}
	findings := next.Divergence.Findings()
	if len(findings) != 2 || findings[0].Node != 2 || findings[0].Pool != 0 || findings[1].Pool != -1 || findings[1].Link != 0 {
		t.Errorf("findings %+v", findings)
	}
	for _, s := range next.Foreign.Servers() {
		if want := map[string]int{"kea": 0, "isc": 1}[string(s.ServerID)]; s.Link != want {
			t.Errorf("%s is on link %d, want %d", s.ServerID, s.Link, want)
		}
	}
	if !next.Missed.In(0, begin) || next.Missed.In(1, begin) || !next.Twin.Seen(1000, begin) || next.Ports != v.Ports {
		t.Error("what was missed, the twin or the ports aren't those of before")
	}
	if next.Firsts.Age(0xabc<<44|7, (begin+3).Moment()) != 3000 {
		t.Error("a message that is repeated is new")
	}
}

// TestSuccessorsConflicts: claims go along with their nodes, stay counted once, and those that came late are fetched.
func TestSuccessorsConflicts(t *testing.T) {
	v := known(t)
	from := peer.Lineage{Nodes: []int{peer.Nobody, 0, 2}, Links: []int{0, 1}, Pools: []int{0, 1}}
	next := v.Successor(peer.Options{Nodes: 3, Self: 1, Listen: []uint32{1, 1}, Pools: 2, Owners: []uint8{9, 0, 7}}, from, begin+5)
	late := claimOf(2, 3)
	late.Since = begin + 5
	v.Conflicts.Note(&successorKey, late, true, begin+5)
	next.CatchUp(v, from, begin+5)
	nodes := map[byte]int{}
	for _, c := range next.Conflicts.On(&successorKey) {
		nodes[c.DUID[2]] = c.Node
	}
	if len(nodes) != 3 || nodes[1] != 2 || nodes[2] != peer.Nobody || nodes[3] != 2 {
		t.Errorf("clients' nodes are %v", nodes)
	}
	next.CatchUp(v, from, begin+5)
	if got := len(next.Conflicts.On(&successorKey)); got != len(nodes) {
		t.Errorf("caught up twice there are %d claims, want %d", got, len(nodes))
	}
	for client := byte(1); client < 4; client++ {
		if got := next.Ports.Count(portOf(client)); got != 1 {
			t.Errorf("port %d has %d claims, want 1", client, got)
		}
		next.Conflicts.Drop(&successorKey, &peer.Claim{Kind: wire.IAPD, IAID: 0, DUID: []byte{0, 4, client}})
		if got := next.Ports.Count(portOf(client)); got != 0 {
			t.Errorf("port %d has %d claims, and none is left", client, got)
		}
	}
	if got := next.Conflicts.On(&successorKey); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}
