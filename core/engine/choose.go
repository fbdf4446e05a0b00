package engine

import (
	"cmp"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A grant is a lease chosen for an IA: what would be assigned, and the record that stands there now.
type grant struct {
	ia  int // index into the message's IAs
	key binding.Key
	old *binding.Record // the lease's present record; nil: none
	age uint32          // seconds since the lifetimes began that the client is told the rest of; 0: they begin now
}

// choose finds the lease for IA number i by reading only: what the node knows comes before what it
// computes. Its own records of this client IA must be in e.found. The order: a reservation, a live binding,
// a lease that the client names and that verifies, a binding that ended and is still free, the candidates.
// With create false nothing is chosen that this node didn't bind and can't verify; nor where the client's classes give it
// nothing on the link, and then only what it says to hold; nor one more than its client may have.
func (e *Engine) choose(i int, create bool) (grant, bool) {
	ia := &e.message.IAs[i]
	id := e.identity(i)
	admitted := e.classes.Passes(&e.link.Gate)
	if !admitted && !e.claims() {
		return grant{}, false
	}
	if admitted {
		if g, ok := e.chooseReserved(i, ia); ok {
			return g, true
		}
	}
	bound, hasBound := e.chooseKnown(i, ia, true, true)
	length := e.lengthHint(ia)
	if hasBound && (e.keeps(ia, &bound.key) || length == 0 || length == bound.key.Length) {
		return bound, true
	}
	// From here on a client that has a binding is one that would like another length.
	if !hasBound && e.spent(i) {
		return grant{}, false
	}
	if g, ok := e.chooseHinted(i, ia, &id); ok && (!hasBound || closer(g.key.Length, bound.key.Length, length)) {
		return g, true
	}
	if !admitted {
		return bound, hasBound
	}
	if !hasBound {
		if g, ok := e.chooseKnown(i, ia, false, create); ok && (length == 0 || length == g.key.Length || e.names(ia, &g.key)) {
			return g, true
		}
	}
	if (create || e.knows() && len(e.withheld) == 0 && !e.doubts(ia)) && (e.knows() || !e.crowded(leasePort)) {
		if g, ok := e.chooseNew(i, ia, &id, cmp.Or(length, e.usualLength(ia))); ok && (!hasBound || closer(g.key.Length, bound.key.Length, length)) {
			return g, true
		}
	}
	return bound, hasBound
}

// keeps tells whether a client gets its live binding whatever prefix length it hints at: where it names the binding,
// which comes before a hint (RFC 8168, Section 3.2), and at Renew and Rebind, where of the choices in Section 3.5 only
// extending breaks no connection. A Solicit or Request with nothing but a hint gets the length that it asks for.
func (e *Engine) keeps(ia *wire.IA, bound *binding.Key) bool { return e.claims() || e.names(ia, bound) }

// claims tells whether the leases in the message are ones that the client says to hold: in Renew and Rebind.
// In a Solicit or Request they are hints.
func (e *Engine) claims() bool {
	return e.message.Type == wire.Renew || e.message.Type == wire.Rebind
}

// chooseReserved takes a reserved lease of the IA's kind: the one that the IA holds already, else the first one that
// isn't held. While another client still holds it the reserved client gets a dynamic one, until the holder was renumbered.
func (e *Engine) chooseReserved(i int, ia *wire.IA) (grant, bool) {
	if e.reserved == nil {
		return grant{}, false
	}
	var first grant
	found := false
	for k := 0; ; k++ {
		key, ok := e.reservedKey(ia.Kind, k)
		if !ok {
			return first, found
		}
		g, free := e.free(i, &key)
		if !free {
			continue
		}
		if g.old != nil && g.old.State() == binding.Bound && g.old.Live(e.now) {
			return g, true
		}
		if !found {
			first, found = g, true
		}
	}
}

// reservedKey is the k-th lease of a kind that is reserved for the client.
func (e *Engine) reservedKey(kind wire.Kind, k int) (key binding.Key, ok bool) {
	switch {
	case kind == wire.IANA && k < len(e.reserved.Addresses):
		return binding.Key{Address: e.reserved.Addresses[k], Length: 128}, true
	case kind == wire.IAPD && k < len(e.reserved.Prefixes):
		p := e.reserved.Prefixes[k]
		return binding.Key{Address: p.Addr().As16(), Length: uint8(p.Bits())}, true
	default:
		return binding.Key{}, false
	}
}

// chooseKnown takes a record of this client IA: a live one, or (live false) one that has ended. Of several it takes
// one that the client names, else one of this node's own before a peer's, else the newest. With unnamed false only one
// that the client names counts.
func (e *Engine) chooseKnown(i int, ia *wire.IA, live, unnamed bool) (grant, bool) {
	var best *binding.Record
	bestNamed := false
	for _, r := range e.found {
		key := r.Key()
		named := e.names(ia, &key)
		if !e.eligible(r, live, named) || e.doubtful(ia, r) {
			continue
		}
		why := trustNothing
		if live {
			why = trustRecord
		}
		if !named && (bestNamed || !unnamed) || !e.assignable(ia.Kind, &key, why) {
			continue
		}
		if best == nil || named && !bestNamed || better(r, best) {
			best, bestNamed = r, named
		}
	}
	if best == nil {
		return grant{}, false
	}
	key := best.Key()
	return e.free(i, &key)
}

// eligible tells whether a record of the client IA can be what it gets, by its state: bound, or superseded where the client
// comes back to it; of those that have ended, also a released one.
func (e *Engine) eligible(r *binding.Record, live, named bool) bool {
	if !e.credible(r, named) {
		return false
	}
	switch r.State() {
	case binding.Bound:
		return r.Live(e.now) == live
	case binding.Superseded:
		return live && named && r.Live(e.now)
	case binding.Released:
		return !live
	default:
		return false
	}
}

// credible tells whether a record is reason enough to give the client the lease. A claim that the configuration doesn't
// explain says only what its client would like until it says that it holds the lease; and of a lease that nobody is known
// to have granted, one message isn't enough. Named: the message at hand says it.
func (e *Engine) credible(r *binding.Record, named bool) bool {
	switch {
	case !Observed(r) || has(r, FlagConfirmed):
		return true
	case r.Owner() != peer.Unnamed && r.Flags()&(FlagStrong|FlagHeld) != 0:
		return true
	default:
		return named && e.claims() && (r.Owner() != peer.Unnamed || peer.Confirms(r.Since(), e.now))
	}
}

// better tells which of two records of a client IA is preferred: one that isn't superseded, then this node's own, then the one that was written later;
// of two of the same second the key decides, for the table gives them in no order.
func better(r, than *binding.Record) bool {
	if r.State() != than.State() {
		return r.State() == binding.Bound
	}
	if Observed(r) != Observed(than) {
		return !Observed(r)
	}
	if r.LastTransaction() != than.LastTransaction() {
		return r.LastTransaction() > than.LastTransaction()
	}
	key, other := r.Key(), than.Key()
	return key.Compare(&other) < 0
}

// chooseHinted takes a lease that the client names, where it verifies and is free. The hint of a stranger's lease,
// or of one that nobody would have assigned, counts for nothing (RFC 9915, Section 18.3.9, leaves hints to the server).
func (e *Engine) chooseHinted(i int, ia *wire.IA, id *address.Identity) (grant, bool) {
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		why := trustNothing
		if e.claims() {
			why = trustClaim
		}
		if !e.assignable(ia.Kind, &key, why) || !e.verifies(&key, id, ia) || e.portFull(&key, id) {
			continue
		}
		if g, ok := e.free(i, &key); ok {
			e.offered(&key, id)
			return g, true
		}
	}
	return grant{}, false
}

// knows tells whether the client IA has a live binding, assignable or not: then what it gets instead
// is no new binding to a stranger.
func (e *Engine) knows() bool {
	for _, r := range e.found {
		if r.State() == binding.Bound && r.Live(e.now) && e.credible(r, false) {
			return true
		}
	}
	return false
}

// names tells whether the client's IA names the lease.
func (e *Engine) names(ia *wire.IA, key *binding.Key) bool {
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		if lease.Address == key.Address && lease.Length == key.Length {
			return true
		}
	}
	return false
}
