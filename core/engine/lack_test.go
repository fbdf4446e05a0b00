package engine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

const lackLink = `
classes: [{name: members, match: {user-class: m}}]
listen: {interfaces: [eth0]}
relays: {named-pools: {preset: nokia}}
links:
  - name: other
    match: {link-addresses: ["2001:db8:9::/64"]}
  - name: members
    match: {link-addresses: ["2001:db8:8::/64"]}
    addresses: [{pool: "2001:db8:8::/64", classes: members}]
    prefixes: [{pool: "2001:db8:f000::/48", length: 56}]
  - name: closed
    match: {link-addresses: ["2001:db8:7::/64"]}
    classes: members
    addresses: [{pool: "2001:db8:7::/64"}]
  - name: drained
    match: {link-addresses: ["2001:db8:5::/64"]}
    addresses: [{pool: "2001:db8:5::/65", retiring: true}, {pool: "2001:db8:5:0:8000::/65", classes: members}]
  - name: named
    match: {link-addresses: ["2001:db8:6::/48"]}
    addresses: [{pool: "2001:db8:6::/64", name: gold, named-only: true, classes: members}, {pool: "2001:db8:6:1::/64", name: iron, named-only: true}]
    prefixes: [{pool: "2001:db8:6000::/48", length: 56, name: gold}, {pool: "2001:db8:6001::/48", length: 60, name: gold}]
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::8/127"}]
    reservations:
      - {duid: "00:03:00:01:02:00:00:00:00:01", addresses: ["2001:db8:1::10"]}
`

const twoNodes = `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
  nodes: [{name: a}, {name: b}]
`

// onNamed is a Solicit from the link named, whose relay adds Nokia's suboptions, in hex.
func onNamed(ia, suboptions string) string {
	return "solicit\n" + ia + "\nrelay link=2001:db8:6::1 peer=fe80::1 17:0000197f" + suboptions
}

// TestLack: the result says what a reply, or silence, refuses, and why.
func TestLack(t *testing.T) {
	const other = "duid=000300010200000000"
	for _, tt := range []struct {
		name, config, node string
		before             []string // messages that are answered first
		message            string
		status             wire.StatusCode
		lack               engine.Lack
		drop               wire.Drop
		capacity           int
		asked              string // by a relay, in vain
		length             uint8
	}{
		{name: "a lease", message: "solicit\nna=1"},
		{name: "no pool of the kind", message: "solicit\nna=1\npd=2", status: wire.StatusNoPrefixAvail, lack: engine.LackPool},
		{name: "both kinds", message: "solicit\npd=2\nna=1\nrelay link=2001:db8:9::1 peer=fe80::1", status: wire.StatusNoAddrsAvail, lack: engine.LackPool},
		{
			name: "a full pool", before: []string{"request\nserver=ours\nna=1\n" + other + "11", "request\nserver=ours\nna=1\n" + other + "12"},
			message: "request\nserver=ours\nna=1\n" + other + "13", status: wire.StatusNoAddrsAvail, lack: engine.LackFree,
		},
		{
			name: "a reservation beside a full pool",
			before: []string{"request\nserver=ours\nna=1\n" + other + "11", "request\nserver=ours\nna=1\n" + other + "12",
				"request\nserver=ours\nna=1"},
			message: "request\nserver=ours\nna=2", status: wire.StatusNoAddrsAvail, lack: engine.LackReserved,
		},
		{
			name: "a relay port's limit", config: "limits: {leases-per-port: 1}\n",
			before:  []string{"request\nserver=ours\nna=1\n" + other + "11\nrelay link=2001:db8:1::1 peer=fe80::1 18:01"},
			message: "solicit\nna=1\n" + other + "12\nrelay link=2001:db8:1::1 peer=fe80::2 18:01", status: wire.StatusNoAddrsAvail, lack: engine.LackPort,
		},
		{
			name: "a client's limit", config: "limits: {addresses-per-client: 1}\n",
			before:  []string{"request\nserver=ours\nna=1\n" + other + "11"},
			message: "solicit\nna=2\n" + other + "11", status: wire.StatusNoAddrsAvail, lack: engine.LackClient,
		},
		{
			name: "a client's limit is nobody else's, nor a reservation's", config: "limits: {addresses-per-client: 1}\n",
			before:  []string{"request\nserver=ours\nna=1\n" + other + "11", "request\nserver=ours\nna=1\n" + other + "01", "request\nserver=ours\nna=2\n" + other + "01"},
			message: "renew\nserver=ours\nna=1 2001:db8:1::10\n" + other + "01",
		},
		{
			name: "a full table", capacity: 1, before: []string{"request\nserver=ours\nna=1\n" + other + "11"},
			message: "solicit\nna=1\n" + other + "12", status: wire.StatusNoAddrsAvail, lack: engine.LackCapacity,
		},
		{name: "a pool for others", message: "solicit\npd=1\nna=1\nrelay link=2001:db8:8::1 peer=fe80::1", status: wire.StatusNoAddrsAvail, lack: engine.LackClass},
		{name: "a pool for its class", message: "solicit\nna=1\noption=15:00016d\nrelay link=2001:db8:8::1 peer=fe80::1"},
		{name: "a link for others", message: "solicit\nna=1\nrelay link=2001:db8:7::1 peer=fe80::1", status: wire.StatusNoAddrsAvail, lack: engine.LackClass},
		{name: "a retiring pool, and one for others", message: "solicit\nna=1\nrelay link=2001:db8:5::1 peer=fe80::1", status: wire.StatusNoAddrsAvail, lack: engine.LackRetiring},
		{name: "a pool beside a retiring one", message: "solicit\nna=1\noption=15:00016d\nrelay link=2001:db8:5::1 peer=fe80::1"},
		{name: "a name", message: onNamed("na=1", "000100046e6f7065"), status: wire.StatusNoAddrsAvail, lack: engine.LackName, asked: "nope"},
		{name: "a name of prefixes", message: onNamed("pd=1", "000100046e6f7065000200046972676e"), status: wire.StatusNoPrefixAvail, lack: engine.LackName, asked: "irgn"},
		{name: "a length", message: onNamed("pd=1", "00020004676f6c640003000130"), status: wire.StatusNoPrefixAvail, lack: engine.LackLength, asked: "gold", length: 48},
		{name: "no name", message: onNamed("na=1", ""), status: wire.StatusNoAddrsAvail, lack: engine.LackUnnamed},
		{name: "a name of a pool for others", message: onNamed("na=1", "00010004676f6c64"), status: wire.StatusNoAddrsAvail, lack: engine.LackClass},
		{name: "a name and a length that there are", message: onNamed("pd=1", "00020004676f6c64000300013c")},
		{name: "another link", message: "confirm\nna=1 2001:db8:7::1", status: wire.StatusNotOnLink},
		{name: "no such binding", message: "release\nserver=ours\nna=1 2001:db8:1::8", status: wire.StatusNoBinding},
		{name: "of two the worse", message: "request\nserver=ours\nna=1 2001:db8:7::1\npd=2", status: wire.StatusNotOnLink, lack: engine.LackPool},
		{name: "silence where a peer may have one", config: twoNodes, node: "a", message: "solicit\npd=1", drop: wire.DropExhausted, lack: engine.LackPool},
		{
			name: "what was refused before is forgotten", before: []string{"solicit\npd=1"}, message: "solicit\nna=1",
		},
	} {
		capacity := 100
		if tt.capacity > 0 {
			capacity = tt.capacity
		}
		s := sessionOver(t, mustCompile(t, tt.config+lackLink, tt.node), binding.Options{Capacity: capacity})
		var result engine.Result
		for _, text := range append(tt.before, tt.message) {
			m, err := parseMessage(text, s)
			if err != nil {
				t.Fatal(err)
			}
			result = s.handleOne(m.input())
		}
		if a := s.engine.Asker([16]byte{}); string(a.PoolName) != tt.asked || a.Length != tt.length {
			t.Errorf("%s: a relay asks for %q and length %d, want %q and %d", tt.name, a.PoolName, a.Length, tt.asked, tt.length)
		}
		if result.Status != tt.status || result.Lack != tt.lack || result.Drop != tt.drop {
			t.Errorf("%s: status %d, lack %s, drop %s; want %d, %s, %s", tt.name, result.Status, result.Lack, result.Drop, tt.status, tt.lack, tt.drop)
		}
	}
}

