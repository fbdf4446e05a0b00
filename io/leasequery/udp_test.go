package leasequery

import (
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

var asker = netip.MustParseAddrPort("[::1]:4711")

// ask sends one datagram to a responder and reads what comes.
func ask(t *testing.T, r *Responder, q *query.Question) query.Answer {
	t.Helper()
	reply, port := r.UDP(query.AppendQuestion(nil, wire.Leasequery, [3]byte{1, 2, 3}, requestor, q), asker)
	if port != asker.Port() {
		t.Errorf("the reply goes to port %d, not to where the query came from", port)
	}
	a, err := query.ReadAnswer(reply)
	if err != nil {
		t.Fatalf("%v: %v", q.Type, err)
	}
	if a.TransactionID != [3]byte{1, 2, 3} || string(a.ServerID) != string(serverID) || string(a.Requestor) != string(requestor) {
		t.Errorf("a requestor would discard the reply: %+v", a)
	}
	return a
}

func TestUDP(t *testing.T) {
	both := client(7, 1)
	f := &fake{now: 1000, found: append(crowd(9), both)}
	r := NewResponder(f, rules())

	a := ask(t, r, &query.Question{Type: query.ByAddress, Address: f.found[2].Client[0].Key.Address, BaseTime: true})
	if len(a.Clients) != 1 || string(a.Clients[0].DUID) != string(f.found[2].Client.DUID()) || a.BaseTime != 1000 {
		t.Errorf("by address: %+v", a)
	}
	if a := ask(t, r, &query.Question{Type: query.ByClientID, DUID: f.found[1].Client.DUID()}); len(a.Clients) != 1 || a.HasStatus {
		t.Errorf("by client-id: %+v", a)
	}
	// On two links: their addresses, and no client data (RFC 5007, Section 4.4.1).
	if a := ask(t, r, &query.Question{Type: query.ByClientID, DUID: both.Client.DUID()}); len(a.Clients) != 0 || len(a.Links) != 2 {
		t.Errorf("on two links: %+v", a)
	}
	if a := ask(t, r, &query.Question{Type: query.ByClientID, DUID: both.Client.DUID(), LinkAddress: links[1]}); len(a.Clients) != 1 {
		t.Errorf("on one of two links: %+v", a)
	}
	if a := ask(t, r, &query.Question{Type: query.ByClientID, DUID: requestor}); len(a.Clients) != 0 || a.HasStatus {
		t.Errorf("of an unknown client: %+v", a)
	}
	for name, c := range map[string]struct {
		q    query.Question
		want wire.StatusCode
	}{
		"relay-id":       {query.Question{Type: query.ByRelayID, DUID: requestor}, wire.StatusNotAllowed},
		"link":           {query.Question{Type: query.ByClientID, DUID: requestor, LinkAddress: addr("2001:db8:9::1")}, wire.StatusNotConfigured},
		"address's link": {query.Question{Type: query.ByAddress, Address: addr("2001:db8:9::1")}, wire.StatusNotConfigured},
		"type":           {query.Question{Type: 77}, wire.StatusUnknownQueryType},
	} {
		if a := ask(t, r, &c.q); a.Status != c.want {
			t.Errorf("%s: %v, want %v", name, a.Status, c.want)
		}
	}
	if n := r.Counters.Read().Refused["NotConfigured"]; n != 2 {
		t.Errorf("NotConfigured counted %d times, want 2", n)
	}
}

func TestUDPOfStrangers(t *testing.T) {
	r := NewResponder(&fake{now: 1000, found: crowd(1)}, Rules{Requestors: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}})
	if a := ask(t, r, &query.Question{Type: query.ByClientID, DUID: client(1, 0).Client.DUID()}); a.Status != wire.StatusNotAllowed || len(a.Clients) != 0 {
		t.Errorf("a stranger was told %+v", a)
	}
}

