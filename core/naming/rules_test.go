package naming_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
)

// usual are rules with most of what there is to decide.
func usual(t testing.TB) naming.Rules {
	t.Helper()
	return naming.Rules{
		Updates: true, Domain: mustName(t, "clients.example.net"), Zones: []naming.Name{mustName(t, "example.net")},
		Prefix: []byte("host"), Refused: [][]byte{[]byte("wpad"), []byte("localhost")},
	}
}

var where = netip.MustParseAddr("2001:db8::17").As16()

// partial and whole are the data of options with S set.
func partial(t testing.TB, text string) []byte {
	t.Helper()
	name := mustName(t, text)
	return append([]byte{byte(naming.FlagS)}, name[:len(name)-1]...)
}

func whole(t testing.TB, text string) []byte {
	t.Helper()
	return append([]byte{byte(naming.FlagS)}, mustName(t, text)...)
}

// describe writes a kept name with its flags, as in S host.example.net.
func describe(kept naming.Kept) string {
	if len(kept) == 0 {
		return "none"
	}
	return letters(kept.Flags()) + " " + kept.Name().String()
}

func letters(f naming.Flags) (text string) {
	for i, letter := range []string{"S", "O", "N"} {
		if f>>i&1 != 0 {
			text += letter
		}
	}
	return text + strings.Repeat("-", max(0, 1-len(text)))
}

func TestNamesThatClientsSend(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, test := range []struct {
		name string
		sent []byte
		want string
	}{
		{"partial", partial(t, "laptop"), "S laptop.clients.example.net."},
		{"upper case", partial(t, "LapTop"), "S laptop.clients.example.net."},
		{"partial of two labels", partial(t, "a.b"), "S a.b.clients.example.net."},
		{"whole in the domain", whole(t, "laptop.clients.example.net"), "S laptop.clients.example.net."},
		{"whole in a zone", whole(t, "Laptop.Example.net"), "S laptop.example.net."},
		{"whole elsewhere", whole(t, "laptop.example.org"), "S laptop.clients.example.net."},
		{"whole, one label", whole(t, "laptop"), "S laptop.clients.example.net."},
		{"the zone itself", whole(t, "example.net"), "S example.clients.example.net."},
		{"the domain itself", whole(t, "clients.example.net"), "S clients.clients.example.net."},
		{"nothing sent", nil, "none"},
		{"empty", []byte{1}, "none"},
		{"the root", []byte{1, 0}, "none"},
		{"text", []byte("\x01laptop.example.net"), "none"},
		{"strange octets", partial(t, `l\000a\032p't\.o\255p`), "S laptop.clients.example.net."},
		{"UTF-8", partial(t, "Küche"), "S kche.clients.example.net."},
		{"IDN", partial(t, "xn--kche-0ra"), "S xn--kche-0ra.clients.example.net."},
		{"nothing of it left", partial(t, "日本"), "none"},
		{"nothing of the first label left", whole(t, "日本.example.net"), "none"},
		{"a wildcard", whole(t, "*.example.net"), "none"},
		{"nothing of a later label left", partial(t, "a.日本.b"), "S a.b.clients.example.net."},
		{"hyphens around", partial(t, "--a-b--"), "S a-b.clients.example.net."},
		{"nothing but hyphens", partial(t, "---"), "none"},
		{"refused", partial(t, "WPAD"), "none"},
		{"refused, whole", whole(t, "wpad.example.net"), "none"},
		{"refused, whole elsewhere", whole(t, "localhost.localdomain"), "none"},
		{"refused once it is clean", partial(t, "wp'ad"), "none"},
		{"what is refused in a later label", partial(t, "a.wpad"), "S a.wpad.clients.example.net."},
		{"the longest label", partial(t, long), "S " + long + ".clients.example.net."},
		{"too long with the domain", partial(t, long+"."+long+"."+long+"."+long[:50]), "none"},
		{"too long, and whole elsewhere", whole(t, "a."+long+"."+long+"."+long+"."+long[:50]), "S a.clients.example.net."},
		{"255 octets", partial(t, long+"."+long+"."+long+"."+long[:41]), "S " + long + "." + long + "." + long + "." + long[:41] + ".clients.example.net."},
		{"256 octets", partial(t, long+"."+long+"."+long+"."+long[:42]), "none"},
	} {
		rules := usual(t)
		got := naming.Kept(rules.Append(nil, test.sent, nil, &where))
		if describe(got) != test.want {
			t.Errorf("%s: %s, want %s", test.name, describe(got), test.want)
		}
		if len(got) > naming.MaxKept {
			t.Errorf("%s: %d octets", test.name, len(got))
		}
	}
}

func TestSubstitute(t *testing.T) {
	rules := usual(t)
	rules.Substitute = []byte("x")
	for sent, want := range map[string]string{
		"a b": "axb", "ü": "xx", strings.Repeat("ü", 31): strings.Repeat("x", 62), strings.Repeat("a", 60) + "ü": strings.Repeat("a", 60) + "xx",
	} {
		got := naming.Kept(rules.Append(nil, partial(t, sent), nil, &where))
		if describe(got) != "S "+want+".clients.example.net." {
			t.Errorf("%q: %s", sent, describe(got))
		}
	}
	rules.Substitute = []byte("-u-")
	for sent, want := range map[string]string{
		"(host)": "S host.clients.example.net.", "a'b": "S a-u-b.clients.example.net.", strings.Repeat("ü", 11): "none",
	} {
		if sent == "(host)" {
			rules.Substitute = []byte("-")
		} else {
			rules.Substitute = []byte("-u-")
		}
		got := naming.Kept(rules.Append(nil, partial(t, sent), nil, &where))
		if describe(got) != want {
			t.Errorf("%q: %s, want %s", sent, describe(got), want)
		}
	}
}

