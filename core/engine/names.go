package engine

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// nameSize is the most octets that a name takes in an extension.
const nameSize = pieceHeader + naming.MaxKept

// forName is how many octets of an extension are kept free for the name.
func (e *Engine) forName() int {
	if e.link.Naming == nil {
		return 0
	}
	return nameSize
}

// keptWith is what is stored with the message's binding of a lease: kept, and what the client is called with that lease. All nodes
// name a client by the same rules, so this is also what a peer keeps that the message is for. Old is the lease's present record,
// or nil. What is returned is good until the next call, and so is e.name.
func (e *Engine) keptWith(id *address.Identity, key *binding.Key, old *binding.Record) []byte {
	b := keepIdentity(e.kept(), id)
	e.name = nil
	rules := e.link.Naming
	if rules == nil {
		return b
	}
	var reserved naming.Name
	if e.reserved != nil {
		reserved = e.reserved.Hostname
	}
	dst, mark := openName(b)
	if e.fqdn != nil {
		dst = rules.Append(dst, e.fqdn, reserved, &key.Address)
	} else {
		dst = rules.AppendAgain(dst, e.nameOf(id, old), reserved, &key.Address)
	}
	return e.closeName(dst, mark)
}

// openName appends the header of a name's piece, and closeName fills it in, or takes the piece back where it is empty.
func openName(b []byte) (dst []byte, mark int) {
	return append(b, byte(binding.ExtFQDN), 0, 0), len(b)
}

func (e *Engine) closeName(b []byte, mark int) []byte {
	e.name = b[mark+pieceHeader:]
	if len(e.name) == 0 {
		return b[:mark]
	}
	binary.BigEndian.PutUint16(b[mark+1:], uint16(len(e.name)))
	return b
}

// nameOf is what a record keeps of its client's name, if that is the client IA; else nothing.
func (e *Engine) nameOf(id *address.Identity, r *binding.Record) naming.Kept {
	if r == nil || !r.BelongsTo(id) {
		return nil
	}
	e.nameRoom = r.AppendPiece(e.nameRoom[:0], binding.ExtFQDN)
	return e.nameRoom
}

// says reads the message's Client FQDN option. One that is malformed counts as none.
func (e *Engine) says() {
	if e.link.Naming == nil {
		return
	}
	if data, ok := e.message.Options.Find(wire.OptionClientFQDN); ok {
		if _, ok = naming.ParseOption(data); ok {
			e.fqdn = data
		}
	}
}

// noteName notes what the client is called with a lease that the reply grants. It is told one name: that of its first address,
// or where it gets none that of its first prefix.
func (e *Engine) noteName(kind wire.Kind) {
	if len(e.name) == 0 || len(e.told) > 0 && (e.toldAddress || kind != wire.IANA) {
		return
	}
	e.told, e.toldAddress = append(e.told[:0], e.name...), kind == wire.IANA
}

// tellName appends the Client FQDN option: only where the client sent it and asks for it (RFC 4704, Section 6).
func (e *Engine) tellName() {
	if len(e.told) > 0 && e.fqdn != nil && e.message.Requests(wire.OptionClientFQDN) {
		e.dst = wire.AppendOption(e.dst, wire.OptionClientFQDN, e.told)
	}
}
