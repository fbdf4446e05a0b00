package sim

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

var typeNames = map[wire.MessageType]string{
	wire.Solicit: "Solicit", wire.Request: "Request", wire.Confirm: "Confirm", wire.Renew: "Renew", wire.Rebind: "Rebind",
	wire.Release: "Release", wire.Decline: "Decline",
}

// transaction is a fresh transaction-id.
func (w *world) transaction() [3]byte {
	x := w.rng.Uint32()
	return [3]byte{byte(x >> 16), byte(x >> 8), byte(x)}
}

// openMessage appends what all messages of a client begin with; no server: it is meant for all.
func openMessage(b []byte, kind wire.MessageType, xid [3]byte, duid, server []byte, elapsed int64) []byte {
	b = wire.AppendHeader(b, kind, xid)
	b = wire.AppendOption(b, wire.OptionClientID, duid)
	if server != nil {
		b = wire.AppendOption(b, wire.OptionServerID, server)
	}
	b = wire.AppendUint16Option(b, wire.OptionElapsedTime, uint16(min(elapsed/10, 0xffff)))
	return wire.AppendOption(b, wire.OptionORO, []byte{0, byte(wire.OptionSOLMaxRT)})
}

// toServer tells whether messages of a type name the server that they are meant for.
func toServer(kind wire.MessageType) bool {
	switch kind {
	case wire.Request, wire.Renew, wire.Release, wire.Decline:
		return true
	}
	return false
}

// build makes the message of the exchange at hand (RFC 9915, Sections 18.2.1 to 18.2.8).
func (c *client) build() []byte {
	e := &c.exchange
	var server []byte
	if toServer(e.kind) {
		server = c.server
	}
	b := openMessage(nil, e.kind, e.xid, c.duid, server, c.now-e.first)
	if e.kind == wire.Solicit && c.rapid {
		b = wire.AppendOption(b, wire.OptionRapidCommit, nil)
	}
	for i := range c.ias {
		ia := &c.ias[i]
		keys := c.namesOf(ia)
		if len(keys) == 0 && (e.kind == wire.Release || e.kind == wire.Decline || e.kind == wire.Confirm) {
			continue
		}
		b = appendIA(b, ia.kind, ia.iaid, keys)
	}
	return b
}

// namesOf are the leases that the message names in an IA.
func (c *client) namesOf(ia *clientIA) (keys []binding.Key) {
	switch c.exchange.kind {
	case wire.Solicit:
		return nil
	case wire.Release, wire.Decline:
		for _, g := range c.exchange.given {
			if g.who == c.identity(ia) {
				keys = append(keys, g.key)
			}
		}
		return keys
	case wire.Request:
		for _, a := range c.adverts {
			offered := a.find(ia.kind, ia.iaid)
			for k := 0; c.names && offered != nil && k < len(offered.leases); k++ {
				keys = append(keys, offered.leases[k].key)
			}
		}
	}
	for _, l := range ia.leases {
		keys = append(keys, l.key)
	}
	return keys
}

// appendIA appends an IA that names leases.
func appendIA(b []byte, kind wire.Kind, iaid uint32, keys []binding.Key) []byte {
	b, mark := wire.OpenIA(b, kind, iaid)
	for i := range keys {
		if kind == wire.IANA {
			b = wire.AppendIAAddress(b, &keys[i].Address, 0, 0)
		} else {
			b = wire.AppendIAPrefix(b, &keys[i].Address, min(keys[i].Length, 128), 0, 0, nil)
		}
	}
	return wire.CloseOption(b, mark)
}
