package peer

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// Health tells living peers from silent ones by their clients' messages alone. A message that names a peer and is
// repeated (the same transaction-id) wasn't answered in time; one that isn't repeated was, for all that anybody can see.
//
// Judgement waits until a client would have repeated its message: then an exchange counts as answered at the time at which it
// began, or as unanswered at its last repetition, when there was no answer yet. So both kinds of evidence can be compared: a
// message repeated because a reply was lost stands beside later ones that weren't, and doesn't make a peer silent.
type Health struct {
	pending [pendingSize]atomic.Uint64 // tag:20 peer:6 relay:12 repeats:4 second:22 of an exchange under way
	clients [pendingSize]atomic.Uint64 // its client
	again   [pendingSize]atomic.Uint32 // binding.Time of its last repetition
	peers   []peerHealth
	relays  *Relays
	next    uint32 // where settle goes on
}

type peerHealth struct {
	answered   atomic.Uint64 // exchanges that weren't repeated
	unanswered atomic.Uint64 // exchanges that were
	rebinds    atomic.Uint64 // Rebinds of its clients
	last       atomic.Uint32 // when the newest exchange began that was answered
	evidence   [evidenceSize]evidence
}

// Evidence is the newest unanswered exchange of a client. Clients that share a place count once, which understates.
type evidence struct {
	client atomic.Uint64
	what   atomic.Uint64 // second of its last repetition:32 relay:16 repeats:16
}

const (
	pendingSize  = 1 << 14
	evidenceSize = 256
	settleAfter  = 15 // seconds: more than a Renew's first retransmission (RFC 9915, Section 7.6: REN_TIMEOUT 10 s)
	settleShare  = 4  // of the table is settled per tick
	secondMask   = 1<<22 - 1
	judged       = 15   // repeats of an exchange that was judged; it stays, so that a later repetition is known as one
	knownFor     = 3600 // seconds: more than a client's longest pause between two (RFC 9915, Section 7.6: 600 s)

	silentClients = 3     // clients that a peer leaves unanswered make it silent,
	silentFew     = 2     // or so many, where one of them
	silentRepeats = 3     // has repeated its messages so often; of a single client nobody knows whether answers reach it
	aliveFor      = 1800  // seconds for which an answered exchange shows that a peer lives
	evidenceFor   = 86400 // seconds for which evidence counts
)

// NewHealth makes the health of a cluster of so many nodes.
func NewHealth(nodes int, relays *Relays) *Health {
	return &Health{peers: make([]peerHealth, nodes), relays: relays}
}

// Asked notes a client's message to a peer, by relay number. Exchange is a hash of client and transaction-id, client
// one of the client. Again: the client has waited since its first message, so that this isn't that one, nor a second copy
// of it, as two relays on a link make.
func (h *Health) Asked(peer, relay int, exchange, client uint64, again bool, now binding.Time) {
	at := exchange % pendingSize
	word := h.pending[at].Load()
	tag := exchange &^ (1<<44 - 1)
	known := word != 0 && word&^(1<<44-1) == tag
	repeats := word >> 22 & 15
	if known && repeats != judged && age(word, now) < 2*settleAfter {
		if again && repeats < judged-1 {
			h.pending[at].CompareAndSwap(word, word+1<<22)
			h.again[at].Store(uint32(now))
		}
		return
	}
	if word != 0 && repeats != judged && age(word, now) >= settleAfter {
		h.judge(at, word, now)
	}
	h.clients[at].Store(client)
	h.again[at].Store(0)
	if known && age(word, now) < knownFor { // what came before is judged already
		tag |= 1 << 22
		h.again[at].Store(uint32(now))
	}
	h.pending[at].Store(tag | uint64(peer)<<38 | uint64(relay)<<26 | uint64(now)&secondMask)
}

// Rebound notes a Rebind of a client of the peer. That alone doesn't say that the peer is silent: gateways with
// delegated prefixes rebind after each reboot (RFC 9915, Section 18.2.12).
func (h *Health) Rebound(peer int) { h.peers[peer].rebinds.Add(1) }

func age(word uint64, now binding.Time) uint32 {
	return (uint32(now) - uint32(word)) & secondMask
}

// settle judges a part of the exchanges under way.
func (h *Health) settle(now binding.Moment) {
	for range pendingSize / settleShare {
		at := h.next % pendingSize
		h.next++
		word := h.pending[at].Load()
		if word == 0 || word>>22&15 == judged || age(word, now.Time()) < settleAfter {
			continue
		}
		if h.pending[at].CompareAndSwap(word, word|judged<<22) {
			h.judge(uint64(at), word, now.Time())
		}
	}
}

