package kea

import (
	"fmt"
	"slices"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// linkOptions writes a link's options: those of its first subnet for everybody, and its shared network's.
func (t *translator) linkOptions(l *link) {
	var all []*datum
	if len(l.subnets) > 0 {
		base := l.base()
		for _, d := range t.readOptions(base.value) {
			switch {
			case d.never && !t.allWithhold(l, d): // withhold of the link would hold in the other subnets too
				base.extra = append(base.extra, d)
			case t.vendorElsewhere(l, base, d):
				base.extra = append(base.extra, d)
				t.d.Changed(l.out, d.at, d.name()+" of "+base.prefix.String(), "other subnets of the link have other vendors' options, so that only who gets a lease of this one is sent it")
			default:
				all = append(all, d)
			}
		}
		if l.net != nil {
			all = under(all, t.readOptions(l.net))
		}
		for _, s := range l.subnets {
			if s != base {
				t.otherSubnet(l, base, s, all)
			}
		}
	} else if l.net != nil {
		all = t.readOptions(l.net)
	}
	t.override(l, all)
	if p := t.putOptions(l.out, all); p != nil {
		t.linkPreference(l, p)
	}
}

// under are options with those of an outer place that they don't have.
func under(all, outer []*datum) []*datum {
	out := slices.Clip(all)
	for _, d := range outer {
		if !slices.ContainsFunc(all, d.twin) {
			out = append(out, d)
		}
	}
	return out
}

// twin tells whether another datum sets the same option.
func (d *datum) twin(o *datum) bool { return o.space == d.space && o.code == d.code }

// same tells whether another datum sets the same option alike.
func (d *datum) same(o *datum) bool {
	return d.twin(o) && string(o.data) == string(d.data) && o.always == d.always && o.never == d.never
}

// base is the subnet whose settings are the link's: the first one that isn't for certain classes only.
func (l *link) base() *subnet {
	for _, s := range l.subnets {
		if len(guards(s.value)) == 0 {
			return s
		}
	}
	return l.subnets[0]
}

// allWithhold tells whether each subnet of a link has an option withheld.
func (t *translator) allWithhold(l *link, d *datum) bool {
	return !slices.ContainsFunc(l.subnets, func(s *subnet) bool {
		return !slices.ContainsFunc(t.readOptions(s.value), func(o *datum) bool { return o.never && o.twin(d) })
	})
}

// otherSubnet finds what a subnet has otherwise than the link. Its pools have it, or a class where the subnet is for classes and has no pool.
func (t *translator) otherSubnet(l *link, base, s *subnet, all []*datum) {
	t.deviations(l, base, s, all)
	life := t.lifetimesOf(t.scopes(s)...)
	if !life.same(t.lifetimesOf(t.scopes(base)...)) {
		s.life = &life
	}
	if len(s.pools) > 0 || len(s.extra)+len(s.never) == 0 && s.life == nil {
		return
	}
	if g := guards(s.value); len(g) > 0 && l.poolless() {
		c := t.specialClass(l, g, fmt.Sprintf("%s-%d", l.name, s.id), "What "+s.prefix.String()+" has otherwise than its link.")
		c.options, c.never, c.life = s.extra, s.never, s.life
		return
	}
	t.d.Note(l.out, s.at, "subnet "+s.prefix.String(), "it has no pool, so that its options and lifetimes are for reserved addresses only")
}

// deviations are the options that a subnet has and the link hasn't, and those of the link that it hasn't. Where one of them is part of
// another option that one is written as a whole.
func (t *translator) deviations(l *link, base, s *subnet, all []*datum) {
	own := t.readOptions(s.value)
	whole := slices.ContainsFunc(own, (*datum).inside) || slices.ContainsFunc(t.readOptions(base.value), (*datum).inside)
	for _, d := range own {
		if whole || !slices.ContainsFunc(all, d.same) {
			s.extra = append(s.extra, d)
		}
	}
	outer := t.readOptions(t.kea)
	if l.net != nil {
		outer = under(t.readOptions(l.net), outer)
	}
	for _, d := range t.readOptions(base.value) {
		if d.never || d.inside() || slices.ContainsFunc(own, d.twin) {
			continue
		}
		if i := slices.IndexFunc(outer, d.twin); i >= 0 {
			if !outer[i].same(d) {
				s.extra = append(s.extra, outer[i])
			}
			continue
		}
		switch {
		case d.ofVendor():
			if slices.ContainsFunc(all, d.twin) {
				s.never = append(s.never, 17)
			}
		case ownedOptions[d.code] == "" && d.code != 7:
			s.never = append(s.never, d.code)
		}
	}
}

// poolless tells whether nobody gets leases on the link but by reservation.
func (l *link) poolless() bool {
	return !slices.ContainsFunc(l.subnets, func(s *subnet) bool { return len(s.pools) > 0 })
}

// vendorElsewhere tells whether a vendor's option of a link's first subnet would be sent in another subnet too that has others: they
// come together from all that sets some.
func (t *translator) vendorElsewhere(l *link, base *subnet, d *datum) bool {
	return d.ofVendor() && len(base.pools) > 0 && slices.ContainsFunc(l.subnets, func(s *subnet) bool {
		effective := t.readOptions(s.value)
		for _, outer := range t.scopes(s)[1:] {
			effective = under(effective, t.readOptions(outer))
		}
		return s != base && len(s.pools) > 0 && !slices.ContainsFunc(effective, d.twin) && slices.ContainsFunc(effective, (*datum).ofVendor)
	})
}

// ofVendor tells whether a datum is in option 17.
func (d *datum) ofVendor() bool {
	_, ok := vendorOf(d.space)
	return ok || d.space == "vendor-opts-space" || d.space == "dhcp6" && d.code == 17
}

// inside tells whether a datum is part of an option other than 17.
func (d *datum) inside() bool { return d.space != "dhcp6" && !d.ofVendor() }

// specialClass makes a class of those clients of a link who are in classes.
func (t *translator) specialClass(l *link, g gate, name, remark string) *class {
	all := condition{op: "all", parts: []condition{test("link", draft.Text(l.name))}}
	for _, names := range g {
		var ours []string
		for _, name := range names {
			ours = append(ours, t.classNamed(name).our)
		}
		all.parts = append(all.parts, test("class", textOrList(ours)))
	}
	return t.addClass(&class{name: name, fixed: &all, remark: remark})
}

// override makes a class of a link's clients where both the link and a class of Kea's set an option: of the two Kea sends the
// subnet's, and here the class's comes first.
func (t *translator) override(l *link, all []*datum) {
	var both []*datum
	for _, d := range all {
		if t.classWith(d) != nil {
			both = append(both, d)
		}
	}
	if len(both) == 0 {
		return
	}
	where := test("link", draft.Text(l.name))
	c := t.addClass(&class{name: l.name + "-first", fixed: &where, options: both, remark: "What Kea sends on this link instead of what the classes below set."})
	t.classes = slices.Insert(t.classes[:len(t.classes)-1], 0, c)
}

// classWith is the first class of Kea's that sets an option, or nil.
func (t *translator) classWith(d *datum) *class {
	for _, c := range t.classes {
		if c.value != nil && slices.ContainsFunc(t.readOptions(c.value), d.twin) {
			return c
		}
	}
	return nil
}
