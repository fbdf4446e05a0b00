package policy

import (
	"net/netip"

	"github.com/lockstep6/lockstep6/core/address"
)

// exclusions are those of a link's pools that stay, before and after.
type exclusions struct{ before, after []string }

func (e *exclusions) note(was, is *poolRange) {
	e.before = append(e.before, rangeTexts(was.pool.Exclude)...)
	e.after = append(e.after, rangeTexts(is.pool.Exclude)...)
}

func rangeTexts(ranges []address.Range) (texts []string) {
	for _, r := range ranges {
		if r.First == r.Last {
			texts = append(texts, netip.AddrFrom16(r.First).String())
			continue
		}
		texts = append(texts, rangeText(r.First, r.Last))
	}
	return texts
}

// excluded compares what is excluded. A lease that isn't assigned stays on the link, so no node takes it from a client
// of another one.
func (d *differ) excluded(pair linkPair, e *exclusions) {
	if come := without(e.after, e.before); len(come) > 0 {
		d.add(Change{
			What: "link " + d.linkName(pair) + " excludes " + listed(come),
			Effect: "who has such a lease gets another one at its next Renew, and the former one with lifetimes 0. It is free for " +
				"other use when " + d.wait() + " has passed since all nodes have the new file",
		})
	}
	if gone := without(e.before, e.after); len(gone) > 0 {
		d.add(Change{
			What:   "link " + d.linkName(pair) + " no longer excludes " + listed(gone),
			Effect: "it is assigned like the rest of the pool",
			Before: "nothing else uses these addresses",
		})
	}
}
