package isc

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// names are our names of options, and of what they consist: 6 addresses, D domain names, d one, t text, T a time, S numbers, p texts with
// their lengths.
var names = map[uint32]struct{ name, form string }{
	21: {"sip-domains", "D"}, 22: {"sip-servers", "6"}, 23: {"dns-servers", "6"}, 24: {"domain-search", "D"}, 27: {"nis-servers", "6"},
	28: {"nisp-servers", "6"}, 29: {"nis-domain-name", "D"}, 30: {"nisp-domain-name", "D"}, 31: {"sntp-servers", "6"},
	32: {"information-refresh-time", "T"}, 33: {"bcmcs-server-dns", "D"}, 34: {"bcmcs-server-addr", "6"}, 40: {"pana-agent", "6"},
	41: {"new-posix-timezone", "t"}, 42: {"new-tzdb-timezone", "t"}, 51: {"lost-server", "d"}, 52: {"capwap-ac", "6"}, 57: {"access-domain", "d"},
	58: {"sip-ua-domains", "D"}, 59: {"boot-file-url", "t"}, 60: {"boot-file-parameters", "p"}, 61: {"client-architectures", "S"}, 64: {"aftr-name", "d"},
	65: {"erp-local-domain-name", "d"}, 82: {"sol-max-rt", "T"}, 83: {"inf-max-rt", "T"}, 88: {"dhcp4o6-servers", "6"}, 103: {"captive-portal", "t"},
	143: {"andsf-servers", "6"},
}

// bounds are those of times, in seconds, that clients keep to (RFC 9915, Sections 21.23 to 21.25).
var bounds = map[uint32][2]uint32{32: {600, 1<<32 - 1}, 82: {60, 86400}, 83: {60, 86400}}

// putOptions writes options into the field options of a table.
func (t *translator) putOptions(n *draft.Node, all []sent) {
	if len(all) == 0 {
		return
	}
	table := n.Map("options")
	for i := range all {
		s := &all[i]
		for _, set := range s.from {
			t.took(set)
		}
		switch known, ok := names[s.code]; {
		case len(s.vendors) > 0:
			t.putVendors(table, s)
		case ok:
			if v := t.form(table, s, known.form); v != nil {
				table.Set(known.name, v.From(s.from[0].at))
				continue
			}
			t.putCustom(table, s)
		default:
			t.putCustom(table, s)
		}
	}
}

// putCustom writes an option that has no name here, or whose data its name doesn't take: by a name that the file defines, or by its code.
func (t *translator) putCustom(table *draft.Node, s *sent) {
	at, o := s.from[0].at, t.spaces["dhcp6"].byCode(s.code)
	if name := t.nameOf(o); name != "" {
		if v := t.value(o, s.data, true); v != nil {
			table.Set(name, v.From(at))
			return
		}
	}
	custom := draft.Map().From(at)
	custom.Set("code", draft.Number(s.code))
	t.typed(custom, o, s.data)
	table.List("custom").Append(custom)
}

// form is an option's value as its name has it; nil: its octets aren't of that form.
func (t *translator) form(table *draft.Node, s *sent, form string) *draft.Node {
	switch form {
	case "6":
		return oneOf(addresses(s.data))
	case "D", "d":
		list := domains(s.data)
		if form == "d" {
			if len(list) != 1 {
				return nil
			}
			return draft.Text(list[0])
		}
		return oneOf(list)
	case "t":
		if utf8.Valid(s.data) && len(s.data) > 0 {
			return draft.Text(string(s.data))
		}
	case "S":
		return numbers(s.data)
	case "p":
		return oneOf(tuples(s.data))
	case "T":
		return t.time(table, s)
	}
	return nil
}

func (t *translator) time(table *draft.Node, s *sent) *draft.Node {
	if len(s.data) != 4 {
		return nil
	}
	seconds := binary.BigEndian.Uint32(s.data)
	b := bounds[s.code]
	if fit := min(max(seconds, b[0]), b[1]); fit != seconds {
		set := s.from[0]
		t.d.Changed(table, set.at, set.option.full(), fmt.Sprintf("%d seconds are beyond what clients keep to, from %d", seconds, b[0]))
		seconds = fit
	}
	return draft.Seconds(seconds)
}

func oneOf(list []string) *draft.Node {
	if len(list) == 0 {
		return nil
	}
	return draft.Texts(list...)
}

func addresses(data []byte) (out []string) {
	for ; len(data) >= 16; data = data[16:] {
		out = append(out, netip.AddrFrom16([16]byte(data)).String())
	}
	if len(data) > 0 {
		return nil
	}
	return out
}

// domains are the names of a list; none where one has octets that can't be written.
func domains(data []byte) (out []string) {
	for len(data) > 0 {
		name := decodeName(data)
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`\"`, r) }) {
			return nil
		}
		out = append(out, name)
		for data[0] > 0 {
			data = data[1+data[0]:]
		}
		data = data[1:]
	}
	return out
}

func numbers(data []byte) *draft.Node {
	if len(data)%2 > 0 || len(data) == 0 {
		return nil
	}
	n := draft.List()
	for ; len(data) > 0; data = data[2:] {
		n.Append(draft.Number(binary.BigEndian.Uint16(data)))
	}
	return n
}

// tuples are texts, each behind two octets of its length.
func tuples(data []byte) (out []string) {
	for len(data) >= 2 {
		n := 2 + int(binary.BigEndian.Uint16(data))
		if n > len(data) || !utf8.Valid(data[2:n]) {
			return nil
		}
		out = append(out, string(data[2:n]))
		data = data[n:]
	}
	if len(data) > 0 {
		return nil
	}
	return out
}

func (t *translator) putVendors(table *draft.Node, s *sent) {
	list := table.List("vendor-options")
	for _, v := range s.vendors {
		n := list.Append(draft.Map()).From(s.from[0].at)
		n.Set("enterprise", draft.Number(v.enterprise))
		n.Set("options", t.table(v.options, true))
		for _, o := range v.options {
			if o.option != nil && !o.option.space.wide() {
				t.d.Changed(list, s.from[0].at, "option space "+o.option.space.name, "codes and lengths of suboptions have two octets (RFC 9915, Section 21.17)")
				break
			}
		}
	}
}
