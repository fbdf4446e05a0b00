package kea

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// ourNames are the options that our configuration has under names, in the form that their definition has.
var ourNames = map[uint16]string{
	21: "sip-domains", 22: "sip-servers", 23: "dns-servers", 24: "domain-search", 27: "nis-servers", 28: "nisp-servers", 29: "nis-domain-name",
	30: "nisp-domain-name", 31: "sntp-servers", 32: "information-refresh", 33: "bcmcs-server-dns", 34: "bcmcs-server-addr", 36: "geoconf-civic",
	40: "pana-agent", 41: "new-posix-timezone", 42: "new-tzdb-timezone", 51: "lost-server", 52: "capwap-ac", 57: "access-domain",
	58: "sip-ua-domains", 59: "boot-file-url", 60: "boot-file-parameters", 61: "client-architectures", 64: "aftr-name", 65: "erp-local-domain-name",
	74: "rdnss-selection", 82: "sol-max-rt", 83: "inf-max-rt", 88: "dhcp4o6-servers", 103: "captive-portal", 143: "andsf-servers",
}

// timeBounds are the bounds of the options that are times here.
var timeBounds = map[uint16][2]uint32{32: {600, 1<<32 - 1}, 82: {60, 86400}, 83: {60, 86400}}

// ownedOptions are those that no configuration can set, and why.
var ownedOptions = func() map[uint16]string {
	out := map[uint16]string{
		12: "it is obsolete (RFC 9915)", 4: "it is obsolete (RFC 9915)",
		14: "the server writes it itself; rapid-commit says when",
		20: "the server writes it itself; a section reconfigure says for whom",
		67: "the server writes it itself; excluded-prefix of a pool says what",
	}
	for _, code := range []uint16{1, 2, 3, 5, 6, 8, 9, 11, 13, 15, 18, 19, 25, 26, 37, 38, 39, 43, 44, 45, 46, 47, 48, 53, 62, 66, 79, 80, 87, 89, 90, 91, 92, 93, 135} {
		out[code] = "no server sends it by configuration"
	}
	return out
}()

// putOptions writes options into the field options of a table. What it returns is the Preference option, if there is one.
func (t *translator) putOptions(table *draft.Node, all []*datum) (preference *datum) {
	if len(all) == 0 {
		return nil
	}
	o := &optionWriter{t: t, all: all, out: table.Map("options"), used: make(map[*datum]bool)}
	for _, d := range all {
		switch {
		case d.space != "dhcp6" || o.twice(d):
		case d.never:
			o.never(d)
		case d.code == 7:
			preference = d
		case ownedOptions[d.code] != "":
			t.lost(o.out, d.field, d.name(), ownedOptions[d.code])
		case d.code == 17:
			o.legacyVendor(d)
		default:
			o.put(d)
		}
	}
	o.containers()
	o.vendors()
	for _, d := range all {
		if d.space != "dhcp6" && !o.used[d] {
			t.lost(o.out, d.field, d.name(), "no option beside it holds the options of its space")
		}
	}
	o.lists()
	return preference
}

// optionWriter writes the options of one table.
type optionWriter struct {
	t        *translator
	all      []*datum
	out      *draft.Node
	used     map[*datum]bool // options inside of others
	seen     map[uint16]bool
	vendor   map[uint32][]*datum // suboptions by enterprise number
	numbers  []uint32            // in their order
	always   []*draft.Node
	withheld []*draft.Node
}

func (o *optionWriter) twice(d *datum) bool {
	if o.seen == nil {
		o.seen = make(map[uint16]bool)
	}
	if o.seen[d.code] {
		o.t.lost(o.out, d.field, d.name(), "it stands twice here, and the first one counts")
		return true
	}
	o.seen[d.code] = true
	return false
}

// reference is an option for the lists always and withhold.
func reference(code uint16) *draft.Node {
	if name := ourNames[code]; name != "" {
		return draft.Text(name)
	}
	return draft.Number(code)
}

func (o *optionWriter) never(d *datum) {
	if ownedOptions[d.code] != "" || d.code == 7 {
		return
	}
	o.withheld = append(o.withheld, reference(d.code))
}

// put writes an option of the outermost space: by name where it has one, else by code.
func (o *optionWriter) put(d *datum) {
	data := append(d.data, o.inside(d.def)...)
	if len(data) == 0 && d.def != nil && strings.HasPrefix(d.def.name, "s46-cont-") {
		o.t.lost(o.out, d.field, d.name(), "nothing is in it here")
		return
	}
	if o.structured(d, data) {
		o.mark(d)
		return
	}
	v := o.value(d, true)
	name := ourNames[d.code]
	bounds, isTime := timeBounds[d.code]
	switch {
	case isTime && len(data) == 4:
		seconds := binary.BigEndian.Uint32(data)
		if seconds < bounds[0] || seconds > bounds[1] {
			o.t.lost(o.out, d.field, d.name(), fmt.Sprintf("the standard has it from %d to %d seconds", bounds[0], bounds[1]))
			return
		}
		o.out.Set(name, draft.Seconds(seconds).From(d.at))
	case v != nil && name != "":
		o.out.Set(name, v.From(d.at))
	case v != nil && o.t.named[d.def] != "":
		o.out.Set(o.t.named[d.def], v.From(d.at))
	default:
		entry := o.out.List("custom").Append(draft.Map().From(d.at))
		entry.Set("code", draft.Number(d.code))
		o.typed(entry, d, d.def != nil && d.def.own)
	}
	o.mark(d)
}

// mark notes an option that is sent unasked.
func (o *optionWriter) mark(d *datum) {
	if d.always {
		o.always = append(o.always, reference(d.code))
	}
}

// containers writes softwire containers whose parts stand here, and they themselves elsewhere.
func (o *optionWriter) containers() {
	for _, code := range []uint16{94, 95, 96} {
		def := o.t.defs.byCode("dhcp6", code)
		parts := o.inside(def)
		if o.seen[code] || len(parts) == 0 {
			continue
		}
		o.put(&datum{field: o.all[0].field, at: o.all[0].at, space: "dhcp6", code: code, def: def})
		o.t.d.Changed(o.out, o.all[0].at, "option-data "+def.name, "its parts stand here and the option itself doesn't; here it is sent with them")
	}
}

// lists writes always and withhold.
func (o *optionWriter) lists() {
	if len(o.always) > 0 {
		o.out.Set("always", draft.List(unique(o.always)...))
	}
	if len(o.withheld) > 0 {
		o.out.Set("withhold", draft.List(unique(o.withheld)...))
	}
}

func unique(nodes []*draft.Node) (out []*draft.Node) {
	seen := make(map[string]bool)
	for _, n := range nodes {
		if s := n.String(); !seen[s] {
			seen[s], out = true, append(out, n)
		}
	}
	return out
}
