package admin

import (
	"net/url"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
)

// named is an extension with flags and a name in wire form.
func named(flags naming.Flags, name string) binding.Extension {
	return binding.AppendExtension(nil, binding.ExtFQDN, append([]byte{byte(flags)}, name...))
}

func TestNameOf(t *testing.T) {
	for _, test := range []struct {
		of          binding.Extension
		name, flags string
	}{
		{nil, "", ""},
		{named(naming.FlagS, "\x02pc\x07example\x03net\x00"), "pc.example.net", "S"},
		{named(naming.FlagS|naming.FlagO, "\x02pc\x00"), "pc", "SO"},
		{named(naming.FlagO, "\x02pc\x00"), "pc", "O"},
		{named(naming.FlagN, "\x02pc\x00"), "pc", "N"},
		{named(0, "\x02pc\x00"), "pc", ""},
		{named(0, "\x04a.b\xff\x00"), `a\.b\255`, ""},
		{named(naming.FlagS, "\x02pc"), "", ""}, // no whole name
		{named(naming.FlagS, ""), "", ""},
		{binding.AppendExtension(nil, binding.ExtFQDN, nil), "", ""},
	} {
		if name, flags := nameOf(test.of); name != test.name || flags != test.flags {
			t.Errorf("%x: %q %q, want %q %q", []byte(test.of), name, flags, test.name, test.flags)
		}
	}
}

// TestNamePatterns: a pattern chooses what it says, however it is written, and is the same when it was sent.
func TestNamePatterns(t *testing.T) {
	names := []string{"\x02pc\x07example\x03net\x00", "\x06host-2\x07example\x03net\x00", "\x03a.b\x03net\x00", "\x01*\x03net\x00", "\x02ax\x00", "\x02a\\\x00"}
	for pattern, want := range map[string]string{
		"pc.example.net": "0", "PC.Example.NET.": "0", "pc": "", "pc*": "0", "*": "0 1 2 3 4 5", "**": "0 1 2 3 4 5",
		"*.net": "0 1 2 3", "*.NET.": "0 1 2 3", "*example*": "0 1", "host-*": "1", "host-2.*": "1", "pc.e*": "0", "*.*": "0 1 2 3",
		`a\.b.net`: "2", `a\046b.net`: "2", `a\.*`: "2", "a.*": "", `\*.net`: "3", `\042.net`: "3", `*\*.net`: "3", "a*": "2 4 5", `a\\`: "5",
		`a\\*`: "5", `*\\`: "5", `*\.b.n*`: "2",
	} {
		f, err := ParseFilter(url.Values{"name": {pattern}})
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		again, err := ParseFilter(f.Query())
		if err != nil || again.Name != f.Name {
			t.Errorf("%s is sent as %s and read as %s, %v", pattern, f.Name, again.Name, err)
		}
		var got []string
		for i, name := range names {
			if again.matchName(named(naming.FlagS, name)) {
				got = append(got, string(rune('0'+i)))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s chooses %v, want %s", pattern, got, want)
		}
		if again.matchName(nil) {
			t.Errorf("%s chooses a client without a name", pattern)
		}
	}
	for pattern, want := range map[string]string{
		"": "is empty", ".": "the root", "a*b": "first or last", "*a*b*": "first or last", "a..b": "1 to 63 octets", "a..": "label is empty", "..": "label is empty", "a..*": "label is empty", ".a": "1 to 63 octets",
		`a\`: "nothing behind it", `a\25*`: "three digits", `a\256`: "at most 255", strings.Repeat("a", 64): "1 to 63 octets", "..*": "label is empty",
	} {
		if _, err := ParseFilter(url.Values{"name": {pattern}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}
