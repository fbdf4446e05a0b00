package engine_test

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// keyed is a cluster whose key a test replaces.
const keyed = `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: %s
  model: identical
  nodes: [{name: a, preference: 255}, {name: b}]
listen: {interfaces: [eth0]}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}]
`

// The steps of docs/changing-the-cluster.md, "A new key": what stands behind key in every node's file.
var (
	oldKey   = `"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"`
	newKey   = `"f102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"`
	keySteps = []string{
		oldKey,
		"{use: " + oldKey + ", accept: [" + newKey + "]}",
		"{use: " + newKey + ", accept: [" + oldKey + "]}",
		newKey,
	}
)

// withKey is the policy of a node whose file has these keys.
func withKey(t *testing.T, key, node string) *policy.Policy {
	t.Helper()
	c, faults := config.Parse("key.yaml", fmt.Appendf(nil, keyed, key))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, err := policy.Compile(c, policy.Input{Node: node, Resolve: func(s config.Secret) ([]byte, error) { return hex.DecodeString(string(s)) }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask sends a client's message to a node, and returns the address that it is told with a lifetime; none where it isn't told one.
func (s *session) ask(t *testing.T, text string) netip.Addr {
	t.Helper()
	m, err := parseMessage(text, s)
	if err != nil {
		t.Fatal(err)
	}
	result := s.handleOne(directInput(m.octets))
	if result.Drop != wire.DropNone {
		return netip.Addr{}
	}
	for _, l := range leasesOf(t, result.Reply) {
		return netip.AddrFrom16(l.key.Address)
	}
	return netip.Addr{}
}

// changeKey takes two nodes through steps, the second one after the first one each time. Whenever either has changed, a client begins at each, and
// turns to the other, which heard nothing of it, with a Rebind. It returns how many didn't keep their address there, and how many of all
// clients didn't keep it at the node that had granted it, at the end.
func changeKey(t *testing.T, steps []string) (lost, renumbered int) {
	t.Helper()
	nodes := []*session{
		sessionOver(t, withKey(t, steps[0], "a"), binding.Options{Capacity: 1000}),
		sessionOver(t, withKey(t, steps[0], "b"), binding.Options{Capacity: 1000}),
	}
	var duids []string
	held := make(map[string]netip.Addr)
	begin := func() {
		for i, node := range nodes {
			duid := fmt.Sprintf("duid=00030001%012x", len(duids)+1)
			address := node.ask(t, "request\nserver=ours\n"+duid+"\nna=1")
			if !address.IsValid() {
				t.Fatalf("node %d: client %d gets no address", i, len(duids))
			}
			duids, held[duid] = append(duids, duid), address
			if got := nodes[1-i].ask(t, fmt.Sprintf("rebind\nelapsed=6000\n%s\nna=1 %s", duid, address)); got != address {
				lost++
			}
		}
	}
	begin()
	for step := 1; step < len(steps); step++ {
		for i, name := range []string{"a", "b"} {
			nodes[i].install(t, withKey(t, steps[step], name))
			begin()
		}
	}
	for i, duid := range duids {
		if got := nodes[i%2].ask(t, fmt.Sprintf("renew\nserver=ours\n%s\nna=1 %s", duid, held[duid])); got != held[duid] {
			renumbered++
		}
	}
	return lost, renumbered
}

// TestKeyIsChanged: a cluster's key is changed node by node, with new clients all the while: each keeps its address at whichever node it
// turns to, though that has only the keys to know it by, and none is renumbered. The test would notice: without the first step nodes don't
// know each other's clients.
func TestKeyIsChanged(t *testing.T) {
	if lost, renumbered := changeKey(t, keySteps); lost != 0 || renumbered != 0 {
		t.Errorf("%d clients weren't known at the other node, %d were renumbered", lost, renumbered)
	}
	if lost, renumbered := changeKey(t, []string{oldKey, newKey}); lost == 0 || renumbered != 0 {
		t.Errorf("without accepting: %d clients weren't known at the other node, %d were renumbered", lost, renumbered)
	}
}
