// Package engine holds the server's rules: a client's message in, a reply and changes of bindings out.
//
//	datagram -> wire.Packet -> policy.Link -> handler of the message type
//	                                             |  choose: which lease, reads only
//	                                             |  claim:  one compare-and-swap in the binding table
//	                                             v
//	                                  reply appended, changes appended
//
// An Engine belongs to one goroutine; engines share a binding table and the marks of what is durable.
// It opens nothing, reads no clock and allocates nothing per message. The worker calls it.
package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/class"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/limit"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
)

// MaxReply is the most octets that one reply takes, relay headers included.
// A reply that would be longer says UnspecFail instead.
const MaxReply = 8192

// An Input is one datagram to answer.
type Input struct {
	Data       []byte   // the UDP payload; only read, and only during Handle
	Source     [16]byte // the peer's address
	SourcePort uint16
	Multicast  bool   // the datagram was sent to a multicast address
	Listen     uint16 // 1 + index into Policy.Interfaces; 0: none of them
}

// A Result says what became of an Input.
type Result struct {
	Reply       []byte           // the datagram to send; nil where Drop says why there is none
	Port        uint16           // the UDP port to send it to (RFC 9915, Section 7.2; RFC 8357)
	Durable     bool             // the reply may leave only when the batch's changes are on stable storage
	Type        wire.MessageType // of the client's message; 0 where it couldn't be read
	Drop        wire.Drop
	Status      wire.StatusCode // the worst that the reply carries
	Registering Registering     // what became of an address that the client registers
	Lack        Lack            // why an IA got no lease, where the reply, or silence, says so
}

// An Engine answers messages. Make one per worker with New.
type Engine struct {
	handle *binding.Handle
	marks  *Marks
	shared *reconfigure.Shared // nil: no client is told a key (see Share)
	rates  *limit.Table        // what clients have sent; nil: their messages aren't limited (see Limit)

	// the batch's
	site     *Site
	policy   *policy.Policy
	view     *peer.View
	at       binding.Moment
	now      binding.Time // its second
	mark     binding.Mark
	writable bool

	// the batch's output
	Changes []byte // changes as binding.AppendChange makes them
	Count   int    // how many
	Spared  int    // bindings that were reported without a change

	// the message's
	packet       wire.Packet
	message      *wire.Message
	link         *policy.Link
	reserved     *policy.Reservation
	known        known // what the message's IAs are known by
	classes      class.Evaluator
	asked        policy.PoolRequest // what relays ask for
	pooled       policy.PoolChoice  // what that means on the link
	terms        *policy.Terms      // of the client's leases, but for those of pools (see termsOf); nil without a link
	classed      bool               // they are a class's
	layers       policy.Layers      // room of options
	dst          []byte
	source       [16]byte
	port         uint16
	listen       uint16
	grants       []grant // what the message's IAs get, so far
	grantRoom    [wire.MaxIAs]grant
	granted      []int // marks of the reply's IAs that carry a lease; they get T1 and T2
	markRoom     [wire.MaxIAs]int
	found        []*binding.Record // records of the client IA at hand
	order        []int             // the link's pools in the client's order
	extension    []byte            // what is kept with the message's bindings
	hasExt       bool
	chain        []byte           // room of keepChain
	fqdn         []byte           // the Client FQDN option's data; nil: none, or no names are kept (see says)
	name         []byte           // what the client is called with the lease at hand (see keptWith)
	nameRoom     []byte           // room of nameOf
	told         []byte           // what the reply says that it is called
	toldAddress  bool             // that is with an address
	claimRoom    []byte           // the extension of claimOf
	recastRoom   []byte           // that of recast
	status       wire.StatusCode  // the worst that the reply carries
	lack         Lack             // why an IA gets no lease; of several the last one's
	lackKind     wire.Kind        // of the IA whose relay's wish couldn't be met
	trouble      wire.Drop        // why the message gets no answer, if a claim failed so
	waits        bool             // the reply reports what has to be on stable storage first
	accepting    accepting        // of Reconfigure
	registering  Registering      // of an address
	registration binding.Draft    // the room of registered
	rapid        bool             // the Solicit is answered by a Reply
	assured      bool             // nobody else answers the client: see doubtful
	unseen       bool             // the reply grants what peers can't have seen
	shortest     config.Lifetimes // the shortest times that the reply's grants have left; no Valid: it grants none
	outgoing     uint32           // the shortest rest of leases that an IA keeps without getting another one; 0: there is none
	forfeit      []binding.Key    // leases that the IA at hand loses to another client
	withheld     []binding.Key    // leases of it of which that isn't decided
	lostRoom     [2][wire.MaxLeasesPerIA]binding.Key
	relay        int    // by which the message came, as peer.Relays counts
	client       uint64 // hash of the client's DUID
	exchange     uint64 // hash of that, the transaction-id and the type

	coming [binding.MaxAhead]binding.Client // whose messages come next

	interfere func() // tests: what another worker does between a choice and its claim
}

// New makes an engine over a table. The handle and the engine belong to one goroutine;
// marks are shared by all engines of the table.
func New(handle *binding.Handle, marks *Marks) *Engine {
	return &Engine{
		handle:     handle,
		marks:      marks,
		found:      make([]*binding.Record, 0, wire.MaxLeasesPerIA),
		order:      make([]int, 0, 64),
		extension:  make([]byte, 0, 2048),
		chain:      make([]byte, 0, 2048),
		layers:     make(policy.Layers, 0, config.MaxClasses+wire.MaxIAs+2),
		claimRoom:  make([]byte, 0, binding.MaxExtension),
		recastRoom: make([]byte, 0, binding.MaxExtension),
		nameRoom:   make([]byte, 0, naming.MaxKept),
		told:       make([]byte, 0, naming.MaxKept),
	}
}

