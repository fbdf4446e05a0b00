package naming_test

import (
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
)

// TestFlags has all flags that a client can send, against all that the rules can say, in a zone that is kept and in none
// (RFC 4704, Sections 4.1 and 6). The columns are what the client sent: no option, none, S, N, and N with S, which it mustn't.
func TestFlags(t *testing.T) {
	columns := []int{-1, 0, int(naming.FlagS), int(naming.FlagN), int(naming.FlagN | naming.FlagS)}
	for _, test := range []struct {
		updates, own, none, zone bool
		want                     string
	}{
		{true, false, false, true, "S SO S SO S"},
		{true, true, false, true, "S - S - S"},
		{true, false, true, true, "S SO S N ON"},
		{true, true, true, true, "S - S N ON"},
		{true, false, false, false, "O - O - O"},
		{true, true, false, false, "O - O - O"},
		{true, false, true, false, "O - O N ON"},
		{true, true, true, false, "O - O N ON"},
		{false, false, false, true, "ON N ON N ON"},
		{false, true, true, false, "ON N ON N ON"},
	} {
		rules := usual(t)
		rules.Updates, rules.AllowOwn, rules.AllowNone, rules.Generate = test.updates, test.own, test.none, naming.GenerateMissing
		if !test.zone {
			rules.Zones = nil
		}
		var got, again []string
		for _, flags := range columns {
			var sent []byte
			if flags >= 0 {
				sent = append([]byte{byte(flags) | 0xf8}, partial(t, "laptop")[1:]...)
			}
			kept := naming.Kept(rules.Append(nil, sent, nil, &where))
			got = append(got, letters(kept.Flags()))
			if kept.Flags()&naming.FlagS != 0 && kept.Flags()&naming.FlagN != 0 {
				t.Errorf("%+v: N and S", test)
			}
			again = append(again, letters(naming.Kept(rules.AppendAgain(nil, kept, nil, &where)).Flags()))
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("updates %v, own %v, none %v, zone %v: %s, want %s", test.updates, test.own, test.none, test.zone, text, test.want)
		}
		// By the same rules a client that says no more has the same flags; but for the one that contradicted itself.
		again[4] = got[4]
		if text := strings.Join(again, " "); text != test.want {
			t.Errorf("updates %v, own %v, none %v, zone %v: %s without an option, want %s", test.updates, test.own, test.none, test.zone, text, test.want)
		}
	}
}

// TestAgain has clients whose message names nothing, and rules that have changed since they were named.
func TestAgain(t *testing.T) {
	const domain = ".clients.example.net."
	sent, made := "S laptop"+domain, "S host-2001-db8--17"+domain
	change := func(f func(r *naming.Rules)) naming.Rules {
		r := usual(t)
		r.Generate = naming.GenerateMissing
		f(&r)
		return r
	}
	for _, test := range []struct {
		name                   string
		rules                  naming.Rules
		ofSent, ofMade, ofNone string
	}{
		{"nothing", change(func(*naming.Rules) {}), sent, made, made},
		{"never", change(func(r *naming.Rules) { r.Generate = naming.GenerateNever }), sent, "none", "none"},
		{"always", change(func(r *naming.Rules) { r.Generate = naming.GenerateAlways }), made, made, made},
		{"sent", change(func(r *naming.Rules) { r.Generate = naming.GenerateSent }), made, made, "none"},
		{"ignored", change(func(r *naming.Rules) { r.Ignore = true }), made, made, made},
		{"ignored, never", change(func(r *naming.Rules) { r.Ignore, r.Generate = true, naming.GenerateNever }), "none", "none", "none"},
		{"prefix", change(func(r *naming.Rules) { r.Prefix = []byte("dyn") }), sent, "S dyn-2001-db8--17" + domain, "S dyn-2001-db8--17" + domain},
		{"updates", change(func(r *naming.Rules) { r.Updates = false }), "ON" + sent[1:], "ON" + made[1:], "ON" + made[1:]},
		{"zones", change(func(r *naming.Rules) { r.Zones = nil }), "O" + sent[1:], "O" + made[1:], "O" + made[1:]},
	} {
		before := change(func(*naming.Rules) {})
		for _, of := range []struct {
			sent []byte
			want string
		}{{partial(t, "laptop"), test.ofSent}, {nil, test.ofMade}} {
			kept := naming.Kept(before.Append(nil, of.sent, nil, &where))
			if got := describe(test.rules.AppendAgain(nil, kept, nil, &where)); got != of.want {
				t.Errorf("%s: %s became %s, want %s", test.name, describe(kept), got, of.want)
			}
		}
		for _, none := range []naming.Kept{nil, {0}, {0, 0}} {
			if got := describe(test.rules.AppendAgain(nil, none, nil, &where)); got != test.ofNone {
				t.Errorf("%s: no name became %s, want %s", test.name, got, test.ofNone)
			}
		}
		reserved := mustName(t, "printer.example.org")
		kept := naming.Kept(before.Append(nil, partial(t, "laptop"), nil, &where))
		if got := naming.Kept(test.rules.AppendAgain(nil, kept, reserved, &where)).Name().String(); got != "printer.example.org." {
			t.Errorf("%s: reserved, and %s", test.name, got)
		}
	}
}
