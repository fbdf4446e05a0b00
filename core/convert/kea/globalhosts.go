package kea

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

func (t *translator) globalHosts() []*host {
	if t.global == nil {
		t.global = t.hosts(t.kea, nil)
	}
	return t.global
}

// modes are where Kea looks for the reservations of a subnet's clients.
func (t *translator) modes(s *subnet) (global, inSubnet bool) {
	for _, v := range t.scopes(s) {
		if f := v.get("reservation-mode"); f != nil {
			return f.text == "global", f.text == "all" || f.text == "out-of-pool"
		}
	}
	skip(s.value, "reservations-out-of-pool")
	scopes := t.scopes(s)
	return flag("reservations-global", false, scopes...), flag("reservations-in-subnet", true, scopes...)
}

// delegates tells whether a link where Kea looks for global reservations has a prefix in a pool.
func (t *translator) delegates(l *link, p netip.Prefix) bool {
	return slices.ContainsFunc(l.subnets, func(s *subnet) bool {
		global, _ := t.modes(s)
		return global && slices.ContainsFunc(s.pools, func(o *pool) bool {
			return o.delegated > 0 && !lastOf(p).Less(o.first) && !o.last.Less(p.Addr())
		})
	})
}

// delegatesHere tells whether a prefix of a global reservation is this link's: that of the link whose pools have it, or of the first one that
// looks for global reservations. Kea delegates it wherever its client comes; here a prefix is of one link, which is told.
func (t *translator) delegatesHere(list *draft.Node, l *link, h *host, p netip.Prefix) bool {
	home := t.prefixHome[p]
	if i := slices.IndexFunc(t.links, func(o *link) bool { return t.delegates(o, p) }); home == nil && i >= 0 {
		home = t.links[i]
	}
	if home == nil {
		home = l
	}
	t.prefixHome[p] = home
	if home == l {
		return true
	}
	t.d.Changed(list, h.at, "prefix "+p.String()+" of a global reservation", fmt.Sprintf("it is link %s's, and the client gets it there only: a prefix is delegated on one link here", home.name))
	return false
}

// unguarded tells of reservations that Kea gives to members of their subnet's classes only.
func (t *translator) unguarded(l *link) {
	if l.net == nil && len(l.subnets) == 1 {
		return
	}
	for _, s := range l.subnets {
		var names []string
		for _, list := range guards(s.value) {
			names = append(names, list...)
		}
		if len(names) > 0 && len(s.hosts) > 0 && len(l.subnets) > 1 {
			t.d.Changed(l.out, s.hosts[0].at, "reservations of subnet "+s.prefix.String(),
				"Kea gives them to clients in "+strings.Join(names, ", ")+" only, as the subnet has it; here their clients get them whatever class they are in, if the link is for them")
		}
	}
}
