package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

func TestDomainNames(t *testing.T) {
	l63, l64 := strings.Repeat("a", 63), strings.Repeat("a", 64)
	// Three labels of 63 octets and one of 61 make 255 octets with their lengths and the root's label.
	longest := l63 + "." + l63 + "." + l63 + "." + strings.Repeat("a", 61)
	for _, test := range []struct {
		text    string
		full    string // "-": no name
		partial string
	}{
		{"example.com", "\x07example\x03com\x00", "\x07example\x03com"},
		{"example.com.", "\x07example\x03com\x00", "\x07example\x03com\x00"},
		{"host", "\x04host\x00", "\x04host"},
		{".", "\x00", "\x00"},
		{"", "-", ""},
		{`a\.b.c`, "\x03a.b\x01c\x00", "\x03a.b\x01c"},
		{`a\\b`, "\x03a\\b\x00", "\x03a\\b"},
		{`a\032b\255`, "\x04a b\xff\x00", "\x04a b\xff"},
		{l63, "\x3f" + l63 + "\x00", "\x3f" + l63},
		{
			longest, "\x3f" + l63 + "\x3f" + l63 + "\x3f" + l63 + "\x3d" + strings.Repeat("a", 61) + "\x00",
			"\x3f" + l63 + "\x3f" + l63 + "\x3f" + l63 + "\x3d" + strings.Repeat("a", 61),
		},
		{longest + "a", "-", "-"},
		{longest + "a.", "-", "-"},
		{l64, "-", "-"},
		{l64 + ".com", "-", "-"},
		{"a..b", "-", "-"},
		{".a", "-", "-"},
		{"..", "-", "-"},
		{"a..", "-", "-"},
		{`a\`, "-", "-"},
		{`a\25`, "-", "-"},
		{`a\2x5`, "-", "-"},
		{`a\256`, "-", "-"},
	} {
		for _, way := range []struct {
			name   string
			append func([]byte, string) ([]byte, bool)
			want   string
		}{{"AppendDomainName", wire.AppendDomainName, test.full}, {"AppendPartialName", wire.AppendPartialName, test.partial}} {
			got, ok := way.append([]byte("before"), test.text)
			want := way.want
			if want == "-" {
				want = ""
			}
			if ok != (way.want != "-") || string(got) != "before"+want {
				t.Errorf("%s(%q) = %q, %v; want %q", way.name, test.text, got, ok, way.want)
			}
		}
	}
}

func TestNameText(t *testing.T) {
	long := bytes.Repeat(append([]byte{63}, bytes.Repeat([]byte{'a'}, 63)...), 4)
	for _, test := range []struct {
		data string
		text string
		rest string
		ok   bool
	}{
		{"\x07example\x03com\x00", "example.com.", "", true},
		{"\x07example\x03com", "example.com", "", true},
		{"\x01a\x00\x01b\x00", "a.", "\x01b\x00", true},
		{"\x00", ".", "", true},
		{"", "", "", true},
		{"\x03a.b\x00", `a\.b.`, "", true},
		{"\x04a b\xff", `a\032b\255`, "", true},
		{"\x05abcd", "", "\x05abcd", false},
		{"\x01a\xc0\x00", "", "\x01a\xc0\x00", false},
		{"\x40" + strings.Repeat("a", 64), "", "\x40" + strings.Repeat("a", 64), false},
		{string(long), "", string(long), false},
		{string(long[:254]), "", string(long[:254]), false},
	} {
		text, rest, ok := wire.AppendNameText([]byte("before "), []byte(test.data))
		if string(text) != "before "+test.text || string(rest) != test.rest || ok != test.ok {
			t.Errorf("AppendNameText(%q) = %q, %q, %v; want %q, %q, %v", test.data, text, rest, ok, test.text, test.rest, test.ok)
		}
	}
}

// What reads as a name is written as the same octets again.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "\x00", "\x07example\x03com\x00", "\x04host", "\x03a.b\x02\\\\\x00", "\x01\xff", "\xc0\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, rest, ok := wire.AppendNameText(nil, data)
		if !ok {
			return
		}
		again, ok := wire.AppendPartialName(nil, string(text))
		if want := data[:len(data)-len(rest)]; !ok || !bytes.Equal(again, want) {
			t.Errorf("%x reads %q, which is written %x, %v", want, text, again, ok)
		}
	})
}
