package engine

import (
	"math/bits"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// doubtful tells whether a record of the client IA may be out of date. The client may have given the lease up while this
// node was away, and a peer may have given it to another client, who hasn't renewed it yet. So for one T1 after an absence
// what the node last heard before it isn't reason enough in a pool in which leases are given again. It is where the client
// says that it holds the lease, and where nobody else answers the client.
func (e *Engine) doubtful(ia *wire.IA, r *binding.Record) bool {
	if e.policy.Single || e.assured || !e.view.Gate.Relearns(e.now) || r.State() == binding.Declined {
		return false
	}
	// What was superseded since is no surer for that: only the client's turning to another lease is newer.
	if !e.view.Gate.Older(r.LastTransaction()) && r.State() != binding.Superseded {
		return false
	}
	key := r.Key()
	return !(e.claims() && e.names(ia, &key)) && e.regiven(ia.Kind, &key)
}

// regiven tells whether a peer may have given the lease to another client, and isn't known to be silent.
func (e *Engine) regiven(kind wire.Kind, key *binding.Key) bool {
	pool := e.poolOf(kind, key)
	if pool == nil || pool.Owner == e.policy.Self || e.link.Reserved(&key.Address, key.Length) != nil {
		return false
	}
	if pool.Sparse && !pool.Sequential {
		return false // another client has other candidates; but in sequence the lease is the lowest one for whoever comes next
	}
	if exclusive(pool) && e.solely(pool, key) {
		return false
	}
	for node := range e.policy.Nodes {
		theirs := pool.Owner == policy.Everyone || pool.Owner < 0 || pool.Owner == node
		if node != e.policy.Self && theirs && !e.view.Health.Silent(node, e.relay, e.now) {
			return true
		}
	}
	return false
}

// doubts tells whether any record of the client IA is doubtful; e.found has them.
func (e *Engine) doubts(ia *wire.IA) bool {
	return slices.ContainsFunc(e.found, func(r *binding.Record) bool { return e.doubtful(ia, r) })
}

// asksPeers tells whether a Solicit is left to peers for now, since what this node knows of its client is doubtful and
// nothing newer is known. A client that nobody else has answered meanwhile gets what stands there, and so does its Request.
func (e *Engine) asksPeers() bool {
	if e.policy.Single || !e.view.Gate.Relearns(e.now) {
		return false
	}
	doubts := false
	for i := range e.message.IACount {
		ia := &e.message.IAs[i]
		e.find(i)
		doubts = doubts || e.doubts(ia) && !slices.ContainsFunc(e.found, func(r *binding.Record) bool {
			return r.State() == binding.Bound && r.Live(e.now) && !e.doubtful(ia, r)
		})
	}
	if !doubts {
		return false
	}
	if !e.waited(e.outwaits()) {
		return true
	}
	e.assured = true
	e.view.Firsts.Age(e.assurance(), e.at)
	return false
}

// outwaits is for how many milliseconds a client has to ask until each living peer has had the time to answer it.
func (e *Engine) outwaits() uint64 {
	if e.policy.Favour != config.FavourDelay {
		return yielding
	}
	return patience*(1<<min(len(e.policy.Nodes)-1, maxPatienceRank)-1) + yielding
}

// assurance is what tells, in Firsts, that a client was offered what is doubtful, since nobody else answered it.
func (e *Engine) assurance() uint64 { return bits.RotateLeft64(e.client, 32) }
