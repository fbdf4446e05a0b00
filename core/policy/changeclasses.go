package policy

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/config"
)

const gateEffect = "who has a lease keeps it at Renew and Rebind; a client that starts anew meanwhile may be offered leases of other pools by " +
	"nodes with the old file than by nodes with the new one. No lease comes to two clients by that"

// gateChanged reports that another kind of clients passes a gate.
func (d *differ) gateChanged(what string, was, is *config.Gate) {
	before, after := d.gates[0].gate(was), d.gates[1].gate(is)
	if before == after {
		return
	}
	c := Change{Effect: gateEffect}
	from, to := gateNames(d.before.source, was), gateNames(d.after.source, is)
	if from == to {
		c.What = fmt.Sprintf("%s: for %s still, of whom a class asks for something else", what, to)
	} else {
		c.What = fmt.Sprintf("%s: for %s -> for %s", what, from, to)
	}
	d.add(c)
}

const lengthEffect = "who has a prefix keeps it at Renew, Rebind and a new start; a client that starts without one, and asks for no length, may be offered " +
	"another one by nodes with the old file than by nodes with the new one. No prefix comes to two clients by that"

// prefixLengths compares what clients get that ask for no length, on links that are in both configurations.
func (d *differ) prefixLengths() {
	text := func(length uint8) string {
		if length == 0 {
			return "whichever comes first"
		}
		return fmt.Sprintf("/%d", length)
	}
	for _, pair := range d.links {
		if pair.before < 0 || pair.after < 0 {
			continue
		}
		was, is := d.before.source.Links[pair.before].PrefixLength, d.after.source.Links[pair.after].PrefixLength
		if was != is {
			d.add(Change{What: fmt.Sprintf("prefixes of link %s for clients that ask for no length: %s -> %s", d.linkName(pair), text(was), text(is)), Effect: lengthEffect})
		}
	}
}

// linkGates compares who gets leases on links that are in both configurations.
func (d *differ) linkGates() {
	for _, pair := range d.links {
		if pair.before >= 0 && pair.after >= 0 {
			d.gateChanged("link "+d.linkName(pair), &d.before.source.Links[pair.before].Gate, &d.after.source.Links[pair.after].Gate)
		}
	}
}
