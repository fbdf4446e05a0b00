package config

import (
	"net/netip"
	"slices"
)

// former adds, for each former prefix of a provider, the pools behind it as retiring ones, and the link-addresses that stood
// behind it. So leases of it end by their lifetimes. What was reserved behind it isn't any more.
func (c *checker) former(l *rawLink) {
	if len(c.provided) == 0 {
		return
	}
	if l.Match != nil {
		l.Match.LinkAddresses = append(l.Match.LinkAddresses, c.formerSubnets(l.Match.LinkAddresses)...)
	}
	for i := range l.Addresses[:len(l.Addresses):len(l.Addresses)] {
		from := &l.Addresses[i]
		for _, prefix := range c.formerOf(&from.Pool) {
			p := *from
			if p.Pool.behind(prefix) {
				p.Exclude, p.Retires.value = behindFormer(from.Exclude, from.Pool.blocks[0].from.name, prefix), true
				l.Addresses = append(l.Addresses, p)
			}
		}
	}
	for i := range l.Prefixes[:len(l.Prefixes):len(l.Prefixes)] {
		from := &l.Prefixes[i]
		for _, prefix := range c.formerOf(&from.Pool) {
			p := *from
			if p.Pool.behind(prefix) {
				p.Exclude, p.Retires.value = behindFormer(from.Exclude, from.Pool.blocks[0].from.name, prefix), true
				l.Prefixes = append(l.Prefixes, p)
			}
		}
	}
}

// formerOf are the former prefixes of the provider behind whose prefix all of a pool lies.
func (c *checker) formerOf(p *rawPool) []netip.Prefix {
	if len(p.blocks) == 0 || p.blocks[0].from.name == "" ||
		slices.ContainsFunc(p.blocks, func(b rawNodeBlock) bool { return b.from.name != p.blocks[0].from.name }) {
		return nil
	}
	return c.provided[p.blocks[0].from.name].Former
}

// behind moves a pool behind another prefix. False: it doesn't fit there.
func (p *rawPool) behind(prefix netip.Prefix) bool {
	p.blocks = slices.Clone(p.blocks)
	for i := range p.blocks {
		if !p.blocks[i].moveBehind(prefix) {
			return false
		}
	}
	return true
}

// moveBehind reads a block anew behind another prefix. What is wrong with it is no fault of the file: it was right once.
func (b *block) moveBehind(prefix netip.Prefix) bool {
	text, problem := b.from.under(prefix)
	if problem != "" {
		return false
	}
	apart := newChecker("", 0)
	b.parse(apart, text, b.place)
	return b.ok && len(apart.errors) == 0
}

// behindFormer are the exclusions that lie behind a provider's prefix, behind another one.
func behindFormer(exclude []block, name string, prefix netip.Prefix) (out []block) {
	for _, e := range exclude {
		if e.from.name == name && e.moveBehind(prefix) {
			out = append(out, e)
		}
	}
	return out
}

// formerSubnets are link-addresses behind former prefixes.
func (c *checker) formerSubnets(all []subnet) (out []subnet) {
	for _, p := range all {
		for _, prefix := range c.provided[p.from.name].Former {
			text, problem := p.from.under(prefix)
			if problem != "" {
				continue
			}
			apart := newChecker("", 0)
			moved := subnet{leaf: p.leaf, from: p.from}
			moved.parse(apart, text, p.place)
			if moved.ok && !slices.ContainsFunc(append(all, out...), func(o subnet) bool { return o.ok && o.value == moved.value }) {
				out = append(out, moved)
			}
		}
	}
	return out
}
