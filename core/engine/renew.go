package engine

import (
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// renew answers a Renew (RFC 9915, Section 18.3.4). Each IA stands on its own: its binding is extended; where
// the lease is no longer right the client gets another one and the old one with lifetimes 0; an IA that
// the server doesn't know gets a new binding, the lease that it names where that verifies.
func (e *Engine) renew() wire.Drop {
	e.open(wire.Reply)
	for i := range e.message.IACount {
		if drop := e.serve(i, withdrawAll); drop != wire.DropNone {
			return drop
		}
	}
	e.close()
	return wire.DropNone
}

// rebind answers a Rebind (RFC 9915, Section 18.3.5). It extends what the node bound or can verify. Unlike
// there, a verified lease is bound even where Rapid Commit is off: all nodes verify alike, so no two of them
// create different bindings, which is what the section warns of. Nothing else is created then.
func (e *Engine) rebind() wire.Drop {
	e.open(wire.Reply)
	start := len(e.dst)
	create := e.link.RapidCommit != config.RapidCommitOff
	for i := range e.message.IACount {
		g, ok := e.assign(i, create)
		if e.trouble != wire.DropNone {
			return e.trouble
		}
		if ok {
			e.supersede(&g.key)
			e.appendGrant(&g, withdrawWrong)
			continue
		}
		e.rebindUnknown(i, create)
	}
	if len(e.dst) == start {
		return wire.DropNothingToSay
	}
	e.close()
	return wire.DropNone
}

// rebindUnknown answers an IA of a Rebind for which there is no binding and nothing to verify. A Rebind goes to all
// servers, so an IA of a kind that this link doesn't serve is another server's business.
func (e *Engine) rebindUnknown(i int, create bool) {
	serves := len(e.pools(e.message.IAs[i].Kind)) > 0 || e.reserved != nil
	switch {
	case create && serves:
		e.appendUnavailable(i, withdrawWrong)
	case e.policy.Single && serves:
		// Silence would leave the client without service until its leases end: there is nobody else to ask.
		e.appendRefusal(i, wire.StatusNoBinding, "this server has no such binding", withdrawWrong)
	default:
		// A sibling may own the binding: only what isn't on the link at all is withdrawn, else the IA is left out.
		before := len(e.dst)
		if !e.appendRefusal(i, wire.StatusSuccess, "", withdrawWrong) {
			e.dst = e.dst[:before]
		}
	}
}
