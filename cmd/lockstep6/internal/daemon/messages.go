package daemon

import (
	"log/slog"

	"github.com/lockstep6/lockstep6/core/peer"
)

// A message is a line of the log whose text doesn't stand where it is logged. Its identifier is that of a section in
// docs/messages.md; the text never has anything variable in it, which is what attributes are for.
type message struct {
	id    string
	level slog.Level // zero: info
	text  string
}

// What may hold for a while: told once when it comes, and once, as "over", when it goes.
var (
	linkListening  = message{id: "link-listening", level: slog.LevelWarn, text: "listening on a link: new clients get leases of this node's own share only"}
	leasesGone     = message{id: "leases-forgotten", level: slog.LevelWarn, text: "this node doesn't know what it granted: it gives nothing new out of exclusive pools"}
	backSeat       = message{id: "back-seat", level: slog.LevelWarn, text: "in the back seat: new clients are left to other nodes"}
	peerDiverges   = message{id: "peer-diverges", level: slog.LevelWarn, text: "a peer has another configuration"}
	twinSeen       = message{id: "twin-suspected", level: slog.LevelWarn, text: "another server answers under this node's name: clients renew leases that this node never granted"}
	renewalsKept   = message{id: "relay-keeps-renewals", level: slog.LevelWarn, text: "a relay doesn't copy to this node what other nodes' clients renew"}
	requestsKept   = message{id: "relay-keeps-requests", level: slog.LevelWarn, text: "a relay doesn't copy to this node what clients ask of others"}
	poolFull       = message{id: "pool-full", level: slog.LevelWarn, text: "all leases that this node has of a pool are taken"}
	poolNearlyFull = message{id: "pool-nearly-full", level: slog.LevelWarn, text: "nearly all leases that this node has of a pool are taken"}
	poolUnshared   = message{id: "pool-unshared", level: slog.LevelWarn, text: "a pool isn't shared: a relay port has more of peers' claims that nothing explains than " +
		"limits.weak-claims-per-port, and the others aren't observed; raise it where many clients share a port"}
)

// peerHealth is what a peer has become.
var peerHealth = map[peer.Condition]message{
	peer.Unknown: {id: "peer-unknown", text: "nothing is known of a peer any more"},
	peer.Alive:   {id: "peer-alive", text: "a peer is alive"},
	peer.Silent:  {id: "peer-silent", level: slog.LevelWarn, text: "a peer is silent: its clients aren't answered"},
}

// What a change of a binding means to an operator.
var (
	leaseObserved = message{id: "lease-observed", level: slog.LevelDebug, text: "lease observed"}
	leaseUnseen   = message{id: "lease-observed-end", level: slog.LevelDebug, text: "observed lease ended"}
	leaseGranted  = message{id: "lease-granted", text: "lease granted"}
	leaseExtended = message{id: "lease-extended", text: "lease extended"}
	leaseReleased = message{id: "lease-released", text: "lease released"}
	leaseDeclined = message{id: "lease-declined", text: "lease declined"}
	leaseReplaced = message{id: "lease-superseded", text: "lease superseded"}

	addressRegistered = message{id: "address-registered", text: "address registered"}
	addressRefreshed  = message{id: "address-refreshed", text: "registered address refreshed"}
	addressEnded      = message{id: "address-ended", text: "registered address ended"}
	addressMoved      = message{id: "address-moved", level: slog.LevelWarn, text: "address registered that another client had registered"}
)
