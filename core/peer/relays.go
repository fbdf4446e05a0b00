package peer

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// MaxRelays is how many relays are known apart. Those beyond share number 0.
const MaxRelays = 4096

const (
	relayTries    = 16
	offersSize    = 1 << 14
	offerPatience = 5         // seconds from an Advertise to the Request that it led to
	minSamples    = 20        // of a relay's coverage; below it is unknown
	silentFactor  = 10        // times its longest usual interval make a relay silent,
	silentAtLeast = 60        // and so many seconds,
	usualMessages = 100       // where it was heard so often,
	usualSeconds  = 3600      // and for so long: before that nobody knows what is usual
	usualFor      = 7 * 86400 // seconds after which an interval isn't usual any more, and twice that at most
)

// Relays is the relays by which this node is reached: when they were heard, and whether what they forward is all of
// it. A relay is the source of its datagrams; number 0 stands for the clients of this link, and for those too many.
type Relays struct {
	entries [MaxRelays]relay
	offers  [offersSize]atomic.Uint64 // tag << 44 | relay << 32 | second of an Advertise
	nodes   int
	gate    *Gate
	replied []atomic.Uint32 // by relay and node: when a message was last taken to be answered
}

// A relay's state goes 0, being written, ready; what stands below it is written once.
type relay struct {
	state    atomic.Uint32
	address  [16]byte
	link     atomic.Int32  // 1 + the link of its last message; 0: none known; -1: several
	first    atomic.Uint32 // binding.Time of the first message
	last     atomic.Uint32 // and of the last one
	longest  atomic.Uint32 // seconds: the longest interval between two messages in this window of time
	before   atomic.Uint32 // and in the one before
	window   uint32        // binding.Time at which this window began; tick's
	silent   atomic.Bool   // found silent, not heard since
	messages atomic.Uint64

	solicits, followed, ours atomic.Uint32 // Solicits answered, those that led to a Request, those to us
	requests, renews         atomic.Uint32 // that named a peer
	firstRequest             atomic.Uint32 // binding.Time of the first of them
}

const (
	relayFree = iota
	relayWritten
	relayReady
)

// NewRelays makes a table for a cluster of so many nodes, which closes gates for relays that fall silent.
func NewRelays(nodes int, gate *Gate) *Relays {
	return &Relays{nodes: nodes, gate: gate, replied: make([]atomic.Uint32, MaxRelays*nodes)}
}

// Heard notes a message by the relay with this source address, for a link (its index, or -1), and returns the relay's
// number. The address :: is that of clients without relay.
func (t *Relays) Heard(address [16]byte, link int, now binding.Time) int {
	number := t.find(address)
	t.heard(&t.entries[number], link, now)
	if link >= 0 {
		t.gate.Heard(link, now)
	}
	return number
}

func (t *Relays) heard(r *relay, link int, now binding.Time) {
	bump(&r.messages)
	if link >= 0 && r.link.Load() != int32(link)+1 {
		if !r.link.CompareAndSwap(0, int32(link)+1) {
			r.link.Store(-1)
		}
	}
	last := binding.Time(r.last.Load())
	if last == now {
		return
	}
	r.last.Store(uint32(now))
	switch {
	case last == 0:
		r.first.Store(uint32(now))
	case r.silent.Load():
		t.back(r, last, now)
	case now > last:
		raise(&r.longest, uint32(now-last))
	}
}

// back takes that a relay is heard again after the time of its last message: what its clients said meanwhile is heard within one T1. What was
// usual until now wasn't: it may be that quiet again.
func (t *Relays) back(r *relay, last, now binding.Time) {
	if r.silent.CompareAndSwap(true, false) {
		raise(&r.longest, max(r.usual()*2, silentAtLeast))
		t.silenced(r, last, now)
	}
}

// usual is the longest usual interval between two messages, in seconds.
func (r *relay) usual() uint32 { return max(r.longest.Load(), r.before.Load()) }

// bump counts without a locked addition: a count that is lost between two workers doesn't matter here.
func bump(c *atomic.Uint64) { c.Store(c.Load() + 1) }

// find returns the number of the relay, and gives it one if it has none.
func (t *Relays) find(address [16]byte) int {
	if address == [16]byte{} {
		return 0
	}
	hash := (binary.LittleEndian.Uint64(address[:])*31 + binary.LittleEndian.Uint64(address[8:])) * 0x9e3779b97f4a7c15
	for i := range uint64(relayTries) {
		number := int((hash>>40+i)%(MaxRelays-1)) + 1
		r := &t.entries[number]
		switch r.state.Load() {
		case relayReady:
			if r.address == address {
				return number
			}
		case relayFree:
			if r.state.CompareAndSwap(relayFree, relayWritten) {
				r.address = address
				r.state.Store(relayReady)
				return number
			}
			return 0
		default: // being written at this moment; the next message finds it
			return 0
		}
	}
	return 0
}

func (t *Relays) answered(number, node int) *atomic.Uint32 { return &t.replied[number*t.nodes+node] }

// tick closes the gate of the links whose relay has fallen silent: once, for it may be gone for good. While it stays silent, what ends there is
// kept apart.
func (t *Relays) tick(now binding.Moment) {
	everywhere := uint32(0) // since when the last one of those for several links is silent
	for i := range t.entries {
		r := &t.entries[i]
		last := r.last.Load()
		if r.silent.Load() {
			switch link := r.link.Load(); {
			case link > 0:
				t.gate.Silent(int(link-1), binding.Time(last), now.Time())
			case link < 0:
				everywhere = max(everywhere, last)
			}
			continue
		}
		if last == 0 {
			continue
		}
		if uint32(now.Time()) >= r.window+usualFor && last >= r.window {
			r.window = uint32(now.Time()) // of a time without any message nothing is learned
			r.before.Store(r.longest.Swap(0))
		}
		if uint32(now.Time()) <= last { // heard since the tick began
			continue
		}
		quiet := uint32(now.Time()) - last
		if r.messages.Load() < usualMessages || last-r.first.Load() < usualSeconds {
			continue
		}
		if quiet > silentAtLeast && quiet > silentFactor*r.usual() && r.silent.CompareAndSwap(false, true) {
			t.silenced(r, binding.Time(last), now.Time())
		}
	}
	if everywhere > 0 {
		t.gate.SilentAll(binding.Time(everywhere), now.Time())
	}
}

// silenced closes the gates of what a relay that was silent since a time speaks for.
func (t *Relays) silenced(r *relay, since, now binding.Time) {
	switch link := r.link.Load(); {
	case link > 0:
		t.gate.Silenced(int(link-1), since, now, ReasonRelay)
	case link < 0:
		t.gate.SilencedAll(since, now, ReasonRelay)
	}
}
