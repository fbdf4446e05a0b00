package binding

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A record says what its client itself said last, DUID and IAID. Where clients are known by something that outlasts these, such as
// their hardware address, the record has that too: FlagDerived among its flags and an ExtIdentity in its extension. Then
// it belongs to that identity, under which the client index has it, and DUID and IAID are what is shown and told of it.

// FlagDerived says, among a Draft's flags, that the client is known by the extension's ExtIdentity. What goes on with a record by
// KeepExtension must keep its flag.
const FlagDerived uint8 = 1 << 6

// MaxIdentity is how many octets a derived identity takes at most, without its number.
const MaxIdentity = 23

const identityNumber = 4 // octets of the number in front

// AppendIdentity appends what ExtIdentity says of a derived identity, without the header of a piece.
func AppendIdentity(dst []byte, id *address.Identity) []byte {
	return append(binary.BigEndian.AppendUint32(dst, id.IAID), id.DUID...)
}

// ParseIdentity reads what AppendIdentity wrote. The identity's DUID is a view. Not ok: it can't be one.
func ParseIdentity(kind wire.Kind, data []byte) (id address.Identity, ok bool) {
	if len(data) <= identityNumber || len(data) > identityNumber+MaxIdentity {
		return id, false
	}
	number, octets := binary.BigEndian.Uint32(data), data[identityNumber:len(data):len(data)]
	return address.Identity{DUID: octets, IAID: number, Kind: kind, Derived: true}, true
}

// Derived tells whether the client is known by something else than DUID and IAID.
func (r *Record) Derived() bool { return r.flags&FlagDerived != 0 }

// Identity is what the client IA is known by. Its DUID is a view.
func (r *Record) Identity() address.Identity {
	if r.Derived() {
		pieces := r.pieces()
		for p, ok := pieces.next(); ok; p, ok = pieces.next() {
			if p.kind == ExtIdentity {
				id, _ := ParseIdentity(r.kind, p.data)
				return id
			}
		}
	}
	return address.Identity{DUID: r.DUID(), IAID: r.iaid, Kind: r.kind}
}

// BelongsTo is Belongs for whatever the client IA is known by.
func (r *Record) BelongsTo(id *address.Identity) bool {
	if !id.Derived {
		return r.Belongs(id.DUID, id.Kind, id.IAID)
	}
	if !r.Derived() || r.kind != id.Kind {
		return false
	}
	own := r.Identity()
	return own.Equal(id)
}

// Says tells whether the client gave this DUID and IAID when it was last heard, whatever it is known by.
func (r *Record) Says(duid []byte, kind wire.Kind, iaid uint32) bool {
	return r.iaid == iaid && r.Of(duid, kind) && !r.Anonymous()
}

// Identity is what the client IA is known by. Its DUID is a view.
func (s *Stored) Identity() address.Identity {
	draft := s.draft()
	return draft.identity(nil)
}

// identity is what the draft's client IA will be known by; old is the record that it replaces.
func (d *Draft) identity(old *Record) address.Identity {
	if d.Flags&FlagDerived != 0 {
		if d.KeepExtension && old != nil {
			return old.Identity()
		}
		data, _ := Extension(d.Extension).Find(ExtIdentity)
		if id, ok := ParseIdentity(d.Kind, data); ok {
			return id
		}
	}
	return address.Identity{DUID: d.DUID, IAID: d.IAID, Kind: d.Kind}
}

// identifies tells whether a draft with FlagDerived has what the client is known by, from old where it keeps that extension.
func (d *Draft) identifies(old *Record) bool {
	if d.KeepExtension {
		return old != nil && old.Derived()
	}
	data, _ := Extension(d.Extension).Find(ExtIdentity)
	_, ok := ParseIdentity(d.Kind, data)
	return ok && d.Flags&FlagAnonymous == 0
}

// HasDerived tells whether the table may have records whose clients are known by something else than DUID and IAID.
func (h *Handle) HasDerived() bool { return h.table.derived.Load() != 0 }

// FindIdentity is FindClient for whatever the client IA is known by.
func (h *Handle) FindIdentity(id *address.Identity, into []*Record) []*Record {
	h.inside()
	if len(id.DUID) > MaxDUID {
		return into
	}
	t := h.table
	client := t.identityHash(id)
	tag, first := tagOf(client), len(into)
	word := t.clients.head(client).Load()
	for uint32(word) != 0 && tagIn(word) <= tag {
		e := t.clients.node(uint32(word))
		next := e.next.Load()
		if next&markBit == 0 && tagIn(word) == tag {
			key := Key{Address: e.address, Length: e.length()}
			if r := t.find(t.leaseHash(&key), &key); r != nil && r.BelongsTo(id) {
				into = appendLease(into, first, r)
			}
		}
		word = next &^ markBit
	}
	return into
}

// identityHash is clientHash for whatever the client IA is known by. A DUID of the same octets is another client.
func (t *Table) identityHash(id *address.Identity) uint64 {
	kind := id.Kind
	if id.Derived {
		kind |= 0x80
	}
	return t.clientHash(id.DUID, kind, id.IAID)
}