func TestWithoutDomain(t *testing.T) {
	rules := usual(t)
	rules.Domain, rules.Generate = nil, naming.GenerateMissing
	for want, sent := range map[string][]byte{
		"none": partial(t, "laptop"), "S laptop.example.net.": whole(t, "laptop.example.net"),
	} {
		if got := describe(rules.Append(nil, sent, nil, &where)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	// A partial name that is a zone's own with the domain isn't a client's to have.
	rules = usual(t)
	rules.Domain, rules.Zones = mustName(t, "example.net"), append(rules.Zones, mustName(t, "lab.example.net"))
	if got := describe(rules.Append(nil, partial(t, "lab"), nil, &where)); got != "none" {
		t.Errorf("a client is called %s as a zone is", got)
	}
}

func TestGeneratedNames(t *testing.T) {
	sent, strange := partial(t, "laptop"), partial(t, "日本")
	for _, test := range []struct {
		name     string
		generate naming.Generate
		sent     []byte
		ignore   bool
		want     string
	}{
		{"never", naming.GenerateNever, nil, false, "none"},
		{"never, ignoring", naming.GenerateNever, sent, true, "none"},
		{"missing: none sent", naming.GenerateMissing, nil, false, "host-2001-db8--17"},
		{"missing: sent", naming.GenerateMissing, sent, false, "laptop"},
		{"missing: of no use", naming.GenerateMissing, strange, false, "host-2001-db8--17"},
		{"missing, ignoring", naming.GenerateMissing, sent, true, "host-2001-db8--17"},
		{"always: none sent", naming.GenerateAlways, nil, false, "host-2001-db8--17"},
		{"always: sent", naming.GenerateAlways, sent, false, "host-2001-db8--17"},
		{"sent: none sent", naming.GenerateSent, nil, false, "none"},
		{"sent: an empty one", naming.GenerateSent, []byte{1}, false, "none"},
		{"sent: sent", naming.GenerateSent, sent, false, "host-2001-db8--17"},
		{"sent: of no use", naming.GenerateSent, strange, false, "host-2001-db8--17"},
	} {
		rules := usual(t)
		rules.Generate, rules.Ignore = test.generate, test.ignore
		want := test.want
		if want != "none" {
			want = "S " + want + ".clients.example.net."
		}
		if got := describe(rules.Append(nil, test.sent, nil, &where)); got != want {
			t.Errorf("%s: %s, want %s", test.name, got, want)
		}
		reserved := mustName(t, "printer.example.net")
		if got := describe(rules.Append(nil, test.sent, reserved, &where)); got != "S printer.example.net." {
			t.Errorf("%s, reserved: %s", test.name, got)
		}
	}
	rules := usual(t)
	rules.Generate = naming.GenerateAlways
	for addr, want := range map[string]string{
		"2001:db8::":                             "host-2001-db8--0",
		"2001:db8:1::":                           "host-2001-db8-1--0",
		"::1":                                    "host---1",
		"::":                                     "host---0",
		"::ffff:1.2.3.4":                         "host---ffff-1-2-3-4",
		"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff": "host-2001-db8-aaaa-bbbb-cccc-dddd-eeee-ffff",
	} {
		at := netip.MustParseAddr(addr).As16()
		if got := describe(rules.Append(nil, nil, nil, &at)); got != "S "+want+".clients.example.net." {
			t.Errorf("%s: %s", addr, got)
		}
	}
	at := netip.MustParseAddr("2001:db8a:aaaa:bbbb:cccc:dddd:eeee:ffff").As16()
	rules.Prefix = []byte(strings.Repeat("h", naming.MaxPrefix))
	if got := naming.Kept(rules.Append(nil, nil, nil, &at)).Name(); len(got) == 0 || got[0] != 63 {
		t.Errorf("with the longest prefix: %s", got)
	}
	rules.Prefix = append(rules.Prefix, 'h')
	if got := describe(rules.Append(nil, nil, nil, &at)); got != "none" {
		t.Errorf("a label of 64 octets: %s", got)
	}
}

// TestAppendLeavesWhatStands appends behind what is there, with room and without.
func TestAppendLeavesWhatStands(t *testing.T) {
	rules := usual(t)
	for _, sent := range [][]byte{whole(t, "a.example.net"), whole(t, "a.example.org"), partial(t, "a"), partial(t, "wpad"), nil} {
		for _, room := range []int{0, 1, 5, 20, 400} {
			dst := append(make([]byte, 0, 3+room), "abc"...)
			got := rules.Append(dst[:3:3+room], sent, nil, &where)
			if want := rules.Append(nil, sent, nil, &where); string(got) != "abc"+string(want) {
				t.Errorf("%q, room for %d: %q", sent, room, got)
			}
		}
	}
}
