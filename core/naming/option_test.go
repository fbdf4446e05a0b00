package naming_test

import (
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
)

// TestParseOption reads the data of the option (RFC 4704, Section 4).
func TestParseOption(t *testing.T) {
	full := strings.Repeat("\x3f"+strings.Repeat("a", 63), 3) + "\x3d" + strings.Repeat("a", 61) + "\x00"
	for name, test := range map[string]struct {
		data  string
		flags naming.Flags
		ok    bool
	}{
		"whole name":            {"\x01\x04host\x03net\x00", naming.FlagS, true},
		"partial name":          {"\x05\x04host", naming.FlagS | naming.FlagN, true},
		"no name":               {"\x00", 0, true},
		"the root":              {"\x00\x00", 0, true},
		"unknown flags":         {"\xfb\x04host", naming.FlagS | naming.FlagO, true},
		"the longest name":      {"\x00" + full, 0, true},
		"nothing":               {"", 0, false},
		"too long":              {"\x00" + full + "\x00", 0, false},
		"label that is cut":     {"\x00\x04hos", 0, false},
		"something behind":      {"\x00\x04host\x00\x00", 0, false},
		"label of 64":           {"\x00\x40" + strings.Repeat("a", 64), 0, false},
		"compressed":            {"\x00\x04host\xc0\x00", 0, false},
		"text":                  {"\x01host.example.net", 0, false},
		"length and not a name": {"\x00\x3f", 0, false},
	} {
		option, ok := naming.ParseOption([]byte(test.data))
		if ok != test.ok || ok && option.Flags != test.flags {
			t.Errorf("%s: %v %v", name, option.Flags, ok)
		}
	}
}

func TestKept(t *testing.T) {
	kept := naming.Kept("\x03\x04host\x03net\x00")
	if got := kept.Name().String(); got != "host.net." || kept.Flags() != naming.FlagS|naming.FlagO {
		t.Errorf("%v %s", kept.Flags(), got)
	}
	for _, none := range []string{"", "\x01", "\x01\x04host", "\x01\x04host\x00\x00", "\x01\xc0\x00"} {
		if name := naming.Kept(none).Name(); name != nil {
			t.Errorf("%q is called %s", none, name)
		}
	}
	if naming.Kept(nil).Flags() != naming.FlagN {
		t.Error("of what isn't kept something is kept in DNS")
	}
}
