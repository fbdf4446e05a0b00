package kea

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// lost says that a setting has no equal.
func (t *translator) lost(n *draft.Node, v *value, what, why string) {
	t.without++
	t.d.Lost(n, v.at, what, why)
}

// note says something of a field that needs no translation.
func (t *translator) note(n *draft.Node, f *field, why string) {
	f.fate = fateNoted
	t.d.Note(n, f.at, f.name, why)
}

// skip takes fields that mean nothing here, without a word.
func skip(v *value, names ...string) {
	for _, name := range names {
		if f := v.get(name); f != nil {
			f.fate = fateNoted
		}
	}
}

// remarks writes what a user noted in a map.
func (t *translator) remarks(n *draft.Node, v *value) {
	for _, f := range []*field{v.get("comment"), v.get("user-context").valueOf().get("comment")} {
		if f != nil && f.kind == kindString && f.text != "" {
			f.fate = fateNoted
			n.Comment(f.text)
		}
	}
	skip(v, "user-context")
}

// sweep says of what nobody asked for that it isn't translated, so that nothing is lost in silence.
func (t *translator) sweep(v *value, path string) {
	for _, item := range v.items {
		t.sweep(item, path)
	}
	for _, f := range v.fields {
		switch {
		case f.name == "user-context" || f.name == "comment":
		case f.fate != fateUnseen && (f.fate != fateTaken || f.kind != kindMap || f.name != "parameters"):
			t.sweep(f.value, path+f.name+".")
		case f.kind == kindList && len(f.items) == 0, f.kind == kindMap && len(f.fields) == 0:
		case f.fate == fateUnseen:
			t.without++
			t.d.Lost(t.d.Root(), f.at, path+f.name, "")
		}
	}
}

// count is how many settings were taken: fields that aren't maps, or lists of them.
func (t *translator) count(v *value) (n int) {
	if v == nil {
		return 0
	}
	for _, item := range v.items {
		n += t.count(item)
	}
	for _, f := range v.fields {
		if f.fate == fateTaken && f.kind != kindMap && (f.kind != kindList || len(f.items) > 0 && f.items[0].kind != kindMap) {
			n++
		}
		n += t.count(f.value)
	}
	return n
}

// vendorNote says once when vendors' options are sent.
func (t *translator) vendorNote(n *draft.Node, at draft.Place) {
	if t.vendors {
		return
	}
	t.vendors = true
	t.d.Note(n, at, "vendor options", "Kea sends of them what the client's own vendor option asks for; here all are sent to who asks for option 17")
}

// inherited is a field of the innermost map that has it. Those of the others count as seen.
func inherited(name string, scopes ...*value) (found *field) {
	for _, v := range scopes {
		if f := v.get(name); found == nil {
			found = f
		}
	}
	return found
}

// flag is a boolean of the innermost map that has it, or the default.
func flag(name string, byDefault bool, scopes ...*value) bool {
	if f := inherited(name, scopes...); f != nil {
		return f.flag
	}
	return byDefault
}

// parsePrefix reads a prefix as Kea does: bits behind its length are no fault.
func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(strings.ReplaceAll(s, " ", ""))
	if err != nil || p.Addr().Is4() || p.Addr().Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q isn't an IPv6 prefix", s)
	}
	return p.Masked(), nil
}

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil || a.Is4() || a.Zone() != "" {
		return netip.Addr{}, errors.New("isn't an IPv6 address")
	}
	return a, nil
}

// asksKnown tells whether a test or a guard asks for KNOWN or UNKNOWN.
func (v *value) asksKnown(field string) bool {
	if v.kind == kindString && (field == "test" || strings.HasPrefix(field, "client-class")) {
		return strings.Contains(strings.ToUpper(v.text), "KNOWN")
	}
	for _, item := range v.items {
		if item.asksKnown(field) {
			return true
		}
	}
	for _, f := range v.fields {
		if f.value.asksKnown(f.name) {
			return true
		}
	}
	return false
}
