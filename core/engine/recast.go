package engine

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A record can belong to an identity of another method than the link's clients have: it is from before the configuration was changed, or
// from a message that didn't show what the client is known by, or this message doesn't. Where the client names the lease as one that it
// holds, with the DUID and IAID that the record has, it is this client's all the same.

// resume looks for such leases among those that the message names. What its client is known by now the record gets; where the message
// doesn't show that, or ends the lease, the IA is known by what the record has for as long as the message lasts.
func (e *Engine) resume(ids []address.Identity) {
	switch e.message.Type {
	case wire.Renew, wire.Rebind, wire.Confirm, wire.Release, wire.Decline:
	default:
		return // a hint says nothing of what the client holds
	}
	for i := range ids {
		ia := &e.message.IAs[i]
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			r := e.handle.Find(&binding.Key{Address: lease.Address, Length: lease.Length})
			if r == nil || !r.Says(e.message.ClientID, ia.Kind, ia.IAID) {
				continue
			}
			own := r.Identity()
			switch {
			case methodOf(&own) == methodOf(&ids[i]):
			case !e.claims() || !ids[i].Derived && methodOf(&own) == e.link.Identity:
				ids[i] = own
			case r.Taken(e.now) && e.writable:
				e.recast(r, &ids[i])
			}
		}
	}
}

func methodOf(id *address.Identity) config.Identity {
	if !id.Derived {
		return config.IdentityDUIDIAID
	}
	return policy.DerivedBy(id.DUID)
}

// recast lets a record belong to another identity of its client. No reply waits for that. It returns the lease's record.
func (e *Engine) recast(r *binding.Record, id *address.Identity) *binding.Record {
	key := r.Key()
	draft := DraftOf(r)
	draft.Mark, draft.Flags = e.mark, r.Flags()&^binding.FlagDerived|flagOf(id)
	draft.Extension, draft.KeepExtension = e.recastWith(r, id), false
	e.record(r, &draft)
	return e.handle.Find(&key)
}

// recastWith is a record's extension for another identity. What finds no room beside that is left out.
func (e *Engine) recastWith(r *binding.Record, id *address.Identity) []byte {
	b := keepIdentity(e.keepRecord(e.recastRoom[:0], r), id)
	e.recastRoom = b[:0]
	if name, ok := binding.Extension(e.claimRoom).Find(binding.ExtFQDN); ok && len(b)+pieceHeader+len(name) <= binding.MaxExtension {
		b = binding.AppendExtension(b, binding.ExtFQDN, name)
	}
	return b
}

// sameIdentity sees to it that a binding that is told and the client's record of it agree on what the client is known by: the link's
// method is right, and what the record has where neither is of that. It returns the lease's record.
func (e *Engine) sameIdentity(r *binding.Record, told *Told) *binding.Record {
	if r == nil || told.Anonymous || !r.Says(told.DUID, told.Kind, told.IAID) {
		return r
	}
	own, its := r.Identity(), told.identity()
	switch {
	case own.Equal(&its):
		return r
	case methodOf(&its) == e.link.Identity && methodOf(&own) != e.link.Identity:
		return e.recast(r, &its)
	}
	told.Known, e.known.differ = own, e.known.differ || own.Derived
	return r
}

// identitySize is the most octets that a derived identity takes in an extension.
const identitySize = pieceHeader + 4 + binding.MaxIdentity

// forIdentity is how many octets of an extension are kept free for the identity.
func (e *Engine) forIdentity() int {
	if e.link.Identity == config.IdentityDUIDIAID && !e.known.differ {
		return 0
	}
	return identitySize
}

// keepIdentity appends what a client is known by to an extension, if that isn't DUID and IAID.
func keepIdentity(b []byte, id *address.Identity) []byte {
	if !id.Derived {
		return b
	}
	mark := len(b)
	b = binding.AppendIdentity(append(b, byte(binding.ExtIdentity), 0, 0), id)
	binary.BigEndian.PutUint16(b[mark+1:], uint16(len(b)-mark-pieceHeader))
	return b
}