func TestUDPBehindRelay(t *testing.T) {
	r := NewResponder(&fake{now: 1000, found: crowd(1)}, rules())
	inner := query.AppendQuestion(nil, wire.Leasequery, [3]byte{1, 2, 3}, requestor, &query.Question{Type: query.ByClientID, DUID: client(1, 0).Client.DUID()})
	forward := append(append([]byte{byte(wire.RelayForward), 0}, make([]byte, 32)...), wire.AppendOption(nil, wire.OptionInterfaceID, []byte("x"))...)
	reply, port := r.UDP(wire.AppendOption(forward, wire.OptionRelayMessage, inner), asker)
	if port != wire.ServerPort || len(reply) < 34 || wire.MessageType(reply[0]) != wire.RelayReply {
		t.Fatalf("to port %d: %x", port, reply)
	}
	message, _ := wire.Options(reply[34:]).Find(wire.OptionRelayMessage)
	if a, err := query.ReadAnswer(message); err != nil || len(a.Clients) != 1 {
		t.Errorf("behind a relay: %+v, %v", a, err)
	}
}

// What is no query of anybody gets no answer (RFC 5007, Section 4.2.1).
func TestUDPDrops(t *testing.T) {
	r := NewResponder(&fake{now: 1000}, rules())
	good := query.AppendQuestion(nil, wire.Leasequery, [3]byte{}, requestor, &query.Question{Type: query.ByClientID, DUID: requestor})
	dropped := 0
	for name, b := range map[string][]byte{
		"nothing":        {},
		"Solicit":        wire.AppendOption(wire.AppendHeader(nil, wire.Solicit, [3]byte{}), wire.OptionClientID, requestor),
		"reply":          append([]byte{byte(wire.LeasequeryReply)}, good[1:]...),
		"no client-id":   wire.AppendHeader(nil, wire.Leasequery, [3]byte{}),
		"no query":       wire.AppendOption(wire.AppendHeader(nil, wire.Leasequery, [3]byte{}), wire.OptionClientID, requestor),
		"another server": wire.AppendOption(good, wire.OptionServerID, requestor),
	} {
		if reply, _ := r.UDP(b, asker); reply != nil {
			t.Errorf("%s: answered with %x", name, reply)
		}
		dropped++
	}
	if n := r.Counters.Read().Dropped; n != uint64(dropped) {
		t.Errorf("%d drops counted, want %d", n, dropped)
	}
}

// A query that can't be read isn't counted as one for everything.
func TestCountsOfQueries(t *testing.T) {
	r := NewResponder(&fake{now: 1000}, rules())
	head := wire.AppendOption(wire.AppendHeader(nil, wire.Leasequery, [3]byte{}), wire.OptionClientID, requestor)
	for _, b := range [][]byte{
		wire.AppendOption(head[:len(head):len(head)], wire.OptionLQQuery, []byte{1, 2, 3}),
		query.AppendQuestion(nil, wire.Leasequery, [3]byte{}, requestor, &query.Question{Type: 99}),
		query.AppendQuestion(nil, wire.Leasequery, [3]byte{}, requestor, &query.Question{Type: query.ByClientID, DUID: requestor}),
	} {
		r.UDP(b, asker)
	}
	n := r.Counters.Read()
	if n.Queries["everything"] != 0 || n.Queries["client-id"] != 1 || n.Refused["MalformedQuery"] != 1 || n.Refused["UnknownQueryType"] != 1 {
		t.Errorf("counted are %v, refused %v", n.Queries, n.Refused)
	}
}

// Who isn't found in time isn't said to have nothing.
func TestUDPInTime(t *testing.T) {
	r := NewResponder(&fake{now: 1000, found: crowd(3), gate: make(chan struct{})}, rules())
	reply, _ := r.UDP(query.AppendQuestion(nil, wire.Leasequery, [3]byte{}, requestor, &query.Question{Type: query.ByClientID, DUID: client(3, 0).Client.DUID()}), asker)
	if a, err := query.ReadAnswer(reply); err != nil || a.Status != wire.StatusUnspecFail {
		t.Errorf("the answer is %+v, %v; want UnspecFail", a, err)
	}
}
