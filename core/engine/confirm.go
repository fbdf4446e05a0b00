package engine

import "github.com/lockstep6/lockstep6/core/wire"

// confirm answers a Confirm (RFC 9915, Section 18.3.3). It tests the link, not the binding: a server that
// never made the binding says Success as well, and nothing is extended or created.
func (e *Engine) confirm() wire.Drop {
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
		e.dst = wire.AppendStatus(e.dst, wire.StatusNotOnLink, "an address doesn't belong to this link")
	}
	return wire.DropNone
}
