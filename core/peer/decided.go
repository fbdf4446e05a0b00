package peer

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
)

// keptDecisions is how many decisions wait for the log. Of those beyond only the number is told.
const keptDecisions = 64

// A Decision says that a client lost a lease to another one, for which it stands now.
type Decision struct {
	Lease  binding.Key
	Loser  Claim
	Winner Claim
}

type decisions struct {
	kept   []Decision // not told yet
	total  uint64
	untold uint64 // of them, that found no room in kept
}

// Decided notes that a client is told, by this node, that another one keeps its lease. It counts once for as long as the
// loser's claim stands, however often its client asks.
func (c *Conflicts) Decided(d Decision) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.claims[d.Lease]
	at := slices.IndexFunc(list, func(claim Claim) bool { return claim.Same(&d.Loser) })
	if at < 0 || list[at].Told {
		return
	}
	list[at].Told = true
	c.decided.total++
	if len(c.decided.kept) >= keptDecisions {
		c.decided.untold++
		return
	}
	d.Loser.own()
	d.Winner.own()
	d.Loser.Extension, d.Winner.Extension = nil, nil
	c.decided.kept = append(c.decided.kept, d)
}

// Decisions returns the decisions since the last call, and how many there were beside them.
func (c *Conflicts) Decisions() (kept []Decision, untold uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, untold = c.decided.kept, c.decided.untold
	c.decided.kept, c.decided.untold = nil, 0
	return kept, untold
}
