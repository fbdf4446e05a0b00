package address

import "github.com/lockstep6/lockstep6/core/wire"

// Counters is how many candidates a client has in a pool: counters 0 to 15.
const Counters = 16

// An Identity is a client's identity association. The Kind is part of the identity, since IAIDs of the two kinds
// are separate spaces, but doesn't enter any hash: pools of the two kinds never overlap.
// The DUID is only read, and only during a call.
type Identity struct {
	DUID    []byte
	IAID    uint32
	Kind    wire.Kind
	Derived bool // DUID and IAID aren't the client's own but what it is known by instead. It enters no hash: the octets differ from any DUID's
}

// Equal tells whether two identities are of the same identity association.
func (id *Identity) Equal(other *Identity) bool {
	return id.Kind == other.Kind && id.IAID == other.IAID && id.Derived == other.Derived && string(id.DUID) == string(other.DUID)
}

// Candidate returns the slot that F gives for a counter below Counters, usable or not (RFC 7943, Section 3,
// steps 1 and 2).
func (h *Hasher) Candidate(p *Pool, id *Identity, counter uint32) (slot U128) {
	var buffer [room]byte
	return h.below(appendMessage(buffer[:0], p.prefix, id, counter), p.size)
}

// Primary returns the client's first candidate that is usable (RFC 7943, Section 3, step 3). It returns false
// where none of its 16 is: then the pool is nearly all excluded, and only a spill finds a slot.
func (h *Hasher) Primary(p *Pool, id *Identity) (slot U128, ok bool) {
	slot, _, ok = h.NextUsable(p, id, 0)
	return slot, ok
}

// NextUsable returns the first usable candidate whose counter is at least the given one, and the counter to go on
// with. Start with 0; false means that there are no more. Two counters can give the same slot.
func (h *Hasher) NextUsable(p *Pool, id *Identity, counter uint32) (slot U128, next uint32, ok bool) {
	for ; counter < Counters; counter++ {
		if slot = h.Candidate(p, id, counter); p.Usable(slot) {
			return slot, counter + 1, true
		}
	}
	return U128{}, Counters, false
}

// Spill returns where the search for a free slot begins within a stripe: an index as StripeSlot takes it, below
// StripeSize(stripe, stripes). It is another hash than the candidates', so that clients who collide part ways.
// The stripe must not be empty.
func (h *Hasher) Spill(p *Pool, id *Identity, stripe, stripes int) (index U128) {
	var buffer [room]byte
	message := appendMessage(buffer[:0], p.prefix, id, uint32(stripe))
	return h.below(append(message, byte(domainSpill)), p.StripeSize(stripe, stripes))
}
