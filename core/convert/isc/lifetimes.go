package isc

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// defaultValid is dhcpd's valid lifetime where the file says nothing.
const defaultValid = 43200

// Lifetimes are what dhcpd grants, in seconds. T1 and T2 of 0 leave them to the client.
type lifetimes struct{ preferred, valid, renew, rebind uint32 }

// lifetimesOf are the lifetimes by settings in effect: dhcpd takes 5/8 of the valid lifetime for the preferred one, and says T1 and T2 only
// where options or dhcpv6-set-tee-times give them.
func (t *translator) lifetimesOf(v *values) lifetimes {
	l := lifetimes{valid: defaultValid}
	if s, ok := v.seconds(t.known, "default-lease-time"); ok {
		l.valid = s
	}
	l.preferred = l.valid
	if l.valid != math.MaxUint32 {
		l.preferred = l.valid/2 + l.valid/8
	}
	if s, ok := v.seconds(t.known, "preferred-lifetime"); ok {
		l.preferred = s
	}
	if v.flag(t.known, "dhcpv6-set-tee-times", false) {
		l.renew, l.rebind = l.preferred/2, fourFifths(l.preferred)
		if l.preferred == math.MaxUint32 {
			l.renew = l.preferred
		}
	}
	for name, to := range map[string]*uint32{"dhcp-renewal-time": &l.renew, "dhcp-rebinding-time": &l.rebind} {
		if s, ok := v.of[t.spaces["dhcp"].names[name]]; ok && s.fixed && len(s.data) == 4 {
			*to = binary.BigEndian.Uint32(s.data)
		}
	}
	return l
}

// lifetimeSettings are the settings that lifetimes follow from.
func (t *translator) lifetimeSettings(v *values) (out []setting) {
	for _, o := range v.order {
		switch o.full() {
		case "default-lease-time", "preferred-lifetime", "dhcpv6-set-tee-times", "option dhcp-renewal-time", "option dhcp-rebinding-time":
			out = append(out, v.of[o])
		}
	}
	return out
}

// putLifetimes writes lifetimes, in the order that this server asks for.
func (t *translator) putLifetimes(n *draft.Node, at draft.Place, l lifetimes, settings []setting) {
	for _, s := range settings {
		at = s.at
		t.took(s)
	}
	table := n.Map("lifetimes").From(at)
	fit := func(short *uint32, long uint32, what, bound string) {
		if *short > long {
			t.d.Changed(table, at, what, fmt.Sprintf("%d seconds are more than the %s of %d, and clients don't take that; it is as long here", *short, bound, long))
			*short = long
		}
	}
	if l.valid == 0 {
		t.d.Changed(table, at, "default-lease-time 0", "a lease lives for a second at least")
		l.valid = 1
	}
	fit(&l.preferred, l.valid, "preferred-lifetime", "valid lifetime")
	if l.renew > 0 && l.rebind == 0 {
		l.rebind = max(l.renew, fourFifths(l.preferred))
		t.d.Changed(table, at, "dhcp-rebinding-time", "with a T1 there is a T2 too: 4/5 of the preferred lifetime")
	}
	fit(&l.rebind, l.preferred, "dhcp-rebinding-time", "preferred lifetime")
	fit(&l.renew, l.rebind, "dhcp-renewal-time", "time of rebinding")
	table.Set("preferred", draft.Seconds(l.preferred))
	table.Set("valid", draft.Seconds(l.valid))
	table.Set("renew", draft.Seconds(l.renew))
	table.Set("rebind", draft.Seconds(l.rebind))
}

// fourFifths are those of a lifetime; what never ends stays so.
func fourFifths(seconds uint32) uint32 {
	if seconds == math.MaxUint32 {
		return seconds
	}
	return uint32(uint64(seconds) * 4 / 5)
}
