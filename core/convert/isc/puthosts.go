package isc

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// putHosts writes a link's reservations. Several hosts of one client become one.
func (t *translator) putHosts(l *link, inherited []sent) {
	list := draft.List().Open()
	byKey := make(map[string]*draft.Node)
	for _, r := range l.hosts {
		n := byKey[r.key]
		if n == nil {
			n = draft.Map().From(r.at)
			r.host.put(n, r.key)
		} else if t.conflict(n, r) {
			t.d.Changed(list, r.at, "host "+r.name, "the client has a host already; of the options of both those of the first one count")
		}
		again := byKey[r.key] != nil
		t.putHost(l, n, r, inherited, again)
		if !again && n.Len() == 1 {
			continue // nothing is reserved here
		}
		if !again {
			byKey[r.key] = n
			list.Append(n)
		}
		t.d.Took(1)
		t.placed[r.scope] = true
		t.hostRemarks(list, r)
	}
	if list.Len() > 0 {
		l.out.Set("reservations", list)
	} else {
		l.out.Comments(list)
	}
}

// conflict tells whether a host's options come too late, as another one of the client has some.
func (t *translator) conflict(n *draft.Node, r *reservation) bool {
	return n.Get("options") != nil && len(t.sentOptions(t.beyondRoot(r.scope))) > 0
}

// put writes for whom a host is.
func (h *hostBody) put(n *draft.Node, key string) {
	switch kind, _, _ := strings.Cut(key, " "); kind {
	case "remote-id":
		id := n.Map("remote-id")
		id.Set("enterprise", draft.Number(binary.BigEndian.Uint32(h.value)))
		id.Set("id", octets(h.value[4:]))
	case "subscriber-id":
		n.Set(kind, octets(h.value))
	case "hardware":
		n.Set(kind, draft.Hex(h.hardware))
	default:
		n.Set(kind, draft.Hex(h.value))
	}
}

// beyondRoot are the settings of a host or a class, and of what it stands in, without those of the file as a whole.
func (t *translator) beyondRoot(s *scope) *values {
	return inEffect(s.chain()...).beyond(t.global)
}

func (t *translator) putHost(l *link, n *draft.Node, r *reservation, inherited []sent, again bool) {
	if len(r.addresses) > 0 {
		addresses := n.List("addresses")
		for _, a := range r.addresses {
			addresses.Append(draft.Text(a.String()))
		}
	}
	if len(r.prefixes) > 0 {
		prefixes := n.List("prefixes")
		for _, p := range r.prefixes {
			prefixes.Append(draft.Text(p.String()))
		}
	}
	if again {
		return
	}
	v := t.beyondRoot(r.scope)
	if s, ok := v.parameter(t.known, "ddns-hostname"); ok && len(s.data) > 0 {
		n.Set("hostname", draft.Text(string(s.data))).From(s.at)
		t.took(s)
	}
	t.putOptions(n, t.hostOptions(l, r, inherited))
}

// hostRemarks tells what of a host isn't taken over.
func (t *translator) hostRemarks(list *draft.Node, r *reservation) {
	t.remarks(list, r.scope)
	h := r.host
	if h.identifier != nil && len(h.hardware) > 0 && !strings.HasPrefix(r.key, "hardware") {
		t.d.Changed(list, r.at, "host "+r.name, "it is known by its hardware address too; write a reservation for that where it must be")
	}
	if h.relay > 1 {
		t.d.Changed(list, r.at, "host "+r.name, fmt.Sprintf("dhcpd looks at relay number %d; here the one nearest to the client counts that has the option", h.relay))
	}
	if len(h.addresses) > 1 {
		t.d.Lost(list, r.at, "host "+r.name, "dhcpd gives the first of its addresses only")
	}
	for _, s := range t.lifetimeSettings(inEffect(r.scope)) {
		t.lost(list, s, "lifetimes are of a link, a pool or a class here, and classes don't know clients by what a relay adds")
	}
	h.addresses = h.addresses[:min(1, len(h.addresses))] // told once
}

// octets are text where they can be read as such, else hexadecimal.
func octets(b []byte) *draft.Node {
	s := string(b)
	for _, c := range b {
		if c < ' ' || c > '~' {
			return draft.Hex(b)
		}
	}
	if len(b) == 0 || strings.HasPrefix(s, "0x") || strings.Contains(s, ":") || strings.Contains(s, "-") && strings.Trim(s, "0123456789abcdefABCDEF-") == "" {
		return hexOrEmpty(b)
	}
	return draft.Text(s)
}

func hexOrEmpty(b []byte) *draft.Node {
	if len(b) == 0 {
		return draft.Text("")
	}
	return draft.Hex(b)
}
