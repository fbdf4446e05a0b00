package sim

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// The simulator's clients are what nodes are judged by, so they have rules to keep themselves. These are looked at here, with
// answers that no node made.

// newCustomer is a client for an address and a prefix on the link itself, without habits.
func newCustomer(t *testing.T) *client {
	t.Helper()
	s := newScene(t, func(*Options) {})
	c := s.newClient(7, false)
	c.port = s.connect(c, onLink)
	c.rapid, c.picky, c.names = false, false, true
	c.ias = []clientIA{{kind: wire.IANA, iaid: 1}, {kind: wire.IAPD, iaid: 2}}
	return c
}

var (
	ownAddress = binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 15: 7}, Length: 128}
	ownPrefix  = binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, 1, 0, 0x10}, Length: prefixLength}
	server     = []byte{0, 3, 0, 1, 'a'}
)

// says is a part of an answer.
type says func(b []byte) []byte

func preference(p uint8) says {
	return func(b []byte) []byte { return wire.AppendUint8Option(b, wire.OptionPreference, p) }
}

func gives(kind wire.Kind, iaid, valid uint32, keys ...binding.Key) says {
	return func(b []byte) []byte {
		b, mark := wire.OpenIA(b, kind, iaid)
		wire.SetTimes(b, mark, 100, 160)
		for _, k := range keys {
			if kind == wire.IANA {
				b = wire.AppendIAAddress(b, &k.Address, valid/2, valid)
			} else {
				b = wire.AppendIAPrefix(b, &k.Address, k.Length, valid/2, valid, nil)
			}
		}
		return wire.CloseOption(b, mark)
	}
}

func denies(kind wire.Kind, iaid uint32, code wire.StatusCode) says {
	return func(b []byte) []byte {
		b, mark := wire.OpenIA(b, kind, iaid)
		return wire.CloseOption(wire.AppendStatus(b, code, ""), mark)
	}
}

func status(code wire.StatusCode) says {
	return func(b []byte) []byte { return wire.AppendStatus(b, code, "") }
}

var all = []says{gives(wire.IANA, 1, 200, ownAddress), gives(wire.IAPD, 2, 200, ownPrefix)}

// hears lets an answer to the exchange at hand arrive.
func (c *client) hears(kind wire.MessageType, parts ...says) {
	c.hearsAs(kind, c.exchange.xid, c.duid, server, parts...)
}

func (c *client) hearsAs(kind wire.MessageType, xid [3]byte, duid, from []byte, parts ...says) {
	b := wire.AppendHeader(nil, kind, xid)
	b = wire.AppendOption(b, wire.OptionClientID, duid)
	if from != nil {
		b = wire.AppendOption(b, wire.OptionServerID, from)
	}
	for _, part := range parts {
		b = part(b)
	}
	r := &reply{node: c.nodes[0], to: &datagram{duid: string(c.duid)}, decided: c.now, answer: readAnswer(b)}
	c.receive(r, b)
}

// holds gives the client what all gives.
func (c *client) holds() {
	c.server = server
	c.begin(wire.Request, schedules[wire.Request])
	c.hears(wire.Reply, all...)
}

func wantKind(t *testing.T, c *client, what string, want wire.MessageType) {
	t.Helper()
	if c.exchange.kind != want {
		t.Fatalf("%s: the client is at %v, want %v", what, c.exchange.kind, want)
	}
}

// RFC 9915, Sections 18.2.1 and 18.2.9: how a client chooses among Advertises.
func TestClientChooses(t *testing.T) {
	c := newCustomer(t)
	for range 50 {
		c.begin(wire.Solicit, schedules[wire.Solicit])
		if rt := c.exchange.rt; rt <= 1000 || rt > 1100 {
			t.Fatalf("the first RT is %d ms", rt)
		}
	}
	c.hears(wire.Advertise, append(all, preference(1))...)
	c.hearsAs(wire.Advertise, c.exchange.xid, c.duid, []byte{0, 3, 0, 1, 'b'}, append(all, preference(9))...)
	c.hears(wire.Advertise, denies(wire.IANA, 1, wire.StatusNoAddrsAvail), preference(255))
	wantKind(t, c, "preferences below 255, and 255 without any lease", wire.Solicit)
	c.unanswered()
	wantKind(t, c, "the first RT is over", wire.Request)
	if string(c.server) != "\x00\x03\x00\x01b" {
		t.Errorf("server %x was chosen, not the one of the highest preference", c.server)
	}
	c.begin(wire.Solicit, schedules[wire.Solicit])
	c.hears(wire.Advertise, append(all, preference(255))...)
	wantKind(t, c, "a preference of 255", wire.Request)
	c.adverts = nil
	c.begin(wire.Solicit, schedules[wire.Solicit])
	c.unanswered()
	wantKind(t, c, "nobody has answered", wire.Solicit)
	c.hears(wire.Advertise, all...)
	wantKind(t, c, "the first Advertise behind the first RT", wire.Request)
}

