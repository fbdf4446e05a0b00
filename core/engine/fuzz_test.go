package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// golden are good messages: those of a subscriber behind relays, and all that scripts send, relayed and direct.
func golden(t testing.TB, s *session) [][]byte {
	t.Helper()
	c := subscriberOf(t, s, "00030001020000000001")
	var out [][]byte
	for _, name := range append([]string{"Confirm", "Decline"}, exchanges...) {
		out = append(out, c.messages[name])
	}
	return out
}

// scripted are the messages in the scripts.
func scripted(t *testing.F, s *session) (out [][]byte) {
	files, err := filepath.Glob("testdata/scripts/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for block := range strings.SplitSeq(string(text), "\n\n") {
			if !strings.HasPrefix(block, "send") {
				continue
			}
			_, body, _ := strings.Cut(block, "\n")
			body, _, _ = strings.Cut(body, "\n----")
			if m, err := parseMessage(body, s); err == nil && len(m.octets) < 1000 {
				out = append(out, m.octets)
			}
		}
	}
	return out
}

// TestForeignScript: a script of a cluster that has other nodes gives no seed, and is no reason to panic.
func TestForeignScript(t *testing.T) {
	s := sessionOver(t, mustCompile(t, named+threeNodes, "a"), binding.Options{Capacity: 1000})
	if _, err := parseMessage("request\nserver=d\nna=1", s); err == nil {
		t.Error("a message to node d of a cluster of a, b and c is made")
	}
	for _, name := range []string{"a", "b", "c", "ours", "00030001020000000099"} {
		if _, err := parseMessage("request\nna=1\nserver="+name, s); err != nil {
			t.Errorf("to %s: %v", name, err)
		}
	}
}

// checkOne handles octets and checks that they are answered, by the rules for all replies, or dropped for a reason.
func checkOne(s *session, in *engine.Input) (engine.Result, error) {
	result := s.handleOne(in)
	switch {
	case result.Drop == wire.DropNone && len(result.Reply) > engine.MaxReply:
		return result, fmt.Errorf("a reply of %d octets", len(result.Reply))
	case result.Drop == wire.DropNone && !readable(in.Data):
		// A Client Identifier is opaque to us (RFC 9915, Section 11), and so is what relays want echoed. The library
		// looks into them; what it refuses there it would refuse in the reply.
		return result, nil
	case result.Drop == wire.DropNone:
		return result, checkReply(in.Data, result.Reply, s.site.Policy.ServerID)
	case result.Drop >= wire.DropCount:
		return result, fmt.Errorf("dropped as %s", result.Drop)
	case result.Reply != nil:
		return result, fmt.Errorf("dropped as %s, and answered by %x", result.Drop, result.Reply)
	case result.Drop == wire.DropContended || result.Drop == wire.DropTableFull:
		return result, fmt.Errorf("dropped as %s by a single worker with a roomy table", result.Drop)
	}
	return result, nil
}

func readable(message []byte) bool {
	_, err := dhcpv6.FromBytes(message)
	return err == nil
}

// threeNodes is a cluster with addresses and few prefixes.
const threeNodes = `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
  nodes: [{name: a, preference: 255}, {name: b}, {name: c}]
listen: {interfaces: [eth0]}
limits: {leases-per-port: 4}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/48", length: 56}]
`

// FuzzHandle sends octets to an engine that has bindings: directly, and through a relay that we know. It must not panic,
// must not answer without need, and must keep the rules. What it is sent lasts: later messages meet the bindings.
func FuzzHandle(f *testing.F) {
	s := sessionOver(f, mustCompile(f, named+access, ""), binding.Options{Capacity: 200_000})
	direct := sessionOver(f, mustCompile(f, crowded[0], ""), binding.Options{Capacity: 100_000})
	cluster := sessionOver(f, mustCompile(f, named+threeNodes, "a"), binding.Options{Capacity: 100_000})
	for _, m := range append(golden(f, s), scripted(f, cluster)...) {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		if len(octets) > 9216 {
			return
		}
		for _, in := range []*engine.Input{
			directInput(octets), relayedInput(octets),
			relayedInput(relayed(octets, 0, []string{"link=2001:db8:1::1"})),
		} {
			for _, at := range []*session{s, direct, cluster} {
				if _, err := checkOne(at, in); err != nil {
					t.Errorf("%x: %v", in.Data, err)
				}
			}
		}
	})
}

// A sample is a good message as it comes to an engine that answers it.
type sample struct {
	at *session
	in *engine.Input
}

// samples are good messages of all types that clients send: of a subscriber behind relays, and of a client on the link, which registers an address too.
func samples(t testing.TB) (all []sample) {
	t.Helper()
	access := accessSession(t)
	for _, m := range golden(t, access) {
		all = append(all, sample{access, relayedInput(m)})
	}
	lan := sessionOver(t, mustCompile(t, registering, ""), binding.Options{Capacity: 100_000})
	for _, text := range []string{
		"solicit\nrapid\nna=1\noro=23,24", "request\nserver=ours\nna=1 2001:db8:1::9", "confirm\nna=1 2001:db8:1::9",
		"renew\nserver=ours\nna=1 2001:db8:1::9", "rebind\nna=1 2001:db8:1::9", "inform\noro=23,24",
		"release\nserver=ours\nna=1 2001:db8:1::9", "decline\nserver=ours\nna=1 2001:db8:1::9",
		"register\nfrom=2001:db8:1::aaaa\nia=2001:db8:1::aaaa,1800,3600",
	} {
		m, err := parseMessage(text, lan)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sample{lan, m.input()})
	}
	for _, s := range all {
		if result := s.at.handleOne(s.in); result.Drop != wire.DropNone {
			t.Fatalf("%x is dropped: %s", s.in.Data, result.Drop)
		}
	}
	return all
}

// with is the sample's input with other octets.
func (s *sample) with(octets []byte) *engine.Input {
	in := *s.in
	in.Data = octets
	return &in
}

// TestEveryPrefix: each truncation of a good message is dropped for a reason, or answered where an option of the client's message ends.
func TestEveryPrefix(t *testing.T) {
	for _, s := range samples(t) {
		m := s.in.Data
		for end := range len(m) {
			result, err := checkOne(s.at, s.with(m[:end]))
			if err != nil {
				t.Fatalf("%x: %v", m[:end], err)
			}
			if result.Drop == wire.DropNone && (wire.MessageType(m[0]) == wire.RelayForward || !wire.WellFramed(m[4:end])) {
				t.Errorf("%x of %x is answered", m[:end], m)
			}
		}
	}
}

// TestEveryOctet: each octet of a good message is set to each other value. Whatever becomes of it, it is answered or
// dropped for a reason.
func TestEveryOctet(t *testing.T) {
	answered, dropped, step := 0, 0, 1
	if testing.Short() || raceDetector {
		step = 37
	}
	for _, s := range samples(t) {
		m := s.in.Data
		for i := range m {
			good := m[i]
			for change := step; change < 256; change += step {
				m[i] = good ^ byte(change)
				result, err := checkOne(s.at, s.in)
				if err != nil {
					t.Fatalf("%x: %v", m, err)
				}
				if result.Drop == wire.DropNone {
					answered++
				} else {
					dropped++
				}
			}
			m[i] = good
		}
	}
	if answered == 0 || dropped == 0 {
		t.Errorf("%d answered, %d dropped", answered, dropped)
	}
}
