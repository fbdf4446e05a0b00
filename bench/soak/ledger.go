package main

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A breach is a kind of broken promise. bench/promise keeps books of leases that never end; here they end all the time.
type breach uint8

const (
	duplicate breach = iota // an address of a client's was confirmed to another one
	moved                   // a client that had an address was confirmed another one
	taken                   // a client was told to give up an address before its time
	denied                  // a client was told that there is no such lease, before its time
	lost                    // a node doesn't list what it confirmed
	breaches
)

var breachNames = [breaches]string{"duplicate", "moved", "taken away", "denied", "lost"}

// kept bounds how many breaches of a kind are kept in words; all are counted.
const kept = 5

// A holding is an address that a client has, until its valid lifetime ends, as the client counts it.
type holding struct {
	address netip.Addr
	client  int
	server  int              // that confirmed it last
	asked   wire.MessageType // by what message of the client's
	heard   time.Time        // when
	until   time.Time
	before  *holding // of another client, and the last one of this address; it has none before it itself
}

// slack is how long before its end a node may count a lease as over, for its own client: nodes count whole seconds, a peer counts from when it
// heard the client, and a client from when it heard the Reply. To another client nobody may give the lease before it is over for this one.
const slack = 4 * time.Second

// holds tells whether the client has the address, by the nodes' lights too.
func (h *holding) holds(now time.Time) bool { return h.until.After(now.Add(slack)) }

// lives tells whether the client has the address, as it counts itself.
func (h *holding) lives(now time.Time) bool { return h.until.After(now) }

// A ledger keeps the books on who has what. It is safe for use by several goroutines.
type ledger struct {
	mu        sync.Mutex
	addresses map[netip.Addr]*holding
	clients   map[int]*holding
	gone      map[int]bool // clients that give their leases up: what they are told late counts no more
	confirmed uint64
	looked    uint64 // holdings that were looked up in a node's list
	broken    [breaches]int
	evidence  []string
}

func newLedger() *ledger {
	return &ledger{addresses: map[netip.Addr]*holding{}, clients: map[int]*holding{}, gone: map[int]bool{}}
}

// heard enters what a server told a client of this number. What the client discards doesn't tell it anything: where a disk or a processor stood still, both nodes
// may answer one Rebind when it is over already, each with what it has.
func (l *ledger) heard(client int, a *load.Answer, now time.Time) {
	if a.Type != wire.Reply || a.Kind != wire.IANA || a.Stray {
		return
	}
	address := netip.AddrFrom16(a.Address)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone[client] {
		return
	}
	has := l.clients[client]
	if has != nil && !has.lives(now) {
		l.drop(has)
		has = nil
	}
	switch {
	case a.Valid > 0:
		l.confirm(has, &holding{address: address, client: client, server: a.Server, asked: a.Asked, heard: now, until: now.Add(time.Duration(a.Valid) * time.Second)})
	case has == nil:
	case !has.holds(now):
		l.drop(has)
	case a.Status == wire.StatusNoBinding:
		l.note(denied, "client %d was told by node %c, on its %v at %v, that it has no lease, and has %v for %v more; %s", client, node(a.Server), a.Asked, clock(now), has.address, has.until.Sub(now), has.by())
		l.drop(has)
	case a.Length == 128 && address == has.address:
		l.note(taken, "client %d was told by node %c, on its %v at %v, to give up %v, %v before its time; %s", client, node(a.Server), a.Asked, clock(now), address, has.until.Sub(now), has.by())
		l.drop(has)
	}
}

// confirm enters a lease of a client that has another one, the same, or none.
func (l *ledger) confirm(has, gets *holding) {
	l.confirmed++
	if first := l.addresses[gets.address]; first != nil && first.client != gets.client && first.lives(gets.heard) {
		l.note(duplicate, "%v is client %d's for %v more, %s; client %d has it, %s",
			gets.address, first.client, first.until.Sub(gets.heard), first.by(), gets.client, gets.by())
	}
	if has != nil && has.address != gets.address {
		l.note(moved, "client %d has %v for %v more, %s, and then %v, %s%s",
			gets.client, has.address, has.until.Sub(gets.heard), has.by(), gets.address, gets.by(), l.last(gets.client))
		l.drop(has)
	}
	l.remember(gets)
	l.addresses[gets.address], l.clients[gets.client] = gets, gets
}

// remember notes who had the address before.
func (l *ledger) remember(gets *holding) {
	first := l.addresses[gets.address]
	switch {
	case first == nil:
	case first.client == gets.client:
		gets.before = first.before
	default:
		first.before = nil
		gets.before = first
	}
}

// by tells how the client came by it.
func (h *holding) by() string {
	return fmt.Sprintf("by node %c on its %v at %v", node(h.server), h.asked, clock(h.heard))
}

// clock is a time as the nodes' logs have it.
func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }

// last tells who had a client's address last, where that was somebody else: a node that takes it for that one's still gives the client another.
func (l *ledger) last(client int) string {
	has := l.clients[client]
	if has.before == nil {
		return ""
	}
	return fmt.Sprintf("; before it the address was client %d's until %v", has.before.client, clock(has.before.until))
}

// drop takes a holding out, where it is in still.
func (l *ledger) drop(h *holding) {
	if l.addresses[h.address] == h {
		delete(l.addresses, h.address)
	}
	if l.clients[h.client] == h {
		delete(l.clients, h.client)
	}
}

func (l *ledger) note(b breach, format string, args ...any) {
	if l.broken[b]++; l.broken[b] <= kept {
		l.evidence = append(l.evidence, breachNames[b]+": "+fmt.Sprintf(format, args...))
	}
}

func node(server int) rune { return 'a' + rune(server) }

// leave enters that a client is about to give its lease up.
func (l *ledger) leave(client int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone[client] = true
	if has := l.clients[client]; has != nil {
		l.drop(has)
	}
}

// forget drops who has left, of a cohort that has gone, and what has ended.
func (l *ledger) forget(first, clients int, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := range clients {
		delete(l.gone, first+n)
	}
	for _, h := range l.addresses {
		if !h.lives(now) {
			l.drop(h)
		}
	}
}

// inspect holds a node's list of leases against what it confirmed before a time and what clients still have a while later.
func (l *ledger) inspect(server int, list []admin.Lease, before, after time.Time) (looked, missing int) {
	owner := make(map[string]*admin.Lease, len(list))
	for i := range list {
		owner[list[i].Lease] = &list[i]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.addresses {
		if h.server != server || h.heard.After(before) || !h.holds(after) {
			continue
		}
		looked++
		duid := load.DUID(h.client)
		if e := owner[h.address.String()]; e == nil {
			missing++
			l.note(lost, "node %c confirmed %v to client %d, %v before it was to be shown, and doesn't list it", node(server), h.address, h.client, before.Sub(h.heard))
		} else if e.State != "bound" || e.DUID != wire.FormatDUID(duid[:]) || e.IAID != load.IAID(h.client, wire.IANA) {
			missing++
			l.note(lost, "node %c confirmed %v to client %d, %v before it was to be shown, and lists %+v", node(server), h.address, h.client, before.Sub(h.heard), *e)
		}
	}
	l.looked += uint64(looked)
	return looked, missing
}
