package admin

import (
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// A reason is why a client was refused: a name, words for people, and what helps.
type reason struct{ name, words, remedy string }

// whyOf explains a refusal: silence by what it was dropped for, an answer by what it says.
func whyOf(f *worker.Refusal) reason {
	if f.Drop != wire.DropNone {
		r := dropReasons[f.Drop]
		if r.words == "" {
			r = reason{words: "the message was dropped as " + f.Drop.String(), remedy: malformed}
		}
		if f.Lack != engine.LackNone {
			r.words += ": " + lackReasons[f.Lack].words
		}
		r.name = f.Drop.String()
		return r
	}
	switch f.Status {
	case wire.StatusNoAddrsAvail, wire.StatusNoPrefixAvail:
		r := lackReasons[f.Lack]
		r.name = f.Lack.String()
		return r
	default:
		return statusReasons[f.Status]
	}
}

const malformed = "the client or a relay sends what the standard doesn't allow: look at the message with tcpdump -vv 'udp port 547'"

// dropReasons are the words for silence. Those that are missing are faults of the message, named by themselves.
var dropReasons = [wire.DropCount]reason{
	wire.DropTruncated:          {words: "the message is cut short, or an option runs past its end", remedy: malformed},
	wire.DropRelayDepth:         {words: "more relays than the standard allows passed it on", remedy: "relays send to each other in a circle: look at their server addresses"},
	wire.DropNoRelayMessage:     {words: "a relay sent an envelope without a message", remedy: malformed},
	wire.DropNoClientID:         {words: "the message has no DUID", remedy: malformed},
	wire.DropBadClientID:        {words: "its DUID has fewer than 3 octets or more than 130", remedy: malformed},
	wire.DropNoServerID:         {words: "the message names no server, and has to", remedy: malformed},
	wire.DropUnexpectedServerID: {words: "the message names a server, and must not", remedy: malformed},
	wire.DropForeignServer: {
		words:  "the client asks a server that isn't of this cluster",
		remedy: "another DHCPv6 server answers the client: `lockstep6 peers` lists those that were heard; if it is gone, the client turns to all servers at T2",
	},
	wire.DropDirectUnicast: {
		words:  "the client sent its message to this node's address, which only relays may",
		remedy: "let the client use multicast, or put a relay before it; a relay that passes messages on unwrapped is no relay",
	},
	wire.DropNoLink: {
		words: "no link of the configuration matches where the message came from",
		remedy: "add the relay's link-address or Interface-ID, or the interface, to a link's match; " +
			"`lockstep6 plan` shows which link a link-address leads to",
	},
	wire.DropNoAddresses:  {words: "the client asks whether its addresses fit the link, and names none, or the link has none", remedy: "nothing has to be done: it goes on to ask for some"},
	wire.DropNothingToSay: {words: "the client's Rebind names nothing that this node knows or can compute", remedy: "another node may know it; else it starts anew when its leases end"},
	wire.DropPatience:     {words: "the client is left to another node for now", remedy: "nothing has to be done as long as the others answer: this node does after a second or more"},
	wire.DropBackSeat:     {words: "this node was away and leaves new clients to others", remedy: "nothing has to be done as long as the others answer: `lockstep6 peers` shows how long that lasts"},
	wire.DropExhausted:    {words: "this node has no lease for the client, and another one may", remedy: "add a pool, or shorten the lifetimes, where other nodes have none either"},
	wire.DropStoreBroken:  {words: "the store can't write, so nothing is granted", remedy: "look at the disk: docs/operations.md, \"When the disk fails\""},
	wire.DropTableFull:    {words: "the node holds as many bindings as store.capacity allows", remedy: "raise store.capacity and restart the node"},
	wire.DropContended:    {words: "other clients took what was chosen, several times in a row", remedy: "nothing has to be done: the client asks again"},
	wire.DropReplyTooLong: {words: "what relays want to get back fills the whole answer", remedy: malformed},
	wire.DropOverload: {
		words:  "the message had waited for too long when it was read",
		remedy: "the node gets more than it can do: docs/operations.md, \"Overload\"; the client asks again",
	},
}

// lackReasons are the words for NoAddrsAvail and NoPrefixAvail.
var lackReasons = [engine.LackCount]reason{
	engine.LackNone: {words: "nothing is free for the client", remedy: "add a pool to the link"},
	engine.LackPool: {
		words:  "the link has no pool of what the client asks for, on this node",
		remedy: "add addresses or prefixes to the link, or a reservation; a client that asks for both gets what there is",
	},
	engine.LackPort: {
		words:  "the clients behind its relay port have as many leases as limits.leases-per-port allows",
		remedy: "raise limits.leases-per-port, or look who uses the port up: lockstep6 leases list",
	},
	engine.LackContested: {
		words:  "another client claims the same lease, and it isn't decided yet who keeps it",
		remedy: "`lockstep6 peers` lists the conflict; it ends when both have renewed",
	},
	engine.LackCapacity: {words: "the node holds as many bindings as store.capacity allows", remedy: "raise store.capacity and restart the node"},
	engine.LackReserved: {
		words:  "what is reserved for the client another one still holds, and nothing else is free for it",
		remedy: "release the other one's lease, if it isn't used any more: lockstep6 leases release",
	},
	engine.LackListening: {
		words:  "this node's own share of the pools is full, and it may not take of the others' now",
		remedy: "another node may have some; add a pool, or shorten the lifetimes",
	},
	engine.LackFree: {words: "no lease of the link's pools is free for the client", remedy: "add a pool, or shorten the lifetimes so that leases of clients that left end sooner"},
}

// statusReasons are the words for other statuses.
var statusReasons = map[wire.StatusCode]reason{
	wire.StatusUnspecFail: {"reply-too-long", "the answer is too long for one message", "the client asks for too much at once, or options are too long"},
	wire.StatusNoBinding: {
		"no-binding", "the client names a lease that isn't its own here",
		"nothing has to be done: it had the lease of another server, or gave it back before, and asks for a new one",
	},
	wire.StatusNotOnLink: {
		"not-on-link", "the client names an address that doesn't belong to its link",
		"nothing has to be done where it has moved: it asks for a new one; else the link's pools, or what selects the link, don't fit the network",
	},
}
