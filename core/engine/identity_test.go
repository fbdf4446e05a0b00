package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// identified is a cluster whose links know clients by each of the ways.
const identified = `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
  nodes: [{name: a, preference: 255}, {name: b}]
listen: {interfaces: [eth0]}
links:
  - {name: rank, identity: duid-rank, match: {link-addresses: ["2001:db8:1::/64"]}, addresses: [{pool: "2001:db8:1::/64"}]}
  - {name: hardware, identity: hardware-address, match: {link-addresses: ["2001:db8:2::/64"]}, addresses: [{pool: "2001:db8:2::/64"}]}
  - {name: port, identity: relay-port, match: {link-addresses: ["2001:db8:3::/64"]}, addresses: [{pool: "2001:db8:3::/64"}]}
`

// A machine boots in stages: each with a DUID, or IAIDs, of its own.
type machine struct {
	number, link int
	stage        int
	server       string    // of the present stage
	holds        [2]string // by IA: the address that its present stage holds; empty: none
}

// message is one of the machine's, in which it names what it holds, or names.
func (m *machine) message(kind, server string, ias []int, names *[2]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", kind)
	if server != "" {
		fmt.Fprintf(&b, "server=%s\n", server)
	}
	duid, iaid := fmt.Sprintf("0004%030x%02x", m.number, m.stage), 10*m.stage
	if m.link == 1 {
		duid = fmt.Sprintf("0004%032x", m.number) // of the DUID only the rank is known
	}
	fmt.Fprintf(&b, "duid=%s\n", duid)
	for _, i := range ias {
		fmt.Fprintf(&b, "na=%d %s\n", iaid+i, names[i])
	}
	fmt.Fprintf(&b, "relay link=2001:db8:%d::1 79:000102000000%04x 37:00000009%08x\n", m.link, m.number, m.number)
	return b.String()
}

// TestIdentityIsTheSameOnAllNodes has machines boot through their stages, with two IAs each, at two nodes that both hear each message.
// Through all of that a machine has one address for each of its IAs, no two machines have the same, and both nodes' tables say the
// same of whose each lease is.
func TestIdentityIsTheSameOnAllNodes(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 15))
		nodes := map[string]*session{}
		for _, name := range []string{"a", "b"} {
			nodes[name] = sessionOver(t, mustCompile(t, identified, name), binding.Options{Capacity: 1000})
		}
		var machines []*machine
		for n := range 12 {
			machines = append(machines, &machine{number: n + 1, link: 1 + n%3})
		}
		addresses := make(map[string]string) // by machine and IA
		for range 400 {
			m := machines[rng.IntN(len(machines))]
			m.live(t, rng, nodes, addresses)
			for _, s := range nodes {
				s.now += binding.Time(rng.IntN(60))
			}
			nodes["a"].now = nodes["b"].now
		}
		if a, b := whose(nodes["a"]), whose(nodes["b"]); a != b || len(addresses) != 24 {
			t.Fatalf("seed %d: %d addresses, and the nodes know of\n%s\n%s", seed, len(addresses), a, b)
		}
		seen := make(map[string]string)
		for who, address := range addresses {
			if seen[address] != "" {
				t.Errorf("seed %d: %s and %s have %s", seed, who, seen[address], address)
			}
			seen[address] = who
		}
	}
}

// live lets a machine do something: boot into the next stage, or renew all or some of what it holds, or give that up.
func (m *machine) live(t *testing.T, rng *rand.Rand, nodes map[string]*session, addresses map[string]string) {
	t.Helper()
	ias := []int{0, 1}
	if rng.IntN(2) == 0 {
		ias = []int{1, 0}
	}
	holds := m.holds[0] != ""
	switch {
	case !holds || rng.IntN(3) == 0:
		m.stage, m.server, m.holds = m.stage+1, []string{"a", "b"}[rng.IntN(2)], [2]string{}
		offered := m.named(t, nodes, m.message("solicit", "", ias, &m.holds), ias)
		m.holds = m.named(t, nodes, m.message("request", m.server, ias, &offered), ias)
	case rng.IntN(4) == 0:
		m.named(t, nodes, m.message("release", m.server, ias, &m.holds), nil)
		m.holds = [2]string{}
		return
	default:
		ias = ias[:1+rng.IntN(2)]
		got := m.named(t, nodes, m.message("renew", m.server, ias, &m.holds), ias)
		for _, i := range ias {
			m.holds[i] = got[i]
		}
	}
	for i, address := range m.holds {
		who := fmt.Sprintf("machine %d IA %d", m.number, i)
		if was := addresses[who]; was != "" && was != address {
			t.Errorf("%s in stage %d had %s and has %s", who, m.stage, was, address)
		}
		addresses[who] = address
	}
}

// named sends a message to both nodes, of which one answers, and returns the address of each IA of the reply.
func (m *machine) named(t *testing.T, nodes map[string]*session, text string, ias []int) (got [2]string) {
	t.Helper()
	for name, s := range nodes {
		message, err := parseMessage(text, s)
		if err != nil {
			t.Fatal(err)
		}
		result := s.handleOne(message.input())
		s.settle()
		if name != m.server {
			continue
		}
		leases := leasesOf(t, result.Reply)
		if result.Drop != wire.DropNone || len(leases) != len(ias) {
			t.Fatalf("%s\n%s, %d leases", text, result.Drop, len(leases))
		}
		for k, i := range ias {
			got[i] = netip.AddrFrom16(leases[k].key.Address).String()
		}
	}
	return got
}

// whose says whose the leases are that a node knows of. Whether one was released only the node that granted it knows for certain.
func whose(s *session) string {
	var lines []string
	s.records(func(r *binding.Record) {
		key, id := r.Key(), r.Identity()
		lines = append(lines, fmt.Sprintf("%s: %x %d, lastly %x %d\n", netip.AddrFrom16(key.Address), id.DUID, id.IAID, r.DUID(), r.IAID()))
	})
	return sorted(lines)
}