// Begin starts a batch: one policy, one time, one mark for all that it writes.
// With writable false nothing that needs stable storage is answered.
func (e *Engine) Begin(site *Site, at binding.Moment, mark binding.Mark, writable bool, changes []byte) {
	e.site, e.policy, e.view = site, site.Policy, site.View
	e.at, e.now, e.mark, e.writable = at, at.Time(), mark, writable
	e.Changes, e.Count, e.Spared = changes, 0, 0
	e.handle.Enter()
}

// End ends the batch. Records that the batch saw may be reused from now on.
func (e *Engine) End() { e.handle.Leave() }

// Handle answers one message. The reply is appended to dst, which must have room for MaxReply octets.
func (e *Engine) Handle(in *Input, dst []byte) Result {
	e.link, e.lack = nil, LackNone
	if drop := e.packet.Parse(in.Data); drop != wire.DropNone {
		return Result{Drop: drop}
	}
	e.message = &e.packet.Message
	result := Result{Type: e.message.Type}
	if drop := e.admit(in); drop != wire.DropNone {
		result.Drop = drop
		return result
	}
	e.reset(in)
	e.arrive(in)
	e.hear()
	if e.classes.IsAny(e.policy.Classes.Denied) {
		result.Drop = wire.DropDenied
		return result
	}
	dst = dst[:0:min(cap(dst), MaxReply)]
	var marks wire.RelayMarks
	e.dst, marks = wire.OpenRelays(dst, &e.packet)
	if drop := e.dispatch(); drop != wire.DropNone {
		result.Drop, result.Lack = drop, e.lack
		return result
	}
	if len(e.dst) > MaxReply {
		e.dst, marks = wire.OpenRelays(dst[:0], &e.packet)
		e.refuse()
		if len(e.dst) > MaxReply { // what the relays want echoed alone is too long
			result.Drop = wire.DropReplyTooLong
			return result
		}
	}
	result.Reply = wire.CloseRelays(e.dst, marks)
	result.Port = wire.ReplyPort(&e.packet, in.SourcePort)
	result.Durable, result.Status, result.Lack = e.waits, e.status, e.lack
	result.Registering = e.registering
	return result
}

// admit validates the message and finds its link.
func (e *Engine) admit(in *Input) wire.Drop {
	m := e.message
	if !e.policy.Allows(&e.packet, &in.Source) {
		return wire.DropForeignRelay
	}
	if drop := m.Validate(e.policy.ServerID); drop != wire.DropNone {
		if drop == wire.DropForeignServer {
			return e.overhear(in)
		}
		return drop
	}
	if !e.withinRate(in.Source) {
		return wire.DropClientRate
	}
	// RFC 9915, Section 16: a server should not accept a client's unicast.
	if e.packet.RelayCount == 0 && !in.Multicast {
		return wire.DropDirectUnicast
	}
	e.link = e.policy.SelectLink(&e.packet, in.Listen)
	if e.packet.RelayCount == 0 && !e.fromLink(&in.Source) {
		return wire.DropOffLinkSource
	}
	if m.Type == wire.InformationRequest {
		return wire.DropNone
	}
	if e.link == nil {
		return wire.DropNoLink
	}
	if !e.writable && m.Type != wire.Confirm {
		return wire.DropStoreBroken
	}
	return wire.DropNone
}

// fromLink tells whether a client that speaks directly sends from an address of its link, which its link-local one is (RFC 9915, Section 13.1).
// Else a host could have the answer sent to anybody, wherever that is. Where the node doesn't know what is on the link all addresses pass. Addresses
// that hosts register may be of prefixes that only routers know, and are looked at by register.
func (e *Engine) fromLink(source *[16]byte) bool {
	switch {
	case source[0] == 0xfe && source[1]&0xc0 == 0x80, e.message.Type == wire.AddrRegInform:
		return true
	case e.link == nil:
		return false
	default:
		return len(e.link.OnLink) == 0 || e.link.Appropriate(source)
	}
}

func (e *Engine) reset(in *Input) {
	e.grants = e.grantRoom[:0]
	e.granted = e.markRoom[:0]
	e.forfeit, e.withheld = e.lostRoom[0][:0], e.lostRoom[1][:0]
	e.hasExt, e.trouble, e.status, e.lack = false, wire.DropNone, wire.StatusSuccess, LackNone
	e.waits, e.rapid, e.assured, e.unseen, e.outgoing = false, false, false, false, 0
	e.fqdn, e.name, e.told, e.toldAddress = nil, nil, e.told[:0], false
	e.source, e.port, e.listen = in.Source, in.SourcePort, in.Listen
	e.accepting, e.registering, e.shortest = accepting{}, RegisteringNone, config.Lifetimes{}
	e.reserved, e.terms, e.classed, e.known.differ = nil, nil, false, false
	if e.link != nil {
		e.reserved = e.link.Reservation(&e.packet)
		e.terms = &e.link.Terms
	}
	e.appoint()
	e.classify()
}

func (e *Engine) dispatch() wire.Drop {
	e.identify()
	switch e.message.Type {
	case wire.Solicit:
		return e.solicit()
	case wire.Request:
		return e.request()
	case wire.Confirm:
		return e.confirm()
	case wire.Renew:
		return e.renew()
	case wire.Rebind:
		return e.rebind()
	case wire.Release:
		return e.release()
	case wire.Decline:
		return e.decline()
	case wire.InformationRequest:
		return e.information()
	case wire.AddrRegInform:
		return e.register()
	default:
		return wire.DropUnknownType
	}
}
