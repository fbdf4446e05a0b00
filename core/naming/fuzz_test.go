package naming_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
)

// FuzzAppend sends whatever a client may send: what comes of it is nothing, or flags and a name of host's octets in the domain or a
// zone, which is no zone's own.
func FuzzAppend(f *testing.F) {
	f.Add([]byte("\x01\x06laptop"), uint8(1), "")
	f.Add([]byte("\x00\x04wpad\x07example\x03net\x00"), uint8(0), "-")
	f.Add([]byte("\x04\x02\xc3\xbc\x07example\x03net\x00"), uint8(7), "x")
	f.Add([]byte("\x01laptop.example.net"), uint8(2), "ue")
	f.Fuzz(func(t *testing.T, sent []byte, how uint8, substitute string) {
		rules := usual(t)
		rules.Generate, rules.Ignore = naming.Generate(how&3), how&4 != 0
		rules.AllowOwn, rules.AllowNone, rules.Updates = how&8 != 0, how&16 != 0, how&32 == 0
		if len(substitute) <= 8 && len(substitute) > 0 && substitute[0] >= 'a' && substitute[0] <= 'z' {
			rules.Substitute = []byte(substitute[:1])
		}
		kept := naming.Kept(rules.Append(nil, sent, nil, &where))
		if len(kept) == 0 {
			return
		}
		name := kept.Name()
		switch {
		case name == nil || len(kept) > naming.MaxKept:
			t.Fatalf("%x: kept is %x", sent, []byte(kept))
		case !name.Under(rules.Zones[0]) || len(name) <= len(rules.Zones[0]):
			t.Errorf("%x: %s lies in no zone", sent, name)
		}
		for label := range name.Labels() {
			if label[0] == '-' || label[len(label)-1] == '-' {
				t.Errorf("%x: %s has a label with hyphens around it", sent, name)
			}
		}
		if again := mustName(t, name.String()); string(again) != string(name) {
			t.Errorf("%x: %s read again is %s", sent, name, again)
		}
		contradicts := kept.Flags() == naming.FlagN|naming.FlagO && rules.Updates // N with S, which no client may send
		if next := rules.AppendAgain(nil, kept, nil, &where); !contradicts && rules.Generate == naming.GenerateMissing && string(next) != string(kept) {
			t.Errorf("%x: %s became %s", sent, describe(kept), describe(next))
		}
	})
}

// FuzzParseName reads text: what is a name is read as the same one when it is written again.
func FuzzParseName(f *testing.F) {
	f.Add("host.example.net")
	f.Add(`a\.b\000.`)
	f.Fuzz(func(t *testing.T, text string) {
		name, err := naming.ParseName(text)
		if err != nil {
			return
		}
		if len(name) > naming.MaxName || naming.Kept(append([]byte{0}, name...)).Name() == nil {
			t.Fatalf("%q: %x", text, []byte(name))
		}
		if again := mustName(t, name.String()); string(again) != string(name) {
			t.Errorf("%q: %s read again is %s", text, name, again)
		}
	})
}
