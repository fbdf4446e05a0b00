package naming_test

import (
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
)

func mustName(t testing.TB, text string) naming.Name {
	t.Helper()
	name, err := naming.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestParseName reads names as people write them (RFC 1035, Section 5.1), and writes them again.
func TestParseName(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, test := range []struct{ text, wire, again string }{
		{"host.example.net", "\x04host\x07example\x03net\x00", "host.example.net."},
		{"host.example.net.", "\x04host\x07example\x03net\x00", "host.example.net."},
		{"HoSt", "\x04host\x00", "host."},
		{".", "\x00", "."},
		{`a\.b.c`, "\x03a.b\x01c\x00", `a\.b.c.`},
		{`host\.`, "\x05host.\x00", `host\..`},
		{`host\..`, "\x05host.\x00", `host\..`},
		{`\\.net`, "\x01\\\x03net\x00", `\\.net.`},
		{`\000\255x`, "\x03\x00\xffx\x00", `\000\255x.`},
		{`\065`, "\x01a\x00", "a."},
		{"ü", "\x02\xc3\xbc\x00", `\195\188.`},
		{"*.example.net", "\x01*\x07example\x03net\x00", "*.example.net."},
		{"_dhcp_.x-y", "\x06_dhcp_\x03x-y\x00", "_dhcp_.x-y."},
		{label, "\x3f" + label + "\x00", label + "."},
	} {
		name, err := naming.ParseName(test.text)
		if err != nil || string(name) != test.wire {
			t.Errorf("%q: %q, %v, want %q", test.text, []byte(name), err, test.wire)
			continue
		}
		if got := name.String(); got != test.again {
			t.Errorf("%q is written %q, want %q", test.text, got, test.again)
		}
		if again := mustName(t, name.String()); string(again) != test.wire {
			t.Errorf("%q read again is %q", name.String(), []byte(again))
		}
	}
}

func TestParseNameRefuses(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 61)+".", 4) // 248 octets
	for text, why := range map[string]string{
		"":                            "a label has 1 to 63 octets, this has 0",
		"..":                          "a label has 1 to 63 octets, this has 0",
		".net":                        "a label has 1 to 63 octets, this has 0",
		"a..net":                      "a label has 1 to 63 octets, this has 0",
		"a.net..":                     "a label has 1 to 63 octets, this has 0",
		strings.Repeat("a", 64):       "a label has 1 to 63 octets, this has 64",
		long + strings.Repeat("a", 6): "at most 255 octets in its wire form, this has 256",
		`a\`:                          "nothing behind it",
		`\1`:                          "a backslash and three digits",
		`\12x`:                        "a backslash and three digits",
		`\256`:                        "at most 255",
	} {
		if name, err := naming.ParseName(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, %v, want: %s", text, name, err, why)
		}
	}
	if name := mustName(t, long+strings.Repeat("a", 5)); len(name) != naming.MaxName {
		t.Errorf("the longest name has %d octets", len(name))
	}
}

func TestUnder(t *testing.T) {
	for _, test := range []struct {
		name, zone string
		want       bool
	}{
		{"host.example.net", "example.net", true},
		{"example.net", "example.net", true},
		{"example.net", "host.example.net", false},
		{"hostexample.net", "example.net", false},
		{`host\.example.net`, "example.net", false},
		{"host.example.org", "example.net", false},
		{"host.example.net", ".", true},
		{".", ".", true},
		{".", "net", false},
	} {
		if got := mustName(t, test.name).Under(mustName(t, test.zone)); got != test.want {
			t.Errorf("%s under %s: %v", test.name, test.zone, got)
		}
	}
	if mustName(t, "host.net").Under(nil) {
		t.Error("a name lies under no name")
	}
}

func TestLongest(t *testing.T) {
	zones := []naming.Name{mustName(t, "net"), mustName(t, "a.example.net"), mustName(t, "example.net"), mustName(t, "example.org")}
	for name, want := range map[string]int{
		"x.a.example.net": 1, "a.example.net": 1, "b.example.net": 2, "other.net": 0, "example.com": -1, "x.example.org": 3,
	} {
		if got := naming.Longest(zones, mustName(t, name)); got != want {
			t.Errorf("%s: zone %d, want %d", name, got, want)
		}
	}
	if got := naming.Longest(nil, mustName(t, "net")); got != -1 {
		t.Errorf("of no zones: %d", got)
	}
}
