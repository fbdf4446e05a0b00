package policy

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/address"
)

// A linkPair is a link in both configurations; -1: it is in one only.
type linkPair struct{ before, after int }

// matchLinks finds which link is which. Names decide nothing, so a link that is the same in all that does may have
// another one; else it is the one of that name, or one that has a pool or a link-address in common.
func (d *differ) matchLinks() {
	old := blocks(d.before)
	texts := blocks(d.after)
	twins := slices.Repeat([]int{-1}, len(texts))
	taken := make([]bool, len(old))
	match := func(key func(p *Policy, link int, block []string) []string) {
		index := make(map[string][]int)
		for k, block := range old {
			for _, text := range key(d.before, k, block) {
				index[text] = append(index[text], k)
			}
		}
		for i, block := range texts {
			for _, text := range key(d.after, i, block) {
				for _, k := range index[text] {
					if twins[i] < 0 && !taken[k] {
						twins[i], taken[k] = k, true
					}
				}
			}
		}
	}
	name := func(p *Policy, link int, _ []string) []string { return []string{p.Links[link].Name} }
	whole := func(_ *Policy, _ int, block []string) []string { return []string{strings.Join(block, "")} }
	match(func(p *Policy, link int, block []string) []string {
		return []string{p.Links[link].Name + "\n" + strings.Join(block, "")}
	})
	match(whole)
	match(name)
	match(func(_ *Policy, _ int, block []string) []string {
		return slices.DeleteFunc(slices.Clone(block), func(line string) bool {
			return !strings.HasPrefix(line, " pool ") && !strings.HasPrefix(line, " link-address ")
		})
	})
	d.twinLinks = make(map[int32]int32)
	for i, k := range twins {
		d.links = append(d.links, linkPair{k, i})
		if k >= 0 {
			d.twinLinks[int32(k)] = int32(i)
		}
	}
	for k, is := range taken {
		if !is {
			d.links = append(d.links, linkPair{k, -1})
		}
	}
}

// blocks are the links' blocks of the fingerprint's text, by lines.
func blocks(p *Policy) [][]string {
	all := make([][]string, len(p.source.Links))
	gates := newGateText(p.source)
	for i := range all {
		all[i] = linkLines(&p.source.Links[i], gates, p.named != nil)
		slices.Sort(all[i])
	}
	return all
}

// linkName names a pair's link by what it is called, last.
func (d *differ) linkName(pair linkPair) string {
	if pair.after >= 0 {
		return d.after.Links[pair.after].Name
	}
	return d.before.Links[pair.before].Name
}

