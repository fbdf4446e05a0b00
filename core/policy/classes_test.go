package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// classed has classes of all kinds: that decide addresses, that such a one builds on, and that only say what clients are told.
const classed = `
listen: {interfaces: [eth0]}
lifetimes: {preferred: 1h, valid: 2h, renew: 20m, rebind: 40m}
store: {renew-cache: 0.5}
classes:
  - {name: modems, match: {vendor-class: {enterprise: 4491, starts: [docsis3, docsis2]}}}
  - {name: old, match: {class: modems, not: [{vendor-class: docsis3.1}, {option: {code: 60001, present: false}}]}}
  - {name: guests, match: {user-class: guest}, lifetimes: {preferred: 5m, valid: 10m}}
  - {name: fixed, match: {duid: {type: en}, link: lan, link-addresses: "2001:db8::/32"}, lifetimes: {preferred: 2d, valid: infinite, renew: 0, rebind: 0}}
  - {name: unwanted, match: {reserved: false, architecture: [9, 7], relay-option: {code: 17, ends: "0x00"}}, deny: true}
links:
  - name: lan
    match: {interface: eth0}
    except-classes: unwanted
    addresses: [{pool: "2001:db8:1::/64", classes: [old]}, {pool: "2001:db8:2::/64", except-classes: [old, guests]}]
`

func TestFingerprintOfClasses(t *testing.T) {
	p := compile(t, classed, "")
	var got, links []string
	for line := range strings.Lines(p.FingerprintText()) {
		switch {
		case strings.HasPrefix(line, "class "):
			got = append(got, line)
		case strings.HasPrefix(line, " "):
			links = append(links, line)
		}
	}
	g := newGateText(p.source)
	for i, text := range []string{
		"vendor-class enterprise 4491 starts 646f6373697332 646f6373697333",
		"all(not(any(vendor-class equals 646f63736973332e31, option code 60001 absent)), class " + g.digests[0] + ")",
		"user-class equals 6775657374",
		`all(duid-type 2, link-address 2001:db8::/32, link "lan")`,
		"all(architecture 7 9, relay-option code 17 relay -1 ends 00, reserved false)",
	} {
		if diff := cmp.Diff(sortedParts(text), sortedParts(g.texts[i])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.Classes.Names[i], diff)
		}
	}
	if len(got) != 4 || strings.Contains(strings.Join(got, ""), g.digests[3]) {
		t.Errorf("the classes that decide are\n%s", strings.Join(got, ""))
	}
	text := strings.Join(links, "")
	for _, suffix := range []string{" except " + g.digests[4] + "\n", " only " + g.digests[1] + "\n"} {
		if !strings.Contains(text, suffix) {
			t.Errorf("%q isn't in\n%s", suffix, text)
		}
	}
	for _, tt := range []struct {
		old, new string
		same     bool
	}{
		{"docsis3.1", "docsis3.2", false}, {"[docsis3, docsis2]", "[docsis2, docsis3]", true}, {"guest}", "guests}", false},
		{"classes: [old]}", "classes: [modems]}", false}, {"    except-classes: unwanted\n", "", false}, {"[old, guests]", "[guests, old]", true},
		{"preferred: 5m", "preferred: 6m", true}, {"type: en", "type: ll", true}, {"guests", "visitors", true},
	} {
		changed := strings.ReplaceAll(classed, tt.old, tt.new)
		if same := compile(t, changed, "").Fingerprint == p.Fingerprint; same != tt.same {
			t.Errorf("%s -> %s: the same fingerprint %t, want %t", tt.old, tt.new, same, tt.same)
		}
	}
}

// sortedParts is a condition's text by words, for the order of a table's fields is that of their checks.
func sortedParts(text string) map[string]int {
	words := make(map[string]int)
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" (),", r) }) {
		words[word]++
	}
	return words
}

