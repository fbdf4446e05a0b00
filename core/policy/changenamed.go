package policy

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"github.com/lockstep6/lockstep6/core/config"
)

// namedText are the lines of the fingerprint's text about where relays name pools; none where they can't.
func namedText(n *config.NamedPools) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for i := range n.Options {
		fmt.Fprintf(&b, "pool-names %s\n", nameOptionText(&n.Options[i]))
	}
	if n.Ignore {
		b.WriteString("pool-names unknown ignore\n")
	}
	return b.String()
}

// nameOptionText is an option by which relays name pools.
func nameOptionText(o *config.NameOption) string {
	text := fmt.Sprintf("option %d", o.Code)
	if o.Enterprise != nil {
		text += fmt.Sprintf(" enterprise %d suboption %d", *o.Enterprise, o.Suboption)
	}
	return fmt.Sprintf("%s relay %d %s", text, o.Relay, o.Tells)
}

// poolNameText is what a pool's line has of its name.
func poolNameText(pool *config.Pool, named bool) (text string) {
	if !named || pool.Name == "" {
		return ""
	}
	text = fmt.Sprintf(" name %x", pool.Name)
	if pool.NamedOnly {
		text += " named-only"
	}
	return text
}

// namedEffect is what comes of it that relays' names of pools mean something else. As with classes nothing that a client holds depends on
// it.
const namedEffect = "who has a lease keeps it at Renew and Rebind; a client that starts anew meanwhile may be offered leases of other pools, or none, by " +
	"nodes with the old file than by nodes with the new one. No lease comes to two clients by that"

// namedPools compares where relays name pools.
func (d *differ) namedPools() {
	was, is := d.before.source.Relays.NamedPools, d.after.source.Relays.NamedPools
	if reflect.DeepEqual(was, is) {
		return
	}
	from, to := strings.TrimSuffix(namedText(was), "\n"), strings.TrimSuffix(namedText(is), "\n")
	words := func(text string) string {
		return cmp.Or(strings.ReplaceAll(strings.ReplaceAll(text, "pool-names ", ""), "\n", ", "), "nowhere")
	}
	d.add(Change{What: fmt.Sprintf("relays name pools: %s -> %s", words(from), words(to)), Effect: namedEffect})
}

// nameChanged compares the names of a pool that is in both configurations. Where relays can't name pools, before or after, they
// decide nothing.
func (d *differ) nameChanged(was, is *poolRange) {
	if d.before.named == nil && d.after.named == nil || was.pool.Name == is.pool.Name && was.pool.NamedOnly == is.pool.NamedOnly {
		return
	}
	d.add(Change{What: fmt.Sprintf("%s: name %s -> %s", is.called(d), nameWords(was.pool), nameWords(is.pool)), Effect: namedEffect})
}

// nameWords is a pool's name for people.
func nameWords(pool *config.Pool) string {
	text := cmp.Or(pool.Name, "none")
	if pool.NamedOnly {
		text += " (only where a relay names it)"
	}
	return text
}

// namesRest tells whether pools have other names that decide nothing.
func (d *differ) namesRest() bool {
	if d.before.named != nil || d.after.named != nil {
		return false
	}
	return d.linksDiffer(func(l *config.Link) any {
		var names []string
		for _, pools := range [][]config.Pool{l.Addresses, l.Prefixes} {
			for i := range pools {
				if pools[i].Name != "" {
					names = append(names, pools[i].Name)
				}
			}
		}
		return names
	})
}
