package peer

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
)

// succeed takes over all that an earlier policy's claims came to; nodes is today's index by the earlier one.
func (c *Conflicts) succeed(old *Conflicts, nodes []int) {
	c.adopt(old, nodes, 0)
	old.mu.Lock()
	defer old.mu.Unlock()
	c.lost, c.decided = old.lost, old.decided
	c.decided.kept = slices.Clone(old.decided.kept)
	for i := range c.decided.kept {
		d := &c.decided.kept[i]
		d.Loser.Node, d.Winner.Node = renumbered(nodes, d.Loser.Node), renumbered(nodes, d.Winner.Node)
	}
}

// adopt takes over the claims that were first heard at since or later and aren't here yet. They stay counted at their
// ports, of which both have the same counts.
func (c *Conflicts) adopt(old *Conflicts, nodes []int, since binding.Time) {
	old.mu.Lock()
	defer old.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, list := range old.claims {
		for _, claim := range list {
			known := slices.ContainsFunc(c.claims[key], func(other Claim) bool { return other.Same(&claim) })
			if claim.Since < since || known {
				continue
			}
			claim.Node = renumbered(nodes, claim.Node)
			c.insert(&key, claim)
			if claim.Port != 0 {
				c.byPort[claim.Port]++
			}
		}
	}
}

// renumbered is a node's index after a change of the policy.
func renumbered(nodes []int, node int) int {
	if node < 0 || node >= len(nodes) {
		return Nobody
	}
	return nodes[node]
}
