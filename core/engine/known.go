package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// What a client said and what it is known by are two things. Replies, and whatever is shown or told of a binding, have the client's own
// DUID and IAID. Whose a lease is, and which the client's candidates are, follows from its identity: DUID and IAID too, or what
// the link's clients are known by (policy.Link.Identify) and a number. docs/decisions/0015-identity.md has the reasons.

// known is what the message's IAs are known by.
type known struct {
	differ bool // any of them by something else than DUID and IAID
	ids    [wire.MaxIAs]address.Identity
	room   policy.IdentityRoom
}

// identity is what IA number i is known by.
func (e *Engine) identity(i int) address.Identity {
	if e.known.differ {
		return e.known.ids[i]
	}
	return e.said(&e.message.IAs[i])
}

// said is the client's identity for an IA by its own words.
func (e *Engine) said(ia *wire.IA) address.Identity {
	return address.Identity{DUID: e.message.ClientID, IAID: ia.IAID, Kind: ia.Kind}
}

// claimant is whose a claim of IA number i is, without the claim.
func (e *Engine) claimant(i int) peer.Claim {
	ia := &e.message.IAs[i]
	return peer.Claim{Kind: ia.Kind, IAID: ia.IAID, DUID: e.message.ClientID, Known: e.identity(i)}
}

// lastSaid tells, of a record of an IA of the message, whether the client gave the same DUID and IAID when it was last heard with the
// lease. Only then a Release or Decline ends it: else another stage of the client, or whoever is behind its port now, has it.
func (e *Engine) lastSaid(r *binding.Record, ia *wire.IA) bool {
	return !e.known.differ || r.Says(e.message.ClientID, ia.Kind, ia.IAID)
}

func flagOf(id *address.Identity) uint8 {
	if id.Derived {
		return binding.FlagDerived
	}
	return 0
}

// know finds out what the message's IAs are known by. Where that is DUID and IAID on the link, and in all the table, it is two looks.
func (e *Engine) know() {
	if e.link == nil || e.link.Identity == config.IdentityDUIDIAID && !e.handle.HasDerived() || len(e.message.ClientID) == 0 {
		return
	}
	base := e.link.Identify(&e.packet, &e.known.room)
	ids := e.known.ids[:e.message.IACount]
	for i := range ids {
		if ids[i] = e.said(&e.message.IAs[i]); base != nil {
			ids[i] = address.Identity{DUID: base, Kind: ids[i].Kind, Derived: true}
		}
	}
	e.known.differ = true
	if base != nil {
		e.number(ids)
	}
	e.resume(ids)
}

// unnumbered stands for the number of an IA that has none yet.
const unnumbered = ^uint32(0)

// number tells the client's IAs of a kind apart. An IA that names a lease of this client has the number of that one's record; one that
// the client was last heard with keeps its number; the others are ranked by their IAIDs, the least first. So a message that names some
// of the client's IAs only doesn't shuffle them, and an IA that comes first in another stage's message takes over from the one
// that came first before.
func (e *Engine) number(ids []address.Identity) {
	var room [wire.MaxIAs]int
	order := room[:0]
	for i := range ids {
		ids[i].IAID = unnumbered
		at := len(order)
		for at > 0 && e.message.IAs[order[at-1]].IAID > e.message.IAs[i].IAID {
			at--
		}
		order = slices.Insert(order, at, i)
	}
	if len(ids) == 1 && e.lone(&ids[0]) {
		return
	}
	for _, find := range [...]func(*Engine, int, address.Identity) uint32{(*Engine).recorded, (*Engine).explained, (*Engine).remembered} {
		for _, i := range order {
			if ids[i].IAID != unnumbered {
				continue
			}
			if n := find(e, i, ids[i]); n != unnumbered && !numbered(ids, ids[i].Kind, n) {
				ids[i].IAID = n
			}
		}
	}
	for _, i := range order {
		for n := uint32(0); ids[i].IAID == unnumbered; n++ {
			if !numbered(ids, ids[i].Kind, n) {
				ids[i].IAID = n
			}
		}
	}
}

// lone is number for the only IA of a message, where the client has no other lease: it is its first one.
func (e *Engine) lone(id *address.Identity) bool {
	if _, _, names := e.message.IAs[0].NextLease(e.message.IAs[0].Options); names {
		return false
	}
	id.IAID = 0
	if e.found = e.handle.FindIdentity(id, e.found[:0]); len(e.found) == 0 {
		return true
	}
	id.IAID = unnumbered
	return false
}

func numbered(ids []address.Identity, kind wire.Kind, n uint32) bool {
	return slices.ContainsFunc(ids, func(id address.Identity) bool { return id.Kind == kind && id.IAID == n })
}

// recorded is the number of the record of a lease that the IA names.
func (e *Engine) recorded(i int, id address.Identity) uint32 {
	ia := &e.message.IAs[i]
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		r := e.handle.Find(&binding.Key{Address: lease.Address, Length: lease.Length})
		if r == nil || !r.Derived() {
			continue
		}
		if id.IAID = r.Identity().IAID; r.BelongsTo(&id) {
			return id.IAID
		}
	}
	return unnumbered
}

// explainable is how many numbers are tried for a lease of which there is no record.
const explainable = 4

// explained is the number under which a lease that the IA names is a candidate of the client: of a lease that a peer gave
// it there may be no record here.
func (e *Engine) explained(i int, id address.Identity) uint32 {
	ia := &e.message.IAs[i]
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		pool := e.poolOf(ia.Kind, &key)
		if pool == nil {
			continue
		}
		slot, ok := pool.Range.Slot(key.Address)
		for id.IAID = 0; ok && id.IAID < explainable; id.IAID++ {
			if e.derived(pool, slot, &id) {
				return id.IAID
			}
		}
	}
	return unnumbered
}

// remembered is the number of the record with which the same DUID and IAID were last heard. Numbers are given without gaps.
func (e *Engine) remembered(i int, id address.Identity) uint32 {
	ia := &e.message.IAs[i]
	for id.IAID = 0; id.IAID < wire.MaxIAs; id.IAID++ {
		e.found = e.handle.FindIdentity(&id, e.found[:0])
		if len(e.found) == 0 {
			break
		}
		for _, r := range e.found {
			if r.Says(e.message.ClientID, ia.Kind, ia.IAID) {
				return id.IAID
			}
		}
	}
	return unnumbered
}
