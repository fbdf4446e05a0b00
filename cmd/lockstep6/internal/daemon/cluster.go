package daemon

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
)

// findingText says in what a peer differs, as far as its clients' claims show.
func findingText(p *policy.Policy, f *peer.Finding) string {
	switch {
	case f.Pool < 0:
		return "its clients ask it for leases in no pool of link " + p.Links[f.Link].Name
	case f.Other:
		return fmt.Sprintf("in pool %s it uses a key that is only accepted here", p.Pools[f.Pool].Name)
	default:
		return fmt.Sprintf("in pool %s its leases don't follow from this node's key, hash and pools", p.Pools[f.Pool].Name)
	}
}
