package engine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

const lackLink = `
listen: {interfaces: [eth0]}
links:
  - name: other
    match: {link-addresses: ["2001:db8:9::/64"]}
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
			name: "a full table", capacity: 1, before: []string{"request\nserver=ours\nna=1\n" + other + "11"},
			message: "solicit\nna=1\n" + other + "12", status: wire.StatusNoAddrsAvail, lack: engine.LackCapacity,
		},
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
		LinkAddress: [16]byte{0x20, 1, 0xd, 0xb8, 0, 1, 15: 1}, InterfaceID: []byte{0xaa}, Relayed: true, Link: 1,
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
