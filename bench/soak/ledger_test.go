package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

var (
	start = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	one   = netip.MustParseAddr("2001:db8:1::1")
	two   = netip.MustParseAddr("2001:db8:1::2")
)

// reply is what node a confirms.
func reply(address netip.Addr, valid uint32) *load.Answer {
	return &load.Answer{Type: wire.Reply, Kind: wire.IANA, Address: address.As16(), Length: 128, Valid: valid}
}

// TestLedger: each kind of breach is noticed, and what is none isn't.
func TestLedger(t *testing.T) {
	const valid = 100
	for name, test := range map[string]struct {
		play func(l *ledger)
		want map[breach]int
	}{
		"renewed": {func(l *ledger) { l.heard(1, reply(one, valid), start.Add(50*time.Second)) }, nil},
		"an Advertise": {func(l *ledger) {
			a := reply(one, valid)
			a.Type = wire.Advertise
			l.heard(2, a, start)
		}, nil},
		"given to another":       {func(l *ledger) { l.heard(2, reply(one, valid), start.Add(90*time.Second)) }, map[breach]int{duplicate: 1}},
		"given to another later": {func(l *ledger) { l.heard(2, reply(one, valid), start.Add((valid-3)*time.Second)) }, nil},
		"given to another, renewed": {func(l *ledger) {
			l.heard(1, reply(one, valid), start.Add(50*time.Second))
			l.heard(2, reply(one, valid), start.Add(120*time.Second))
		}, map[breach]int{duplicate: 1}},
		"released, given to another": {func(l *ledger) {
			l.leave(1)
			l.heard(1, reply(one, valid), start.Add(time.Second)) // late
			l.heard(2, reply(one, valid), start.Add(2*time.Second))
		}, nil},
		"moved":              {func(l *ledger) { l.heard(1, reply(two, valid), start.Add(time.Second)) }, map[breach]int{moved: 1}},
		"moved later":        {func(l *ledger) { l.heard(1, reply(two, valid), start.Add(valid*time.Second)) }, nil},
		"taken away":         {func(l *ledger) { l.heard(1, reply(one, 0), start.Add(time.Second)) }, map[breach]int{taken: 1}},
		"another taken away": {func(l *ledger) { l.heard(1, reply(two, 0), start.Add(time.Second)) }, nil},
		"denied": {func(l *ledger) {
			l.heard(1, &load.Answer{Type: wire.Reply, Kind: wire.IANA, Status: wire.StatusNoBinding}, start.Add(time.Second))
		}, map[breach]int{denied: 1}},
		"denied to a stranger": {func(l *ledger) {
			l.heard(2, &load.Answer{Type: wire.Reply, Kind: wire.IANA, Status: wire.StatusNoBinding}, start.Add(time.Second))
		}, nil},
	} {
		l := newLedger()
		l.heard(1, reply(one, valid), start)
		test.play(l)
		for b := range breaches {
			if l.broken[b] != test.want[b] {
				t.Errorf("%s: %d %s, want %d; %v", name, l.broken[b], breachNames[b], test.want[b], l.evidence)
			}
		}
	}
}

// listed is a lease in a node's list.
func listed(address netip.Addr, client int, state string) admin.Lease {
	duid := load.DUID(client)
	return admin.Lease{Lease: address.String(), DUID: wire.FormatDUID(duid[:]), IAID: load.IAID(client, wire.IANA), State: state}
}

// TestInspect: what was confirmed before the kill and lasts must be in the list, bound, for its client.
func TestInspect(t *testing.T) {
	killed, now := start.Add(10*time.Second), start.Add(40*time.Second)
	for name, test := range map[string]struct {
		list            []admin.Lease
		looked, missing int
	}{
		"there":              {[]admin.Lease{listed(one, 1, "bound"), listed(two, 9, "expired")}, 1, 0},
		"not there":          {nil, 1, 1},
		"another's":          {[]admin.Lease{listed(one, 2, "bound")}, 1, 1},
		"not in force":       {[]admin.Lease{listed(one, 1, "superseded")}, 1, 1},
		"under another name": {[]admin.Lease{listed(two, 1, "bound")}, 1, 1},
	} {
		l := newLedger()
		l.heard(1, reply(one, 100), start)
		l.heard(3, reply(netip.MustParseAddr("2001:db8:1::3"), 20), start)                       // ends before now
		l.heard(4, reply(netip.MustParseAddr("2001:db8:1::4"), 100), killed.Add(10*time.Second)) // after the kill
		other := reply(netip.MustParseAddr("2001:db8:1::5"), 100)
		other.Server = 1
		l.heard(5, other, start)
		if looked, missing := l.inspect(0, test.list, killed, now); looked != test.looked || missing != test.missing || l.broken[lost] != test.missing {
			t.Errorf("%s: %d looked up, %d missing, %v", name, looked, missing, l.evidence)
		}
	}
}

// TestForget: what has ended goes, and who has left may come back under the same number.
func TestForget(t *testing.T) {
	l := newLedger()
	l.heard(1, reply(one, 100), start)
	l.heard(2, reply(two, 500), start)
	l.leave(2)
	l.forget(0, 3, start.Add(200*time.Second))
	if len(l.addresses)+len(l.clients)+len(l.gone) != 0 {
		t.Errorf("%v, %v, %v", l.addresses, l.clients, l.gone)
	}
	for range kept + 3 {
		l.note(lost, "x")
	}
	if l.broken[lost] != kept+3 || len(l.evidence) != kept || !strings.HasPrefix(l.evidence[0], "lost: ") {
		t.Errorf("%v, %v", l.broken, l.evidence)
	}
}
