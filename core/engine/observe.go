package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// observe takes what a client tells a peer for what it is: what was asked, not what was granted. The observed binding is
// tentative after a Request and confirmed by a Renew at least 30 s later; it ends one valid lifetime after
// the client was last heard. It is written, and nobody waits for that.
func (e *Engine) observe(node int) {
	e.identify()
	if e.message.Type != wire.Request {
		e.witness()
	}
	for i := range e.message.IACount {
		ia := &e.message.IAs[i]
		e.find(i)
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			key := binding.Key{Address: lease.Address, Length: lease.Length}
			switch e.message.Type {
			case wire.Request, wire.Renew:
				e.observeClaim(i, &key, node)
			case wire.Release:
				e.observeEnd(i, &key, binding.Released, e.now)
			case wire.Decline:
				e.observeEnd(i, &key, binding.Declined, e.now.Add(e.policy.Quarantine))
			}
		}
		if e.message.Type == wire.Renew {
			e.giveWay(i)
		}
	}
}

// observeClaim takes that a client asks a peer for a lease, or says that it has it.
func (e *Engine) observeClaim(i int, key *binding.Key, node int) {
	ia := &e.message.IAs[i]
	id := e.identity(i)
	pool := e.poolOf(ia.Kind, key)
	by, strong := e.explain(key, pool, &id, ia.IAID, node)
	r := e.handle.Find(key)
	known := r != nil && r.BelongsTo(&id)
	if e.message.Type == wire.Request && !known && key.Address != [16]byte{} { // :: is a hint at a length
		at := -1
		if pool != nil {
			at = pool.ID
		}
		e.view.Divergence.Claimed(node, at, e.link.Index, by, e.client, peer.Example{Lease: *key, DUID: e.message.ClientID, IAID: ia.IAID, At: e.now})
	}
	if pool == nil && !strong {
		return // no lease of this link
	}
	if !strong && !(known && r.Taken(e.now)) && e.astray(key) {
		return
	}
	draft := e.observed(i, key, r, node, strong)
	if draft.Expires <= e.now {
		return // its pool has been retired for so long that nobody extends it
	}
	for range claimTries {
		if e.weigh(i, r, draft, node, strong) {
			return
		}
		r = e.handle.Find(key)
	}
}

// weigh holds a claim against the lease's record. False: another worker has changed that meanwhile.
func (e *Engine) weigh(i int, r *binding.Record, draft binding.Draft, node int, strong bool) bool {
	client := e.claimant(i)
	id := client.Client()
	switch {
	case r != nil && r.Registered() && r.Live(e.now) && !strong && e.message.Type == wire.Request:
		return true // who only asks for what another host uses isn't believed
	case r == nil || !r.Taken(e.now) || r.Registered(): // a server gave the lease, and anybody can register
		if !strong && e.refuses(e.poolOf(draft.Kind, &draft.Key)) {
			return true
		}
		e.view.Conflicts.Drop(&draft.Key, &client)
		return e.record(r, &draft) != binding.Lost
	case r.State() == binding.Declined:
		// Nobody is given it before its time is over, and then not another client.
		e.beside(r, &draft, client, node, strong)
		return true
	case r.BelongsTo(&id):
		return e.observeAgain(r, &draft) != binding.Lost
	default:
		return e.observeRival(r, &draft, client, node, strong)
	}
}

// observed is a peer's binding as it is written, over the lease's present record or none; node is negative where it isn't
// known whose.
func (e *Engine) observed(i int, key *binding.Key, r *binding.Record, node int, strong bool) binding.Draft {
	ia, id := &e.message.IAs[i], e.identity(i)
	times := e.termsOf(ia.Kind, key)
	draft := binding.Draft{
		Key: *key, Kind: ia.Kind, IAID: ia.IAID, DUID: e.message.ClientID,
		State: binding.Bound, Owner: e.view.Owner(node), Mark: e.mark,
		Preferred: times.Preferred, Valid: times.Valid,
		LastTransaction: e.now, Expires: e.lasts(&id, key, r), Since: e.now,
		Flags: flagOf(&id), Extension: e.keptWith(&id, key, r),
	}
	if node < 0 || node == e.policy.Self {
		draft.Owner = peer.Unnamed
	}
	if strong {
		draft.Flags |= FlagStrong
	}
	if e.message.Type != wire.Request {
		draft.Flags |= FlagHeld
	}
	return draft
}

// observeAgain goes on with the client's record of the same lease. Of one that this node granted a Request to a peer
// changes only the end: the client may still come back. A Renew tells that the peer serves it now. Nothing is shortened.
func (e *Engine) observeAgain(r *binding.Record, draft *binding.Draft) binding.Outcome {
	holds := e.message.Type == wire.Renew
	draft.Expires = max(draft.Expires, r.Expires())
	draft.Flags |= r.Flags() & FlagHeld
	if !Observed(r) && !holds {
		renewed := DraftOf(r)
		renewed.Expires, renewed.Mark = draft.Expires, e.mark
		if !r.Says(draft.DUID, draft.Kind, draft.IAID) { // what its client is known by is the same
			renewed.DUID, renewed.IAID, renewed.Extension, renewed.KeepExtension = draft.DUID, draft.IAID, draft.Extension, false
		}
		return e.record(r, &renewed)
	}
	if Observed(r) {
		draft.Since = r.Since()
		draft.Flags |= r.Flags() & FlagConfirmed
		if holds && peer.Confirms(r.Since(), e.now) {
			draft.Flags |= FlagConfirmed
		}
	}
	return e.record(r, draft)
}

