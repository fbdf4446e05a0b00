package policy

import (
	"fmt"
	"reflect"

	"github.com/lockstep6/lockstep6/core/config"
)

const (
	registersEffect = "addresses that clients of the link register are kept from other clients from then on; of those that they have now the " +
		"server learns when the hosts ask for any configuration next, or renew"
	registersNotEffect = "what is registered stays until it ends, and is kept from other clients so long; nothing is added. " +
		"Hosts go on registering until they leave the link, and get no answer"
	registersOtherwise = "what is registered stays until it ends; new registrations follow the new rule"
)

// registrations compares which addresses are registered on links that are in both configurations. Nodes with different files may
// disagree in which addresses are taken, as they may where one of them missed a registration: no lease comes to two clients by that.
func (d *differ) registrations() {
	for _, pair := range d.links {
		if pair.before < 0 || pair.after < 0 {
			continue
		}
		was, is := d.before.source.Links[pair.before].Registration, d.after.source.Links[pair.after].Registration
		if reflect.DeepEqual(was, is) {
			continue
		}
		c := Change{What: fmt.Sprintf("address registration on link %s: %s -> %s", d.linkName(pair), registrationText(was), registrationText(is))}
		switch {
		case was == nil:
			c.Effect = registersEffect
		case is == nil:
			c.Effect = registersNotEffect
		default:
			c.Effect = registersOtherwise
		}
		d.add(c)
	}
}

func registrationText(r *config.Registration) string {
	if r == nil {
		return "off"
	}
	text := fmt.Sprintf("%d a client", r.PerClient)
	for _, prefix := range r.Prefixes {
		text += ", " + prefix.String()
	}
	return text
}