// RFC 9915, Sections 7.6, 15, 18.2.2, 18.2.4 and 18.2.5: how often a client asks, and what it does then.
func TestClientRetransmits(t *testing.T) {
	c := newCustomer(t)
	c.begin(wire.Request, schedules[wire.Request])
	for nominal, sent := int64(1000), 1; sent < 10; sent++ {
		if rt := c.exchange.rt; rt < nominal*9/10 || rt > nominal*11/10 || rt > 33_000 {
			t.Errorf("RT %d of the Request is %d ms", sent, rt)
		}
		nominal = min(2*c.exchange.rt, 30_000)
		c.unanswered()
		wantKind(t, c, "a Request", wire.Request)
	}
	c.unanswered()
	wantKind(t, c, "ten Requests without answer", 0)

	c.holds()
	c.now = c.t1
	c.renew()
	for rts := 0; c.exchange.kind == wire.Renew; rts++ {
		if rt := c.exchange.rt; rts == 0 && (rt < 9000 || rt > 11_000) || rt > 660_000 {
			t.Errorf("RT %d of the Renew is %d ms", rts, rt)
		}
		c.now = min(c.now+c.exchange.rt, c.t2)
		c.unanswered()
	}
	wantKind(t, c, "T2", wire.Rebind)
	if c.now != c.t2 {
		t.Errorf("it rebinds at %d, T2 is %d", c.now, c.t2)
	}
	for ends := c.lasts(); c.exchange.kind == wire.Rebind; c.unanswered() {
		c.now = min(c.now+c.exchange.rt, ends)
	}
	if c.lasts() != 0 || c.now != 200_000 {
		t.Errorf("at %d, when nobody has extended them, it has leases to %d", c.now, c.lasts())
	}
}

// RFC 9915, Section 18.2.10.1: what a Reply to a Renew or Rebind does to what the client has.
func TestClientTakesReplies(t *testing.T) {
	c := newCustomer(t)
	c.holds()
	c.renew()
	c.hears(wire.Reply, denies(wire.IANA, 1, wire.StatusNoBinding), gives(wire.IAPD, 2, 300, ownPrefix))
	wantKind(t, c, "one IA has no binding", wire.Request)
	var p wire.Packet
	if drop := p.Parse(c.build()); drop != wire.DropNone || p.Message.IACount != 2 || string(p.Message.ServerID) != string(server) {
		t.Errorf("it asks for %d IAs of server %x (%v), not for both of the one that answered", p.Message.IACount, p.Message.ServerID, drop)
	}

	c.holds()
	c.renew()
	c.hears(wire.Reply, gives(wire.IANA, 1, 300), gives(wire.IAPD, 2, 0, ownPrefix))
	if a, p := c.ias[0].leases, c.ias[1].leases; len(a) != 1 || a[0].until != c.now+200_000 || len(p) != 0 {
		t.Errorf("left out, the address is %v; with lifetimes 0 the prefix is %v", a, p)
	}

	c.holds()
	for name, hear := range map[string]func(){
		"another transaction-id": func() { c.hearsAs(wire.Reply, [3]byte{}, c.duid, server, all...) },
		"no server":              func() { c.hearsAs(wire.Reply, c.exchange.xid, c.duid, nil, all...) },
		"another client":         func() { c.hearsAs(wire.Reply, c.exchange.xid, []byte{0, 3, 0, 1, 'x'}, server, all...) },
		"an Advertise":           func() { c.hears(wire.Advertise, all...) },
		"UnspecFail":             func() { c.hears(wire.Reply, status(wire.StatusUnspecFail)) },
	} {
		c.renew()
		hear()
		wantKind(t, c, name, wire.Renew)
	}
}

// RFC 9915, Sections 18.2.8, 18.2.10.3 and 18.2.12: what a client does that comes back to a link, or whose address somebody has.
func TestClientReturns(t *testing.T) {
	c := newCustomer(t)
	c.holds()
	c.returned()
	wantKind(t, c, "it has a prefix", wire.Rebind)
	c.ias = c.ias[:1]
	c.returned()
	wantKind(t, c, "it has no prefix", wire.Confirm)
	c.hears(wire.Reply, status(wire.StatusSuccess))
	if c.lasts() == 0 {
		t.Error("confirmed, it gave its address up")
	}
	c.returned()
	c.hears(wire.Reply, status(wire.StatusNotOnLink))
	if c.lasts() != 0 {
		t.Error("on another link it keeps its address")
	}

	c.holds()
	for c.troubled = true; !c.duplicate(); {
	}
	wantKind(t, c, "somebody else has the address", wire.Decline)
	if len(c.ias[0].leases) != 0 {
		t.Error("it goes on with an address that somebody else has")
	}
}
