package binding

import "github.com/lockstep6/lockstep6/core/wire"

// FlagAnonymous says, among a Draft's flags, that the lease is in an identity association whose IAID isn't known, since the
// server that told of it can't tell that (RFC 5007, Section 4.1.2.2). IAID must be 0 then, and says nothing: the record belongs to
// no identity association. It is found by its lease, and by OnlyAnonymous.
const FlagAnonymous uint8 = 1 << 7

// Anonymous tells whether the IAID isn't known.
func (r *Record) Anonymous() bool { return r.flags&FlagAnonymous != 0 }

// HasAnonymous tells whether the table may have records whose IAID isn't known. Without any, nobody has to look for them.
func (h *Handle) HasAnonymous() bool { return h.table.anonymous.Load() != 0 }

// OnlyAnonymous returns the client's living lease of a kind whose IAID isn't known; nil where it has none, or several. They
// stand in the client index under IAID 0, beside those of the client's IAID 0, and no more of them than two that live are looked at.
func (h *Handle) OnlyAnonymous(duid []byte, kind wire.Kind, now Time) (only *Record) {
	h.inside()
	if len(duid) > MaxDUID {
		return nil
	}
	t := h.table
	client := t.clientHash(duid, kind, 0)
	tag := tagOf(client)
	for word := t.clients.head(client).Load(); uint32(word) != 0 && tagIn(word) <= tag; {
		e := t.clients.node(uint32(word))
		next := e.next.Load()
		if next&markBit == 0 && tagIn(word) == tag {
			key := Key{Address: e.address, Length: e.length()}
			r := t.find(t.leaseHash(&key), &key)
			switch {
			case r == nil || !r.Anonymous() || !r.Of(duid, kind) || !r.Live(now):
			case only != nil && only.Key() != key:
				return nil
			default:
				only = r
			}
		}
		word = next &^ markBit
	}
	return only
}
