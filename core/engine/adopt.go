package engine

import (
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Told is a living binding as a peer tells of it, which this node may have missed.
type Told struct {
	Key        binding.Key
	Kind       wire.Kind
	IAID       uint32
	DUID       []byte
	Node       int          // who granted it, by the policy's index, this node too; peer.Nobody: that isn't known
	Granted    bool         // the peer that tells of it granted it. Else that peer heard a client ask for it, at least
	Superseded bool         // its client has turned to another server
	Last       binding.Time // when the client was last heard with it
	Since      binding.Time // when it got it, or was first heard with it; Last where that isn't known
	Expires    binding.Time
	Relay      wire.Relay // what is known of the relay that the client is behind, the link-address too
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
// the loss of its disk, is its own again where the configuration explains it or its client has renewed it. Nothing is shortened,
// no other client's living binding gives way, and no reply waits for the write.
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
	id := address.Identity{DUID: told.DUID, Kind: told.Kind, IAID: told.IAID}
	pool := e.poolOf(told.Kind, &told.Key)
	_, strong := e.explain(&told.Key, pool, &id, told.Node)
	if pool == nil && !strong {
		return NotHere
	}
	draft := e.adopted(told, strong)
	for range claimTries {
		if became, outcome := e.settleTold(e.handle.Find(&told.Key), told, draft, strong); outcome != binding.Lost {
			if outcome != binding.Published {
				return AdoptionRefused
			}
			return became
		}
	}
	return KnownBetter // its client is being answered at this moment, over and over
}

// hearOf makes the binding's client the one whose message is at hand: what observation looks at is then in its place.
func (e *Engine) hearOf(told *Told, link int) {
	e.link = &e.policy.Links[link]
	e.packet.RelayCount = 1
	e.packet.Relays[0] = told.Relay
	e.message = &e.packet.Message
	e.message.Type, e.message.ClientID, e.message.IACount = wire.Renew, told.DUID, 0
	e.reset(&Input{})
	e.extension = e.keepRelay(e.extension[:0])
	e.hasExt = true
}

// keepRelay is the part of kept that a peer tells of.
func (e *Engine) keepRelay(b []byte) []byte {
	relay := &e.packet.Relays[0]
	if relay.LinkAddress != [16]byte{} {
		b = keep(b, binding.ExtLinkAddress, relay.LinkAddress[:])
	}
	b = e.keepHardware(b)
	b = keep(b, binding.ExtRemoteID, relay.RemoteID)
	b = keep(b, binding.ExtSubscriberID, relay.SubscriberID)
	b = keep(b, binding.ExtRelayID, relay.RelayID)
	return keep(b, binding.ExtInterfaceID, relay.InterfaceID)
}

// adopted is the binding as it would be written.
func (e *Engine) adopted(told *Told, strong bool) binding.Draft {
	times := &e.link.Lifetimes
	draft := binding.Draft{
		Key: told.Key, Kind: told.Kind, IAID: told.IAID, DUID: told.DUID,
		State: binding.Bound, Owner: e.view.Owner(told.Node), Mark: e.mark,
		Preferred: times.Preferred, Valid: times.Valid,
		LastTransaction: min(told.Last, e.now), Expires: told.Expires, Since: min(told.Since, told.Last, e.now),
		Extension: e.extension,
	}
	confirmed := peer.Confirms(draft.Since, draft.LastTransaction)
	if told.Superseded {
		draft.State, confirmed = binding.Superseded, false
	}
	if confirmed {
		draft.Flags = FlagConfirmed
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
	switch {
	case r != nil && r.Belongs(told.DUID, told.Kind, told.IAID):
		return e.adoptAgain(r, told, draft)
	case r == nil || !r.Taken(e.now):
		if draft.Owner != peer.Self && !strong && e.refuses(e.poolOf(told.Kind, &told.Key)) {
			return AdoptionRefused, binding.Published
		}
		e.view.Conflicts.Drop(&draft.Key, draft.Kind, draft.IAID, draft.DUID)
		return AdoptedNew, e.record(r, &draft)
	case r.State() == binding.Declined || told.Superseded:
		return KnownBetter, binding.Published
	}
	claim := peer.Claim{
		Node: told.Node, Kind: told.Kind, IAID: told.IAID, DUID: told.DUID, Strong: strong, Held: draft.Flags&FlagHeld != 0,
		Confirmed: draft.Flags&FlagConfirmed != 0, Since: draft.Since, Expires: draft.Expires,
		Port: portOf(e.extension, weakPort), Extension: e.extension,
	}
	if !e.believes(&draft.Key, &claim, e.poolOf(told.Kind, &told.Key)) {
		return AdoptionRefused, binding.Published
	}
	e.view.Conflicts.Note(&draft.Key, claim, false, e.now)
	return AdoptedBeside, binding.Published
}

// adoptAgain goes on with the client's record of the same lease, or replaces it where the peer heard the client later, or
// knows who granted it. What the client gave up after that stays so.
func (e *Engine) adoptAgain(r *binding.Record, told *Told, draft binding.Draft) (Adoption, binding.Outcome) {
	e.view.Conflicts.Drop(&draft.Key, draft.Kind, draft.IAID, draft.DUID)
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
	draft.KeepExtension = len(draft.Extension) == 0
	return draft
}

// takenOver tells whether the server that a peer names has taken over what this node granted. That a client asked it to isn't
// enough.
func (e *Engine) takenOver(told *Told, draft *binding.Draft) bool {
	return told.Node >= 0 && told.Node != e.policy.Self && (told.Superseded || draft.Flags&FlagHeld != 0)
}
