package peer

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// MaxRelays is how many relays are known apart. Those beyond share number 0.
const MaxRelays = 4096

const (
	relayTries    = 16
	offersSize    = 1 << 14
	offerPatience = 5  // seconds from an Advertise to the Request that it led to
	minSamples    = 20 // of a relay's coverage; below it is unknown
	silentFactor  = 10 // times its longest usual interval make a relay silent
	silentAtLeast = 60 // seconds; what is shorter is nobody's silence
)

// Relays is the relays by which this node is reached: when they were heard, and whether what they forward is all of
// it. A relay is the source of its datagrams; number 0 stands for the clients of this link, and for those too many.
type Relays struct {
	entries [MaxRelays]relay
	offers  [offersSize]atomic.Uint64 // tag << 44 | relay << 32 | second of an Advertise
	nodes   int
	replied []atomic.Uint32 // by relay and node: when a message was last taken to be answered
}

// A relay's state goes 0, being written, ready; what stands below it is written once.
type relay struct {
	state    atomic.Uint32
	address  [16]byte
	link     atomic.Int32  // 1 + the link of its last message; 0: none known; -1: several
	last     atomic.Uint32 // binding.Time of the last message
	longest  atomic.Uint32 // seconds: the longest usual interval between two messages
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

// NewRelays makes a table for a cluster of so many nodes.
func NewRelays(nodes int) *Relays {
	return &Relays{nodes: nodes, replied: make([]atomic.Uint32, MaxRelays*nodes)}
}

// Heard notes a message by the relay with this source address, for a link (its index, or -1), and returns the relay's
// number. The address :: is that of clients without relay.
func (t *Relays) Heard(address [16]byte, link int, now binding.Time) int {
	number := t.find(address)
	r := &t.entries[number]
	bump(&r.messages)
	if link >= 0 && r.link.Load() != int32(link)+1 {
		if !r.link.CompareAndSwap(0, int32(link)+1) {
			r.link.Store(-1)
		}
	}
	last := binding.Time(r.last.Load())
	if last == now {
		return number
	}
	if last != 0 && now > last && !r.silent.Load() {
		if gap := uint32(now - last); gap > r.longest.Load() {
			r.longest.Store(gap)
		}
	}
	r.last.Store(uint32(now))
	return number
}

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

// Offered notes that a client's Solicit by this relay was answered with an Advertise.
func (t *Relays) Offered(number int, client uint64, now binding.Time) {
	word := &t.offers[client%offersSize]
	tag := client &^ (1<<44 - 1)
	if old := word.Load(); old&^(1<<44-1) == tag && uint32(now)-uint32(old) <= offerPatience {
		return // the same attempt
	}
	word.Store(tag | uint64(number)<<32 | uint64(uint32(now)))
	t.entries[number].solicits.Add(1)
}

// Requested notes a client's Request, to this node or to anybody else.
func (t *Relays) Requested(client uint64, ours bool, now binding.Time) {
	word := &t.offers[client%offersSize]
	old := word.Load()
	if old == 0 || old&^(1<<44-1) != client&^(1<<44-1) || uint32(now)-uint32(old) > offerPatience || !word.CompareAndSwap(old, 0) {
		return
	}
	r := &t.entries[old>>32&(MaxRelays-1)]
	r.followed.Add(1)
	if ours {
		r.ours.Add(1)
	}
}

// Named notes a message by the relay that names a peer.
func (t *Relays) Named(number int, m wire.MessageType, now binding.Time) {
	r := &t.entries[number]
	switch m {
	case wire.Request:
		r.requests.Add(1)
		r.firstRequest.CompareAndSwap(0, uint32(now))
	case wire.Renew:
		r.renews.Add(1)
	}
}

func (t *Relays) answered(number, node int) *atomic.Uint32 { return &t.replied[number*t.nodes+node] }

// tick closes the gate of the links whose relay has fallen silent, and starts their T1 anew until it is heard again.
func (t *Relays) tick(now binding.Moment, gate *Gate) {
	for i := range t.entries {
		r := &t.entries[i]
		last, longest := r.last.Load(), r.longest.Load()
		if last == 0 || longest == 0 {
			continue
		}
		quiet := uint32(now.Time()) - last
		if quiet > silentAtLeast && quiet > silentFactor*longest {
			r.silent.Store(true)
			closeFor(gate, r, now.Time())
		} else if r.silent.Load() && quiet <= silentAtLeast {
			// It is back. What was usual until now wasn't: it may be that quiet again.
			r.silent.Store(false)
			r.longest.Store(longest * 2)
		}
	}
}

func closeFor(gate *Gate, r *relay, now binding.Time) {
	switch link := r.link.Load(); {
	case link > 0:
		gate.Close(int(link-1), now, ReasonRelay)
	case link < 0:
		gate.CloseAll(now, ReasonRelay)
	}
}

// Address is the source address of the relay with this number; of number 0 all zero.
func (t *Relays) Address(number int) [16]byte {
	if r := &t.entries[number]; r.state.Load() == relayReady {
		return r.address
	}
	return [16]byte{}
}

// A RelayState is what is known of one relay.
type RelayState struct {
	Address  [16]byte // all zero: clients without relay, and relays too many
	Messages uint64
	Last     binding.Time
	Silent   bool
	Solicits uint32       // answered
	Followed uint32       // that led to a Request to anybody within 5 s
	Ours     uint32       // that led to one to us
	Requests uint32       // that named a peer
	Renews   uint32       // likewise
	First    binding.Time // when the first of those Requests came
}

// Known tells whether there are enough samples to speak of coverage.
func (s *RelayState) Known() bool { return s.Solicits >= minSamples }

// OursOnly tells that this node never hears Requests to others though most of its Advertises led to none to it: the
// relay sends them to the chosen server only, so this node can't observe anything behind it.
func (s *RelayState) OursOnly() bool {
	return s.Known() && s.Followed == s.Ours && s.Ours*2 < s.Solicits
}

// NoRenews tells that peers' clients are heard asking by this relay and never renewing, though one T1, in seconds, has
// passed twice since the first: the relay sends a bound client's messages to its server only. What was observed
// there ends though it lives.
func (s *RelayState) NoRenews(t1 uint32, now binding.Time) bool {
	return s.Requests >= minSamples && s.Renews == 0 && uint32(now) >= uint32(s.First)+2*t1
}

// States returns the relays that were heard.
func (t *Relays) States() (out []RelayState) {
	for i := range t.entries {
		r := &t.entries[i]
		if r.last.Load() == 0 || i > 0 && r.state.Load() != relayReady {
			continue
		}
		out = append(out, RelayState{
			Address: r.address, Messages: r.messages.Load(), Last: binding.Time(r.last.Load()), Silent: r.silent.Load(),
			Solicits: r.solicits.Load(), Followed: r.followed.Load(), Ours: r.ours.Load(),
			Requests: r.requests.Load(), Renews: r.renews.Load(), First: binding.Time(r.firstRequest.Load()),
		})
	}
	return out
}