// selection compares which clients are on which link: by link-addresses, by relays' IDs, and by names of pools.
func (d *differ) selection() {
	moved := make(map[linkPair][]string)
	was, is := &d.before.selection, &d.after.selection
	d.selected(was.addresses.starts, is.addresses.starts, "link-address ", moved, func(s *selection, at address.U128) int32 {
		return s.addresses.find(at)
	})
	keys := make(map[portKey]bool)
	for _, s := range []*selection{was, is} {
		for key := range s.ports {
			keys[key] = true
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(keys), portKey.compare) {
		from, to := was.ports[key], is.ports[key]
		d.selected(from.addresses.starts, to.addresses.starts, key.String()+" at link-address ", moved, func(s *selection, at address.U128) int32 {
			return s.linkOf(key, at.Bytes())
		})
		if a, b := was.anywhere(key), is.anywhere(key); a >= 0 && b >= 0 && !d.sameLink(a, b) {
			pair := linkPair{int(a), int(b)}
			moved[pair] = append(moved[pair], key.String())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was.names)) {
		if to, ok := is.names[name]; ok && !d.sameLink(was.names[name], to) {
			pair := linkPair{int(was.names[name]), int(to)}
			moved[pair] = append(moved[pair], "pools' name "+name)
		}
	}
	d.moved(moved)
}

// compare orders ports by Relay-ID, then by Interface-ID.
func (k portKey) compare(to portKey) int {
	return cmp.Or(cmp.Compare(k.relay, to.relay), cmp.Compare(k.id, to.id))
}

// linkOf is the link of a client behind a relay with that link-address, at its port, or -1.
func (s *selection) linkOf(key portKey, addr [16]byte) int32 {
	if link := s.nearest([]byte(key.relay), []byte(key.id), &addr, true); link >= 0 {
		return link
	}
	return s.addresses.find(address.FromBytes(addr))
}

// anywhere is the link of a port that no link-address tells, or -1.
func (s *selection) anywhere(key portKey) int32 {
	return s.nearest([]byte(key.relay), []byte(key.id), new([16]byte), false)
}

// selected notes what selects one link before and another one after, where one of the two changes.
func (d *differ) selected(before, after []address.U128, what string, moved map[linkPair][]string, find func(*selection, address.U128) int32) {
	starts := slices.Concat(before, after)
	slices.SortFunc(starts, address.U128.Cmp)
	last := linkPair{-1, -1}
	for _, start := range slices.Compact(starts) {
		was, is := find(&d.before.selection, start), find(&d.after.selection, start)
		pair := linkPair{int(was), int(is)}
		if was >= 0 && is >= 0 && !d.sameLink(was, is) && pair != last {
			moved[pair] = append(moved[pair], what+netip.AddrFrom16(start.Bytes()).String())
		}
		last = pair
	}
}

// moved reports which clients move from one link to another.
func (d *differ) moved(moved map[linkPair][]string) {
	pairs := slices.SortedFunc(maps.Keys(moved), func(a, b linkPair) int {
		return cmp.Or(cmp.Compare(a.before, b.before), cmp.Compare(a.after, b.after))
	})
	for _, pair := range pairs {
		d.add(Change{
			What: fmt.Sprintf("clients move from link %s to link %s: %s", d.before.Links[pair.before].Name,
				d.after.Links[pair.after].Name, listed(moved[pair])),
			Effect: "their leases aren't on the new link: they get others at their next Renew, Rebind or Confirm",
			Hazard: "nodes with the two files tell such a client of each other's leases that they aren't on its link, again and again",
			Steps: []string{"Stop all nodes, give the new file to each, and start them: some seconds in which clients repeat " +
				"what they send. Nothing else is lost"},
		})
	}
}

// sameLink tells whether two links are the same one.
func (d *differ) sameLink(before, after int32) bool {
	twin, ok := d.twinLinks[before]
	return ok && twin == after
}

// relinked reports links that came or went, and matches that changed, where no client moves by it.
func (d *differ) relinked() {
	for _, pair := range d.links {
		switch {
		case pair.before < 0:
			d.add(Change{What: "link " + d.linkName(pair) + " is added",
				Effect: "nodes without it don't answer its clients, or answer only what needs no lease"})
		case pair.after < 0:
			d.add(Change{What: "link " + d.linkName(pair) + " is removed",
				Effect: "its clients are no longer answered, and their leases run out"})
		default:
			if what := d.rematched(pair); what != "" {
				d.add(Change{What: "link " + d.linkName(pair) + ": " + what,
					Effect: "nodes with the two files differ in which clients they serve, or in what is on the link"})
			}
		}
	}
}

// rematched tells how link-addresses, relays' IDs and names by which a link is found differ.
func (d *differ) rematched(pair linkPair) string {
	was, is := matchLines(d.before, pair.before), matchLines(d.after, pair.after)
	gone, come := without(was, is), without(is, was)
	var what []string
	if len(gone) > 0 {
		what = append(what, "no longer "+listed(gone))
	}
	if len(come) > 0 {
		what = append(what, "now "+listed(come))
	}
	return strings.Join(what, "; ")
}

func matchLines(p *Policy, link int) (lines []string) {
	l := &p.source.Links[link]
	for _, prefix := range l.LinkAddress {
		lines = append(lines, "link-address "+prefix.Masked().String())
	}
	for _, id := range l.InterfaceIDs {
		lines = append(lines, fmt.Sprintf("Interface-ID %x", id))
	}
	for _, id := range l.RelayIDs {
		lines = append(lines, fmt.Sprintf("Relay-ID %x", id))
	}
	for _, name := range l.PoolNames {
		lines = append(lines, "pools' name "+name)
	}
	return lines
}

// without is what the second list doesn't have, in order and each once.
func without(all, others []string) (rest []string) {
	known := make(map[string]bool, len(others))
	for _, other := range others {
		known[other] = true
	}
	for _, text := range all {
		if !known[text] {
			known[text] = true
			rest = append(rest, text)
		}
	}
	return rest
}