// judge counts the exchange that stood at a place of the table. One that another has just taken the place of may
// be judged by that one's client and time, which does no harm: it began then.
func (h *Health) judge(at, word uint64, now binding.Time) {
	peer, relay, repeats := int(word>>38&63), int(word>>26&(MaxRelays-1)), word>>22&15
	began := uint32(now) - age(word, now)
	if peer >= len(h.peers) {
		return
	}
	p := &h.peers[peer]
	if repeats == 0 {
		p.answered.Add(1)
		raise(&p.last, began)
		raise(h.relays.answered(relay, peer), began)
		return
	}
	p.unanswered.Add(1)
	client := h.clients[at].Load()
	e := &p.evidence[client%evidenceSize]
	old := e.what.Load()
	if e.client.Swap(client) == client && uint32(now)-uint32(old>>32) < evidenceFor {
		repeats += old & 0xffff // the same client, still unanswered: its attempts add up
	}
	e.what.Store(uint64(max(began, h.again[at].Load()))<<32 | uint64(relay)<<16 | min(repeats, 0xffff))
}

func raise(at *atomic.Uint32, to uint32) {
	for old := at.Load(); old < to && !at.CompareAndSwap(old, to); old = at.Load() {
	}
}

// A Condition is what is known of a peer's health.
type Condition uint8

// Conditions. Silent needs evidence: a quiet network leaves a peer unknown.
const (
	Unknown Condition = iota
	Alive
	Silent
)

// String returns the condition in lower case.
func (c Condition) String() string {
	return [...]string{"unknown", "alive", "silent"}[c]
}

// A Report is a peer's condition and what it is drawn from.
type Report struct {
	Condition  Condition
	Answered   uint64       // exchanges with it that clients didn't have to repeat
	Unanswered uint64       // exchanges that they repeated
	Rebinds    uint64       // of its clients
	LastAnswer binding.Time // when the newest answered exchange began; 0: none yet
	Clients    int          // that it left unanswered since, by relays whose clients it hasn't answered since
	Since      binding.Time // when the first of those asked; 0: none
	Relays     []int        // the relays behind which that was, by number
	Path       bool         // it answers behind other relays meanwhile: not the peer but the path to it seems broken
}

// Report tells how a peer is.
func (h *Health) Report(peer int, now binding.Time) Report {
	p := &h.peers[peer]
	r := Report{
		Answered: p.answered.Load(), Unanswered: p.unanswered.Load(), Rebinds: p.rebinds.Load(),
		LastAnswer: binding.Time(p.last.Load()),
	}
	behind := make(map[int]int)
	insistent := false
	for i := range p.evidence {
		what := p.evidence[i].what.Load()
		at, relay := uint32(what>>32), int(what>>16&0xffff)
		if at == 0 || uint32(now)-at > evidenceFor || at <= h.relays.answered(relay, peer).Load() {
			continue
		}
		r.Clients++
		behind[relay]++
		insistent = insistent || what&0xffff >= silentRepeats
		if r.Since == 0 || at < uint32(r.Since) {
			r.Since = binding.Time(at)
		}
	}
	for relay := range MaxRelays {
		if behind[relay] > 0 {
			r.Relays = append(r.Relays, relay)
		}
	}
	left := r.Clients >= silentClients || r.Clients >= silentFew && insistent
	switch {
	case left && r.LastAnswer > r.Since:
		r.Condition, r.Path = Alive, true
	case left:
		r.Condition = Silent
	case r.LastAnswer != 0 && uint32(now)-uint32(r.LastAnswer) <= aliveFor:
		r.Condition = Alive
	}
	return r
}

// Silent tells whether a peer is known to be silent for the clients of a relay. Unlike Report it allocates nothing.
func (h *Health) Silent(peer, relay int, now binding.Time) bool {
	p := &h.peers[peer]
	answered := h.relays.answered(relay, peer).Load()
	clients, insistent := 0, false
	for i := range p.evidence {
		what := p.evidence[i].what.Load()
		at := uint32(what >> 32)
		if at == 0 || uint32(now)-at > evidenceFor || at <= answered || int(what>>16&0xffff) != relay {
			continue
		}
		insistent = insistent || what&0xffff >= silentRepeats
		if clients++; clients >= silentClients || clients >= silentFew && insistent {
			return true
		}
	}
	return false
}
