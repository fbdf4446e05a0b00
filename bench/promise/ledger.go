// Package promise keeps the books on what nodes tell clients, and finds broken promises: an address told to two
// clients, nodes that disagree, a client whose lease changed, a confirmed lease that is gone.
//
// It believes nobody: what counts is what arrived at the clients, held against what the nodes list afterwards.
//
// An address comes out of a pool so large that an Advertise is a promise: all nodes make the same. Prefixes are few,
// and nodes that know different clients may offer different ones; there only what is confirmed counts.
package promise

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Kind is a kind of broken promise.
type Kind uint8

// Kinds.
const (
	Duplicate Kind = iota // one lease for two clients
	Disagree              // nodes tell one client different leases
	Moved                 // a client was confirmed one lease and then another one
	Lost                  // a confirmed lease isn't in the node's list any more
	kinds
)

// String is the kind as a person says it.
func (k Kind) String() string {
	return [...]string{"duplicate", "disagreement", "moved", "lost"}[k]
}

// maxEvidence bounds how many broken promises of a kind are kept in words; all are counted.
const maxEvidence = 5

// A Ledger is safe for use by several goroutines.
type Ledger struct {
	servers []string // names

	mu       sync.Mutex
	told     map[wire.Kind]uint64
	leases   map[wire.Kind]int         // different ones
	holder   map[lease]int             // the client that a lease was told to first
	doubled  map[lease]bool            // leases counted as duplicates
	offered  map[client][]netip.Prefix // this round's Advertises by server; invalid: none yet
	held     map[client]netip.Prefix   // what was confirmed to the client last
	named    map[client]bool           // the client has named that in a message, so that all nodes could know
	hidden   int                       // clients that lost what they never named
	owed     []map[lease]int           // by server: what it confirmed, and to whom
	differed map[client]bool           // clients counted as disagreements
	listed   map[lease]string          // holder by the nodes' own lists, as DUID and IAID
	broken   [kinds]int
	evidence [kinds][]string
}

type lease = netip.Prefix

// A client is one identity association.
type client struct {
	number int
	kind   wire.Kind
}

// New makes a ledger for nodes with these names, in the order of load.Config.Servers.
func New(servers ...string) *Ledger {
	l := &Ledger{
		servers: servers,
		holder:  make(map[lease]int), doubled: make(map[lease]bool),
		told: make(map[wire.Kind]uint64), leases: make(map[wire.Kind]int),
		offered: make(map[client][]netip.Prefix), held: make(map[client]netip.Prefix), named: make(map[client]bool),
		differed: make(map[client]bool), listed: make(map[lease]string),
	}
	for range servers {
		l.owed = append(l.owed, make(map[lease]int))
	}
	return l
}

// Heard enters what a server told a client. It is load.Config.Heard.
func (l *Ledger) Heard(a *load.Answer) {
	if a.Valid == 0 || a.Kind == wire.IAPD && a.Type == wire.Advertise {
		return
	}
	told := netip.PrefixFrom(netip.AddrFrom16(a.Address), int(a.Length))
	c := client{a.Client, a.Kind}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told[a.Kind]++
	if first, ok := l.holder[told]; !ok {
		l.holder[told] = a.Client
		l.leases[a.Kind]++
	} else if first != a.Client {
		l.double(told, fmt.Sprintf("%s was told to client %d and, by node %s, to client %d", text(told), first, l.servers[a.Server], a.Client))
	}
	if a.Type == wire.Advertise {
		l.offer(c, a.Server, told)
		return
	}
	l.owed[a.Server][told] = a.Client
	l.confirm(c, a, told)
}

// confirm enters what a client has from now on. A prefix that it never named no node but the granting one could know:
// to lose it breaks no promise.
func (l *Ledger) confirm(c client, a *load.Answer, told lease) {
	before, ok := l.held[c]
	switch {
	case !ok || before == told:
		l.named[c] = l.named[c] || a.Named
	case c.kind == wire.IAPD && !l.named[c]:
		l.hidden++
		l.named[c] = a.Named
	default:
		l.breach(Moved, fmt.Sprintf("client %d had %s and got %s from node %s", a.Client, text(before), text(told), l.servers[a.Server]))
	}
	l.held[c] = told
}

func (l *Ledger) offer(c client, server int, told netip.Prefix) {
	offers := l.offered[c]
	if offers == nil {
		offers = make([]netip.Prefix, len(l.servers))
		l.offered[c] = offers
	}
	offers[server] = told
	if held, ok := l.held[c]; ok && held != told {
		l.differ(c, fmt.Sprintf("client %d holds %s, and node %s offers %s", c.number, text(held), l.servers[server], text(told)))
	}
}

func (l *Ledger) differ(c client, words string) {
	if !l.differed[c] {
		l.differed[c] = true
		l.breach(Disagree, words)
	}
}

func (l *Ledger) double(told lease, words string) {
	if !l.doubled[told] {
		l.doubled[told] = true
		l.breach(Duplicate, words)
	}
}