// TestLackNames: every lack has a name of its own.
func TestLackNames(t *testing.T) {
	seen := map[string]bool{}
	for l := engine.LackNone; l <= engine.LackCount; l++ {
		if name := l.String(); name == "" || seen[name] {
			t.Errorf("lack %d is called %q", l, name)
		}
		seen[l.String()] = true
	}
}

// TestAsker: who sent a message is known after Handle and after Read, and nothing of the message before.
func TestAsker(t *testing.T) {
	s := sessionOver(t, mustCompile(t, lackLink, ""), binding.Options{Capacity: 10})
	source := [16]byte{0x20, 1, 15: 9}
	relayed, err := parseMessage("solicit\nna=1\nrelay link=:: peer=fe80::7 79:0001020000000007 18:aa\nrelay link=2001:db8:1::1 peer=fe80::8 18:bb", s)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := parseMessage("inform\nnoduid", s)
	if err != nil {
		t.Fatal(err)
	}
	want := engine.Asker{
		DUID: mustHex("00030001020000000001"), LinkLayer: mustHex("0001020000000007"), Peer: [16]byte{0xfe, 0x80, 15: 7},
		LinkAddress: [16]byte{0x20, 1, 0xd, 0xb8, 0, 1, 15: 1}, InterfaceID: []byte{0xaa}, Relayed: true, Link: 5,
	}
	s.handleOne(relayed.input())
	if diff := cmp.Diff(want, s.engine.Asker(source)); diff != "" {
		t.Errorf("after Handle (-want +got):\n%s", diff)
	}
	if got := s.engine.Read(relayed.octets); got != wire.Solicit {
		t.Errorf("read as %s", got)
	}
	want.Link = -1
	if diff := cmp.Diff(want, s.engine.Asker(source)); diff != "" {
		t.Errorf("after Read (-want +got):\n%s", diff)
	}
	for name, octets := range map[string][]byte{"another message": direct.octets, "junk": {1}} {
		s.handleOne(relayed.input())
		s.engine.Read(octets)
		if diff := cmp.Diff(engine.Asker{Peer: source, Link: -1}, s.engine.Asker(source)); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", name, diff)
		}
	}
}
