package kea

import (
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// nameSettings are Kea's settings of names, each with its old name in dhcp-ddns.
var nameSettings = []struct{ now, before string }{
	{"ddns-qualifying-suffix", "qualifying-suffix"}, {"ddns-replace-client-name", "replace-client-name"}, {"ddns-generated-prefix", "generated-prefix"},
	{"ddns-override-client-update", "override-client-update"}, {"ddns-override-no-update", "override-no-update"},
	{"hostname-char-replacement", "hostname-char-replacement"}, {"hostname-char-set", "hostname-char-set"},
}

// naming is a setting of names: of the innermost map that has it, or the old one of dhcp-ddns.
func (t *translator) naming(name string, scopes ...*value) *field {
	found := inherited(name, scopes...)
	for _, s := range nameSettings {
		if s.now == name && scopes[len(scopes)-1] == t.kea {
			if old := t.kea.get("dhcp-ddns").valueOf().get(s.before); found == nil {
				found = old
			}
		}
	}
	return found
}

// wantsNames tells whether names matter: Kea updates DNS, or reservations give hostnames.
func (t *translator) wantsNames() bool {
	f := t.kea.get("dhcp-ddns").valueOf().get("enable-updates")
	return t.names || t.d2 != nil || f != nil && f.flag
}

// ddns writes how clients are named, and the zones that kea-dhcp-ddns keeps.
func (t *translator) ddns() {
	v := t.kea.get("dhcp-ddns").valueOf()
	skip(v, "server-ip", "server-port", "sender-ip", "sender-port", "max-queue-size", "ncr-protocol", "ncr-format")
	root := t.d.Root()
	if !t.wantsNames() {
		if v != nil {
			v.settle()
		}
		for _, f := range t.kea.fields {
			if strings.HasPrefix(f.name, "ddns-") || strings.HasPrefix(f.name, "hostname-char-") {
				f.fate = fateNoted
			}
		}
		if v != nil {
			t.d.Note(root, v.at, "dhcp-ddns", "updates are off; with a section dns clients have names")
		}
		return
	}
	out := root.Map("dns").From(v.atOr(t.kea.at))
	enabled, sends := v.get("enable-updates"), flag("ddns-send-updates", true, t.kea)
	if enabled == nil || !enabled.flag || !sends {
		out.Set("updates", draft.Bool(false))
	}
	t.putNaming(out, t.kea)
	t.conflicts(out)
	t.zones(out)
}

// putNaming writes the settings of names that a map has.
func (t *translator) putNaming(out *draft.Node, v *value) {
	global := v == t.kea
	if f := t.naming("ddns-qualifying-suffix", v); f != nil && strings.Trim(f.text, ".") != "" {
		out.Set("domain", draft.Text(strings.Trim(f.text, ".")))
	}
	if f := t.naming("ddns-replace-client-name", v); f != nil {
		out.Set("generate", draft.Text(map[string]string{"never": "never", "always": "always", "when-present": "sent", "when-not-present": "missing"}[f.text]))
	}
	prefix := t.naming("ddns-generated-prefix", v)
	if prefix != nil {
		out.Set("generate-prefix", draft.Text(prefix.text))
	} else if global {
		out.Set("generate-prefix", draft.Text("myhost"))
	}
	for _, s := range []struct{ kea, our string }{{"ddns-override-client-update", "allow-own-updates"}, {"ddns-override-no-update", "allow-no-updates"}} {
		if f := t.naming(s.kea, v); f != nil {
			out.Set(s.our, draft.Bool(!f.flag))
		} else if global {
			out.Set(s.our, draft.Bool(true))
		}
	}
	if f := t.naming("hostname-char-replacement", v); f != nil && f.text != "" {
		out.Set("substitute", draft.Text(f.text))
	}
	if f := t.naming("hostname-char-set", v); f != nil && f.text != "[^A-Za-z0-9.-]" && f.text != "[^A-Za-z0-9_.-]" {
		t.d.Changed(out, f.at, f.name, "what isn't a letter, a digit or a hyphen is replaced, whatever the set says")
	}
	skip(v, "ddns-update-on-renew")
}

// linkNames writes how a link's clients are named where that isn't as elsewhere.
func (t *translator) linkNames(l *link) {
	for i, v := range append([]*value{l.net}, values(l.subnets)...) {
		if v == nil || i > 1 {
			continue
		}
		t.linkNaming(l, v)
	}
}

func (t *translator) linkNaming(l *link, v *value) {
	var any bool
	for _, f := range v.fields {
		if strings.HasPrefix(f.name, "ddns-") || strings.HasPrefix(f.name, "hostname-char-") {
			any = true
			if !t.wantsNames() {
				f.fate = fateNoted
			}
		}
	}
	if !any || !t.wantsNames() {
		return
	}
	out := draft.Map().From(v.at)
	t.putNaming(out, v)
	if f := v.get("ddns-send-updates"); f != nil {
		out.Set("updates", draft.Bool(f.flag))
	}
	for _, name := range []string{"ddns-use-conflict-resolution", "ddns-conflict-resolution-mode", "ddns-ttl-percent", "ddns-ttl", "ddns-ttl-min", "ddns-ttl-max"} {
		if f := v.get(name); f != nil && t.differs(f) {
			t.lost(l.out, f.value, name, "dns says it for all links")
		}
	}
	if out.Len() > 0 {
		l.out.Set("dns", out)
	}
}

// differs tells whether a setting isn't the global one.
func (t *translator) differs(f *field) bool {
	g := t.kea.get(f.name)
	return g == nil || g.text != f.text || g.flag != f.flag
}

// conflicts writes what becomes of a name that another client has, and the TTL of records.
func (t *translator) conflicts(out *draft.Node) {
	mode, use := t.kea.get("ddns-conflict-resolution-mode"), t.kea.get("ddns-use-conflict-resolution")
	switch {
	case mode != nil && mode.text != "check-with-dhcid":
		out.Set("conflicts", draft.Text("take-over"))
		if mode.text != "no-check-with-dhcid" {
			t.d.Changed(out, mode.at, mode.name+" "+mode.text, "names are taken over, and have a DHCID record")
		}
	case mode == nil && use != nil && !use.flag:
		out.Set("conflicts", draft.Text("take-over"))
	}
	if f := t.kea.get("ddns-ttl"); f != nil && f.number > 0 {
		out.Set("ttl", draft.Seconds(uint32(min(f.number, 604800))))
	}
	for _, name := range []string{"ddns-ttl-percent", "ddns-ttl-min", "ddns-ttl-max"} {
		if f := t.kea.get(name); f != nil {
			t.lost(out, f.value, name, "the TTL is a third of the valid lifetime, ten minutes at least, or dns.ttl")
		}
	}
}