func (l *Ledger) breach(k Kind, words string) {
	l.broken[k]++
	if len(l.evidence[k]) < maxEvidence {
		l.evidence[k] = append(l.evidence[k], words)
	}
}

// Agreement compares the Advertises of one round.
type Agreement struct {
	Compared int // clients that every node has answered
	Agreed   int // of those, the ones that all nodes told the same
	Partial  int // clients that some nodes have answered and some haven't
}

// Agreement tells how the round stands.
func (l *Ledger) Agreement() (a Agreement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, offers := range l.offered {
		switch {
		case slices.Contains(offers, netip.Prefix{}):
			a.Partial++
		case same(offers):
			a.Compared++
			a.Agreed++
		default:
			a.Compared++
		}
	}
	return a
}

// NewRound ends a round: what nodes disagreed about becomes evidence, and the next Advertises are compared
// among themselves.
func (l *Ledger) NewRound() Agreement {
	a := l.Agreement()
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, offers := range l.offered {
		if !slices.Contains(offers, netip.Prefix{}) && !same(offers) {
			words := fmt.Sprintf("client %d was told", c.number)
			for server, o := range offers {
				words += fmt.Sprintf(" %s by node %s", text(o), l.servers[server])
			}
			l.differ(c, words)
		}
	}
	clear(l.offered)
	return a
}

func same(offers []netip.Prefix) bool {
	return !slices.ContainsFunc(offers, func(o netip.Prefix) bool { return o != offers[0] })
}

// A Listed is a lease in a node's own list.
type Listed struct {
	Lease netip.Prefix
	DUID  string // as wire.FormatDUID writes it
	IAID  uint32
	Bound bool // it is in force
}

// Inspect holds a node's list of leases against what it confirmed to clients before the list was taken. It returns
// how many confirmed leases were looked up, and how many of those aren't there, or not in force, or another's.
func (l *Ledger) Inspect(server int, list []Listed) (looked, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make(map[lease]*Listed, len(list))
	for i := range list {
		entry := &list[i]
		if !entry.Bound {
			continue
		}
		found[entry.Lease] = entry
		owner := fmt.Sprintf("%s/%d", entry.DUID, entry.IAID)
		if before, ok := l.listed[entry.Lease]; ok && before != owner {
			l.double(entry.Lease, fmt.Sprintf("%s is bound for %s, and at node %s for %s", text(entry.Lease), before, l.servers[server], owner))
		}
		l.listed[entry.Lease] = owner
	}
	for told, number := range l.owed[server] {
		looked++
		if entry := found[told]; entry == nil || !belongs(entry, number, told) {
			lost++
			l.breach(Lost, fmt.Sprintf("node %s confirmed %s to client %d and doesn't list it any more", l.servers[server], text(told), number))
		}
	}
	return looked, lost
}

func belongs(entry *Listed, number int, told netip.Prefix) bool {
	kind := wire.IANA
	if told.Bits() != 128 {
		kind = wire.IAPD
	}
	duid := load.DUID(number)
	return entry.DUID == wire.FormatDUID(duid[:]) && entry.IAID == load.IAID(number, kind)
}

// Silent enters a confirmed lease that its node didn't confirm again when it was asked to.
func (l *Ledger) Silent(server, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breach(Lost, fmt.Sprintf("client %d's lease was not confirmed again by node %s", number, l.servers[server]))
}

// Confirmed is how many leases a node has confirmed to clients.
func (l *Ledger) Confirmed(server int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.owed[server])
}

// Confirmers are the clients that a node has confirmed a lease to.
func (l *Ledger) Confirmers(server int) map[int]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	clients := make(map[int]bool, len(l.owed[server]))
	for _, number := range l.owed[server] {
		clients[number] = true
	}
	return clients
}

// Told is how many leases of a kind were told, repeated ones included, and how many different ones they were. Of
// prefixes those that were confirmed count.
func (l *Ledger) Told(kind wire.Kind) (all uint64, different int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told[kind], l.leases[kind]
}

// Hidden is how many clients lost a prefix that no node but the granting one could know: it wasn't what they had asked
// for, and they had not renewed it yet.
func (l *Ledger) Hidden() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hidden
}

// Broken is how many promises of a kind were broken.
func (l *Ledger) Broken(k Kind) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken[k]
}

// Whole tells whether no promise was broken.
func (l *Ledger) Whole() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken == [kinds]int{}
}

// Evidence is the broken promises in words, a few of each kind.
func (l *Ledger) Evidence() (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, words := range l.evidence {
		for _, w := range words {
			lines = append(lines, fmt.Sprintf("%s: %s", Kind(k), w))
		}
		if more := l.broken[k] - len(words); more > 0 {
			lines = append(lines, fmt.Sprintf("%s: and %d more", Kind(k), more))
		}
	}
	return lines
}

// text writes an address without a length, and a prefix with one.
func text(p netip.Prefix) string {
	if p.Bits() == 128 {
		return p.Addr().String()
	}
	return p.String()
}
