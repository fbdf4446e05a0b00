package engine

import (
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Told is a living binding as a peer tells of it, which this node may have missed.
type Told struct {
	Key        binding.Key
	Kind       wire.Kind
	IAID       uint32
	Anonymous  bool // its IAID isn't known; IAID is 0 then. Adopt fills both in where it has the lease with its IAID
	DUID       []byte
	Known      address.Identity // what the client IA is known by; not Derived: DUID and IAID. Adopt changes it where the record knows better, to a view that is good until End
	Node       int              // who granted it, by the policy's index, this node too; peer.Nobody: that isn't known
	Granted    bool             // the peer that tells of it granted it. Else that peer heard a client ask for it, at least
	Superseded bool             // its client has turned to another server
	Last       binding.Time     // when the client was last heard with it
	Since      binding.Time     // when it got it, or was first heard with it; Last where that isn't known
	Expires    binding.Time
	Relay      wire.Relay  // what is known of the relay that the client is behind, the link-address too
	Name       naming.Kept // flags and name of its Client FQDN option; nil: that isn't known
}

// toldSlack is by how many seconds a binding that was told from node to node and back may differ from itself: nobody writes
// it for that.
const toldSlack = 5

// An Adoption is what became of a binding that a peer told of.
type Adoption uint8

// Adoptions.
const (
	AdoptedNew      Adoption = iota // it was missing
	AdoptedLater                    // the peer heard the client later, or lets the lease last longer
	AdoptedBeside                   // the lease is another client's here; the claim waits beside that
	KnownBetter                     // the record stays as it is
	NotHere                         // no link has the lease
	AdoptionRefused                 // one claim more than its relay port may have, or no room in the table

	Adoptions = AdoptionRefused + 1 // how many there are
)

// Adopt takes a binding of which a peer tells, by the rules of observation: what it is worth is looked at as if its client
// had been overheard, so that all nodes decide conflicts alike. What this node itself granted and doesn't remember, as after
// the loss of its disk, is its own again where the configuration explains it or its client has renewed it. Nothing
// that is known is shortened, no other client's living binding gives way, and no reply waits for the write.
//
// No peer's word makes a lease last longer than this node could have granted it now: Adopt cuts Expires down to that.
//
// It belongs between Begin and End, as Handle does.
func (e *Engine) Adopt(told *Told) Adoption {
	if told.Expires <= e.now || e.policy.Single {
		return KnownBetter
	}
	at := e.policy.LinkOf(told.Kind, &told.Key.Address, told.Key.Length)
	if at < 0 {
		return NotHere
	}
	e.hearOf(told, at)
	if told.Kind == wire.Registered {
		return e.adoptRegistration(told)
	}
	told.Expires = min(told.Expires, e.now.Add(e.link.LongestValid))
	pool := e.poolOf(told.Kind, &told.Key)
	for range claimTries {
		r := e.sameIdentity(e.sameIAID(e.handle.Find(&told.Key), told), told)
		strong := e.explainTold(told, pool)
		if pool == nil && !strong {
			return NotHere
		}
		if became, outcome := e.settleTold(r, told, e.adopted(told, strong), strong); outcome != binding.Lost {
			if outcome != binding.Published {
				return AdoptionRefused
			}
			return became
		}
	}
	return KnownBetter // its client is being answered at this moment, over and over
}

// identity is what the told client IA is known by.
func (t *Told) identity() address.Identity {
	claim := t.claimant()
	return claim.Client()
}

// claimant is whose claim it is, without the claim.
func (t *Told) claimant() peer.Claim {
	return peer.Claim{Kind: t.Kind, IAID: t.IAID, Anonymous: t.Anonymous, DUID: t.DUID, Known: t.Known}
}

// explainTold tells whether the claim is a strong one. Without the IAID only a reservation can say so.
func (e *Engine) explainTold(told *Told, pool *policy.Pool) bool {
	if told.Anonymous && e.link.Reserved(&told.Key.Address, told.Key.Length) == nil {
		return false
	}
	id := told.identity()
	_, strong := e.explain(&told.Key, pool, &id, told.IAID, told.Node)
	return strong
}

// hearOf makes the binding's client the one whose message is at hand: what observation looks at is then in its place.
func (e *Engine) hearOf(told *Told, link int) {
	e.link = &e.policy.Links[link]
	e.packet.RelayCount = 1
	e.packet.Relays[0] = told.Relay
	e.message = &e.packet.Message
	e.message.Type, e.message.ClientID, e.message.IACount = wire.Renew, told.DUID, 0
	e.message.Options, e.message.ORO = nil, nil // classes would look at the message before
	e.reset(&Input{})
	e.known.differ = told.Known.Derived
	e.extension = e.keepRelay(e.extension[:0])
	e.hasExt = true
}

// keptAs is what is stored with the binding: what the peer tells of the relay, or where it tells nothing what the client's record
// r has; and the name that the peer tells, or else what it is by the rules.
func (e *Engine) keptAs(told *Told, r *binding.Record) []byte {
	id := told.identity()
	e.extension = e.keepRelay(e.extension[:0])
	if len(e.extension) == 0 && r != nil && (r.BelongsTo(&id) || told.Anonymous && r.Of(id.DUID, id.Kind)) {
		e.extension = e.keepRecord(e.extension, r)
	}
	if told.Name.Name() == nil || e.link.Naming == nil {
		return e.keptWith(&id, &told.Key, r)
	}
	b, mark := openName(keepIdentity(e.extension, &id))
	return e.closeName(append(b, told.Name...), mark)
}

// keepRecord is what a record keeps, but for the name and what the client is known by.
func (e *Engine) keepRecord(b []byte, r *binding.Record) []byte {
	e.claimRoom = r.AppendExtension(e.claimRoom[:0])
	for kind, data, rest, ok := binding.Extension(e.claimRoom).Next(); ok; kind, data, rest, ok = rest.Next() {
		if kind != binding.ExtFQDN && kind != binding.ExtIdentity {
			b = e.keep(b, kind, data)
		}
	}
	return b
}

// keepRelay is the part of kept that a peer tells of.
func (e *Engine) keepRelay(b []byte) []byte {
	relay := &e.packet.Relays[0]
	if relay.LinkAddress != [16]byte{} {
		b = e.keep(b, binding.ExtLinkAddress, relay.LinkAddress[:])
	}
	b = e.keepHardware(b)
	b = e.keep(b, binding.ExtRemoteID, relay.RemoteID)
	b = e.keep(b, binding.ExtSubscriberID, relay.SubscriberID)
	b = e.keep(b, binding.ExtRelayID, relay.RelayID)
	return e.keep(b, binding.ExtInterfaceID, relay.InterfaceID)
}

// adopted is the binding as it would be written.
func (e *Engine) adopted(told *Told, strong bool) binding.Draft {
	times := e.termsOf(told.Kind, &told.Key)
	draft := binding.Draft{
		Key: told.Key, Kind: told.Kind, IAID: told.IAID, DUID: told.DUID,
		State: binding.Bound, Owner: e.view.Owner(told.Node), Mark: e.mark,
		Preferred: times.Preferred, Valid: times.Valid,
		LastTransaction: min(told.Last, e.now), Expires: told.Expires, Since: min(told.Since, told.Last, e.now),
		Flags: flagOf(&told.Known),
	}
	if told.Anonymous {
		draft.Flags |= FlagAnonymous
	}
	confirmed := peer.Confirms(draft.Since, draft.LastTransaction)
	if told.Superseded {
		draft.State, confirmed = binding.Superseded, false
	}
	if confirmed {
		draft.Flags |= FlagConfirmed
	}
	switch {
	case told.Node == e.policy.Self && (strong || confirmed):
		draft.Owner = peer.Self
		if e.reserved != nil && e.link.Reserved(&told.Key.Address, told.Key.Length) == e.reserved {
			draft.Flags |= FlagStrong
		}
		return draft
	case told.Node < 0 || told.Node == e.policy.Self:
		draft.Owner = peer.Unnamed
	}
	if strong {
		draft.Flags |= FlagStrong
	}
	if told.Granted || confirmed {
		draft.Flags |= FlagHeld
	}
	return draft
}

// settleTold holds the binding against the lease's record. Lost: another worker has changed that meanwhile.
func (e *Engine) settleTold(r *binding.Record, told *Told, draft binding.Draft, strong bool) (Adoption, binding.Outcome) {
	draft.Extension = e.keptAs(told, r)
	id, claim := told.identity(), told.claimant()
	switch {
	case r != nil && (r.BelongsTo(&id) || told.Anonymous && r.Of(told.DUID, told.Kind)):
		return e.adoptAgain(r, told, draft)
	case r != nil && r.Registered() && r.Live(e.now) && !strong && draft.Flags&FlagHeld == 0 && draft.Owner != peer.Self:
		return KnownBetter, binding.Published
	case r == nil || !r.Taken(e.now) || r.Registered():
		if draft.Owner != peer.Self && !strong && e.refuses(e.poolOf(told.Kind, &told.Key)) {
			return AdoptionRefused, binding.Published
		}
		e.view.Conflicts.Drop(&draft.Key, &claim)
		return AdoptedNew, e.record(r, &draft)
	case r.State() == binding.Declined || told.Superseded:
		return KnownBetter, binding.Published
	}
	claim.Node, claim.Strong = told.Node, strong
	// Who wasn't heard since this client got the lease may have given it up before, and the peer have missed that. A message confirms it.
	claim.Held, claim.Confirmed = draft.Flags&FlagHeld != 0, draft.Flags&FlagConfirmed != 0 && draft.LastTransaction >= r.Since()
	claim.Since, claim.Expires = draft.Since, draft.Expires
	claim.Port, claim.Extension = portOf(e.extension, weakPort), draft.Extension
	if !e.believes(&draft.Key, &claim, e.poolOf(told.Kind, &told.Key)) {
		return AdoptionRefused, binding.Published
	}
	e.view.Conflicts.Note(&draft.Key, claim, false, e.now)
	return AdoptedBeside, binding.Published
}

// adoptAgain goes on with the client's record of the same lease, or replaces it where the peer heard the client later, or
// knows who granted it. What the client gave up after that stays so.
func (e *Engine) adoptAgain(r *binding.Record, told *Told, draft binding.Draft) (Adoption, binding.Outcome) {
	client := told.claimant()
	e.view.Conflicts.Drop(&draft.Key, &client)
	heard, ended := r.LastTransaction(), r.State() == binding.Released || r.State() == binding.Declined
	if r.State() != binding.Bound {
		heard = max(heard, r.Since())
	}
	later := draft.LastTransaction > heard
	if !ended && (draft.Owner == r.Owner() || draft.Owner == peer.Unnamed) {
		later = draft.LastTransaction > heard.Add(toldSlack)
	}
	longer := draft.Expires > r.Expires().Add(toldSlack)
	names := r.State() == binding.Bound && r.Owner() == peer.Unnamed && draft.Owner != peer.Unnamed && !told.Superseded
	switch {
	case ended && later:
		return AdoptedLater, e.record(r, &draft)
	case ended, !later && !names && !longer:
		return KnownBetter, binding.Published
	case !later && !names, !Observed(r) && !e.takenOver(told, &draft):
		// Who serves the client this node knows better; not how long the lease lasts.
		next := DraftOf(r)
		next.Mark, next.Expires = e.mark, max(next.Expires, draft.Expires)
		if told.Node == e.policy.Self {
			next.LastTransaction = max(next.LastTransaction, draft.LastTransaction)
		}
		return AdoptedLater, e.record(r, &next)
	}
	return AdoptedLater, e.record(r, e.goOn(r, &draft))
}

// goOn lets the binding go on from the client's record.
func (e *Engine) goOn(r *binding.Record, draft *binding.Draft) *binding.Draft {
	if r.Derived() && !r.Says(draft.DUID, draft.Kind, draft.IAID) && draft.LastTransaction <= r.LastTransaction() {
		draft.DUID, draft.IAID, draft.Extension, draft.KeepExtension = r.DUID(), r.IAID(), nil, true // an earlier stage of the client was told
	}
	draft.LastTransaction, draft.Expires = max(draft.LastTransaction, r.LastTransaction()), max(draft.Expires, r.Expires())
	if r.State() == binding.Bound {
		draft.Since = min(draft.Since, r.Since())
	}
	if draft.Owner == peer.Unnamed {
		draft.Owner = r.Owner()
	}
	draft.Flags |= r.Flags() & FlagConfirmed
	if draft.Owner != peer.Self {
		draft.Flags |= r.Flags() & FlagHeld
	}
	return draft
}

// takenOver tells whether the server that a peer names has taken over what this node granted. That a client asked it to isn't
// enough.
func (e *Engine) takenOver(told *Told, draft *binding.Draft) bool {
	return told.Node >= 0 && told.Node != e.policy.Self && (told.Superseded || draft.Flags&FlagHeld != 0)
}
