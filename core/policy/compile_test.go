package policy

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

const key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// cluster begins a configuration; %s is further lines of it, with an indent of two.
const cluster = `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "` + key + `"
  %s
listen: {interfaces: [eth0]}
`

const (
	twoNodes   = "nodes: [{name: a, preference: 255}, {name: b}]"
	threeNodes = "nodes: [{name: a, preference: 255}, {name: b}, {name: c, preference: 7}]"
)

const pop1 = `
links:
  - name: pop1
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses:
      - {pool: "2001:db8:1::/64", exclude: ["2001:db8:1::1", "2001:db8:1::100-2001:db8:1::1ff"]}
    prefixes:
      - {pool: "2001:db8:8000::/40", length: 56}
    reservations:
      - {duid: "00:03:00:01:02:00:00:00:00:01", addresses: ["2001:db8:1::10"], prefixes: []}
`

const unique = `
links:
  - name: pop1
    match: {link-addresses: ["2001:db8:1::/64", "2001:db8:2::/64"]}
    addresses:
      - pool: {a: "2001:db8:1::/64", b: "2001:db8:2::/64"}
        exclude: ["2001:db8:2::1"]
    prefixes:
      - {pool: {b: "2001:db8:9000::/40", a: "2001:db8:8000::/40"}, length: 56}
      - {pool: "2001:db8:a000::/40", length: 48}
`

func parse(t testing.TB, text string) *config.Config {
	t.Helper()
	cfg, errs := config.Parse("test.yaml", []byte(text))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return cfg
}

// input is for a node whose keys stand in the configuration.
func input(node string) Input {
	return Input{
		File:       "test.yaml",
		Node:       node,
		Resolve:    func(s config.Secret) ([]byte, error) { return hex.DecodeString(string(s)) },
		SingleDUID: []byte{0, 4, 1},
	}
}

