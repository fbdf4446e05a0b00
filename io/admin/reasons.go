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
	wire.DropUnexpectedORO:  {words: "the host registers an address and asks for options, which it must not", remedy: malformed},
	wire.DropForeignAddress: {words: "the host registers another address than it sent the message from", remedy: malformed},
	wire.DropNotRegistering: {
		words:  "the host registers an address, and the link has no address-registration",
		remedy: "turn it on for the link; hosts that were told of it by another server, or earlier, register until they leave the link",
	},
	wire.DropOffLink: {
		words:  "the host registers an address that lies in none of the link's prefixes, nor in one that it was delegated",
		remedy: "write what routers announce there under the link's address-registration.prefixes; a host with several networks registers in all of them",
	},
	wire.DropLeased: {
		words:  "the host registers an address that this server or a peer gave to a client, or that is reserved for another one",
		remedy: "`lockstep6 leases show ADDRESS` tells whose it is; hosts must not register what they have by DHCPv6",
	},
	wire.DropDirectUnicast: {
		words:  "the client sent its message to this node's address, which only relays may",
		remedy: "let the client use multicast, or put a relay before it; a relay that passes messages on unwrapped is no relay",
	},
	wire.DropForeignRelay: {
		words:  "its relay, or one of several, isn't among relays.allow",
		remedy: "add the prefix of the relay's address to relays.allow if the relay is one of the network's own; a lightweight relay sends from fe80::/10",
	},
	wire.DropOffLinkSource: {
		words:  "the client is on this node's link and sends from an address that doesn't belong there",
		remedy: "clients send from their link-local address; add the prefix of the address to the link's match.link-addresses if it is on the link",
	},
	wire.DropNoLink: {
		words: "no link of the configuration matches where the message came from",
		remedy: "add the relay's link-address, Interface-ID or Relay-ID, or the interface, to a link's match; " +
			"`lockstep6 plan` shows which link a link-address leads to",
	},
	wire.DropDenied:       {words: "the client is of a class with deny", remedy: "nothing has to be done where that is meant; else look at the class's match: `lockstep6 why` has the client's DUID"},
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
	wire.DropRelayRate:     {words: "the relay sends more messages than limits.messages-per-relay allows", remedy: "look for who floods it; or raise the limit"},
	wire.DropNeighbourRate: {words: "the client's link-local address sends more messages than limits.messages-per-neighbour allows", remedy: "look for what makes the host ask so often; or raise the limit"},
	wire.DropClientRate:    {words: "the client sends more messages than limits.messages-per-client allows", remedy: "look for what makes the client ask so often; or raise the limit"},
	wire.DropShare: {
		words:  "the node gets more than it can do, and the message's sender, a relay or a host, has had its share",
		remedy: "look for who floods it: docs/operations.md, \"Overload\"; the client asks again",
	},
}

// lackReasons are the words for NoAddrsAvail and NoPrefixAvail.
var lackReasons = [engine.LackCount]reason{
	engine.LackNone: {words: "nothing is free for the client", remedy: "add a pool to the link"},
	engine.LackPool: {
		words:  "the link has no pool of what the client asks for, on this node",
		remedy: "add addresses or prefixes to the link, or a reservation; a client that asks for both gets what there is",
	},
	engine.LackClass: {
		words:  "the link, or each of its pools of what the client asks for, is for classes that its message isn't of",
		remedy: "look at what the class's match asks for, and whether the client's message, or its relay, says it; or add a pool without classes",
	},
	engine.LackRetiring: {
		words:  "all pools of what the client asks for are being retired: they give no new leases",
		remedy: "add a pool to the link that isn't retiring, before or together with the one that is",
	},
	engine.LackName: {
		words:  "its relay names a pool that its link doesn't have",
		remedy: "give a pool of the link that name, look at what the relay sends, or write unknown: ignore in relays.named-pools",
	},
	engine.LackLength: {
		words:  "its relay asks for prefixes of a length that no pool has, of those that the client may have them from",
		remedy: "add a pool of that length, look at what the relay sends, or write unknown: ignore in relays.named-pools",
	},
	engine.LackUnnamed: {
		words:  "each pool of what the client asks for is named-only, and its relay names none",
		remedy: "look whether relays.named-pools has the option that the relay sends; or add a pool without named-only",
	},
	engine.LackPort: {
		words:  "the clients behind its relay port have as many leases as limits.leases-per-port allows",
		remedy: "raise limits.leases-per-port, or look who uses the port up: lockstep6 leases list",
	},
	engine.LackClient: {
		words:  "the client has as many leases of that kind on the link as prefixes-per-client or addresses-per-client allows",
		remedy: "raise it in limits, or in the link's own; what the client has: lockstep6 leases list --duid DUID",
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