// observeRival takes a claim to a lease that stands in the table for another client. It waits beside the binding, for a
// Request says only what was asked. Where both are confirmed the better one takes the place of a peer's binding; and of
// two that asked at once the one that holds the lease does.
// False: the record isn't the lease's any more.
func (e *Engine) observeRival(r *binding.Record, draft *binding.Draft, claim peer.Claim, node int, strong bool) bool {
	key := r.Key()
	claim, ok := e.beside(r, draft, claim, node, strong)
	if !ok {
		return true
	}
	other := e.claimOf(r)
	decided := claim.Confirmed && other.Confirmed && e.rivals(&claim, &other) && e.beats(&key, &claim, &other)
	if !Observed(r) || e.message.Type != wire.Renew || !decided && !e.overtook(&other, &claim) {
		return e.handle.Find(&key) == r
	}
	draft.Since = claim.Since
	if claim.Confirmed {
		draft.Flags |= FlagConfirmed
	}
	outcome := e.record(r, draft)
	if outcome == binding.Published {
		e.view.Conflicts.Drop(&key, &claim)
		e.view.Conflicts.Note(&key, other, false, e.now)
	}
	return outcome != binding.Lost
}

// beside notes a client's claim to a lease that another record stands for. False: it isn't believed.
func (e *Engine) beside(r *binding.Record, draft *binding.Draft, claim peer.Claim, node int, strong bool) (peer.Claim, bool) {
	key := r.Key()
	claim.Node, claim.Strong, claim.Since, claim.Expires = node, strong, e.now, draft.Expires
	claim.Port, claim.Extension = portOf(draft.Extension, weakPort), draft.Extension
	if !e.believes(&key, &claim, e.poolOf(draft.Kind, &key)) {
		return claim, false
	}
	return e.view.Conflicts.Note(&key, claim, e.message.Type == wire.Renew, e.now), true
}

// rivals tells whether two claims can be a conflict: they are in the names of two nodes. One node doesn't grant a lease
// twice: of two claims in its name the second one waits until the first has ended. If the first client gave the lease up
// and this node missed that, its binding ends here before the second client's does at the node that granted it. And
// what is in no node's name is its client's word alone.
func (e *Engine) rivals(a, b *peer.Claim) bool {
	return a.Node != b.Node && a.Node != peer.Nobody && b.Node != peer.Nobody
}

// late tells whether a peer's client should have renewed by now and wasn't heard.
func (e *Engine) late(r *binding.Record) bool {
	return Observed(r) && e.now > r.LastTransaction().Add(e.link.Overdue)
}

// claimOf is what a record says, as a claim beside another's. Its extension is good until the next call.
func (e *Engine) claimOf(r *binding.Record) peer.Claim {
	node, ok := e.view.Node(r.Owner())
	if !ok {
		node = peer.Nobody
	}
	e.claimRoom = r.AppendExtension(e.claimRoom[:0])
	return peer.Claim{
		Node: node, Kind: r.Kind(), IAID: r.IAID(), Anonymous: r.Anonymous(), DUID: r.DUID(), Known: r.Identity(), Strong: has(r, FlagStrong),
		Confirmed: has(r, FlagConfirmed), Held: has(r, FlagHeld) || !Observed(r), Since: r.Since(), Expires: r.Expires(),
		Port: portOf(e.claimRoom, weakPort), Extension: e.claimRoom,
	}
}

// observeEnd takes that the client gives a lease up that it has from a peer. It ends what was observed. What this node granted too, as
// where both answered a Rebind, goes on to its end for nobody else, and isn't extended unless the client comes back with it: the message
// may be late, and older than the grant.
func (e *Engine) observeEnd(i int, key *binding.Key, state binding.State, expires binding.Time) {
	client := e.claimant(i)
	e.view.Conflicts.Drop(key, &client)
	r, ia := e.held(key), &e.message.IAs[i]
	if r == nil || !e.lastSaid(r, ia) || r.State() != binding.Bound {
		return
	}
	draft := DraftOf(r)
	draft.Mark, draft.Since = e.mark, e.now
	if !Observed(r) {
		if r.Live(e.now) {
			draft.State = binding.Superseded
			e.record(r, &draft)
		}
		return
	}
	if state == binding.Declined && (ia.Kind != wire.IANA || e.declined() >= e.policy.MaxDeclined) {
		state, expires = binding.Released, e.now
	}
	draft.State, draft.LastTransaction, draft.Expires = state, e.now, expires
	e.record(r, &draft)
}

// record publishes what this node learned. No reply waits for it. Where the table is full the node has a gap.
func (e *Engine) record(old *binding.Record, draft *binding.Draft) binding.Outcome {
	waits := e.waits
	outcome := e.publish(old, draft)
	e.waits = waits
	if outcome == binding.Full {
		e.view.Gate.Close(e.link.Index, e.now, peer.ReasonFull)
	}
	return outcome
}
