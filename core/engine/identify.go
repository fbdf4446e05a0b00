package engine

import (
	"bytes"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A server of another make tells of leases without their IAIDs (see Told.Anonymous). They are observed like any, and nobody else's.
// The first message in which the same client names such a lease, to whomever, says in which of its identity associations it
// is: the record is that one's from then on, before anything else is made of the message. So nothing else needs to
// know of anonymous records but that they are in other clients' way. docs/decisions/0012-leases-without-iaid.md has the reasons.

// identify finds out what the message's IAs are known by, and gives the anonymous records that the message names their IAIDs. Where the
// table has none that is one look at a counter.
func (e *Engine) identify() {
	e.know()
	if !e.handle.HasAnonymous() || !e.writable || e.link == nil {
		return
	}
	for i := range e.message.IACount {
		ia := &e.message.IAs[i]
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			key := binding.Key{Address: lease.Address, Length: lease.Length}
			if r := e.handle.Find(&key); r != nil && r.Anonymous() && r.Of(e.message.ClientID, ia.Kind) {
				e.attribute(r, ia.IAID, e.identity(i))
			}
		}
		if e.message.Type == wire.Solicit {
			e.recall(i)
		}
	}
}

// attribute gives an anonymous record of the client at hand its IAID, and what that is known by. It may turn out to be a strong claim. No reply
// waits for that. It returns the lease's record, whatever became of it meanwhile.
func (e *Engine) attribute(r *binding.Record, iaid uint32, id address.Identity) *binding.Record {
	key := r.Key()
	client := peer.Claim{Kind: id.Kind, IAID: iaid, DUID: e.message.ClientID, Known: id}
	pool := e.poolOf(id.Kind, &key)
	for range claimTries {
		node, ok := e.view.Node(r.Owner())
		if !ok {
			node = peer.Nobody
		}
		draft := DraftOf(r)
		draft.IAID, draft.Flags, draft.Mark = iaid, r.Flags()&^FlagAnonymous|flagOf(&id), e.mark
		if id.Derived {
			draft.Extension, draft.KeepExtension = e.recastWith(r, &id), false
		}
		if _, strong := e.explain(&key, pool, &id, iaid, node); strong {
			draft.Flags |= FlagStrong
		}
		outcome := e.record(r, &draft)
		if outcome == binding.Published {
			e.view.Conflicts.Drop(&key, &client)
		}
		r = e.handle.Find(&key)
		if outcome != binding.Lost || r == nil || !r.Anonymous() || !r.Of(client.DUID, id.Kind) {
			break
		}
	}
	return r
}

// recall finds what a client had that has forgotten it, and asks for one IA of that kind: its only anonymous lease on the link. That
// may be another IA's, which uses it. So it must have come by the same relay port, or that IA should have renewed it by now and
// wasn't heard.
func (e *Engine) recall(i int) {
	ia := &e.message.IAs[i]
	for k := range e.message.IACount {
		if k != i && e.message.IAs[k].Kind == ia.Kind {
			return
		}
	}
	r := e.handle.OnlyAnonymous(e.message.ClientID, ia.Kind, e.now)
	if r == nil || !e.late(r) && !e.samePort(r) {
		return
	}
	if key := r.Key(); e.poolOf(ia.Kind, &key) == nil {
		return
	}
	e.find(i)
	for _, own := range e.found {
		if own.Live(e.now) {
			return
		}
	}
	e.attribute(r, ia.IAID, e.identity(i))
}

// samePort tells whether relays said the same of the port by which the message came as was told with the record, and said
// something. The link-address, which other servers don't tell, isn't looked at.
func (e *Engine) samePort(r *binding.Record) bool {
	e.claimRoom = r.AppendExtension(e.claimRoom[:0])
	told, here := binding.Extension(e.claimRoom), binding.Extension(e.kept())
	same := false
	for _, kind := range portKinds {
		if kind == binding.ExtLinkAddress {
			continue
		}
		was, known := told.Find(kind)
		is, _ := here.Find(kind)
		if known && !bytes.Equal(was, is) {
			return false
		}
		same = same || known
	}
	return same
}

// sameIAID sees to it that a binding that is told and the client's record of it agree on the IAID: whoever knows it is right. It returns the
// lease's record.
func (e *Engine) sameIAID(r *binding.Record, told *Told) *binding.Record {
	switch {
	case r == nil || !r.Of(told.DUID, told.Kind) || r.Anonymous() == told.Anonymous:
		return r
	case told.Anonymous:
		told.IAID, told.Anonymous = r.IAID(), false
		return r
	default:
		return e.attribute(r, told.IAID, told.identity())
	}
}
