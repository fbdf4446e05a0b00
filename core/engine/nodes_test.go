package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// cluster is three nodes; %s is the model.
const cluster = `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
  model: %s
  nodes: [{name: a, preference: 255}, {name: b}, {name: c, preference: 7}]
listen: {interfaces: [eth0]}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}, {pool: "2001:db8:2::/64", exclude: ["2001:db8:2::/72"]}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}, {pool: "2001:db8:9000::/36", length: 60}]
`

func nodesOf(t testing.TB, model string) (out []*session) {
	t.Helper()
	for _, name := range []string{"a", "b", "c"} {
		out = append(out, sessionOver(t, mustCompile(t, fmt.Sprintf(cluster, model), name), binding.Options{Capacity: 1000}))
	}
	return out
}

// freshSolicit is the Solicit of a client that nobody knows, for an address and a prefix.
func freshSolicit(rng *rand.Rand) []byte {
	m := wire.AppendHeader(nil, wire.Solicit, [3]byte{1, 2, 3})
	duid := []byte{0, 4}
	for range 16 {
		duid = append(duid, byte(rng.Uint32()))
	}
	m = wire.AppendOption(m, wire.OptionClientID, duid)
	for _, kind := range []wire.Kind{wire.IANA, wire.IAPD} {
		var mark int
		m, mark = wire.OpenIA(m, kind, rng.Uint32())
		m = wire.CloseOption(m, mark)
	}
	return m
}

// TestNodesAgree: in the identical model all nodes offer a client that nobody knows the same leases.
func TestNodesAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	nodes := nodesOf(t, "identical")
	pools := make(map[int]int)
	for range 500 {
		message := freshSolicit(rng)
		var want []lease
		for i, node := range nodes {
			got := leasesOf(t, node.handleOne(directInput(message)).Reply)
			if i == 0 {
				want = got
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(lease{})); diff != "" || len(got) != 2 {
				t.Fatalf("%x: node %d differs (-first +got):\n%s", message, i, diff)
			}
			for _, l := range got {
				pools[poolID(nodes[0].site.Policy, &l)]++
			}
		}
	}
	if len(pools) != 4 {
		t.Errorf("leases come from pools %v, want all four", pools)
	}
}

func poolID(p *policy.Policy, l *lease) int {
	return p.PoolOf(l.kind, &l.key.Address, l.key.Length).ID
}

// TestNodesDivide: in the split model each node offers from its own parts only.
func TestNodesDivide(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	nodes := nodesOf(t, "split")
	for range 500 {
		message := freshSolicit(rng)
		for i, node := range nodes {
			for _, l := range leasesOf(t, node.handleOne(directInput(message)).Reply) {
				if owner := node.site.Policy.PoolOf(l.kind, &l.key.Address, l.key.Length).Owner; owner != i {
					t.Fatalf("%x: node %d offers %v, which is node %d's", message, i, l.key, owner)
				}
			}
		}
	}
}
