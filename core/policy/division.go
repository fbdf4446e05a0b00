package policy

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/config"
)

// A division is who owns which share of the leases that are cut into parts, or dealt out to stripes.
type division struct {
	cut     int
	owner   []int // by part: a node, counted as differ.nodeNumber does, or Nobody
	striped bool  // leases are dealt out like cards; else they are cut into runs
}

// of is the owner of a fine part, of as many as cuts, which is a multiple of the division's own.
func (v *division) of(fine, cuts int) int {
	if v.striped {
		return v.owner[fine%v.cut]
	}
	return v.owner[fine*v.cut/cuts]
}

// leastCuts is the least cut in which the parts of both divisions are whole numbers of parts.
func leastCuts(before, after *division) int {
	gcd, rest := before.cut, after.cut
	for rest != 0 {
		gcd, rest = rest, gcd%rest
	}
	return before.cut / gcd * after.cut
}

// moves tells whether anything goes from one node to another.
func moves(before, after *division) bool {
	cuts := leastCuts(before, after)
	for fine := range cuts {
		from, to := before.of(fine, cuts), after.of(fine, cuts)
		if from != to && from != Nobody && to != Nobody {
			return true
		}
	}
	return false
}

// refined is the same division in a cut that is a multiple of its own: every node owns the same leases.
func (v *division) refined(times int) division {
	fine := division{v.cut * times, make([]int, v.cut*times), v.striped}
	for part := range fine.owner {
		fine.owner[part] = v.of(part, fine.cut)
	}
	return fine
}

// fitting is the division, refined so that there is one part for each of so many nodes: a configuration wants that.
func (v *division) fitting(nodes int) division { return v.refined((nodes + v.cut - 1) / v.cut) }

// only is the division without what others than the node own.
func (v *division) only(node int) division {
	kept := division{v.cut, slices.Clone(v.owner), v.striped}
	for part, owner := range kept.owner {
		if owner != node {
			kept.owner[part] = Nobody
		}
	}
	return kept
}

// way is the divisions between the two, by which nothing ever goes from one node to another: what is withdrawn is
// nobody's for a while. One will do: each node keeps what it owns in both, in the least cut that tells. But where
// that leaves nothing to anybody, or is no cut that a cluster can have, one node owns all that is owned meanwhile,
// first in the old cut and then in the new one.
func way(before, after *division, nodes int) []division {
	if cuts := leastCuts(before, after); cuts <= config.MaxParts {
		meet := division{cuts, make([]int, cuts), before.striped}
		for fine := range cuts {
			meet.owner[fine] = before.of(fine, cuts)
			if meet.owner[fine] != after.of(fine, cuts) {
				meet.owner[fine] = Nobody
			}
		}
		owned := slices.ContainsFunc(meet.owner, func(owner int) bool { return owner != Nobody })
		if meet = meet.fitting(nodes); owned && meet.cut <= config.MaxParts {
			return []division{meet}
		}
	}
	keeper := Nobody
	for _, owner := range before.owner {
		if owner != Nobody && slices.Contains(after.owner, owner) {
			keeper = owner
			break
		}
	}
	return []division{before.only(keeper), after.only(keeper)}
}

func (v *division) partsOf(node int) (parts []int) {
	for part, owner := range v.owner {
		if owner == node {
			parts = append(parts, part)
		}
	}
	return parts
}