func compile(t testing.TB, text, node string) *Policy {
	t.Helper()
	p, err := Compile(parse(t, text), input(node))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pools lists a link's pools, one a line: ID, own or sibling's, owner, kind, bounds, length.
func pools(p *Policy) (out []string) {
	for _, pool := range p.Pools {
		l := &p.Links[pool.Link]
		role := ""
		for name, list := range map[string][]*Pool{"own": append(append([]*Pool{}, l.Addresses...), l.Prefixes...), "sibling": l.Siblings} {
			for _, other := range list {
				if other == pool {
					role += name
				}
			}
		}
		out = append(out, fmt.Sprintf("%d %s %d %s %v-%v/%d", pool.ID, role, pool.Owner, kindName(pool.Kind),
			netip.AddrFrom16(pool.Range.First()), netip.AddrFrom16(pool.Range.Last()), pool.Range.Length()))
	}
	return out
}

func TestModels(t *testing.T) {
	tests := []struct {
		name, text, node string
		want             []string
		stripes          int
		own              []int
	}{
		{"single", "listen: {interfaces: [eth0]}" + pop1, "", []string{
			"0 own -1 addresses 2001:db8:1::-2001:db8:1:0:ffff:ffff:ffff:ffff/128",
			"1 own -1 prefixes 2001:db8:8000::-2001:db8:80ff:ff00::/56",
		}, 1, []int{0}},
		{"identical, first of two", fmt.Sprintf(cluster, twoNodes) + pop1, "a", []string{
			"0 own -1 addresses 2001:db8:1::-2001:db8:1:0:ffff:ffff:ffff:ffff/128",
			"1 own -1 prefixes 2001:db8:8000::-2001:db8:80ff:ff00::/56",
		}, 2, []int{0}},
		{"identical, third of three", fmt.Sprintf(cluster, threeNodes) + pop1, "c", []string{
			"0 own -1 addresses 2001:db8:1::-2001:db8:1:0:ffff:ffff:ffff:ffff/128",
			"1 own -1 prefixes 2001:db8:8000::-2001:db8:80ff:ff00::/56",
		}, 3, []int{2}},
		{"identical, parts", fmt.Sprintf(cluster, "parts: 4\n  nodes: [{name: a, parts: [3, 1]}, {name: b, parts: [0, 2]}]") + pop1, "a", []string{
			"0 own -1 addresses 2001:db8:1::-2001:db8:1:0:ffff:ffff:ffff:ffff/128",
			"1 own -1 prefixes 2001:db8:8000::-2001:db8:80ff:ff00::/56",
		}, 4, []int{3, 1}},
		{"split, first of two", fmt.Sprintf(cluster, "model: split\n  "+twoNodes) + pop1, "a", []string{
			"0 own 0 addresses 2001:db8:1::-2001:db8:1:0:7fff:ffff:ffff:ffff/128",
			"1 sibling 1 addresses 2001:db8:1:0:8000::-2001:db8:1:0:ffff:ffff:ffff:ffff/128",
			"2 own 0 prefixes 2001:db8:8000::-2001:db8:807f:ff00::/56",
			"3 sibling 1 prefixes 2001:db8:8080::-2001:db8:80ff:ff00::/56",
		}, 1, []int{0}},
		{"split, second of two", fmt.Sprintf(cluster, "model: split\n  "+twoNodes) + pop1, "b", []string{
			"0 sibling 0 addresses 2001:db8:1::-2001:db8:1:0:7fff:ffff:ffff:ffff/128",
			"1 own 1 addresses 2001:db8:1:0:8000::-2001:db8:1:0:ffff:ffff:ffff:ffff/128",
			"2 sibling 0 prefixes 2001:db8:8000::-2001:db8:807f:ff00::/56",
			"3 own 1 prefixes 2001:db8:8080::-2001:db8:80ff:ff00::/56",
		}, 1, []int{0}},
		{"split, a part that is on its way", fmt.Sprintf(cluster, "model: split\n  parts: 4\n  nodes: [{name: a, parts: [0, 3]}, {name: b, parts: [1]}]") + pop1, "a", []string{
			"0 own 0 addresses 2001:db8:1::-2001:db8:1:0:3fff:ffff:ffff:ffff/128",
			"1 sibling 1 addresses 2001:db8:1:0:4000::-2001:db8:1:0:7fff:ffff:ffff:ffff/128",
			"2 sibling -2 addresses 2001:db8:1:0:8000::-2001:db8:1:0:bfff:ffff:ffff:ffff/128",
			"3 own 0 addresses 2001:db8:1:0:c000::-2001:db8:1:0:ffff:ffff:ffff:ffff/128",
			"4 own 0 prefixes 2001:db8:8000::-2001:db8:803f:ff00::/56",
			"5 sibling 1 prefixes 2001:db8:8040::-2001:db8:807f:ff00::/56",
			"6 sibling -2 prefixes 2001:db8:8080::-2001:db8:80bf:ff00::/56",
			"7 own 0 prefixes 2001:db8:80c0::-2001:db8:80ff:ff00::/56",
		}, 1, []int{0}},
		{"unique", fmt.Sprintf(cluster, "model: unique\n  "+twoNodes) + unique, "b", []string{
			"0 sibling 0 addresses 2001:db8:1::-2001:db8:1:0:ffff:ffff:ffff:ffff/128",
			"1 own 1 addresses 2001:db8:2::-2001:db8:2:0:ffff:ffff:ffff:ffff/128",
			"2 sibling 0 prefixes 2001:db8:8000::-2001:db8:80ff:ff00::/56",
			"3 own 1 prefixes 2001:db8:9000::-2001:db8:90ff:ff00::/56",
			"4 own -1 prefixes 2001:db8:a000::-2001:db8:a0ff::/48",
		}, 2, []int{1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, test.text, test.node)
			if diff := cmp.Diff(test.want, pools(p)); diff != "" {
				t.Errorf("pools (-want +got):\n%s", diff)
			}
			if p.Stripes != test.stripes || !cmp.Equal(p.OwnStripes, test.own) {
				t.Errorf("got stripes %v of %d, want %v of %d", p.OwnStripes, p.Stripes, test.own, test.stripes)
			}
			for _, pool := range p.Pools {
				if shared := pool.Owner == Everyone; shared != (pool.Stripes == test.stripes) && test.stripes > 1 {
					t.Errorf("pool %d is dealt into %d stripes", pool.ID, pool.Stripes)
				}
			}
		})
	}
}

