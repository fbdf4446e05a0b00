package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
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

// TestNodesAgreeOnClasses: of the pools that a client may use all nodes choose the same one, and it is the one that the client gets from
// them where no pool has classes, if it may use that.
func TestNodesAgreeOnClasses(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	plain := fmt.Sprintf(cluster, "identical")
	text := "classes:\n  - {name: odd, match: {user-class: odd}}\n  - {name: late, match: {option: {code: 60001}}}\n" + strings.NewReplacer(
		`{pool: "2001:db8:2::/64",`, `{pool: "2001:db8:2::/64", classes: [odd, late],`, `"2001:db8:9000::/36",`, `"2001:db8:9000::/36", except-classes: odd,`,
	).Replace(plain)
	without := sessionOver(t, mustCompile(t, plain, "b"), binding.Options{Capacity: 1000})
	var nodes []*session
	for _, name := range []string{"a", "b", "c"} {
		nodes = append(nodes, sessionOver(t, mustCompile(t, text, name), binding.Options{Capacity: 1000}))
	}
	moved := 0
	for range 500 {
		message := freshSolicit(rng)
		odd, late := rng.IntN(2) == 1, rng.IntN(4) == 0
		if odd {
			message = wire.AppendOption(message, wire.OptionUserClass, []byte("\x00\x03odd"))
		}
		if late {
			message = wire.AppendOption(message, 60001, nil)
		}
		admits := func(pool int) bool { return pool != 1 && pool != 3 || pool == 1 && (odd || late) || pool == 3 && !odd }
		free := leasesOf(t, without.handleOne(directInput(message)).Reply)
		var want []lease
		for i, node := range nodes {
			got := leasesOf(t, node.handleOne(directInput(message)).Reply)
			if i == 0 {
				want = got
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(lease{})); diff != "" || len(got) != 2 {
				t.Fatalf("%x: node %d differs (-first +got):\n%s", message, i, diff)
			}
			for k := range got {
				p := nodes[0].site.Policy
				switch {
				case !admits(poolID(p, &got[k])):
					t.Fatalf("%x: %v isn't for the client", message, got[k].key)
				case got[k] != free[k] && admits(poolID(p, &free[k])):
					t.Fatalf("%x: %v, and without classes %v", message, got[k].key, free[k].key)
				case got[k] != free[k]:
					moved++
				}
			}
		}
	}
	if moved == 0 {
		t.Error("classes moved nobody")
	}
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
