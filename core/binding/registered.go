package binding

import (
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Registered tells whether the record is of an address that its client gave itself, and no server did (RFC 9686).
func (r *Record) Registered() bool { return r.kind == wire.Registered }

// Registrations counts a client's registered addresses: those that live at now, and all that have a record.
func (h *Handle) Registrations(duid []byte, now Time) (live, all int) {
	h.inside()
	if len(duid) > MaxDUID {
		return 0, 0
	}
	t := h.table
	client := t.identityHash(&address.Identity{DUID: duid, Kind: wire.Registered})
	tag := tagOf(client)
	for word := t.clients.head(client).Load(); uint32(word) != 0 && tagIn(word) <= tag; {
		e := t.clients.node(uint32(word))
		next := e.next.Load()
		if next&markBit == 0 && tagIn(word) == tag {
			key := Key{Address: e.address, Length: e.length()}
			if r := t.find(t.leaseHash(&key), &key); r != nil && r.Of(duid, wire.Registered) {
				all++
				if r.Live(now) {
					live++
				}
			}
		}
		word = next &^ markBit
	}
	return live, all
}
