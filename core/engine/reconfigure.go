package engine

import (
	"bytes"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A client that accepts Reconfigure is told a key once, when it begins: with the Reply to a Request, or to a Solicit with Rapid
// Commit (RFC 9915, Section 20.4.2). Which key that was is kept with its bindings, and so is the way back to it. A Renew or Rebind
// goes on with that. Where nothing is kept, because the server didn't know the client or didn't use Reconfigure when it began, one that
// accepts Reconfigure then is told a key too.

// An accepting is what the message at hand has to do with that.
type accepting struct {
	piece  reconfigure.Acceptance
	known  bool   // piece is that of the client
	fresh  bool   // and it follows from this message
	keyed  bool   // with the lease at hand the client is told its key
	tells  bool   // with a lease of the reply it is
	replay uint64 // goes with the key; 0: none is reserved for it yet
}

// Share gives the engine what it shares with whoever sends Reconfigure messages. Without it no client is told a key.
func (e *Engine) Share(s *reconfigure.Shared) { e.shared = s }

// hear notes who sends what, for whoever awaits that.
func (e *Engine) hear() {
	if e.shared != nil && e.shared.Awaited.Any() && e.message.ClientID != nil && reconfigure.Asks(e.message.Type) {
		e.shared.Awaited.Hear(reconfigure.Hash(e.shared.Seed, e.message.ClientID), e.message.Type)
	}
}

// reconfigures tells whether the client's link is one whose clients can be made to ask again.
func (e *Engine) reconfigures() bool {
	return e.policy.Reconfigure != nil && e.shared != nil && e.link != nil && e.link.Reconfigure
}

// accepts tells whether the client says that it accepts Reconfigure, and may be told a key.
func (e *Engine) accepts() bool {
	return e.message.ReconfigureAccept && e.reconfigures() && e.classes.Passes(&e.policy.Reconfigure.Gate)
}

// keepAcceptance appends to what is kept with a binding that this node grants, whose client IA's records stand in e.found.
func (e *Engine) keepAcceptance(b []byte) []byte {
	e.accepting.keyed = false
	if !e.reconfigures() || e.message.Type == wire.Solicit && !e.rapid || !e.findAcceptance() {
		return b
	}
	n := len(b)
	if b = e.keep(b, binding.ExtReconfigure, e.accepting.piece[:]); len(b) == n {
		e.accepting.keyed = false
		return b
	}
	b = e.keepHeard(b) // a reload may leave its lease on no link, and so without an interface
	e.chain = reconfigure.AppendReturn(e.chain[:0], &e.source, e.port, &e.packet, b)
	if b = e.keep(b, binding.ExtReturn, e.chain); len(e.chain) > 0 && reconfigure.LinkLocal(&e.source) {
		b = e.keep(b, binding.ExtReturnInterface, e.heardBy())
	}
	return b
}

// findAcceptance puts the client's piece in its place, a new one where that is due. False: there is none.
func (e *Engine) findAcceptance() bool {
	a := &e.accepting
	before, had := e.acceptedBefore()
	begins := e.message.Type == wire.Request || e.rapid
	switch {
	case a.fresh:
	case !begins && had:
		a.piece, a.known = before, true
		return true
	case !begins && a.known:
		return true // from another IA
	case !e.accept():
		return false
	}
	if had && a.piece.Same(&before) {
		a.piece = before // the same message again
	}
	a.keyed = true
	return true
}

// accept makes the piece of a client that accepts Reconfigure; false: it doesn't.
func (e *Engine) accept() bool {
	if !e.accepts() {
		return false
	}
	a := &e.accepting
	if a.replay, a.fresh = e.shared.Replay.Next(e.at.UnixMilli()); !a.fresh {
		return false
	}
	a.known = true
	peer := &e.source
	if relay := e.packet.Innermost(); relay != nil {
		peer = &relay.PeerAddress
	}
	a.piece = reconfigure.Accept(&e.policy.Reconfigure.Secret, e.message.ClientID, peer, e.message.TransactionID, uint32(e.now))
	return true
}

// acceptedBefore is the newest piece that the records of the client IA at hand have.
func (e *Engine) acceptedBefore() (newest reconfigure.Acceptance, ok bool) {
	var room [reconfigure.AcceptanceSize]byte
	for _, r := range e.found {
		b := r.AppendPiece(room[:0], binding.ExtReconfigure)
		if len(b) != reconfigure.AcceptanceSize || !bytes.Equal(r.DUID(), e.message.ClientID) {
			continue
		}
		if a := reconfigure.Acceptance(b); !ok || a.Since() > newest.Since() {
			newest, ok = a, true
		}
	}
	return newest, ok
}

// tellAcceptance says that this server uses Reconfigure to a client that accepts it, and with a lease for which that is due its key.
func (e *Engine) tellAcceptance() {
	if !e.accepts() {
		return
	}
	e.dst = wire.AppendOption(e.dst, wire.OptionReconfigureAccept, nil)
	if e.accepting.tells {
		key := reconfigure.KeyOf(&e.policy.Reconfigure.Secret, e.message.ClientID, &e.accepting.piece)
		e.dst = reconfigure.AppendKey(e.dst, &key, e.accepting.replay)
	}
}
