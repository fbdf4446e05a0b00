package kea

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// host is a reservation.
type host struct {
	*value
	kind      string // duid, hw-address or flex-id
	id        []byte
	addresses []netip.Addr
	prefixes  []netip.Prefix
}

// readHosts reads the reservations of a subnet, and finds what Kea refuses of them.
func (t *translator) readHosts(s *subnet) {
	s.hosts = t.hosts(s.value, s)
}

// hosts reads reservations; those of no subnet are global.
func (t *translator) hosts(v *value, s *subnet) (all []*host) {
	ids, leases := make(map[string]bool), make(map[string]bool)
	for _, item := range v.list("reservations") {
		h := t.readHost(item, s)
		if h == nil {
			continue
		}
		key := fmt.Sprintf("%s %x", h.kind, h.id)
		if ids[key] {
			t.refuse(h.at, fmt.Sprintf("the client with %s %s has a reservation in this subnet already", h.kind, h.str(h.kind)), "put both into one")
		}
		ids[key] = true
		for _, lease := range h.leases() {
			if leases[lease] && flag("ip-reservations-unique", true, t.kea) {
				t.refuse(h.at, lease+" is reserved for another client already", "")
			}
			leases[lease] = true
		}
		all = append(all, h)
	}
	return all
}

func (h *host) leases() (out []string) {
	for _, a := range h.addresses {
		out = append(out, a.String())
	}
	for _, p := range h.prefixes {
		out = append(out, p.String())
	}
	return out
}

func (t *translator) readHost(v *value, s *subnet) *host {
	h := &host{value: v}
	for _, kind := range []string{"duid", "hw-address", "flex-id"} {
		f := v.get(kind)
		switch {
		case f == nil:
			continue
		case h.kind != "":
			t.refuse(f.at, fmt.Sprintf("%s and %s of a reservation exclude each other", h.kind, kind), "keep one of the two")
			return nil
		}
		var err error
		h.kind = kind
		if h.id, err = hexadecimal(f.text); err != nil || len(h.id) == 0 {
			t.refuse(f.at, fmt.Sprintf("%s %q isn't hexadecimal", kind, f.text), "")
			return nil
		}
	}
	if h.kind == "" {
		t.refuse(v.at, "a reservation doesn't say for whom", "give duid, hw-address or flex-id")
		return nil
	}
	for _, item := range v.list("ip-addresses") {
		a, err := parseAddr(item.text)
		if err != nil {
			t.refuse(item.at, fmt.Sprintf("reserved address %q %v", item.text, err), "")
		} else if s != nil && !s.prefix.Contains(a) {
			t.refuse(item.at, fmt.Sprintf("reserved address %v isn't in its subnet %v", a, s.prefix), "")
		}
		h.addresses = append(h.addresses, a)
	}
	for _, item := range v.list("prefixes") {
		p, err := parsePrefix(item.text)
		if err != nil {
			t.refuse(item.at, fmt.Sprintf("reserved prefix %q isn't an IPv6 prefix with its length", item.text), "")
		}
		h.prefixes = append(h.prefixes, p)
	}
	t.readOptions(v)
	if len(h.leases()) == 0 && v.str("hostname") == "" && len(v.list("option-data")) == 0 && len(v.list("client-classes")) == 0 {
		t.refuse(v.at, "a reservation reserves nothing", "give ip-addresses, prefixes, hostname, option-data or client-classes")
	}
	return h
}

// putHosts writes the reservations of a link: those of its subnets, and the global ones where they count there.
func (t *translator) putHosts(l *link) {
	done := make(map[string]bool)
	for _, s := range l.subnets {
		global, inSubnet := t.modes(s)
		if !inSubnet && len(s.hosts) > 0 {
			t.d.Note(l.out, s.hosts[0].at, "reservations", "Kea doesn't look for them in this subnet, so they are left out")
			t.leaveOut(s.value)
		}
		for _, h := range s.hosts {
			if inSubnet {
				t.putHost(l, s, h, done, false)
			}
		}
		if global {
			for _, h := range t.globalHosts() {
				t.putHost(l, s, h, done, true)
			}
		}
	}
}

// leaveOut takes a subnet's reservations out of the count.
func (t *translator) leaveOut(v *value) {
	for _, item := range v.list("reservations") {
		for _, f := range item.fields {
			f.fate = fateNoted
		}
	}
}

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

// putHost writes a reservation. A global one has the addresses that lie in the subnet.
func (t *translator) putHost(l *link, s *subnet, h *host, done map[string]bool, global bool) {
	key := fmt.Sprintf("%s %x", h.kind, h.id)
	if done[key] {
		if !global {
			t.lost(l.out, h.value, "reservation", "the client has another one in this shared network, and the first counts")
		}
		return
	}
	list := l.out.List("reservations")
	t.remarks(list, h.value)
	n := draft.Map().From(h.at)
	if !t.identify(n, list, h) {
		return
	}
	done[key] = true
	for _, a := range h.addresses {
		if !global || s.prefix.Contains(a) {
			n.List("addresses").Append(draft.Text(a.String()))
		}
	}
	for _, p := range h.prefixes {
		n.List("prefixes").Append(draft.Text(p.String()))
	}
	t.hostname(n, list, h, l)
	if len(h.texts("excluded-prefixes")) > 0 {
		t.lost(list, h.value, "excluded-prefixes", "reserved prefixes are delegated as a whole")
	}
	options, never := t.hostTerms(list, h, s)
	if p := t.putOptions(n, options); p != nil {
		t.lost(list, p.field, "option-data preference", "one client's preference; server.preference is everybody's")
	}
	putNever(n, never, options)
	for _, name := range h.texts("client-classes") {
		t.assign(list, name, h, l)
	}
	for _, field := range []string{"addresses", "prefixes", "hostname", "options"} {
		if v := n.Get(field); v != nil && (field == "hostname" || !v.Bare()) {
			list.Append(n)
			return
		}
	}
	list.Comments(n)
	if t.knows {
		n.Set("boot", draft.Empty())
		list.Append(n)
		t.d.Note(list, h.at, "reservation", "boot: [] gives the client nothing, and makes it known (reserved: true)")
	}
}

// hostname writes a reserved name. One label is completed by the link's domain, or the global one.
func (t *translator) hostname(n, list *draft.Node, h *host, l *link) {
	f := h.get("hostname")
	if f == nil || strings.Trim(f.text, ".") == "" {
		return
	}
	name := strings.Trim(f.text, ".")
	if !strings.Contains(name, ".") {
		domain := t.naming("ddns-qualifying-suffix", append(append(values(l.subnets[:1]), l.net), t.kea)...)
		if domain == nil || strings.Trim(domain.text, ".") == "" {
			t.lost(list, h.value, "hostname "+name+" of a reservation", "names of one label need a domain: write dns: {domain: ...}")
			return
		}
	}
	n.Set("hostname", draft.Text(name).From(f.at))
	t.names = true
}
