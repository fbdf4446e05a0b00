package policy

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/config"
)

const identityEffect = "a client that renews or rebinds keeps its lease as long as its DUID and IAID stay what they are; one that starts anew gets " +
	"another, computed from what it is known by then, and what it had stays taken until it ends. While it lasts a client may be offered different leases " +
	"by nodes with the two files; no lease comes to two clients by that"

// identities compares by what clients are known on links that are in both configurations.
func (d *differ) identities() {
	for _, pair := range d.links {
		if pair.before < 0 || pair.after < 0 {
			continue
		}
		was, is := d.before.Links[pair.before].Identity, d.after.Links[pair.after].Identity
		if was == is {
			continue
		}
		c := Change{What: fmt.Sprintf("identity on link %s: %s -> %s", d.linkName(pair), was, is), Effect: identityEffect}
		switch {
		case is == config.IdentityRelayPort:
			c.Effect += ". All clients behind one port are one client from then on"
		case is != config.IdentityHardwareAddress && was != config.IdentityDUIDRank:
			c.Effect += ". Clients that have one DUID are one client from then on, or one for each IAID"
		}
		if !d.alone {
			c.Before = "all nodes run and hear one another's clients: nodes with the two files recognise one another's leases only where they have heard of them. " +
				"So the nodes get the new file right after one another"
		}
		d.add(c)
	}
}
