package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// renew answers a Renew (RFC 9915, Section 18.3.4). Each IA stands on its own: its binding is extended; where
// the lease is no longer right the client gets another one and the old one with lifetimes 0; an IA that
// the server doesn't know gets a new binding, the lease that it names where that verifies.
//
// While the gate is closed an unknown IA is left out instead, unless what it names verifies: this node may have
// granted it and lost its disk, or a peer has taken it over. The client asks again, and then anybody.
func (e *Engine) renew() wire.Drop {
	e.witness()
	e.open(wire.Reply)
	start := len(e.dst)
	for i := range e.message.IACount {
		unsure := e.contests(i)
		if !e.policy.Single && !unsure && len(e.forfeit) == 0 && e.unknown(i) {
			unsure = !e.gateOpen() || e.forgetful(i)
			e.suspectTwin()
		}
		if drop := e.extendIA(i, !unsure, withdrawAll); drop != wire.DropNone {
			return drop
		}
	}
	if e.message.IACount == 0 {
		e.close()
		return wire.DropNone
	}
	return e.closeIfAny(start)
}

// rebind answers a Rebind (RFC 9915, Section 18.3.5). It extends what the node bound, observed or can verify. Unlike
// there, that is bound even where Rapid Commit is off: all nodes verify alike, so no two of them
// create different bindings, which is what the section warns of. Nothing else is created then.
func (e *Engine) rebind() wire.Drop {
	e.witness()
	if e.leavesToOwner() {
		for i := range e.message.IACount {
			e.remember(i)
		}
		return wire.DropPatience
	}
	e.open(wire.Reply)
	start := len(e.dst)
	create := e.link.RapidCommit != config.RapidCommitOff && e.gateOpen()
	for i := range e.message.IACount {
		unsure := e.contests(i)
		if drop := e.extendIA(i, create && !unsure, withdrawWrong); drop != wire.DropNone {
			return drop
		}
	}
	return e.closeIfAny(start)
}

// extendIA extends IA number i, or says that there is nothing to extend. With create it may get a new binding.
func (e *Engine) extendIA(i int, create bool, w withdrawal) wire.Drop {
	// A client that loses its lease to another one gets a new one beside the old one's lifetimes 0.
	g, ok := e.assign(i, create || len(e.forfeit) > 0)
	switch {
	case e.trouble != wire.DropNone:
		return e.trouble
	case ok:
		e.supersede(&g.key)
		e.appendGrant(&g, w)
	case e.message.Type == wire.Renew && create:
		e.appendUnavailable(i, w)
	default:
		e.extendNothing(i, create)
	}
	if !e.policy.Single {
		e.remember(i)
	}
	return wire.DropNone
}

// extendNothing answers an IA for which there is no binding and nothing to verify. A Rebind goes to all servers, so an
// IA of a kind that this link doesn't serve is another server's business.
func (e *Engine) extendNothing(i int, create bool) {
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

// closeIfAny ends a reply that says something about an IA.
func (e *Engine) closeIfAny(start int) wire.Drop {
	if len(e.dst) == start {
		return wire.DropNothingToSay
	}
	e.close()
	return wire.DropNone
}

// contests decides who keeps what IA number i names, where others claim it too. True: that isn't decided yet, so the IA
// is told nothing of it. What it loses stands in e.forfeit.
func (e *Engine) contests(i int) (unsure bool) {
	e.forfeit, e.withheld = e.lostRoom[0][:0], e.lostRoom[1][:0]
	if e.policy.Single {
		return false
	}
	ia := &e.message.IAs[i]
	e.find(i)
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		unsure = e.judge(i, &key) || unsure
	}
	// What the IA doesn't name it may be given all the same.
	for _, r := range e.found {
		if key := r.Key(); r.Live(e.now) && !e.names(ia, &key) {
			unsure = e.judge(i, &key) || unsure
		}
	}
	return unsure
}

// judge decides about one lease of the IA. True: it isn't decided yet.
func (e *Engine) judge(i int, key *binding.Key) (unsure bool) {
	switch e.contest(i, key) {
	case lost:
		e.forfeit = appendRoom(e.forfeit, *key)
	case undecided:
		e.withheld = appendRoom(e.withheld, *key)
		return true
	}
	return false
}

// appendRoom appends where there is room: an IA has no more leases than that.
func appendRoom(keys []binding.Key, key binding.Key) []binding.Key {
	if len(keys) < cap(keys) {
		keys = append(keys, key)
	}
	return keys
}

// unknown tells whether the IA names leases of this link and the node has a record of none of them that counts.
func (e *Engine) unknown(i int) bool {
	ia := &e.message.IAs[i]
	e.find(i)
	named := false
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		// What the client alone has said so far is remembered, and no reason to extend or to replace it yet.
		if r := e.held(&key); r != nil && e.credible(r, true) {
			return false
		}
		named = named || e.poolOf(ia.Kind, &key) != nil
	}
	return named
}

// forgetful tells whether the IA names a lease of a pool in which the node doesn't know what it granted.
func (e *Engine) forgetful(i int) bool {
	ia := &e.message.IAs[i]
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		if pool := e.poolOf(ia.Kind, &binding.Key{Address: lease.Address, Length: lease.Length}); pool != nil && e.bereft(pool) {
			return true
		}
	}
	return false
}

// suspectTwin notes a Renew that names this node and a lease that it didn't grant, though it knows of no gap.
func (e *Engine) suspectTwin() {
	if e.message.Type == wire.Renew && e.gateOpen() && !e.view.Gate.Fresh(e.link.Index, e.now) {
		e.view.Twin.Renewed(e.client, e.now)
	}
}

// leavesToOwner tells whether a Rebind is left to a peer for now: one that owns the binding and isn't known to be silent.
// A Rebind alone doesn't show that its server is dead (RFC 9915, Section 18.2.12). What this node granted it extends
// at once.
func (e *Engine) leavesToOwner() bool {
	if e.policy.Single {
		return false
	}
	peers := false
	for i := range e.message.IACount {
		e.find(i)
		for _, r := range e.found {
			if !r.Live(e.now) {
				continue
			}
			if !Observed(r) && r.State() != binding.Superseded {
				return false
			}
			if !Observed(r) {
				peers = true // a peer serves it now, as the client said; which one may have changed since
				continue
			}
			if node, ok := e.view.Node(r.Owner()); ok {
				e.view.Health.Rebound(node)
				peers = peers || !e.view.Health.Silent(node, e.relay, e.now)
			}
		}
		peers = peers || e.unknown(i) && e.peersLease(i)
	}
	return peers && e.writable && !e.waited(yielding)
}

// peersLease tells whether a lease that the IA names, and of which there is no record, may be a peer's that isn't silent.
// While the gate is closed that is so in this node's own pool too: a peer that was there may have taken it over.
func (e *Engine) peersLease(i int) bool {
	ia := &e.message.IAs[i]
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		pool := e.poolOf(ia.Kind, &key)
		if pool == nil || pool.Owner == e.policy.Self && e.gateOpen() {
			continue
		}
		if pool.Owner != policy.Everyone && pool.Owner != e.policy.Self {
			return pool.Owner < 0 || !e.view.Health.Silent(pool.Owner, e.relay, e.now)
		}
		for node := range e.policy.Nodes {
			if node != e.policy.Self && !e.view.Health.Silent(node, e.relay, e.now) {
				return true
			}
		}
	}
	return false
}
