package wire_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

func TestAppendVendorInformation(t *testing.T) {
	const (
		a1b2 = "0011 000e 00000001 0001 0001 a1 0002 0001 a2"
		x1   = "0011 0009 00000001 0001 0001 ff"
		x3x3 = "0011 000e 00000001 0003 0001 c1 0003 0001 c2"
		two  = "0011 0009 00000002 0001 0001 dd"
	)
	for name, test := range map[string]struct {
		layers []string
		want   string
	}{
		"one":                       {[]string{a1b2 + two}, a1b2 + two},
		"none":                      {nil, ""},
		"an empty one":              {[]string{"", two}, two},
		"the uppermost counts":      {[]string{x1, a1b2}, "0011 000e 00000001 0001 0001 ff 0002 0001 a2"},
		"enterprises beside":        {[]string{two, a1b2}, two + a1b2},
		"both stay of one layer":    {[]string{x1, x3x3}, "0011 0013 00000001 0001 0001 ff 0003 0001 c1 0003 0001 c2"},
		"three":                     {[]string{x1, two, x3x3 + two}, "0011 0013 00000001 0001 0001 ff 0003 0001 c1 0003 0001 c2" + two},
		"one enterprise twice":      {[]string{a1b2 + x3x3}, "0011 0018 00000001 0001 0001 a1 0002 0001 a2 0003 0001 c1 0003 0001 c2"},
		"no number":                 {[]string{"0011 0002 0001" + two}, two},
		"suboptions cut off":        {[]string{"0011 0007 00000002 0001 00"}, "0011 0004 00000002"},
		"only an enterprise number": {[]string{"0011 0004 00000001", x1}, x1},
	} {
		t.Run(name, func(t *testing.T) {
			var layers [][]byte
			for _, text := range test.layers {
				b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
				if err != nil {
					t.Fatal(err)
				}
				layers = append(layers, b)
			}
			got := hex.EncodeToString(wire.AppendVendorInformation(nil, len(layers), func(i int) []byte { return layers[i] }))
			if want := strings.ReplaceAll(test.want, " ", ""); got != want {
				t.Errorf("want %s\ngot  %s", want, got)
			}
		})
	}
}
