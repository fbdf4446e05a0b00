package peer

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

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
// relay sends them to the chosen server only, so this node can't observe anything behind it. Of a node that clients prefer to
// all others (favoured) nobody can tell: a Solicit that led to nothing is all there is.
func (s *RelayState) OursOnly(favoured bool) bool {
	return !favoured && s.Known() && s.Requests*20 < s.Solicits && s.Followed == s.Ours && s.Ours*2 < s.Solicits
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
