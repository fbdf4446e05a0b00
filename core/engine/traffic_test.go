package engine_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// access is an access network as providers have it: addresses, prefixes with an excluded one, options, reservations.
const access = `
listen: {interfaces: [eth0]}
options:
  dns-servers: ["2001:db8::53", "2001:db8::54"]
  domain-search: [example.net]
  ntp-servers: ["2001:db8::123"]
  sol-max-rt: 1h
relays: {supplied-options: [65]}
links:
  - name: pop
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64", exclude: ["2001:db8:1::1"]}]
    prefixes: [{pool: "2001:db8:8000::/36", length: 56, excluded-prefix: {length: 64, id: 0}}]
    reservations:
      - {remote-id: line-7, addresses: ["2001:db8:1::7"]}
      - {hardware: "02:00:00:00:00:99", addresses: ["2001:db8:1::99"]}
`

// classes are 20 of them before access's links. A subscriber is in the last one, which has lifetimes and options; its pools are for
// members of that one and of one that it isn't in.
func classes() string {
	var b strings.Builder
	b.WriteString("classes:\n")
	for i, match := range []string{
		`{vendor-class: {enterprise: 4491, starts: docsis}}`, `{vendor-class: [MSFT 5.0, PXEClient]}`, `{user-class: iPXE}`, `{architecture: [7, 9, 16]}`,
		`{hardware-address: {starts: ["02:00:5e", "02:00:5f", "02:11"]}}`, `{duid: {type: [en, uuid]}}`, `{duid: {starts: "00:02:00:00:11:8b"}}`,
		`{remote-id: {starts: [biz-, gov-]}}`, `{subscriber-id: {starts: gold-}}`, `{interface-id: {contains: uplink}}`,
		`{relay-id: "00:03:00:01:02:00:00:00:00:78"}`, `{enterprise: 4491}`, `{option: {code: 60001}}`, `{option: {code: 39, present: false}, reserved: true}`,
		`{relay-option: {code: 17, contains: gold}}`, `{vendor-option: {enterprise: 4491, code: 2, equals: ECM}}`, `{requests: boot-file-url}`,
		`[{class: c1}, {class: [c2, c3]}]`, `{not: {enterprise: 7657}}`, `{enterprise: 7657, not: {class: [c0, c11]}}`,
	} {
		fmt.Fprintf(&b, "  - {name: c%d, match: %s, lifetimes: {preferred: 1h, valid: 2h}, options: {dns-servers: [\"2001:db8::%x\"]}}\n", i, match, i)
	}
	pools := strings.NewReplacer(`exclude: ["2001:db8:1::1"]`, `exclude: ["2001:db8:1::1"], classes: [c0, c19]`, "length: 56,", "length: 56, classes: [c0, c19],")
	return b.String() + pools.Replace(access)
}

// calledPools is access with pools that a subscriber's relay names by its Remote-ID, on a link that is found by the Relay-ID.
func calledPools() string {
	return strings.NewReplacer(
		"supplied-options: [65]", "supplied-options: [65], named-pools: {preset: nokia, options: [{option: remote-id, enterprise: 9}]}",
		"match: {link", "match: {relay-ids: [\"00:03:00:01:02:00:00:00:00:77\"], pool-names: line-42, link",
		`exclude: ["2001:db8:1::1"]`, `exclude: ["2001:db8:1::1"], name: line-42, named-only: true`, "length: 56,", "length: 56, name: line-42, named-only: true,",
	).Replace(access)
}

// A subscriber has a relayed message of each type, as a gateway behind two relays sends it: for an address and a prefix,
// with the usual options, naming the leases that it has.
type subscriber struct {
	messages map[string][]byte
}

// exchanges are the messages in an order that a client can send them in.
var exchanges = []string{"Solicit", "Request", "Renew", "Rebind", "Release", "Information-request"}