// TestTerms: lifetimes of classes bound what a node must reckon with on a link.
func TestTerms(t *testing.T) {
	p := compile(t, classed, "")
	l := &p.Links[0]
	if l.Valid != 7200 || l.RenewCache != 600 || l.LongestValid != wire.Infinity || l.LongestRenew != 1200 || l.Overdue != wire.Infinity {
		t.Errorf("the link has %+v, longest %d %d %d", l.Terms, l.LongestValid, l.LongestRenew, l.Overdue)
	}
	if diff := cmp.Diff([]int{2, 3}, p.Classes.Timed); diff != "" || !cmp.Equal([]int{4}, p.Classes.Denied) || p.Classes.Optioned != nil {
		t.Errorf("classes are %+v", p.Classes)
	}
	if got := p.Classes.Terms(2); got.Renew != 150 || got.RenewCache != 75 || got.Lifetimes != (config.Lifetimes{Preferred: 300, Valid: 600, Renew: 150, Rebind: 240}) {
		t.Errorf("guests have %+v", got)
	}
	without := compile(t, strings.ReplaceAll(classed, "  - {name: fixed", "  # {name: fixed"), "")
	if l := &without.Links[0]; l.LongestValid != 7200 || l.LongestRenew != 1200 || l.Overdue != 1800 {
		t.Errorf("without the longest class: %d %d %d", l.LongestValid, l.LongestRenew, l.Overdue)
	}
}

func TestLayers(t *testing.T) {
	lowest := set(t, []config.Option{opt(23, false, 1), opt(24, true, 1), opt(31, false, 1), opt(32, true, 1), opt(56, false, 1)}, Options{})
	middle := set(t, []config.Option{opt(23, true, 2), {Code: 31}, opt(64, false, 2)}, Options{})
	top := set(t, []config.Option{opt(24, false, 3), opt(64, false, 3)}, Options{})
	for _, tt := range []struct {
		layers Layers
		ask    wire.MessageType
		oro    []byte
		want   string
	}{
		{Layers{&top, &middle, &lowest}, wire.Request, oro(23, 24, 31, 56, 64), "18:03 40:03 17:02 38:01"},
		{Layers{&top, &middle, &lowest}, wire.Request, nil, "18:03 17:02"}, // 24 is always sent, whoever says what
		{Layers{&top, &lowest, &middle}, wire.Request, nil, "18:03 17:01"},
		{Layers{&middle, &lowest}, wire.InformationRequest, oro(31), "17:02 18:01 20:01"},
		{Layers{&middle, &lowest}, wire.Release, oro(23), ""},
		{Layers{&lowest}, wire.Request, oro(56), "18:01 38:01"},
	} {
		m := wire.Message{Type: tt.ask, ORO: tt.oro}
		if got := sent(t, tt.layers.Append(nil, &m)); got != tt.want {
			t.Errorf("%v %x: %q, want %q", tt.ask, tt.oro, got, tt.want)
		}
	}
	if l := (Layers{&middle, &lowest}); !l.Has(31) || !l.Has(56) || l.Has(99) {
		t.Error("Has looks at one layer only")
	}
}

// TestPlanOfClasses: a plan says for whom pools are, and computes what follows from a DUID.
func TestPlanOfClasses(t *testing.T) {
	text := strings.ReplaceAll(classed, "classes: [old]}", "classes: [fixed]}")
	plan, err := NewPlan(parse(t, text), input(""), 100)
	if err != nil {
		t.Fatal(err)
	}
	l := plan.Nodes[0].Links[0]
	if l.Classes != "everybody but unwanted" || l.Pools[0].Classes != "fixed" || l.Pools[1].Classes != "everybody but old, guests" {
		t.Errorf("%q, %q, %q", l.Classes, l.Pools[0].Classes, l.Pools[1].Classes)
	}
	// The class asks for a link-address as well, which a DUID doesn't tell.
	for _, tt := range []struct {
		condition string
		pools     int
	}{{`link: lan, link-addresses: "2001:db8::/32"`, 1}, {"link: lan", 2}} {
		cfg := parse(t, strings.ReplaceAll(text, `link: lan, link-addresses: "2001:db8::/32"`, tt.condition))
		plan, err := NewPlan(cfg, input(""), 100)
		if err != nil {
			t.Fatal(err)
		}
		if got := plan.WouldGet([]byte{0, 2, 0, 0, 0, 9, 1}, 1, wire.IANA); len(got) != tt.pools {
			t.Errorf("%s: %v", tt.condition, got)
		}
	}
}
