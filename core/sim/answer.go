package sim

import (
	"encoding/binary"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// An answer is an Advertise or a Reply as a client reads it.
type answer struct {
	kind       wire.MessageType
	xid        [3]byte
	server     []byte
	client     []byte
	preference uint8
	rapid      bool
	solMaxRT   uint32 // seconds; 0: it isn't told
	status     wire.StatusCode
	ias        []answerIA
}

type answerIA struct {
	kind   wire.Kind
	iaid   uint32
	t1, t2 uint32
	status wire.StatusCode
	leases []offer
}

// An offer is a lease in an answer; with a valid lifetime of 0 one to give up.
type offer struct {
	key              binding.Key
	preferred, valid uint32
}

// Octets of what this package reads by itself.
const (
	clientHeader = 4
	iaHeader     = 12
)

// innermost takes the relays' envelopes off a reply.
func innermost(b []byte) []byte {
	for len(b) > relayHeader && wire.MessageType(b[0]) == wire.RelayReply {
		b, _ = wire.Options(b[relayHeader:]).Find(wire.OptionRelayMessage)
	}
	return b
}

// readAnswer reads a server's message; nil: it isn't one.
func readAnswer(b []byte) *answer {
	if len(b) < clientHeader || !wire.WellFramed(b[clientHeader:]) {
		return nil
	}
	a := &answer{kind: wire.MessageType(b[0]), xid: [3]byte(b[1:])}
	if a.kind != wire.Advertise && a.kind != wire.Reply {
		return nil
	}
	for code, data, rest, ok := wire.Options(b[clientHeader:]).Next(); ok; code, data, rest, ok = rest.Next() {
		switch code {
		case wire.OptionClientID:
			a.client = data
		case wire.OptionServerID:
			a.server = data
		case wire.OptionPreference:
			a.preference = data[0]
		case wire.OptionRapidCommit:
			a.rapid = true
		case wire.OptionSOLMaxRT:
			a.solMaxRT = binary.BigEndian.Uint32(data)
		case wire.OptionStatusCode:
			a.status = statusOf(data)
		case wire.OptionIANA:
			a.take(wire.IANA, data)
		case wire.OptionIAPD:
			a.take(wire.IAPD, data)
		}
	}
	return a
}

func statusOf(data []byte) wire.StatusCode { return wire.StatusCode(binary.BigEndian.Uint16(data)) }

func (a *answer) take(kind wire.Kind, data []byte) {
	ia := answerIA{
		kind: kind, iaid: binary.BigEndian.Uint32(data),
		t1: binary.BigEndian.Uint32(data[4:]), t2: binary.BigEndian.Uint32(data[8:]),
	}
	inner := wire.IA{Kind: kind, Options: wire.Options(data[iaHeader:])}
	if status, ok := inner.Options.Find(wire.OptionStatusCode); ok {
		ia.status = statusOf(status)
	}
	for lease, rest, ok := inner.NextLease(inner.Options); ok; lease, rest, ok = inner.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		ia.leases = append(ia.leases, offer{key, lease.Preferred, lease.Valid})
	}
	a.ias = append(a.ias, ia)
}

// find is the answer's IA of that kind and IAID, or nil.
func (a *answer) find(kind wire.Kind, iaid uint32) *answerIA {
	i := slices.IndexFunc(a.ias, func(ia answerIA) bool { return ia.kind == kind && ia.iaid == iaid })
	if i < 0 {
		return nil
	}
	return &a.ias[i]
}

// grants tells whether the answer gives the client IA that lease.
func (a *answer) grants(who identity, key binding.Key) bool {
	ia := a.find(who.kind, who.iaid)
	return ia != nil && slices.ContainsFunc(ia.leases, func(o offer) bool { return o.key == key && o.valid > 0 })
}

// names tells whether the lease stands anywhere in the answer.
func (a *answer) names(key binding.Key) bool {
	return slices.ContainsFunc(a.ias, func(ia answerIA) bool {
		return slices.ContainsFunc(ia.leases, func(o offer) bool { return o.key == key })
	})
}

// leases counts what the answer gives.
func (a *answer) leases() (count int) {
	for i := range a.ias {
		for _, o := range a.ias[i].leases {
			if o.valid > 0 {
				count++
			}
		}
	}
	return count
}