const subscriberHead = `
oro=23,24,56,67,82,65
elapsed=0
option=16:00001de90004aabbccdd
relay link=:: peer=fe80::2 18:6765302f302f31 37:000000096c696e652d3432 79:0001020000000001
relay link=2001:db8:1::1 peer=2001:db8:1::2 18:766c616e313031 66:0041000401610000 53:00030001020000000077
`

func subscriberOf(t testing.TB, s *session, duid string) *subscriber {
	t.Helper()
	return subscriberWith(t, s, "duid="+duid+subscriberHead)
}

// named is what makes access and threeNodes keep names.
const named = `
dns:
  domain: clients.example.net
  generate: missing
  zones: [{zone: example.net, servers: ["::1"]}]
`

// namedSubscriber says what it is called, and asks what it is.
func namedSubscriber(t testing.TB, s *session, duid string) *subscriber {
	t.Helper()
	return subscriberWith(t, s, "duid="+duid+"\nfqdn=S Laptop"+strings.Replace(subscriberHead, "oro=", "oro=39,", 1))
}

func subscriberWith(t testing.TB, s *session, head string) *subscriber {
	t.Helper()
	build := func(text string) []byte {
		m, err := parseMessage(text+head, s)
		if err != nil {
			t.Fatal(err)
		}
		return m.octets
	}
	result := s.handleOne(relayedInput(build("request\nserver=ours\nna=1\npd=1\n")))
	leases := leasesOf(t, result.Reply)
	if len(leases) != 2 {
		t.Fatalf("got %v", leases)
	}
	has := "na=1 " + netip.AddrFrom16(leases[0].key.Address).String() + "\npd=1 " +
		netip.PrefixFrom(netip.AddrFrom16(leases[1].key.Address), int(leases[1].key.Length)).String() + "\n"
	return &subscriber{map[string][]byte{
		"Solicit":             build("solicit\nrapid\nna=1\npd=1 ::/56\n"),
		"Request":             build("request\nserver=ours\n" + has),
		"Renew":               build("renew\nserver=ours\n" + has),
		"Rebind":              build("rebind\n" + has),
		"Confirm":             build("confirm\n" + has),
		"Release":             build("release\nserver=ours\n" + has),
		"Decline":             build("decline\nserver=ours\n" + has),
		"Information-request": build("inform\n"),
	}}
}

func relayedInput(message []byte) *engine.Input {
	return &engine.Input{Data: message, Source: netip.MustParseAddr("2001:db8:1::2").As16(), SourcePort: wire.ServerPort}
}

func accessSession(t testing.TB) *session {
	t.Helper()
	return sessionOver(t, mustCompile(t, access, ""), binding.Options{Capacity: 200_000})
}

// A loop handles messages as a worker does, in batches, with buffers of its own that are used again.
type loop struct {
	session *session
	reply   []byte
	changes []byte
	input   engine.Input
	n       uint64
	writer  int
}

func newLoop(s *session) *loop {
	return &loop{session: s, reply: make([]byte, 0, engine.MaxReply), changes: make([]byte, 0, 1<<16), n: s.sequence, writer: 1}
}

// relay handles a relayed message.
func (l *loop) relay(message []byte) engine.Result {
	l.input = engine.Input{Data: message, Source: [16]byte{0x20, 1, 0x0d, 0xb8, 15: 2}, SourcePort: wire.ServerPort}
	return l.handle(&l.input)
}

func (l *loop) handle(in *engine.Input) engine.Result {
	l.n++
	s := l.session
	mark := engine.NewMark(l.writer, l.n)
	s.engine.Begin(s.site, s.now.Moment(), mark, true, l.changes[:0])
	result := s.engine.Handle(in, l.reply)
	s.engine.End()
	s.marks.Settle(mark)
	return result
}

// clientIDAt is the place of the DUID in a relayed message, to make another client of it.
func clientIDAt(t testing.TB, message []byte) []byte {
	t.Helper()
	var p wire.Packet
	if drop := p.Parse(message); drop != wire.DropNone {
		t.Fatal(drop)
	}
	return p.Message.ClientID
}
