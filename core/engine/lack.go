package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Lack says why there was no lease for an IA.
type Lack uint8

// Lacks, in the order in which they are looked for.
const (
	LackNone      Lack = iota
	LackPool           // the link has no pool of that kind for this node, and no reservation
	LackClass          // no pool of that kind, or the link itself, takes clients of its classes
	LackName           // its relay names a pool of that kind that the link doesn't have
	LackLength         // its relay asks for prefixes of a length that no pool has that it may have them from
	LackUnnamed        // each pool of that kind is for clients whose relay names it, and its relay names none
	LackRetiring       // all pools of that kind that the client may have leases from are being retired
	LackPort           // the relay port has as many leases as limits.leases-per-port allows
	LackClient         // the client has as many leases of that kind as the link lets it have
	LackContested      // another client claims what the client names, and that isn't decided yet
	LackCapacity       // the binding table is full
	LackReserved       // another client still holds what is reserved for this one, and nothing else is free
	LackListening      // the node listens or doesn't share, and its own share has nothing free
	LackFree           // nothing that it may give the client is free
	LackCount          // how many there are; not a lack
)

var lackNames = [LackCount]string{
	LackNone: "none", LackPool: "no-pool", LackClass: "class",
	LackName: "pool-name", LackLength: "prefix-length", LackUnnamed: "pool-unnamed", LackRetiring: "retiring", LackPort: "port-limit", LackClient: "client-limit", LackContested: "contested", LackCapacity: "capacity",
	LackReserved: "reservation-held", LackListening: "own-share-full", LackFree: "pool-full",
}

// String is a name of lower case letters and hyphens.
func (l Lack) String() string {
	if l < LackCount {
		return lackNames[l]
	}
	return "unknown"
}

// lackOf finds out why IA number i gets no lease. It is asked only once that is known, so that no other message pays for it.
func (e *Engine) lackOf(i int) Lack {
	kind := e.message.IAs[i].Kind
	pools := e.pools(kind)
	reserved := false
	if e.reserved != nil {
		_, reserved = e.reservedKey(kind, 0)
	}
	switch {
	case len(pools) == 0 && !reserved:
		return LackPool
	case !e.passes(pools, reserved):
		return LackClass
	case !reserved && !slices.ContainsFunc(pools, e.takes):
		return e.lackNamed(kind, pools)
	case !reserved && e.drained(pools):
		return LackRetiring
	case e.crowded(leasePort):
		return LackPort
	case e.spent(i):
		return LackClient
	case len(e.withheld) > 0:
		return LackContested
	case e.handle.Full():
		return LackCapacity
	case reserved:
		return LackReserved
	}
	for _, pool := range pools {
		if e.strict(pool) {
			return LackListening
		}
	}
	return LackFree
}

// lackNamed is why none of this node's pools of a kind is one that the client's relay asks for.
func (e *Engine) lackNamed(kind wire.Kind, pools []*policy.Pool) Lack {
	e.lackKind = kind
	switch names, known := e.pooled.Names(kind); {
	case slices.ContainsFunc(pools, e.pooled.Allows):
		return LackClass // what the relay asks for is for others
	case names && !known:
		return LackName
	case kind == wire.IAPD && e.pooled.Length != 0:
		return LackLength
	case names:
		return LackPool // another node has it
	default:
		return LackUnnamed
	}
}

// gravity orders the status codes by how much they take from a client.
var gravity = [...]uint8{
	wire.StatusSuccess: 0, wire.StatusNoBinding: 1, wire.StatusNoPrefixAvail: 2, wire.StatusNoAddrsAvail: 3, wire.StatusNotOnLink: 4,
	wire.StatusUseMulticast: 0, wire.StatusUnspecFail: 5,
}

// noteStatus keeps the worst status that the reply carries.
func (e *Engine) noteStatus(code wire.StatusCode) {
	if gravity[code] > gravity[e.status] {
		e.status = code
	}
}

// An Asker is who sent a message and how it came, as far as that could be read. Slices are views into the message.
type Asker struct {
	DUID        []byte
	LinkLayer   []byte   // of the client, as a relay told: the hardware type, 2 octets, and the address (RFC 6939)
	Peer        [16]byte // the client's own address: by the innermost relay, or the datagram's source
	LinkAddress [16]byte // that tells the link (RFC 9915, Section 13.1); zero: none
	InterfaceID []byte   // of the innermost relay that has one
	PoolName    []byte   // of pools that relays name for the kind of lease that the client lacks; nil: none
	Length      uint8    // of prefixes, likewise; 0: none
	Relayed     bool
	Link        int // index into Policy.Links; -1: none
}

// Asker tells who sent the message that Handle was given last, or Read. It is valid until the next of either.
func (e *Engine) Asker(source [16]byte) Asker {
	p := &e.packet
	a := Asker{DUID: p.Message.ClientID, Peer: source, Relayed: p.RelayCount > 0, Link: e.linkIndex()}
	if relay := p.Innermost(); relay != nil {
		a.Peer = relay.PeerAddress
	}
	a.LinkAddress, _ = p.LinkAddress()
	switch {
	case e.lack == LackName:
		a.PoolName = e.asked.Name(e.lackKind)
	case e.lack == LackLength:
		a.PoolName, a.Length = e.asked.Name(e.lackKind), e.asked.Length
	}
	for level := p.RelayCount - 1; level >= 0; level-- {
		relay := &p.Relays[level]
		if a.LinkLayer == nil && len(relay.ClientLinkLayer) > 2 {
			a.LinkLayer = relay.ClientLinkLayer
		}
		if len(a.InterfaceID) == 0 {
			a.InterfaceID = relay.InterfaceID
		}
	}
	return a
}

// Read parses a message that won't be answered, for Asker, and returns its type; 0 where it can't be read.
func (e *Engine) Read(data []byte) wire.MessageType {
	e.link, e.lack = nil, LackNone
	if e.packet.Parse(data) != wire.DropNone {
		return 0
	}
	return e.packet.Message.Type
}
