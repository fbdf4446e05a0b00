package kea

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// serverID writes the server's DUID where the configuration or Kea's file tells it.
func (t *translator) serverID(root *draft.Node) {
	v := t.kea.get("server-id").valueOf()
	if stored, err := hexadecimal(strings.TrimSpace(t.in.ServerID)); err == nil && len(stored) >= 3 {
		root.Map("server").Set("duid", draft.Hex(stored))
		t.d.Note(root.Map("server"), draft.Place{}, "server.duid", "from Kea's file with its server-id, so that clients go on with this server")
		for _, f := range v.fieldsOf() {
			f.fate = fateNoted
		}
		return
	}
	server := root.Map("server")
	if duid := t.configuredDUID(v); duid != nil {
		server.Set("duid", draft.Hex(duid))
		return
	}
	at := t.kea.at
	if v != nil {
		at = v.at
	}
	t.d.Changed(server, at, "server-id", "Kea made it up and keeps it in kea-dhcp6-serverid in its data folder; give that file to --server-id, or write its DUID here as duid, or clients start anew")
}

func (v *value) fieldsOf() []*field {
	if v == nil {
		return nil
	}
	return v.fields
}

// configuredDUID is the DUID of server-id, where nothing of it is left for Kea to make up.
func (t *translator) configuredDUID(v *value) []byte {
	if v == nil {
		return nil
	}
	skip(v, "persist")
	id, err := hexadecimal(v.str("identifier"))
	htype, clock, vendor := v.get("htype"), v.get("time"), v.get("enterprise-id")
	number := func(f *field) uint32 {
		if f == nil {
			return 0
		}
		return uint32(f.number)
	}
	if err != nil || len(id) == 0 {
		v.get("type")
		return nil
	}
	switch v.str("type") {
	case "LLT":
		if number(htype) != 0 && number(clock) != 0 {
			out := binary.BigEndian.AppendUint16([]byte{0, 1}, uint16(htype.number))
			return append(binary.BigEndian.AppendUint32(out, number(clock)), id...)
		}
	case "EN":
		if number(vendor) == 0 {
			return append(binary.BigEndian.AppendUint32([]byte{0, 2}, 2495), id...) // ISC's own
		}
		return append(binary.BigEndian.AppendUint32([]byte{0, 2}, number(vendor)), id...)
	case "LL":
		if number(htype) != 0 {
			return append(binary.BigEndian.AppendUint16([]byte{0, 3}, uint16(htype.number)), id...)
		}
	}
	return nil
}

// checkRest finds what Kea refuses of the other sections.
func (t *translator) checkRest() {
	if v := t.kea.get("server-id").valueOf(); v != nil {
		if kind := v.str("type"); v.has("type") && !contains([]string{"LLT", "EN", "LL"}, kind) {
			t.refuse(v.at, fmt.Sprintf("server-id has the type %q", kind), "there is LLT, EN, LL")
		}
		if _, err := hexadecimal(v.str("identifier")); err != nil {
			t.refuse(v.at, "server-id: "+err.Error(), "")
		}
	}
	for _, item := range t.kea.list("relay-supplied-options") {
		if _, ok := t.code("dhcp6", item.text); !ok {
			t.refuse(item.at, fmt.Sprintf("there is no option %q", item.text), "give its code")
		}
	}
	if !t.kea.has("reservations") {
		return
	}
	t.globalHosts()
}

// listen writes where messages are taken: the interfaces that Kea listens on, and addresses of theirs.
func (t *translator) listen() {
	v := t.kea.get("interfaces-config").valueOf()
	skip(v, "re-detect", "service-sockets-require-all", "service-sockets-retry-wait-time", "service-sockets-max-retries")
	out := t.d.Root().Map("listen")
	at := t.kea.at
	if v != nil {
		at = v.at
	}
	var addresses, names []string
	for _, item := range v.texts("interfaces") {
		name, address, both := strings.Cut(item, "/")
		if a, err := netip.ParseAddr(address); both && err == nil && !a.IsLinkLocalUnicast() && !slices.Contains(addresses, address) {
			addresses = append(addresses, a.String())
		}
		if name != "*" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if t.anywhere {
		for _, l := range t.links {
			for _, name := range l.found {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	if len(names) > 0 {
		out.Set("interfaces", draft.Texts(names...))
	}
	switch {
	case t.anywhere && len(names) == 0:
		out.Set("addresses", draft.Texts("::"))
		t.d.Changed(out, at, `interfaces "*"`, "relays are heard on all interfaces; name in interfaces those with clients on them")
	case t.anywhere:
		t.d.Changed(out, at, `interfaces "*"`, "clients are heard on the interfaces that subnets name; relays by every interface")
	case len(names)+len(addresses) == 0:
		out.Set("addresses", draft.Texts("::1"))
		t.d.Changed(out, at, "interfaces-config", "it names none, so Kea hears nobody; this listens to relays at ::1 only")
	case len(addresses) > 0:
		t.d.Note(out, at, "interfaces-config", "with interfaces relays are heard at all addresses of the machine, "+strings.Join(addresses, ", ")+" among them")
	}
}

// allocation has new clients get the lowest free lease, as Kea's allocator goes through pools from their beginning.
func (t *translator) allocation(root *draft.Node) {
	f := t.kea.get("allocator")
	n := root.Set("allocation", draft.Text("sequential"))
	at := t.kea.at
	if f != nil {
		at = f.at
	}
	t.d.Note(n, at, "allocator iterative", "sequential gives the lowest free lease; Kea goes on behind the one that it gave last, until it is started anew")
}

// preference writes the server's preference. Kea sends the option to who asks for it, unless always-send says otherwise.
func (t *translator) preference(root *draft.Node, p *datum) {
	if len(p.data) != 1 {
		t.lost(root, p.field, p.name(), "it has one octet")
		return
	}
	server := root.Map("server")
	server.Set("preference", draft.Number(p.data[0]))
	if !p.always {
		t.d.Changed(server, p.at, p.name(), "Kea sends it to clients that ask for the option, which hardly any does; here all are sent it")
	}
}

// linkPreference takes a link's preference for the server's where there is only this link.
func (t *translator) linkPreference(l *link, p *datum) {
	if len(t.links) == 1 {
		t.preference(t.d.Root(), p)
		return
	}
	t.lost(l.out, p.field, p.name()+" of link "+l.name, "one link's preference; server.preference is the same on all")
}
