package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// confirm answers a Confirm (RFC 9915, Section 18.3.3). It tests the link, not the binding: a server that
// never made the binding says Success as well, and nothing is extended or created.
func (e *Engine) confirm() wire.Drop {
	e.witness()
	addresses, onLink := 0, true
	for i := range e.message.IACount {
		ia := &e.message.IAs[i]
		if ia.Kind != wire.IANA {
			continue
		}
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			if lease.Address == [16]byte{} {
				continue // no address
			}
			addresses++
			e.confirmObserved(i, &lease)
			onLink = onLink && e.link.Appropriate(&lease.Address)
		}
	}
	if addresses == 0 || len(e.link.OnLink) == 0 {
		return wire.DropNoAddresses
	}
	e.open(wire.Reply)
	if onLink {
		e.dst = wire.AppendStatus(e.dst, wire.StatusSuccess, "all addresses are on the link")
	} else {
		e.noteStatus(wire.StatusNotOnLink)
		e.dst = wire.AppendStatus(e.dst, wire.StatusNotOnLink, "an address doesn't belong to this link")
	}
	return wire.DropNone
}

// confirmObserved notes that a client still has a lease with which it was heard a while ago. Nothing waits for that.
func (e *Engine) confirmObserved(i int, lease *wire.Lease) {
	key := binding.Key{Address: lease.Address, Length: 128}
	r, id := e.handle.Find(&key), e.identity(i)
	if r == nil || !r.Live(e.now) || has(r, FlagConfirmed) || !r.BelongsTo(&id) ||
		!peer.Confirms(r.Since(), e.now) || !e.writable {
		return
	}
	draft := DraftOf(r)
	draft.Flags |= FlagConfirmed
	draft.Mark = e.mark
	e.record(r, &draft)
}