// TestPoolsAreTheSameEverywhere: an ID means the same range of the same owner on every node.
func TestPoolsAreTheSameEverywhere(t *testing.T) {
	for _, text := range []string{
		fmt.Sprintf(cluster, threeNodes) + pop1,
		fmt.Sprintf(cluster, "model: split\n  "+threeNodes) + pop1,
		fmt.Sprintf(cluster, "model: unique\n  "+twoNodes) + unique,
	} {
		cfg := parse(t, text)
		var want []string
		for _, node := range cfg.Cluster.Nodes {
			p, err := Compile(cfg, input(node.Name))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range pools(p) {
				got = append(got, strings.NewReplacer(" own ", " ", " sibling ", " ").Replace(line))
			}
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("node %s (-first +got):\n%s", node.Name, diff)
			}
		}
	}
}

func TestNodes(t *testing.T) {
	text := fmt.Sprintf(cluster, `nodes:
    - {name: a, preference: 255, interfaces: {uplink: eth7}, listen: {interfaces: [eth7, eth8]}}
    - {name: b, duid: "00:03:00:01:02:00:00:00:00:99", interfaces: {uplink: eth0}}`) + `
links:
  - {name: lan, match: {interface: uplink}, addresses: [{pool: "2001:db8:1::/64"}]}
`
	for node, want := range map[string]struct {
		interfaces []string
		listen     uint16
		preference uint8
	}{"a": {[]string{"eth7", "eth8"}, 1, 255}, "b": {[]string{"eth0"}, 1, 0}} {
		p := compile(t, text, node)
		if !cmp.Equal(p.Interfaces, want.interfaces) || p.Preference != want.preference {
			t.Errorf("node %s: got interfaces %v and preference %d, want %v and %d", node, p.Interfaces, p.Preference, want.interfaces, want.preference)
		}
		if l := p.SelectLink(&wire.Packet{}, want.listen); l == nil || l.Name != "lan" {
			t.Errorf("node %s: its interface isn't on the link", node)
		}
		if l := p.SelectLink(&wire.Packet{}, 2); l != nil {
			t.Errorf("node %s: another interface is on link %s", node, l.Name)
		}
		derived := address.ServerDUID("5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11", "a")
		if !bytes.Equal(p.Nodes[0].ServerID, derived[:]) {
			t.Errorf("node %s: a's DUID is %x, want %x", node, p.Nodes[0].ServerID, derived)
		}
		if !bytes.Equal(p.Nodes[1].ServerID, []byte("\x00\x03\x00\x01\x02\x00\x00\x00\x00\x99")) {
			t.Errorf("node %s: b's DUID is %x, want the configured one", node, p.Nodes[1].ServerID)
		}
		if self, ok := p.NodeOf(p.ServerID); !ok || p.Nodes[self].Name != node || self != p.Self {
			t.Errorf("node %s takes itself for %d", node, self)
		}
	}
	if _, ok := compile(t, text, "a").NodeOf([]byte("stranger")); ok {
		t.Error("a stranger is taken for a node")
	}
}

func TestSingle(t *testing.T) {
	p := compile(t, "listen: {interfaces: [eth0]}"+pop1, "")
	if !p.Single || !bytes.Equal(p.ServerID, []byte{0, 4, 1}) || len(p.Nodes) != 1 {
		t.Errorf("got single %v, DUID %x, %d nodes", p.Single, p.ServerID, len(p.Nodes))
	}
	p = compile(t, "server: {duid: \"00:04:05\", preference: 9}\nlisten: {interfaces: [eth0]}"+pop1, "")
	if !bytes.Equal(p.ServerID, []byte{0, 4, 5}) || p.Preference != 9 {
		t.Errorf("got DUID %x and preference %d, want what the file says", p.ServerID, p.Preference)
	}
}

// TestRenewCache takes the share of each link's T1; there is none of a T1 that the client chooses, nor of one that never comes.
func TestRenewCache(t *testing.T) {
	for lifetimes, want := range map[string]uint32{
		"{}": 375, "{preferred: 1h, renew: 99}": 24, "{renew: 0, rebind: 0}": 0, "{preferred: infinite}": 0,
	} {
		p := compile(t, "store: {renew-cache: 0.25}\nlisten: {interfaces: [eth0]}\nlifetimes: "+lifetimes+pop1, "")
		if got := p.Links[0].RenewCache; got != want {
			t.Errorf("%s: want %d s, got %d", lifetimes, want, got)
		}
	}
}
